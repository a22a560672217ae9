//! `POST …/public-lists/{month}/lines/{line}/objections` and `GET …/objections`.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::rules::{Decision, takes_objections};
use crate::app::App;
use crate::calendar;
use crate::http::{Query, path_part};
use crate::identity::{Decides, Neighbour, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::page::Start;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;

/// A villager says that a line is wrong.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewObjection {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// What is wrong with the line.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "那天他家没有参加清扫")]
    pub reason: String,
}

/// An objection (异议). Who filed it is for the committee only.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Objection {
    pub id: Uuid,
    pub month: Month,
    /// The number of the line on the list.
    #[schema(example = 12)]
    pub line: i64,
    #[schema(example = "那天他家没有参加清扫")]
    pub reason: String,
    /// `filed`, `investigating`, `decided`, `appealed` or `final`.
    #[schema(example = "filed")]
    pub status: String,
    pub filed_at: Instant,
    /// The person who filed it; absent for all but the committee and the filer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub filed_by: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decision: Option<Decision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "签到表上有其签名")]
    pub decided_reason: Option<String>,
}

/// Object to a line of an open list
#[utoipa::path(tag = "publicity", operation_id = "objections_file", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month"),
        ("line" = i64, Path, description = "The line's number on the list", minimum = 1)),
    request_body = NewObjection, responses((status = 201, body = Objection)),
    extensions(("x-codes" = json!("role_required list_not_open objection_exists reason_required conflict_of_interest \
        id_taken wrong_state invalid_field"))))]
