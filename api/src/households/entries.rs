//! `GET …/households/{household}/entries`: the account of a family's points, line by line, and from when
//! each can be spent.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::doors::Doors;
use super::spend::outlook;
use super::waiting::{Reason, publicity};
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

/// One line of a household's account of its points.
#[derive(Serialize, ToSchema)]
pub struct Entry {
    pub id: Uuid,
    /// `claim`, `adjustment` or `reversal`.
    #[schema(example = "claim")]
    pub kind: String,
    /// A rule's key; of an adjustment the one it corrects, or `adjustment`.
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
    /// What is left of it after reversals; 0 for a reversal, so that what is left of all entries is the
    /// household's `cumulative`.
    #[schema(example = 3)]
    pub left: i64,
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
    /// What it waits for: absent once it can be spent, and where nothing of it is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub waiting: Option<Reason>,
    /// From when it can be spent, if nobody objects and neither policy nor list changes again; absent for
    /// deductions and reversals, while it is contested, and when the household's file has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub spendable_from: Option<Instant>,
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
    let file = read::load(app.db.read(), &caller.village, id).await?;
    may_read(&caller, id)?;
    let now = app.clock.now();
    let outlook = outlook(app.db.read(), &caller.village, &caller.policy, id, now).await?;
    let doors = Doors::of(&file, &caller.policy).with_term(outlook.late);
    let EntryQuery { cursor, limit } = query.0;
    let filter = format!("entries {id}");
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let items = entries(&app, &caller.village, id, &doors, &start).await?;
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
    points_left: i64,
    reason: Option<String>,
    publicity: Option<String>,
    closes_at: Option<i64>,
    extended_from: Option<i64>,
    confirmed_at: Option<i64>,
    reverses: Option<Uuid>,
}

async fn entries(
    app: &App,
    village: &Village,
    household: Uuid,
    doors: &Doors,
    start: &Start<(i64, Uuid)>,
) -> Outcome<Vec<Entry>> {
    let sql = "SELECT l.id, l.kind, l.rule, \
                 COALESCE(u.name_zh, '委员会调整') AS rule_name, l.category, l.occurred_on, \
                 l.approved_at, l.week, l.claimed, l.awarded, l.reason, p.status AS publicity, \
                 t.closes_at, t.extended_from, p.confirmed_at, l.reverses, \
                 CASE WHEN l.kind = 'reversal' THEN 0 \
                   ELSE l.awarded + COALESCE(r.awarded, 0) END AS points_left \
               FROM score_lines l \
               LEFT JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
               LEFT JOIN public_list_lines p ON p.village = l.village AND p.line = l.id \
               LEFT JOIN public_lists t ON t.village = p.village AND t.month = p.month \
               LEFT JOIN (SELECT reverses, CAST(SUM(awarded) AS BIGINT) AS awarded \
                 FROM score_lines WHERE village = $1 AND household = $2 \
                 AND reverses IS NOT NULL GROUP BY reverses) r ON r.reverses = l.id \
               WHERE l.village = $1 AND l.household = $2 \
                 AND (l.approved_at < $3 OR (l.approved_at = $3 AND l.id < $4)) \
               ORDER BY l.approved_at DESC, l.id DESC LIMIT $5";
    let (at, id) = start.after.unwrap_or((i64::MAX, Uuid::max()));
    let values: [Value; 5] =
        [village.into(), household.into(), at.into(), id.into(), start.fetch().into()];
    let rows = db::all::<EntryRow>(app.db.read(), sql, values).await?;
    let now = app.clock.now();
    rows.into_iter().map(|row| entry(row, doors, now)).collect()
}

fn entry(row: EntryRow, doors: &Doors, now: Instant) -> Outcome<Entry> {
    let week = row.week.parse();
    let week: Week = week.map_err(|_| Problem::fault(format!("week {}", row.week)))?;
    let (waiting, spendable_from) = prospect(&row, week, doors, now);
    Ok(Entry {
        id: row.id,
        kind: row.kind,
        rule: row.rule,
        rule_name: row.rule_name,
        category: row.category,
        occurred_on: row.occurred_on,
        approved_at: Instant(row.approved_at),
        week,
        claimed: row.claimed,
        awarded: row.awarded,
        left: row.points_left,
        reason: row.reason,
        publicity: row.publicity,
        confirmed_at: row.confirmed_at.map(Instant),
        waiting,
        spendable_from,
        reverses: row.reverses,
    })
}

/// What an entry waits for at `now`, and from when it can be spent.
fn prospect(
    row: &EntryRow,
    week: Week,
    doors: &Doors,
    now: Instant,
) -> (Option<Reason>, Option<Instant>) {
    if row.points_left == 0 {
        return (None, None);
    }
    let bonus = row.points_left > 0;
    let month = week.month();
    if let Some(confirmed_at) = row.confirmed_at {
        let closed = match doors.open_from(now) {
            Some(open) if open == now => Reason::NextWindow,
            _ => Reason::ShopClosed,
        };
        return match doors.spendable_from(month, Instant(confirmed_at), now) {
            // A deduction has done its work.
            _ if !bonus => (None, None),
            None => (Some(Reason::FileEnded), None),
            Some(from) => ((from > now).then_some(closed), Some(from)),
        };
    }
    let closes_at = row.closes_at.map(Instant);
    let (reason, until) = publicity(row.publicity.as_deref(), Some(week), closes_at);
    let confirmed_at = match reason {
        Reason::BeforePublicity => until.map(|opens_at| doors.list_closes(opens_at)),
        _ => until,
    };
    let extended = row.extended_from.is_some();
    let from = confirmed_at.filter(|_| bonus);
    (Some(reason), from.and_then(|at| doors.spendable_after(month, at, extended)))
}
