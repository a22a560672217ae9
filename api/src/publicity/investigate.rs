//! `POST …/objections/{objection}/investigation`: somebody goes and looks (复核).

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::decide::{before, locked, tell_sides};
use super::objection::{Objection, load};
use crate::app::App;
use crate::calendar;
use crate::http::path_id;
use crate::identity::{HearsObjections, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;

/// As many rechecks of one objection are kept.
const RECHECKS_MAX: i64 = 50;

/// What is looked into, and what was found. Neither side reads it.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvestigation {
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "到户看了地块，查了土地台账")]
    pub note: String,
    /// What was found, if it is known already; a later recheck may say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 500))]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 500,
        example = "台账上该地块属于村集体"
    )]
    pub finding: Option<String>,
}

/// Begin a recheck of the line, or say what it found; by who may decide
#[utoipa::path(tag = "publicity", operation_id = "objections_investigate", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("objection" = Uuid, Path, description = "The objection's id")),
    request_body = NewInvestigation, responses((status = 201, body = Objection)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        invalid_field"))))]
#[post("/v1/villages/{village}/objections/{objection}/investigation")]
async fn investigate_objection(
    member: Official<HearsObjections>,
    request: HttpRequest,
    investigation: Command<NewInvestigation>,
    app: Data<App>,
) -> Outcome<Answer<Objection>> {
    let id = path_id(&request, "objection")?;
    let done = investigation.once(&app, member.village.as_str(), member.account, async |tx| {
        investigate(&app, tx, &member, id, &investigation.body).await
    });
    Ok(done.await?.created())
}

async fn investigate(
    app: &App,
    tx: &Tx,
    by: &Official<HearsObjections>,
    id: Uuid,
    new: &NewInvestigation,
) -> Outcome<Objection> {
    let village = &by.village;
    let note = required(&new.note, "/note")?;
    let finding = new.finding.as_deref().map(|text| required(text, "/finding")).transpose()?;
    let now = app.clock.now();
    calendar::touch(tx, village, now).await?;
    let (row, _) = locked(tx, village, id).await?;
    let (bodies, matter) = before(tx, village, &row, now).await?;
    bodies.admit(by, &matter, now)?;
    let sql = "SELECT COUNT(*) FROM rechecks WHERE village = $1 AND objection = $2";
    if db::number(tx, sql, [village.into(), id.into()]).await? >= RECHECKS_MAX {
        let full = format!("{RECHECKS_MAX} rechecks are enough: decide");
        return Err(Refusal::wrong_state(row.status).because(full).into());
    }
    let sql = "INSERT INTO rechecks (village, objection, id, person, note, finding, at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values: [Value; 7] = [
        village.into(),
        id.into(),
        Uuid::now_v7().into(),
        by.person.into(),
        note.into(),
        finding.into(),
        now.0.into(),
    ];
    db::run(tx, sql, values).await?;
    if row.status == "filed" {
        let sql = "UPDATE objections SET status = 'investigating' WHERE village = $1 AND id = $2";
        db::run(tx, sql, [village.into(), id.into()]).await?;
        let detail = format!("{}公示第{}条：异议正在复核", row.month, row.number);
        let kinds = ["line_rechecked", "objection_rechecked"];
        tell_sides(tx, village, &row, kinds, &detail, now).await?;
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "objection.investigate",
        subject: id.to_string(),
        detail: serde_json::json!({ "line": row.number, "found": new.finding.is_some() }),
    };
    audit::record(tx, now, act).await?;
    load(tx, by, id, now).await
}
