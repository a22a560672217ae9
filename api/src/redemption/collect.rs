//! `POST …/redemptions/{redemption}/collection`: goods go to the household, shown by something that
//! whoever hands them over does not have.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::code::{is_code, pickup_code};
use super::hold::{Held, Proof, hand_over, held};
use super::read::{Redemption, load};
use super::{WITNESS_MINUTES, WRONG_CODES_MAX};
use crate::app::App;
use crate::calendar;
use crate::households::try_pin;
use crate::http::path_id;
use crate::identity::{HandsOver, KeepsShop, Official, Role, in_office, is_concerned};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// What shows that the goods go to the household: the pickup code; of those helped, the household's PIN;
/// or nothing, if a second official has witnessed it.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCollection {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 6, max = 6))]
    #[schema(nullable = false, min_length = 6, max_length = 6, example = "048213")]
    pub pickup_code: Option<String>,
    /// Only for a redemption that an official made for the household.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 4, max = 6))]
    #[schema(nullable = false, min_length = 4, max_length = 6, example = "2580")]
    pub pin: Option<String>,
}

/// Hand a prize over against pickup code, PIN or with a witness
#[utoipa::path(tag = "redemption", operation_id = "redemptions_collect", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("redemption" = Uuid, Path, description = "The redemption's id")),
    request_body = NewCollection, responses((status = 200, body = Redemption)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state \
        second_factor_missing pickup_code_wrong pickup_code_locked pin_wrong pin_locked \
        invalid_field"))))]
#[post("/v1/villages/{village}/redemptions/{redemption}/collection")]
async fn collect_redemption(
    official: Official<HandsOver>,
    request: HttpRequest,
    collection: Command<NewCollection>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let id = path_id(&request, "redemption")?;
    let proof = heard(&app, &official, id, &collection.body).await?;
    let done = collection.once(&app, official.village.as_str(), official.account, async |tx| {
        let (village, now) = (&official.village, app.clock.now());
        calendar::settled(tx, village, now).await?;
        let found = admitted(tx, &official, id).await?;
        if proof == Proof::Witness && found.status == "held" {
            witnessed(tx, &official, &found, now).await?;
        }
        hand_over(tx, village, official.person, id, proof, now).await?;
        load(tx, &official, id).await
    });
    done.await
}

/// The redemption, kept unchanged until the transaction ends, for one who may hand it over. Asked before
/// any code or PIN is tried: kin of the household neither guess nor lock one.
///
/// # Errors
/// `not_found`, those of [`may_hand_over`], or `conflict_of_interest`.
async fn admitted(tx: &Tx, official: &Official<HandsOver>, id: Uuid) -> Outcome<Held> {
    let village = &official.village;
    let found = held(tx, village, id).await?;
    may_hand_over(official, &found)?;
    if is_concerned(tx, village, official.person, found.household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    Ok(found)
}

/// A clerk at the counter; at the door the worker who has the goods.
///
/// # Errors
/// `role_required`, or `wrong_state` for a clerk whose goods are on their way.
fn may_hand_over(official: &Official<HandsOver>, held: &Held) -> Result<(), Refusal> {
    let clerk = official.serves::<KeepsShop>();
    match held.carrier {
        None if clerk => Ok(()),
        Some(carrier) if carrier == official.person => Ok(()),
        Some(_) if clerk && held.status == "held" => Err(Refusal::wrong_state("on_delivery")),
        Some(_) if clerk => Ok(()),
        _ => Err(Code::RoleRequired.into()),
    }
}

/// Hears what was sent. Wrong codes and PINs are counted whatever becomes of the request; what is no
/// longer held has none to guess.
///
/// # Errors
/// Those of [`try_code`] and [`try_pin`], `second_factor_missing` for a PIN where none is asked for,
/// `invalid_field` for both.
async fn heard(
    app: &App,
    official: &Official<HandsOver>,
    id: Uuid,
    sent: &NewCollection,
) -> Outcome<Proof> {
    let village = &official.village;
    match (&sent.pickup_code, &sent.pin) {
        (Some(_), Some(_)) => {
            let what = "either pickup_code or pin";
            Err(Refusal::from(Code::InvalidField).at("/pin", "alone", what).into())
        }
        (Some(sent), None) => {
            let right = is_code(&pickup_code(app.config.secrets.pickup(), village, id), sent);
            try_code(app, official, id, right).await?;
            Ok(Proof::PickupCode)
        }
        (None, Some(pin)) => {
            let found = app.db.write(async |tx| admitted(tx, official, id).await).await?;
            if found.status != "held" {
                return Ok(Proof::Pin);
            }
            if !found.is_helped() {
                let why = "a PIN is for redemptions that an official made for the household";
                return Err(Refusal::from(Code::SecondFactorMissing).because(why).into());
            }
            try_pin(app, village, found.household, official.person, pin).await?;
            Ok(Proof::Pin)
        }
        (None, None) => Ok(Proof::Witness),
    }
}

/// Counts a wrong code under the row's lock and commits the count, so that of many guesses at once
/// only five are heard.
///
/// # Errors
/// `pickup_code_wrong`, or `pickup_code_locked` after five of them.
async fn try_code(app: &App, official: &Official<HandsOver>, id: Uuid, right: bool) -> Outcome<()> {
    let village = &official.village;
    let heard = app.db.write(async |tx| {
        let found = admitted(tx, official, id).await?;
        if found.status != "held" {
            return Ok(None);
        }
        if found.is_locked() {
            return Ok(Some(Code::PickupCodeLocked));
        }
        if right {
            return Ok(None);
        }
        let sql = "UPDATE redemptions SET wrong_codes = wrong_codes + 1 \
                   WHERE village = $1 AND id = $2 AND wrong_codes < $3";
        db::run(tx, sql, [village.into(), id.into(), WRONG_CODES_MAX.into()]).await?;
        Ok(Some(Code::PickupCodeWrong))
    });
    heard.await?.map_or(Ok(()), |code| Err(code.into()))
}

/// Whether a second official was there in the last quarter of an hour, where that is enough: for those
/// helped, and when the code is locked. They must still be in that office, and no kin of the household.
///
/// # Errors
/// `second_factor_missing`.
async fn witnessed(
    tx: &Tx,
    official: &Official<HandsOver>,
    held: &Held,
    now: Instant,
) -> Outcome<()> {
    let lacking = |why: &str| Err(Refusal::from(Code::SecondFactorMissing).because(why).into());
    if !held.is_helped() && !held.is_locked() {
        return lacking("the pickup code is asked for");
    }
    let witness = held.witness.zip(held.witnessed_at);
    let present = |at: i64| now.0 >= at && now < Instant(at).plus_seconds(60 * WITNESS_MINUTES);
    let Some((person, _)) = witness.filter(|(_, at)| present(*at)) else {
        return lacking("nobody else was there in the last 15 minutes");
    };
    let (clerk, worker) =
        (official.serves::<KeepsShop>(), official.has(Role::GridWorker, &held.grid));
    let role = held.witness_role.as_deref();
    if person == official.person || !make_a_pair(clerk, worker, role) {
        return lacking("it takes a clerk and a worker of the grid, or two workers of it");
    }
    let village = &official.village;
    let (role, region) = match role {
        Some("clerk") => (Role::Clerk, village.as_str()),
        _ => (Role::GridWorker, held.grid.as_str()),
    };
    if !in_office(tx, person, role, region, now).await?
        || is_concerned(tx, village, person, held.household).await?
    {
        return lacking("the witness has left that office, or is kin of the household");
    }
    Ok(())
}

/// Two officials hand over together if one of them at least works in the household's grid.
fn make_a_pair(clerk: bool, worker: bool, witness_role: Option<&str>) -> bool {
    match witness_role {
        Some("grid_worker") => clerk || worker,
        Some("clerk") => worker,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::make_a_pair;

    #[test]
    fn two_clerks_are_no_pair() {
        assert!(make_a_pair(true, false, Some("grid_worker")));
        assert!(make_a_pair(false, true, Some("clerk")));
        assert!(make_a_pair(false, true, Some("grid_worker")));
        assert!(!make_a_pair(true, false, Some("clerk")));
        assert!(!make_a_pair(true, true, None));
    }
}
