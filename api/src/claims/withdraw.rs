//! `POST …/claims/{claim}/withdrawal`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::read::{Claim, load, may_withdraw};
use crate::app::App;
use crate::changes;
use crate::households::may_read;
use crate::http::path_id;
use crate::identity::Neighbour;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// Nothing needs to be said.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWithdrawal {}

/// Take a claim back before it is approved
#[utoipa::path(tag = "claims", operation_id = "claims_withdraw", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("claim" = Uuid, Path, description = "The claim's id")),
    request_body = NewWithdrawal, responses((status = 200, body = Claim)),
    extensions(("x-codes" = json!("other_household role_required wrong_state"))))]
#[post("/v1/villages/{village}/claims/{claim}/withdrawal")]
async fn withdraw_claim(
    caller: Neighbour,
    request: HttpRequest,
    withdrawal: Command<NewWithdrawal>,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    let id = path_id(&request, "claim")?;
    let done = withdrawal.once(&app, caller.village.as_str(), caller.account, async |tx| {
        let claim = load(&app, tx, &caller, id).await?;
        may_read(&caller, claim.household)?;
        let Claim { household, filed_by, source, points, .. } = &claim;
        if !may_withdraw(&caller, *household, *filed_by, source, *points) {
            return Err(Code::RoleRequired.into());
        }
        let sql = "UPDATE claims SET status = 'withdrawn', version = version + 1 \
                   WHERE village = $1 AND id = $2 AND status IN ('submitted', 'in_review')";
        let values: [Value; 2] = [(&caller.village).into(), id.into()];
        if db::run(tx, sql, values).await? == 0 {
            // On PostgreSQL the row may have changed since it was loaded: tell its present state.
            let current = load(&app, tx, &caller, id).await?.status;
            return Err(Refusal::wrong_state(current).into());
        }
        changes::stamp_claims(tx, &caller.village, &[id]).await?;
        load(&app, tx, &caller, id).await
    });
    done.await
}
