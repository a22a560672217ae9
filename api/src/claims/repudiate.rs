//! `POST …/claims/{claim}/repudiation`: a household disowns what somebody claimed in its name (否认代申报).

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::decisions::{locked, this_week};
use super::read::{Claim, load};
use crate::app::App;
use crate::households::{Notice, tell};
use crate::http::path_id;
use crate::identity::Neighbour;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::{calendar, changes, publicity, register};

/// Why the household disowns it.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRepudiation {
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "没有人问过我，这件事不是我家做的")]
    pub reason: String,
}

/// Disown what was claimed in the household's name
#[utoipa::path(tag = "claims", operation_id = "claims_repudiate", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("claim" = Uuid, Path, description = "The claim's id")),
    request_body = NewRepudiation, responses((status = 201, body = Claim)),
    extensions(("x-codes" = json!("other_household role_required wrong_state list_not_open \
        reason_required invalid_field"))))]
#[post("/v1/villages/{village}/claims/{claim}/repudiation")]
async fn repudiate_claim(
    caller: Neighbour,
    request: HttpRequest,
    repudiation: Command<NewRepudiation>,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    let id = path_id(&request, "claim")?;
    let done = repudiation.once(&app, caller.village.as_str(), caller.account, async |tx| {
        repudiate(&app, tx, &caller, id, &repudiation.body.reason).await?;
        load(&app, tx, &caller, id).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn repudiate(app: &App, tx: &Tx, by: &Neighbour, id: Uuid, reason: &str) -> Outcome<()> {
    let village = &by.village;
    let reason = required(reason, "/reason")?;
    // The village before its sheet, as whoever closes either takes them.
    calendar::touch(tx, village, app.clock.now()).await?;
    let (_, now) = this_week(app, tx, village).await?;
    let status = load(app, tx, by, id).await?.status;
    if status == "scored" {
        // The line before the claim.
        publicity::hold_line(tx, village, id, now).await?;
    }
    let claim = locked(tx, village, &[id]).await?.remove(&id).ok_or(Code::NotFound)?;
    if by.household_in(village) != Some(claim.household) {
        return Err(Code::OtherHousehold.into());
    }
    if !claim.on_behalf || claim.source != "claim" || claim.filed_by == by.person {
        return Err(Code::RoleRequired.into());
    }
    match claim.status.as_str() {
        "submitted" | "in_review" | "returned" | "approved" => {
            let sql = "UPDATE claims SET status = 'withdrawn', decided_reason = $3, \
                       version = version + 1 WHERE village = $1 AND id = $2";
            let values: [Value; 3] = [village.into(), id.into(), reason.as_str().into()];
            db::run(tx, sql, values).await?;
            changes::stamp_claims(tx, village, &[id]).await?;
        }
        "scored" if status == "scored" => {
            publicity::strike(tx, village, by.person, id, now).await?;
        }
        // Closed between our look and our lock, or decided: what is confirmed the committee reverses.
        "confirmed" => return Err(Code::ListNotOpen.into()),
        other => return Err(Refusal::wrong_state(other).into()),
    }
    tell_and_enter(tx, by, &claim, &reason, now).await
}

/// The filer is told, and the township finds it on the register.
async fn tell_and_enter(
    tx: &Tx,
    by: &Neighbour,
    claim: &entity::claim::Model,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let notice = Notice {
        recipient: claim.filed_by,
        kind: "claim_repudiated",
        subject: claim.id,
        detail: format!("您代为申报的一件事被该户否认：{reason}"),
    };
    tell(tx, &by.village, now, &[notice]).await?;
    let entry = register::Entry {
        kind: register::Kind::Repudiation,
        subject: claim.id.to_string(),
        person: Some(claim.filed_by),
        note: reason.to_owned(),
    };
    register::enter(tx, &by.village, now, &[entry]).await?;
    let act = Act {
        region: by.village.as_str(),
        actor: Some(by.person),
        action: "claim.repudiate",
        subject: claim.id.to_string(),
        detail: serde_json::json!({ "status": claim.status }),
    };
    audit::record(tx, now, act).await
}