#[post("/v1/villages/{village}/public-lists/{month}/lines/{line}/objections")]
async fn file_objection(
    filer: Neighbour,
    request: HttpRequest,
    objection: Command<NewObjection>,
    app: Data<App>,
) -> Outcome<Answer<Objection>> {
    let (month, line) = (path_part(&request, "month")?, path_part(&request, "line")?);
    let done = objection.once(&app, filer.village.as_str(), filer.account, async |tx| {
        file(&app, tx, &filer, month, line, &objection.body).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

#[derive(FromQueryResult)]
struct ListRow {
    opens_at: i64,
    closes_at: i64,
}

async fn file(
    app: &App,
    tx: &Tx,
    filer: &Neighbour,
    month: Month,
    number: i64,
    new: &NewObjection,
) -> Outcome<Objection> {
    let village = &filer.village;
    let household = filer.own_household()?;
    let reason = readable(&new.reason)
        .ok_or_else(|| Refusal::from(Code::ReasonRequired).at("/reason", "required", ""))?;
    let now = app.clock.now();
    calendar::touch(tx, village, now).await?;
    // Shared: the list cannot close between the look at the clock and the commit.
    let sql = format!(
        "SELECT opens_at, closes_at FROM public_lists WHERE village = $1 AND month = $2{}",
        db::shared(tx)
    );
    let key: [Value; 2] = [village.into(), month.to_string().into()];
    let Some(list) = db::one::<ListRow>(tx, &sql, key).await? else {
        // The list of a month that is not over opens with its end.
        let coming = now < month.period().ends_at();
        return Err(if coming { Code::ListNotOpen } else { Code::NotFound }.into());
    };
    takes_objections(Instant(list.opens_at), Instant(list.closes_at), now)?;
    let line = line_of(tx, village, month, number).await?;
    if line.household != household && !line.publicly_itemised {
        // The list does not show it: nobody else is to know that there is such a line.
        return Err(Code::NotFound.into());
    }
    if line.status == "struck" {
        return Err(Refusal::wrong_state(line.status).into());
    }
    if line.household == household && line.awarded > 0 {
        // An objection to one's own credit could only shield it from the neighbours'.
        return Err(Code::ConflictOfInterest.into());
    }
    insert(tx, filer, household, (month, number, line.line), new.id, &reason, now).await?;
    let sql = "UPDATE public_list_lines SET status = 'contested' \
               WHERE village = $1 AND month = $2 AND number = $3";
    let values: [Value; 3] = [village.into(), month.to_string().into(), number.into()];
    db::run(tx, sql, values).await?;
    load(tx, village, new.id, Some(filer.person)).await
}

#[derive(FromQueryResult)]
pub struct LineRow {
    pub line: Uuid,
    pub status: String,
    pub household: Uuid,
    pub awarded: i64,
    pub publicly_itemised: bool,
}

/// The line of this number, kept unchanged until the transaction ends.
pub async fn line_of(tx: &Tx, village: &Village, month: Month, number: i64) -> Outcome<LineRow> {
    let sql = format!(
        "SELECT p.line, p.status, p.household, l.awarded, \
           COALESCE(u.publicly_itemised, l.awarded > 0) AS publicly_itemised \
         FROM public_list_lines p \
         JOIN score_lines l ON l.village = p.village AND l.id = p.line \
         LEFT JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
         WHERE p.village = $1 AND p.month = $2 AND p.number = $3{}",
        db::exclusively_of(tx, "p")
    );
    let values: [Value; 3] = [village.into(), month.to_string().into(), number.into()];
    Ok(db::one::<LineRow>(tx, &sql, values).await?.ok_or(Code::NotFound)?)
}

async fn insert(
    tx: &Tx,
    filer: &Neighbour,
    household: Uuid,
    (month, number, line): (Month, i64, Uuid),
    id: Uuid,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let village = &filer.village;
    let sql = "SELECT COUNT(*) FROM objections WHERE village = $1 AND line = $2 \
               AND filer_household = $3 AND status IN ('filed', 'investigating')";
    let values: [Value; 3] = [village.into(), line.into(), household.into()];
    if db::number(tx, sql, values).await? > 0 {
        return Err(Code::ObjectionExists.into());
    }
    let sql = "INSERT INTO objections (village, id, month, number, line, filed_by, \
               filer_household, reason, status, filed_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'filed', $9) ON CONFLICT DO NOTHING";
    let values: [Value; 9] = [
        village.into(),
        id.into(),
        month.to_string().into(),
        number.into(),
        line.into(),
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
        action: "objection.file",
        subject: id.to_string(),
        detail: serde_json::json!({ "month": month, "line": number }),
    };
    audit::record(tx, now, act).await
}

/// An objection of the village; `seen_by` the filer or the committee it names who filed it.
///
/// # Errors
/// `not_found` if the village has no such objection.
pub async fn load(
    on: &impl ConnectionTrait,
    village: &Village,
    id: Uuid,
    seen_by: Option<Uuid>,
) -> Outcome<Objection> {
    let sql = "SELECT * FROM objections WHERE village = $1 AND id = $2";
    let values: [Value; 2] = [village.into(), id.into()];
    let row = db::one::<entity::objection::Model>(on, sql, values).await?.ok_or(Code::NotFound)?;
    let named = seen_by.is_some_and(|person| person == row.filed_by);
    objection(row, named)
}

fn objection(row: entity::objection::Model, named: bool) -> Outcome<Objection> {
    let odd = || Problem::fault(format!("objection {}", row.id));
    let decision = row.decision.clone().map(|word| serde_json::from_value(word.into()));
    Ok(Objection {
        month: row.month.parse().map_err(|_| odd())?,
        decision: decision.transpose().map_err(|_| odd())?,
        id: row.id,
        line: row.number,
        reason: row.reason,
        status: row.status,
        filed_at: Instant(row.filed_at),
        filed_by: named.then_some(row.filed_by),
        decided_at: row.decided_at.map(Instant),
        decided_reason: row.decided_reason,
    })
}

#[derive(Serialize, ToSchema)]
pub struct ObjectionPage {
    pub items: Vec<Objection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ObjectionQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// The village's objections, newest first, for the committee
#[utoipa::path(tag = "publicity", operation_id = "objections_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), ObjectionQuery),
    responses((status = 200, body = ObjectionPage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/objections")]
async fn list_objections(
    member: Official<Decides>,
    query: Query<ObjectionQuery>,
    app: Data<App>,
) -> Outcome<Answer<ObjectionPage>> {
    let filter = format!("objections {}", member.village);
    let start = Start::parse(query.0.cursor.as_deref(), query.0.limit, &filter)?;
    let sql = "SELECT * FROM objections WHERE village = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    let after: Uuid = start.after.unwrap_or(Uuid::max());
    let values: [Value; 3] = [(&member.village).into(), after.into(), start.fetch().into()];
    let rows = db::all::<entity::objection::Model>(app.db.read(), sql, values).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let items = page.items.into_iter().map(|row| objection(row, true)).collect::<Outcome<_>>()?;
    Ok(Answer::ok(ObjectionPage { items, next_cursor: page.next_cursor }))
}
