//! `GET …/households/{household}/points` and `…/entries`: what a family has, what it may spend, and
//! why the rest is not spendable yet.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{may_read, read};
use crate::app::App;
use crate::http::{Query, path_id};
use crate::identity::Neighbour;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Week;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;

/// A household's points. All figures are whole points.
#[derive(Serialize, ToSchema)]
pub struct Points {
    /// Earned in all: credits, deductions, reversals and adjustments.
    #[schema(example = 39)]
    pub cumulative: i64,
    /// Scored, not yet through publicity.
    #[schema(example = 5)]
    pub pending: i64,
    /// Confirmed and not spent.
    #[schema(example = 34)]
    pub available: i64,
    /// Of the available ones, held for prizes not yet collected.
    #[schema(example = 20)]
    pub held: i64,
    /// May be spent when the window is open; 0 when there is a debt, or the file has ended.
    #[schema(example = 14)]
    pub spendable: i64,
    /// Collected, less refunds.
    #[schema(example = 0)]
    pub redeemed: i64,
    /// Came from or went to another household when one was split or merged; never counts for a rank.
    #[schema(example = 0)]
    pub transferred: i64,
    /// Not spent in time after the household moved out.
    #[schema(example = 0)]
    pub expired: i64,
    /// Why the pending points are not spendable yet.
    pub waiting: Vec<Waiting>,
}

/// Points that wait for the same thing.
#[derive(Serialize, ToSchema)]
pub struct Waiting {
    /// `before_publicity`, `in_publicity` or `contested`.
    #[schema(example = "in_publicity")]
    pub reason: String,
    #[schema(example = 5)]
    pub points: i64,
    /// When the wait ends, if nobody objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub until: Option<Instant>,
}

#[derive(FromQueryResult)]
struct Balance {
    account: String,
    points: i64,
    held: i64,
}

#[derive(FromQueryResult)]
struct WaitingRow {
    week: Option<String>,
    status: Option<String>,
    closes_at: Option<i64>,
    points: i64,
}

/// A household's points
#[utoipa::path(tag = "households", operation_id = "households_show_points", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    responses((status = 200, body = Points)), extensions(("x-codes" = json!("other_household"))))]
#[get("/v1/villages/{village}/households/{household}/points")]
async fn show_points(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Points>> {
    let id = path_id(&request, "household")?;
    let file = read::load(app.db.read(), &caller.village, id).await?;
    may_read(&caller, id)?;
    let points = points(&app, &caller, id).await?;
    let spends = file.status == "active" || file.spend_until.is_some();
    Ok(Answer::ok(Points { spendable: if spends { points.spendable } else { 0 }, ..points }))
}

async fn points(app: &App, caller: &Neighbour, household: Uuid) -> Outcome<Points> {
    let on = app.db.read();
    let key = || -> [Value; 2] { [(&caller.village).into(), household.into()] };
    let sql = "SELECT account, points, held FROM balances WHERE village = $1 AND household = $2";
    let balances = db::all::<Balance>(on, sql, key()).await?;
    let of = |account: &str| balances.iter().find(|it| it.account == account);
    let pending = of("pending").map_or(0, |it| it.points);
    let (available, held) = of("available").map_or((0, 0), |it| (it.points, it.held));
    let sql = "SELECT CAST(COALESCE(SUM(awarded), 0) AS BIGINT) FROM score_lines \
               WHERE village = $1 AND household = $2";
    let cumulative = db::number(on, sql, key()).await?;
    let sql = "SELECT CAST(COALESCE(SUM(points), 0) AS BIGINT) FROM redemptions \
               WHERE village = $1 AND household = $2 AND status = 'collected'";
    let redeemed = db::number(on, sql, key()).await?;
    let sql = "SELECT CASE WHEN p.line IS NULL THEN l.week END AS week, p.status, t.closes_at, \
                 CAST(SUM(l.awarded + COALESCE(r.awarded, 0)) AS BIGINT) AS points \
               FROM score_lines l \
               LEFT JOIN public_list_lines p ON p.village = l.village AND p.line = l.id \
               LEFT JOIN public_lists t ON t.village = p.village AND t.month = p.month \
               LEFT JOIN (SELECT reverses, CAST(SUM(awarded) AS BIGINT) AS awarded \
                 FROM score_lines WHERE village = $1 AND household = $2 \
                 AND reverses IS NOT NULL GROUP BY reverses) r ON r.reverses = l.id \
               WHERE l.village = $1 AND l.household = $2 AND l.kind <> 'reversal' \
                 AND p.confirmed_at IS NULL AND COALESCE(p.status, 'open') <> 'struck' \
               GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    let rows = db::all::<WaitingRow>(on, sql, key()).await?;
    let waiting = rows.into_iter().filter(|row| row.points != 0).map(waiting).collect();
    let spendable = (available - held).max(0);
    let transferred = moved(app, &caller.village, household, "transfer").await?;
    let expired = -moved(app, &caller.village, household, "expire").await?;
    Ok(Points {
        cumulative,
        pending,
        available,
        held,
        spendable,
        redeemed,
        transferred,
        expired,
        waiting,
    })
}

/// What a village's few journals of a kind moved to the household, or, below 0, from it.
async fn moved(app: &App, village: &Village, household: Uuid, kind: &str) -> Outcome<i64> {
    let sql = "SELECT CAST(COALESCE(SUM(p.points), 0) AS BIGINT) FROM journals j \
               JOIN postings p ON p.village = j.village AND p.journal = j.id \
                 AND p.account = 'available' AND p.household = $2 \
               WHERE j.village = $1 AND j.kind = $3";
    let values: [Value; 3] = [village.into(), household.into(), kind.into()];
    Ok(db::number(app.db.read(), sql, values).await?)
}

fn waiting(row: WaitingRow) -> Waiting {
    let (reason, until) = match (row.status.as_deref(), row.week) {
        (Some("contested"), _) => ("contested", None),
        (Some(_), _) => ("in_publicity", row.closes_at.map(Instant)),
        (None, week) => {
            let week = week.and_then(|week| week.parse::<Week>().ok());
            ("before_publicity", week.map(|week| week.month().last_week().ends_at()))
        }
    };
    Waiting { reason: reason.to_owned(), points: row.points, until }
}

/// One line of a household's account of its points.
#[derive(Serialize, ToSchema)]
pub struct Entry {
    pub id: Uuid,
    /// `claim`, `adjustment` or `reversal`.
    #[schema(example = "claim")]
    pub kind: String,
    #[schema(example = "env.courtyard_beautify")]
    pub rule: String,
    #[schema(example = "主动美化绿化庭院")]
    pub rule_name: String,
    #[schema(example = "living_environment")]
    pub category: String,
    #[schema(example = "2024-08-20")]
    pub occurred_on: String,
    pub approved_at: Instant,
    pub week: Week,
    /// Asked for.
    #[schema(example = 3)]
    pub claimed: i64,
    /// Given, after caps.
    #[schema(example = 3)]
    pub awarded: i64,
    /// Why less was awarded than claimed: `cap_reached` or `cap_exhausted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "cap_reached")]
    pub reason: Option<String>,
    /// The line's state on the public list, once it is there: `open`, `contested`, `upheld`,
    /// `adjusted` or `struck`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "open")]
    pub publicity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub confirmed_at: Option<Instant>,
    /// The entry this one takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reverses: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct EntryPage {
    pub items: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntryQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// A household's entries, newest first
#[utoipa::path(tag = "households", operation_id = "households_list_entries", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id"), EntryQuery),
    responses((status = 200, body = EntryPage)),
    extensions(("x-codes" = json!("other_household invalid_cursor"))))]
