//! `POST` and `GET /v1/villages/{village}/dividends`.

use actix_web::web::Data;
use actix_web::{get, post};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::rules::shares;
use crate::app::App;
use crate::calendar;
use crate::http::Query;
use crate::identity::{Confirms, Decides, Neighbour, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::kernel::year::Year;
use crate::rankings::{self, Ranked};

/// A pool to be distributed by the final ranking of a year.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDividend {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub year: Year,
    /// The whole pool, in fen.
    #[validate(range(min = 1, max = 1_000_000_000_000_i64))]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 1_000_000)]
    pub pool_fen: i64,
    /// Where the money comes from, and what was decided about it.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "村民代表会议决议：合作社年度盈余")]
    pub note: String,
}

/// A dividend (分红); each household's share is one of the awards.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Dividend {
    pub id: Uuid,
    pub year: Year,
    /// The whole pool, in fen: the shares sum to it.
    #[schema(example = 1_000_000)]
    pub pool_fen: i64,
    #[schema(example = "村民代表会议决议：合作社年度盈余")]
    pub note: String,
    /// `proposed`, `approved` or `rejected`.
    #[schema(example = "proposed")]
    pub status: String,
    pub proposed_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "金额有误")]
    pub decided_reason: Option<String>,
    /// What the caller can do with it: `decide`.
    #[serde(default)]
    #[schema(example = json!(["decide"]))]
    pub allowed_actions: Vec<String>,
}

/// Propose to distribute a pool by the final ranking of a year
#[utoipa::path(tag = "awards", operation_id = "dividends_propose", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewDividend, responses((status = 201, body = Dividend)),
    extensions(("x-codes" = json!("role_required ranking_not_final dividend_exists \
        dividend_without_points reason_required id_taken invalid_field"))))]
#[post("/v1/villages/{village}/dividends")]
async fn propose_dividend(
    member: Official<Decides>,
    dividend: Command<NewDividend>,
    app: Data<App>,
) -> Outcome<Answer<Dividend>> {
    let done = dividend.once(&app, member.village.as_str(), member.account, async |tx| {
        propose(tx, &member, &dividend.body, app.clock.now()).await?;
        show(row(tx, &member.village, dividend.body.id).await?, Vec::new())
    });
    Ok(done.await?.created())
}

async fn propose(tx: &Tx, by: &Official<Decides>, new: &NewDividend, now: Instant) -> Outcome<()> {
    let village = &by.village;
    let note = required(&new.note, "/note")?;
    calendar::touch(tx, village, now).await?;
    distribution(tx, village, new.year, new.pool_fen, now).await?;
    let sql = "SELECT COUNT(*) FROM dividends \
               WHERE village = $1 AND year = $2 AND status <> 'rejected'";
    if db::number(tx, sql, [village.into(), new.year.into()]).await? > 0 {
        return Err(Code::DividendExists.into());
    }
    let sql = "INSERT INTO dividends (village, id, year, pool_fen, note, status, proposed_by, \
               proposed_at) VALUES ($1, $2, $3, $4, $5, 'proposed', $6, $7) \
               ON CONFLICT DO NOTHING";
    let values: [Value; 7] = [
        village.into(),
        new.id.into(),
        new.year.into(),
        new.pool_fen.into(),
        note.into(),
        by.person.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "dividend.propose",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "year": new.year, "pool_fen": new.pool_fen }),
    };
    audit::record(tx, now, act).await
}

/// Who gets how many fen of a pool, in order of rank.
///
/// # Errors
/// `ranking_not_final`; `dividend_without_points` if nobody earned anything.
pub async fn distribution(
    tx: &Tx,
    village: &Village,
    year: Year,
    pool_fen: i64,
    now: Instant,
) -> Outcome<Vec<(Ranked, i64)>> {
    let ranking = rankings::year_ranking(tx, village, year).await?;
    if !ranking.is_some_and(|it| it.is_final()) {
        return Err(Code::RankingNotFinal.into());
    }
    let ranked = rankings::ranked(tx, village, year, now).await?;
    let points: Vec<_> = ranked.iter().map(|it| it.points).collect();
    let shares = shares(pool_fen, &points).ok_or(Code::DividendWithoutPoints)?;
    Ok(ranked.into_iter().zip(shares).collect())
}

/// The dividend of this id.
///
/// # Errors
/// `not_found`.
pub async fn row(
    on: &impl ConnectionTrait,
    village: &Village,
    id: Uuid,
) -> Outcome<entity::dividend::Model> {
    let sql = "SELECT * FROM dividends WHERE village = $1 AND id = $2";
    Ok(db::one(on, sql, [village.into(), id.into()]).await?.ok_or(Code::NotFound)?)
}

pub fn show(row: entity::dividend::Model, allowed_actions: Vec<String>) -> Outcome<Dividend> {
    Ok(Dividend {
        year: row.year.parse().map_err(|_| Problem::fault(format!("dividend {}", row.id)))?,
        id: row.id,
        pool_fen: row.pool_fen,
        note: row.note,
        status: row.status,
        proposed_at: Instant(row.proposed_at),
        decided_at: row.decided_at.map(Instant),
        decided_reason: row.decided_reason,
        allowed_actions,
    })
}

#[derive(Serialize, ToSchema)]
pub struct DividendPage {
    pub items: Vec<Dividend>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DividendQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// The village's dividends, newest first
#[utoipa::path(tag = "awards", operation_id = "dividends_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), DividendQuery),
    responses((status = 200, body = DividendPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/villages/{village}/dividends")]
async fn list_dividends(
    caller: Neighbour,
    query: Query<DividendQuery>,
    app: Data<App>,
) -> Outcome<Answer<DividendPage>> {
    let filter = format!("dividends {}", caller.village);
    let start = Start::parse(query.0.cursor.as_deref(), query.0.limit, &filter)?;
    let sql = "SELECT * FROM dividends WHERE village = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    let after: Uuid = start.after.unwrap_or(Uuid::max());
    let values: [Value; 3] = [(&caller.village).into(), after.into(), start.fetch().into()];
    let rows = db::all::<entity::dividend::Model>(app.db.read(), sql, values).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let confirms = caller.serves::<Confirms>();
    let item = |row: entity::dividend::Model| {
        let open = confirms && row.status == "proposed" && row.proposed_by != caller.person;
        show(row, open.then(|| "decide".to_owned()).into_iter().collect())
    };
    let items = page.items.into_iter().map(item).collect::<Outcome<_>>()?;
    Ok(Answer::ok(DividendPage { items, next_cursor: page.next_cursor }))
}
