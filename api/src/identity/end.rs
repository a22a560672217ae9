//! `POST /v1/regions/{region}/grants/{grant}/termination`: a role ends at once.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::grants::{Appointment, GrantState, load};
use super::rules::may_govern;
use super::{Caller, Governs, Overseer, Role};
use crate::app::App;
use crate::http::path_id;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::RegionCode;
use crate::kernel::text::required;
use crate::regions;

/// Why a role or seat ends.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTermination {
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "工作调动")]
    pub reason: String,
}

/// End a grant; from the next request on the person does not have the role
#[utoipa::path(tag = "grants", operation_id = "grants_end", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the grant's region or one above"),
        ("grant" = Uuid, Path, description = "The grant's id")),
    request_body = NewTermination, responses((status = 200, body = Appointment)),
    extensions(("x-codes" = json!("role_required role_above_own last_admin wrong_state \
        reason_required invalid_field"))))]
#[post("/v1/regions/{region}/grants/{grant}/termination")]
async fn end_grant(
    officer: Overseer<Governs>,
    request: HttpRequest,
    termination: Command<NewTermination>,
    app: Data<App>,
) -> Outcome<Answer<Appointment>> {
    let id = path_id(&request, "grant")?;
    let region = &officer.region;
    let done = termination.once(&app, region.as_str(), officer.caller.account, async |tx| {
        let now = app.clock.now();
        end(tx, &officer.caller, region, id, &termination.body.reason, now).await?;
        load(tx, region, id, now).await
    });
    done.await
}

/// Ends a grant, and the seat that it is, under the lock of its region.
///
/// # Errors
/// `not_found` outside the region, `role_above_own`, `wrong_state` if it has ended, `last_admin` for
/// the county's last administrator in force, whom nobody could restore.
pub async fn end(
    tx: &Tx,
    by: &Caller,
    region: &RegionCode,
    id: Uuid,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let reason = required(reason, "/reason")?;
    let grant = load(tx, region, id, now).await?;
    regions::lock(tx, &grant.region).await?;
    let grant = load(tx, region, id, now).await?;
    may_govern(by, grant.role, &grant.region)?;
    if grant.state == GrantState::Ended {
        return Err(Refusal::wrong_state(grant.state.as_str()).into());
    }
    if grant.role == Role::County
        && grant.state == GrantState::InForce
        && !others(tx, &grant, now).await?
    {
        return Err(Code::LastAdmin.into());
    }
    close(tx, by.person, &grant, now).await?;
    let act = Act {
        region: grant.region.as_str(),
        actor: Some(by.person),
        action: "grant.end",
        subject: id.to_string(),
        detail: serde_json::json!({ "person": grant.person, "role": grant.role, "reason": reason }),
    };
    audit::record(tx, now, act).await
}

/// Whether somebody else who can log in administers the county now.
pub(super) async fn others(tx: &Tx, grant: &Appointment, now: Instant) -> Outcome<bool> {
    let sql = "SELECT COUNT(*) FROM grants g WHERE g.region = $1 AND g.role = 'county' \
               AND g.person <> $2 AND g.starts_at <= $3 AND (g.ends_at IS NULL OR g.ends_at > $3) \
               AND EXISTS (SELECT 1 FROM accounts a WHERE a.person = g.person \
                 AND a.status = 'active')";
    let values: [Value; 3] = [(&grant.region).into(), grant.person.into(), now.0.into()];
    Ok(db::number(tx, sql, values).await? > 0)
}

async fn close(tx: &Tx, by: Uuid, grant: &Appointment, now: Instant) -> Outcome<()> {
    let sql = "UPDATE grants SET ends_at = $2, ended_by = $3 WHERE id = $1 \
               AND (ends_at IS NULL OR ends_at > $2)";
    let values: [Value; 3] = [grant.id.into(), now.0.into(), by.into()];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state(GrantState::Ended.as_str()).into());
    }
    if let Some(committee) = grant.committee {
        let sql = "UPDATE committee_members SET ends_at = $4 WHERE region = $1 \
                   AND committee = $2 AND person = $3";
        let values: [Value; 4] =
            [(&grant.region).into(), committee.into(), grant.person.into(), now.0.into()];
        db::run(tx, sql, values).await?;
    }
    Ok(())
}
