//! `POST …/redemptions/{redemption}/cancellation`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::hold::{audit, give_back, held};
use super::read::{Redemption, load};
use crate::app::App;
use crate::calendar;
use crate::http::path_id;
use crate::identity::Neighbour;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::Tx;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// Nothing needs to be said.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCancellation {}

/// Cancel a redemption that was not collected; points and stock are given back
#[utoipa::path(tag = "redemption", operation_id = "redemptions_cancel", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("redemption" = Uuid, Path, description = "The redemption's id")),
    request_body = NewCancellation, responses((status = 200, body = Redemption)),
    extensions(("x-codes" = json!("role_required other_household wrong_state"))))]
#[post("/v1/villages/{village}/redemptions/{redemption}/cancellation")]
async fn cancel_redemption(
    caller: Neighbour,
    request: HttpRequest,
    cancellation: Command<NewCancellation>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let id = path_id(&request, "redemption")?;
    let done = cancellation.once(&app, caller.village.as_str(), caller.account, async |tx| {
        cancel(&app, tx, &caller, id).await?;
        load(tx, &caller, id).await
    });
    done.await
}

async fn cancel(app: &App, tx: &Tx, caller: &Neighbour, id: Uuid) -> Outcome<()> {
    let (village, now) = (&caller.village, app.clock.now());
    calendar::settled(tx, village, now).await?;
    let found = held(tx, village, id).await?;
    if caller.own_household()? != found.household {
        return Err(Code::OtherHousehold.into());
    }
    if found.status == "held" && found.carrier.is_some() {
        return Err(Refusal::wrong_state("on_delivery").into());
    }
    give_back(tx, village, id, "cancelled", now).await?;
    audit(tx, village, caller.person, "redemption.cancel", id, serde_json::Value::Null, now).await
}