#[get("/v1/villages/{village}/households/{household}/entries")]
async fn list_entries(
    caller: Neighbour,
    request: HttpRequest,
    query: Query<EntryQuery>,
    app: Data<App>,
) -> Outcome<Answer<EntryPage>> {
    let id = path_id(&request, "household")?;
    read::load(app.db.read(), &caller.village, id).await?;
    may_read(&caller, id)?;
    let EntryQuery { cursor, limit } = query.0;
    let filter = format!("entries {id}");
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let items = entries(&app, &caller.village, id, &start).await?;
    let page = start.page(items, &filter, |entry| (entry.approved_at.0, entry.id));
    Ok(Answer::ok(EntryPage { items: page.items, next_cursor: page.next_cursor }))
}

#[derive(FromQueryResult)]
struct EntryRow {
    id: Uuid,
    kind: String,
    rule: String,
    rule_name: String,
    category: String,
    occurred_on: String,
    approved_at: i64,
    week: String,
    claimed: i64,
    awarded: i64,
    reason: Option<String>,
    publicity: Option<String>,
    confirmed_at: Option<i64>,
    reverses: Option<Uuid>,
}

async fn entries(
    app: &App,
    village: &Village,
    household: Uuid,
    start: &Start<(i64, Uuid)>,
) -> Outcome<Vec<Entry>> {
    let sql = "SELECT l.id, l.kind, l.rule, u.name_zh AS rule_name, l.category, l.occurred_on, \
                 l.approved_at, l.week, l.claimed, l.awarded, l.reason, p.status AS publicity, \
                 p.confirmed_at, l.reverses \
               FROM score_lines l JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
               LEFT JOIN public_list_lines p ON p.village = l.village AND p.line = l.id \
               WHERE l.village = $1 AND l.household = $2 \
                 AND (l.approved_at < $3 OR (l.approved_at = $3 AND l.id < $4)) \
               ORDER BY l.approved_at DESC, l.id DESC LIMIT $5";
    let (at, id) = start.after.unwrap_or((i64::MAX, Uuid::max()));
    let values: [Value; 5] =
        [village.into(), household.into(), at.into(), id.into(), start.fetch().into()];
    let rows = db::all::<EntryRow>(app.db.read(), sql, values).await?;
    let entry = |row: EntryRow| {
        let week = row.week.parse();
        Ok(Entry {
            id: row.id,
            kind: row.kind,
            rule: row.rule,
            rule_name: row.rule_name,
            category: row.category,
            occurred_on: row.occurred_on,
            approved_at: Instant(row.approved_at),
            week: week.map_err(|_| Problem::fault(format!("week {}", row.week)))?,
            claimed: row.claimed,
            awarded: row.awarded,
            reason: row.reason,
            publicity: row.publicity,
            confirmed_at: row.confirmed_at.map(Instant),
            reverses: row.reverses,
        })
    };
    rows.into_iter().map(entry).collect()
}
