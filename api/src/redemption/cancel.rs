//! `POST …/redemptions/{redemption}/cancellation`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::hold::{Held, audit, give_back, held};
use super::read::{Redemption, load};
use crate::app::App;
use crate::calendar;
use crate::households::{Notice, tell};
use crate::http::path_id;
use crate::identity::{HandsOver, KeepsShop, Neighbour, is_concerned};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::Tx;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;

/// Why an official cancels what was asked for in a family's name; the family itself need not say why.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCancellation {
    /// The family reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 200))]
    #[schema(nullable = false, max_length = 200, example = "老人改要食盐")]
    pub reason: Option<String>,
}

/// Cancel a redemption that was not collected; points and stock are given back. What an official asked for
/// in a family's name is cancelled by the family, by that official, or by a clerk, who both say why
#[utoipa::path(tag = "redemption", operation_id = "redemptions_cancel", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("redemption" = Uuid, Path, description = "The redemption's id")),
    request_body = NewCancellation, responses((status = 200, body = Redemption)),
    extensions(("x-codes" = json!("role_required other_household conflict_of_interest wrong_state \
        reason_required invalid_field"))))]
#[post("/v1/villages/{village}/redemptions/{redemption}/cancellation")]
async fn cancel_redemption(
    caller: Neighbour,
    request: HttpRequest,
    cancellation: Command<NewCancellation>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let id = path_id(&request, "redemption")?;
    let done = cancellation.once(&app, caller.village.as_str(), caller.account, async |tx| {
        cancel(&app, tx, &caller, id, &cancellation.body).await?;
        load(tx, &caller, id).await
    });
    done.await
}

async fn cancel(
    app: &App,
    tx: &Tx,
    caller: &Neighbour,
    id: Uuid,
    new: &NewCancellation,
) -> Outcome<()> {
    let (village, now) = (&caller.village, app.clock.now());
    calendar::settled(tx, village, now).await?;
    let found = held(tx, village, id).await?;
    let reason = new.reason.as_deref().and_then(readable);
    let own = caller.household_in(village) == Some(found.household);
    if !own {
        may_cancel_for(tx, caller, &found).await?;
        if reason.is_none() {
            return Err(Refusal::from(Code::ReasonRequired).at("/reason", "required", "").into());
        }
    }
    if found.status == "held" && found.carrier.is_some() {
        return Err(Refusal::wrong_state("on_delivery").into());
    }
    give_back(tx, village, id, "cancelled", now).await?;
    let detail = serde_json::json!({ "reason": reason, "for_household": !own });
    audit(tx, village, caller.person, "redemption.cancel", id, detail, now).await?;
    match reason.filter(|_| !own) {
        Some(reason) => inform(tx, caller, id, &found, &reason, now).await,
        None => Ok(()),
    }
}

/// Families without a phone cannot take back what was asked for in their name: whoever asked for it can,
/// and the clerk, who has the goods.
///
/// # Errors
/// `other_household` for other families, `role_required` for officials where a family asked for itself, or
/// where another worker asked; `conflict_of_interest` for kin of the household.
async fn may_cancel_for(tx: &Tx, caller: &Neighbour, found: &Held) -> Outcome<()> {
    if !found.is_helped() || !caller.serves::<HandsOver>() {
        caller.own_household()?;
        return Err(Code::OtherHousehold.into());
    }
    if !caller.serves::<KeepsShop>() && found.filed_by != caller.person {
        return Err(Code::RoleRequired.into());
    }
    if is_concerned(tx, &caller.village, caller.person, found.household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    Ok(())
}

/// The family is told of what was cancelled in its name.
async fn inform(
    tx: &Tx,
    by: &Neighbour,
    id: Uuid,
    held: &Held,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let office = if by.serves::<KeepsShop>() { "超市管理员" } else { "网格员" };
    let what = format!("{}×{}", held.prize_name, held.quantity);
    let detail =
        format!("{office}{}取消为本户兑换的{what}，{}分已退回：{reason}", by.name, held.points);
    let kind = "redemption_cancelled";
    tell(tx, &by.village, now, &[Notice { recipient: held.household, kind, subject: id, detail }])
        .await
}
