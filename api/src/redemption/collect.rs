//! `POST …/redemptions/{redemption}/collection` and `…/cancellation`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::WRONG_CODES_MAX;
use super::code::{is_code, pickup_code};
use super::read::{Redemption, load};
use super::stock::{Change, change_stock};
use crate::app::App;
use crate::calendar;
use crate::http::path_id;
use crate::identity::{KeepsShop, Neighbour, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Account, Journal};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// The code that the bearer shows.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCollection {
    #[validate(length(min = 6, max = 6))]
    #[schema(min_length = 6, max_length = 6, example = "048213")]
    pub pickup_code: String,
}

/// Hand a prize over against its pickup code
#[utoipa::path(tag = "redemption", operation_id = "redemptions_collect", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("redemption" = Uuid, Path, description = "The redemption's id")),
    request_body = NewCollection, responses((status = 200, body = Redemption)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state \
        pickup_code_wrong pickup_code_locked invalid_field"))))]
#[post("/v1/villages/{village}/redemptions/{redemption}/collection")]
async fn collect_redemption(
    clerk: Official<KeepsShop>,
    request: HttpRequest,
    collection: Command<NewCollection>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let id = path_id(&request, "redemption")?;
    let code = pickup_code(app.config.secrets.pickup(), &clerk.village, id);
    let right = is_code(&code, &collection.body.pickup_code);
    try_code(&app, &clerk.village, id, right).await?;
    let done = collection.once(&app, clerk.village.as_str(), clerk.account, async |tx| {
        let held = held(tx, &clerk.village, id).await?;
        if is_concerned(tx, &clerk.village, clerk.person, held.household).await? {
            return Err(Code::ConflictOfInterest.into());
        }
        let now = app.clock.now();
        calendar::settled(tx, &clerk.village, now).await?;
        hand_over(tx, &clerk.village, clerk.person, id, now).await?;
        load(tx, &clerk.village, id).await
    });
    done.await
}

/// A redemption as handing over needs it.
#[derive(FromQueryResult)]
struct Held {
    household: Uuid,
    prize: Uuid,
    quantity: i64,
    points: i64,
    status: String,
    wrong_codes: i64,
}

/// The redemption, kept unchanged until the transaction ends.
async fn held(tx: &Tx, village: &Village, id: Uuid) -> Outcome<Held> {
    let sql = format!(
        "SELECT household, prize, quantity, points, status, wrong_codes FROM redemptions \
         WHERE village = $1 AND id = $2{}",
        db::exclusively(tx)
    );
    Ok(db::one::<Held>(tx, &sql, [village.into(), id.into()]).await?.ok_or(Code::NotFound)?)
}

/// Counts a wrong code under the row's lock and commits the count, so that of many guesses at once
/// only five are heard. A redemption that is no longer held has no code to guess.
///
/// # Errors
/// `pickup_code_wrong`, or `pickup_code_locked` after five of them.
async fn try_code(app: &App, village: &Village, id: Uuid, right: bool) -> Outcome<()> {
    let heard = app.db.write(async |tx| {
        let held = held(tx, village, id).await?;
        if held.status != "held" {
            return Ok(None);
        }
        if held.wrong_codes >= WRONG_CODES_MAX {
            return Ok(Some(Code::PickupCodeLocked));
        }
        if right {
            return Ok(None);
        }
        let sql = "UPDATE redemptions SET wrong_codes = wrong_codes + 1 \
                   WHERE village = $1 AND id = $2";
        db::run(tx, sql, [village.into(), id.into()]).await?;
        Ok(Some(Code::PickupCodeWrong))
    });
    heard.await?.map_or(Ok(()), |code| Err(code.into()))
}

/// Spends the held points.
///
/// # Errors
/// `wrong_state` if the redemption is not held.
pub async fn hand_over(
    tx: &Tx,
    village: &Village,
    clerk: Uuid,
    id: Uuid,
    now: Instant,
) -> Outcome<()> {
    let held = close(tx, village, id, "collected", Some(clerk), now).await?;
    ledger::release(tx, village, held.household, held.points).await?;
    let (from, to) = (Account::Available(held.household), Account::Redeemed);
    let journal = Journal::transfer("redemption", id.to_string(), from, to, held.points);
    ledger::post(tx, village, Some(clerk), now, &[journal]).await?;
    audit(tx, village, Some(clerk), "redemption.collect", id, now).await
}

async fn audit(
    tx: &Tx,
    village: &Village,
    actor: Option<Uuid>,
    action: &str,
    id: Uuid,
    now: Instant,
) -> Outcome<()> {
    let act = Act {
        region: village.as_str(),
        actor,
        action,
        subject: id.to_string(),
        detail: serde_json::Value::Null,
    };
    audit::record(tx, now, act).await
}

/// Compare and set: from held to `status`, once.
async fn close(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    status: &str,
    clerk: Option<Uuid>,
    now: Instant,
) -> Outcome<Held> {
    let held = held(tx, village, id).await?;
    let sql = "UPDATE redemptions SET status = $3, clerk = $4, closed_at = $5, \
               version = version + 1 WHERE village = $1 AND id = $2 AND status = 'held'";
    let values: [Value; 5] = [village.into(), id.into(), status.into(), clerk.into(), now.0.into()];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state(held.status).into());
    }
    Ok(held)
}

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
        let found = load(tx, &caller.village, id).await?;
        if caller.own_household()? != found.household {
            return Err(Code::OtherHousehold.into());
        }
        let now = app.clock.now();
        calendar::settled(tx, &caller.village, now).await?;
        give_back(tx, &caller.village, id, "cancelled", now).await?;
        audit(tx, &caller.village, Some(caller.person), "redemption.cancel", id, now).await?;
        load(tx, &caller.village, id).await
    });
    done.await
}

/// Ends a hold without a prize: points and stock are free again.
pub async fn give_back(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    status: &str,
    now: Instant,
) -> Outcome<()> {
    let held = close(tx, village, id, status, None, now).await?;
    ledger::release(tx, village, held.household, held.points).await?;
    let change =
        Change { prize: held.prize, quantity: held.quantity, kind: "release", reference: id };
    change_stock(tx, village, change, None, now).await
}
