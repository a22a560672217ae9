//! `POST …/households/{household}/pin`: the PIN by which a family without a phone shows that goods are
//! handed to itself and not to whoever has its paper. Only a keyed digest is kept.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use super::code::household_by_code;
use super::read::load;
use super::{Notice, may_read, tell};
use crate::app::App;
use crate::http::path_id;
use crate::identity::{Decides, Neighbour, Role, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::derive::{derived, hex, is_derived};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;

/// Wrong PINs in a row after which it is locked.
const WRONG_PINS_MAX: i64 = 5;

/// A household's new PIN, typed by one of the family.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPin {
    /// The code on the household's paper, to show that it is at hand.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "JF-7KQM-2WXA-P9FD-LC4H")]
    pub household_code: String,
    /// Four to six digits.
    #[validate(length(min = 4, max = 6), custom(function = "digits"))]
    #[schema(min_length = 4, max_length = 6, pattern = "^[0-9]{4,6}$", example = "2580")]
    pub pin: String,
}

/// That a PIN was set; never the PIN.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct PinSet {
    pub household: Uuid,
    pub set_at: Instant,
}

/// # Errors
/// `digits` for anything but ASCII digits.
pub fn digits(text: &str) -> Result<(), ValidationError> {
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(()),
        false => Err(ValidationError::new("digits")),
    }
}

/// Set the household's PIN: its head, the committee, or for the first one the worker of its grid
#[utoipa::path(tag = "households", operation_id = "households_set_pin", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    request_body = NewPin, responses((status = 200, body = PinSet)),
    extensions(("x-codes" = json!("other_household role_required conflict_of_interest \
        household_not_active too_many_tries invalid_field"))))]
#[post("/v1/villages/{village}/households/{household}/pin")]
async fn set_pin(
    caller: Neighbour,
    request: HttpRequest,
    new: Command<NewPin>,
    app: Data<App>,
) -> Outcome<Answer<PinSet>> {
    let id = path_id(&request, "household")?;
    let done = new.once(&app, caller.village.as_str(), caller.account, async |tx| {
        may_set(tx, &caller, id).await?;
        let code = &new.body.household_code;
        if household_by_code(&app, tx, &caller.village, caller.account, code).await? != id {
            return Err(Code::NotFound.into());
        }
        set(&app, tx, &caller, id, &new.body.pin).await
    });
    done.await
}

/// The head for the family and the committee for all but their own; the grid's worker only as long as
/// there is none, so that nobody takes over a PIN in use.
async fn may_set(tx: &Tx, caller: &Neighbour, id: Uuid) -> Outcome<()> {
    let village = &caller.village;
    let household = load(tx, village, id).await?;
    let own = caller.household_in(village) == Some(id);
    if own && household.members.iter().any(|it| it.is_head && it.person == caller.person) {
        return Ok(());
    }
    may_read(caller, id)?;
    if household.status != "active" {
        return Err(Code::HouseholdNotActive.into());
    }
    let sql = "SELECT COUNT(*) FROM household_pins WHERE village = $1 AND household = $2";
    let first = db::number(tx, sql, [village.into(), id.into()]).await? == 0;
    let works = first && caller.has(Role::GridWorker, household.grid.as_str());
    if !works && !caller.serves::<Decides>() {
        return Err(Code::RoleRequired.into());
    }
    if is_concerned(tx, village, caller.person, id).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    Ok(())
}

async fn set(app: &App, tx: &Tx, by: &Neighbour, id: Uuid, pin: &str) -> Outcome<PinSet> {
    let (village, now) = (&by.village, app.clock.now());
    let secret = app.config.secrets.identity();
    let digest = hex(&derived(secret, LABEL, &text(village, id, pin)));
    let sql = "INSERT INTO household_pins (village, household, digest, wrong, set_by, set_at) \
               VALUES ($1, $2, $3, 0, $4, $5) ON CONFLICT (village, household) DO UPDATE SET \
               digest = excluded.digest, wrong = 0, set_by = excluded.set_by, \
               set_at = excluded.set_at";
    let values: [Value; 5] =
        [village.into(), id.into(), digest.into(), by.person.into(), now.0.into()];
    db::run(tx, sql, values).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "household.set_pin",
        subject: id.to_string(),
        detail: serde_json::Value::Null,
    };
    audit::record(tx, now, act).await?;
    let detail = "本户的取货密码已设置。如非本户所为，请联系村监督委员会重设".to_owned();
    tell(tx, village, now, &[Notice { recipient: id, kind: "pin_set", subject: id, detail }])
        .await?;
    Ok(PinSet { household: id, set_at: now })
}

const LABEL: &str = "household-pin";

fn text(village: &Village, household: Uuid, pin: &str) -> Vec<u8> {
    format!("{village}|{household}|{pin}").into_bytes()
}

/// Tries a household's PIN for an official. A wrong one is counted under the row's lock and committed, so
/// that of many guesses at once only five are heard; a right one forgets those before.
///
/// # Errors
/// `second_factor_missing` if there is none, or this official knows it because they set it; `pin_wrong`;
/// `pin_locked` after five wrong ones in a row.
pub async fn try_pin(
    app: &App,
    village: &Village,
    household: Uuid,
    by: Uuid,
    pin: &str,
) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        digest: String,
        wrong: i64,
        set_by: Uuid,
    }
    let secret = app.config.secrets.identity();
    let lacking = |why: &str| Problem::from(Refusal::from(Code::SecondFactorMissing).because(why));
    let heard = app.db.write(async |tx| {
        let key: [Value; 2] = [village.into(), household.into()];
        let sql = format!(
            "SELECT digest, wrong, set_by FROM household_pins \
             WHERE village = $1 AND household = $2{}",
            db::exclusively(tx)
        );
        let row = db::one::<Row>(tx, &sql, key.clone()).await?;
        let row = row.ok_or_else(|| lacking("the household has no PIN"))?;
        if row.set_by == by {
            return Err(lacking("whoever set the PIN needs another proof"));
        }
        if row.wrong >= WRONG_PINS_MAX {
            return Ok(Some(Code::PinLocked));
        }
        let right =
            is_derived(secret, LABEL, &text(village, household, pin), row.digest.as_bytes());
        if right && row.wrong == 0 {
            return Ok(None);
        }
        let sql = "UPDATE household_pins SET wrong = CASE WHEN $3 = 1 THEN 0 ELSE wrong + 1 END \
                   WHERE village = $1 AND household = $2";
        db::run(tx, sql, key.into_iter().chain([i64::from(right).into()])).await?;
        Ok((!right).then_some(Code::PinWrong))
    });
    heard.await?.map_or(Ok(()), |code| Err(code.into()))
}
