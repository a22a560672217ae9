//! `POST /v1/villages/{village}/honours/{honour}/withdrawal`: proposed here, and decided by somebody else.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::list::{Honour, load, row};
use crate::app::App;
use crate::calendar;
use crate::http::path_id;
use crate::identity::{Decides, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;

/// Why an honour is to be withdrawn.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHonourWithdrawal {
    /// Told to the household.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "庭院长期堆放杂物")]
    pub reason: String,
    /// Whether the plaque came back.
    pub plaque_returned: bool,
}

/// Propose to withdraw an honour; it stays in force until a second person decides
#[utoipa::path(tag = "honours", operation_id = "honours_withdraw", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("honour" = Uuid, Path, description = "The honour's id")),
    request_body = NewHonourWithdrawal, responses((status = 201, body = Honour)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state \
        reason_required invalid_field"))))]
#[post("/v1/villages/{village}/honours/{honour}/withdrawal")]
async fn withdraw_honour(
    member: Official<Decides>,
    request: HttpRequest,
    withdrawal: Command<NewHonourWithdrawal>,
    app: Data<App>,
) -> Outcome<Answer<Honour>> {
    let id = path_id(&request, "honour")?;
    let done = withdrawal.once(&app, member.village.as_str(), member.account, async |tx| {
        propose(tx, &member, id, &withdrawal.body, app.clock.now()).await?;
        load(tx, &member, id).await
    });
    Ok(done.await?.created())
}

async fn propose(
    tx: &Tx,
    by: &Official<Decides>,
    id: Uuid,
    new: &NewHonourWithdrawal,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    calendar::touch(tx, village, now).await?;
    let honour = row(tx, by, id).await?;
    if is_concerned(tx, village, by.person, honour.household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    let sql = "UPDATE honours SET status = 'withdrawing', withdrawal_reason = $3, \
               plaque_returned = $4, withdrawal_by = $5 \
               WHERE village = $1 AND id = $2 AND status = 'granted'";
    let values: [Value; 5] = [
        village.into(),
        id.into(),
        reason.as_str().into(),
        new.plaque_returned.into(),
        by.person.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state(honour.status).into());
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "honour.propose_withdrawal",
        subject: id.to_string(),
        detail: serde_json::json!({ "reason": reason, "plaque_returned": new.plaque_returned }),
    };
    audit::record(tx, now, act).await
}
