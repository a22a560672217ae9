//! `POST …/claims/{claim}/resubmission`: what was returned and put right is handed in again (补正再交).

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::hearing;
use super::read::{Claim, load, may_withdraw};
use super::verdict::LAPSE_DAYS;
use crate::app::App;
use crate::households::{Notice, may_read, tell};
use crate::http::path_id;
use crate::identity::Neighbour;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::{DAY_MS, Instant};
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::{calendar, changes};

/// Nothing needs to be said: what was put right stands in the claim.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewResubmission {}

/// Hand a returned claim in again
#[utoipa::path(tag = "claims", operation_id = "claims_resubmit", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("claim" = Uuid, Path, description = "The claim's id")),
    request_body = NewResubmission, responses((status = 200, body = Claim)),
    extensions(("x-codes" = json!("other_household role_required wrong_state"))))]
#[post("/v1/villages/{village}/claims/{claim}/resubmission")]
async fn resubmit_claim(
    caller: Neighbour,
    request: HttpRequest,
    resubmission: Command<NewResubmission>,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    let id = path_id(&request, "claim")?;
    let done = resubmission.once(&app, caller.village.as_str(), caller.account, async |tx| {
        let claim = load(&app, tx, &caller, id).await?;
        may_read(&caller, claim.household)?;
        if !may_withdraw(&caller, claim.household, claim.filed_by, &claim.source, claim.points) {
            return Err(Code::RoleRequired.into());
        }
        let now = app.clock.now();
        resubmit(tx, &caller, id, now).await?;
        if claim.points < 0 {
            hearing::announce(tx, &caller.village, &[(id, claim.household)], now).await?;
        }
        load(&app, tx, &caller, id).await
    });
    done.await
}

/// A new round begins at the first step: whoever returned it may look again.
async fn resubmit(tx: &Tx, caller: &Neighbour, id: Uuid, now: Instant) -> Outcome<()> {
    let village = &caller.village;
    calendar::settled(tx, village, now).await?;
    let sql = "UPDATE claims SET status = 'submitted', round = round + 1, step = 0, \
                 step_since = $3, returned_at = NULL, decided_reason = NULL, version = version + 1 \
               WHERE village = $1 AND id = $2 AND status = 'returned' AND returned_at > $4";
    let since = now.plus_days(-LAPSE_DAYS);
    let values: [Value; 4] = [village.into(), id.into(), now.0.into(), since.0.into()];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state(status(tx, village, id).await?).into());
    }
    changes::stamp_claims(tx, village, &[id]).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(caller.person),
        action: "claim.resubmit",
        subject: id.to_string(),
        detail: serde_json::json!({}),
    };
    audit::record(tx, now, act).await
}

async fn status(tx: &Tx, village: &Village, id: Uuid) -> Outcome<String> {
    let sql = "SELECT * FROM claims WHERE village = $1 AND id = $2";
    let values: [Value; 2] = [village.into(), id.into()];
    let row = db::one::<entity::claim::Model>(tx, sql, values).await?;
    Ok(row.ok_or(Code::NotFound)?.status)
}

/// When the first of a village's returned claims lapses: [`LAPSE_DAYS`] after its return.
pub const FIRST_LAPSE: &str = "SELECT MIN(returned_at) + 14 * 86400000 FROM claims \
    WHERE village = $1 AND status = 'returned'";

/// Ends what was returned [`LAPSE_DAYS`] before `at` and not handed in again, and tells the families.
pub async fn lapse(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        household: Uuid,
    }
    let due: [Value; 2] = [village.into(), (at.0 - LAPSE_DAYS * DAY_MS).into()];
    let sql = format!(
        "SELECT id, household FROM claims WHERE village = $1 AND status = 'returned' \
         AND returned_at <= $2 ORDER BY id{}",
        db::exclusively(tx)
    );
    let rows = db::all::<Row>(tx, &sql, due.clone()).await?;
    let changed = changes::next(tx, village).await?;
    let sql = "UPDATE claims SET status = 'lapsed', version = version + 1, changed = $3 \
               WHERE village = $1 AND status = 'returned' AND returned_at <= $2";
    db::run(tx, sql, due.into_iter().chain([changed.into()])).await?;
    let lapsed = |row: Row| Notice {
        recipient: row.household,
        kind: "claim_lapsed",
        subject: row.id,
        detail: format!("退回的申报{LAPSE_DAYS}天内没有补正再交，已失效"),
    };
    tell(tx, village, at, &rows.into_iter().map(lapsed).collect::<Vec<_>>()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lapse_is_as_late_as_every_other() {
        assert!(FIRST_LAPSE.contains(&format!("+ {LAPSE_DAYS} * {DAY_MS} ")));
    }
}
