//! `POST …/claims/{claim}/withdrawal`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::read::{Claim, load, may_withdraw};
use crate::app::App;
use crate::households::{Notice, may_read, tell};
use crate::http::path_id;
use crate::identity::Neighbour;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::{changes, register};

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
        // Once its vote is open, a deduction is those who vote on it to end.
        let sql = "UPDATE claims SET status = 'withdrawn', version = version + 1 \
                   WHERE village = $1 AND id = $2 AND (status = 'submitted' \
                     OR (status = 'in_review' AND points > 0))";
        let values: [Value; 2] = [(&caller.village).into(), id.into()];
        if db::run(tx, sql, values).await? == 0 {
            // On PostgreSQL the row may have changed since it was loaded: tell its present state.
            let current = load(&app, tx, &caller, id).await?.status;
            return Err(Refusal::wrong_state(current).into());
        }
        changes::stamp_claims(tx, &caller.village, &[id]).await?;
        record(tx, &caller, &claim, app.clock.now()).await?;
        load(&app, tx, &caller, id).await
    });
    done.await
}

/// A deduction that its proposer drops is told to the household, and those above can ask why.
async fn record(tx: &Tx, by: &Neighbour, claim: &Claim, now: Instant) -> Outcome<()> {
    let (village, subject) = (&by.village, claim.id.to_string());
    if claim.points < 0 {
        let notice = Notice {
            recipient: claim.household,
            kind: "deduction_withdrawn",
            subject: claim.id,
            detail: "拟作出的一项扣分已由提出人撤回".to_owned(),
        };
        tell(tx, village, now, &[notice]).await?;
        let (kind, person) = (register::Kind::DeductionWithdrawn, Some(by.person));
        let note = claim.rule_name.clone();
        let entry = register::Entry { kind, subject: subject.clone(), person, note };
        register::enter(tx, village, now, &[entry]).await?;
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "claim.withdraw",
        subject,
        detail: serde_json::json!({ "points": claim.points }),
    };
    audit::record(tx, now, act).await
}
