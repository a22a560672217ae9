//! `POST …/objections/{objection}/appeal`: the one appeal (申诉), by the side that lost.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::bodies::BODY_DAYS;
use super::decide::{locked, tell_sides};
use super::objection::{Objection, load};
use super::objection_row::Row;
use super::rules::{AppealSide, may_appeal};
use crate::app::App;
use crate::calendar;
use crate::http::path_id;
use crate::identity::{HearsObjections, Neighbour};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;

/// Why the decision is wrong.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAppeal {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// In one's own words; the other side does not read them.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "请核对签到表原件")]
    pub reason: String,
}

/// Appeal against the decision within 7 days, once in all; one level up decides
#[utoipa::path(tag = "publicity", operation_id = "objections_appeal", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("objection" = Uuid, Path, description = "The objection's id")),
    request_body = NewAppeal, responses((status = 201, body = Objection)),
    extensions(("x-codes" = json!("role_required wrong_state nothing_to_appeal reason_required \
        id_taken invalid_field"))))]
#[post("/v1/villages/{village}/objections/{objection}/appeal")]
async fn appeal_objection(
    caller: Neighbour,
    request: HttpRequest,
    appeal: Command<NewAppeal>,
    app: Data<App>,
) -> Outcome<Answer<Objection>> {
    let id = path_id(&request, "objection")?;
    let done = appeal.once(&app, caller.village.as_str(), caller.account, async |tx| {
        file(&app, tx, &caller, id, &appeal.body).await
    });
    Ok(done.await?.created())
}

async fn file(app: &App, tx: &Tx, by: &Neighbour, id: Uuid, new: &NewAppeal) -> Outcome<Objection> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    let now = app.clock.now();
    calendar::touch(tx, village, now).await?;
    let (row, _) = locked(tx, village, id).await?;
    let side = row.side(by.person, by.household_in(village));
    // Who decides objections sees this one; who has no part in it does not.
    let refused = match by.serves::<HearsObjections>() {
        true => Code::RoleRequired,
        false => Code::NotFound,
    };
    let side = side.ok_or(refused)?;
    let decision = row.decided().filter(|_| row.status == "decided");
    let decision = decision.ok_or_else(|| Refusal::wrong_state(&row.status))?;
    if !may_appeal((decision, side), row.is_own()) {
        return Err(Code::NothingToAppeal.into());
    }
    insert(tx, by, &row, side, (new.id, &reason), now).await?;
    let detail = format!(
        "{}公示第{}条：对异议决定的申诉已受理，上一级在{BODY_DAYS}天内决定；逾期未决的，原决定有效",
        row.month, row.number
    );
    tell_sides(tx, village, &row, ["line_appealed", "objection_appealed"], &detail, now).await?;
    load(tx, by, id, now).await
}

async fn insert(
    tx: &Tx,
    by: &Neighbour,
    objection: &Row,
    side: AppealSide,
    (id, reason): (Uuid, &str),
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let sql = "INSERT INTO appeals (village, objection, id, side, filed_by, reason, filed_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let values: [Value; 7] = [
        village.into(),
        objection.id.into(),
        id.into(),
        side.as_str().into(),
        by.person.into(),
        reason.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let sql = "UPDATE objections SET status = 'appealed', due_at = $3 \
               WHERE village = $1 AND id = $2 AND status = 'decided'";
    let due_at = now.plus_days(BODY_DAYS).0;
    let values: [Value; 3] = [village.into(), objection.id.into(), due_at.into()];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state("appealed").into());
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "objection.appeal",
        subject: objection.id.to_string(),
        detail: serde_json::json!({ "appeal": id, "side": side }),
    };
    audit::record(tx, now, act).await
}
