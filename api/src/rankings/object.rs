//! `POST` and `GET /v1/villages/{village}/rankings/{year}/objections`.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::decider::Decider;
use super::year::year_ranking;
use crate::app::App;
use crate::calendar;
use crate::http::{Query, path_part};
use crate::identity::{Neighbour, Official, Watches};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::kernel::year::Year;

/// A villager says that a year's ranking is wrong.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRankingObjection {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// What is wrong with the ranking.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "第三名有一笔积分重复")]
    pub reason: String,
}

/// An objection (异议) to a year's ranking. Who filed it is for those who watch over the village only.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct RankingObjection {
    pub id: Uuid,
    pub year: Year,
    #[schema(example = "第三名有一笔积分重复")]
    pub reason: String,
    /// `filed`, `decided` or `lapsed`.
    #[schema(example = "filed")]
    pub status: String,
    pub filed_at: Instant,
    /// The household of whoever filed it; absent for all but the filer and those who watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub household: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decision: Option<RankingDecision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "该笔积分已冲正")]
    pub decided_reason: Option<String>,
    /// What the caller can do with it: `decide`.
    #[serde(default)]
    #[schema(example = json!(["decide"]))]
    pub allowed_actions: Vec<String>,
}

/// What the township decides on an objection to a ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RankingDecision {
    /// The ranking stands.
    Dismissed,
    /// The ranking is made anew from the points as they have been corrected.
    Upheld,
}

/// Object to a year's ranking while it is in publicity
#[utoipa::path(tag = "rankings", operation_id = "rankings_object", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("year" = Year, Path, description = "The year")),
    request_body = NewRankingObjection, responses((status = 201, body = RankingObjection)),
    extensions(("x-codes" = json!("role_required list_not_open objection_exists reason_required \
        id_taken invalid_field"))))]
#[post("/v1/villages/{village}/rankings/{year}/objections")]
async fn object_to_ranking(
    filer: Neighbour,
    request: HttpRequest,
    objection: Command<NewRankingObjection>,
    app: Data<App>,
) -> Outcome<Answer<RankingObjection>> {
    let year: Year = path_part(&request, "year")?;
    let done = objection.once(&app, filer.village.as_str(), filer.account, async |tx| {
        file(&app, tx, &filer, year, &objection.body).await?;
        show(row(tx, &filer.village, year, objection.body.id).await?, true, Vec::new())
    });
    Ok(done.await?.created())
}

async fn file(
    app: &App,
    tx: &Tx,
    filer: &Neighbour,
    year: Year,
    new: &NewRankingObjection,
) -> Outcome<()> {
    let village = &filer.village;
    let household = filer.own_household()?;
    let reason = required(&new.reason, "/reason")?;
    let now = app.clock.now();
    // Also the village's lock, under which a ranking becomes final.
    calendar::touch(tx, village, now).await?;
    let ranking = year_ranking(tx, village, year).await?;
    if !ranking.is_some_and(|it| it.is_open(now)) {
        return Err(Code::ListNotOpen.into());
    }
    let sql = "SELECT COUNT(*) FROM ranking_objections \
               WHERE village = $1 AND year = $2 AND filer_household = $3 AND status = 'filed'";
    let values: [Value; 3] = [village.into(), year.into(), household.into()];
    if db::number(tx, sql, values).await? > 0 {
        return Err(Code::ObjectionExists.into());
    }
    let sql = "INSERT INTO ranking_objections (village, id, year, filed_by, filer_household, \
               reason, status, filed_at) VALUES ($1, $2, $3, $4, $5, $6, 'filed', $7) \
               ON CONFLICT DO NOTHING";
    let values: [Value; 7] = [
        village.into(),
        new.id.into(),
        year.into(),
        filer.person.into(),
        household.into(),
        reason.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(filer.person),
        action: "ranking_objection.file",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "year": year }),
    };
    audit::record(tx, now, act).await
}

/// The objection of this id to this year's ranking.
///
/// # Errors
/// `not_found`.
pub async fn row(
    on: &impl ConnectionTrait,
    village: &Village,
    year: Year,
    id: Uuid,
) -> Outcome<entity::ranking_objection::Model> {
    let sql = "SELECT * FROM ranking_objections WHERE village = $1 AND id = $2 AND year = $3";
    let values: [Value; 3] = [village.into(), id.into(), year.into()];
    Ok(db::one(on, sql, values).await?.ok_or(Code::NotFound)?)
}

/// The objection as one sees it who is told who filed it, or is not.
pub fn show(
    row: entity::ranking_objection::Model,
    named: bool,
    allowed_actions: Vec<String>,
) -> Outcome<RankingObjection> {
    let odd = || Problem::fault(format!("ranking objection {}", row.id));
    let decision = row.decision.clone().map(|word| serde_json::from_value(word.into()));
    Ok(RankingObjection {
        year: row.year.parse().map_err(|_| odd())?,
        decision: decision.transpose().map_err(|_| odd())?,
        id: row.id,
        reason: row.reason,
        status: row.status,
        filed_at: Instant(row.filed_at),
        household: named.then_some(row.filer_household),
        decided_at: row.decided_at.map(Instant),
        decided_reason: row.decided_reason,
        allowed_actions,
    })
}

#[derive(Serialize, ToSchema)]
pub struct RankingObjectionPage {
    pub items: Vec<RankingObjection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RankingObjectionQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Objections to a year's ranking, newest first
#[utoipa::path(tag = "rankings", operation_id = "rankings_list_objections", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("year" = Year, Path, description = "The year"), RankingObjectionQuery),
    responses((status = 200, body = RankingObjectionPage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/rankings/{year}/objections")]
async fn list_ranking_objections(
    officer: Official<Watches>,
    request: HttpRequest,
    query: Query<RankingObjectionQuery>,
    app: Data<App>,
) -> Outcome<Answer<RankingObjectionPage>> {
    let year: Year = path_part(&request, "year")?;
    let filter = format!("ranking objections {} {year}", officer.village);
    let start = Start::parse(query.0.cursor.as_deref(), query.0.limit, &filter)?;
    let sql = "SELECT * FROM ranking_objections WHERE village = $1 AND year = $2 AND id < $3 \
               ORDER BY id DESC LIMIT $4";
    let after: Uuid = start.after.unwrap_or(Uuid::max());
    let village = &officer.village;
    let values: [Value; 4] = [village.into(), year.into(), after.into(), start.fetch().into()];
    let rows = db::all::<entity::ranking_objection::Model>(app.db.read(), sql, values).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let decider = Decider::of(app.db.read(), &officer, &officer.village, year).await?;
    let now = app.clock.now();
    let item = |row: entity::ranking_objection::Model| {
        let may = decider.admit(&row, now).is_ok();
        show(row, true, may.then(|| "decide".to_owned()).into_iter().collect())
    };
    let items = page.items.into_iter().map(item).collect::<Outcome<_>>()?;
    Ok(Answer::ok(RankingObjectionPage { items, next_cursor: page.next_cursor }))
}
