//! `…/households/{household}/code`: the code on a household's paper (户码), for those without a phone.
//!
//! It is derived from a secret, the household and a serial, and stored nowhere. A new serial makes old
//! papers worthless.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::may_read;
use super::read::{Household, load};
use crate::app::App;
use crate::changes;
use crate::http::path_id;
use crate::identity::{Governs, Neighbour, Role, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::derive::derived;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;

/// No I, O, 0 or 1: they are read wrongly. 32 of them, so that each stands for five bits.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const GROUPS: usize = 4;
const GROUP: usize = 4;

/// What stands on a household's paper, as text and QR code.
#[derive(Serialize, ToSchema)]
pub struct HouseholdCode {
    #[schema(example = "JF-7KQM-2WXA-P9FD-LC4H")]
    pub code: String,
    /// Rises with every renewal.
    #[schema(example = 1)]
    pub version: i64,
}

/// Nothing needs to be said.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCodeRenewal {}

/// The code on a household's paper
#[utoipa::path(tag = "households", operation_id = "households_show_code",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    responses((status = 200, body = HouseholdCode)),
    extensions(("x-codes" = json!("other_household role_required"))))]
#[get("/v1/villages/{village}/households/{household}/code")]
async fn show_code(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<HouseholdCode>> {
    let id = path_id(&request, "household")?;
    let household = load(app.db.read(), &caller.village, id).await?;
    may_show(&caller, &household)?;
    let version = serial(app.db.read(), &caller.village, id).await?;
    let code = code_of(app.config.secrets.identity(), &caller.village, id, version);
    Ok(Answer::ok(HouseholdCode { code, version }))
}

/// Make a new code: papers with the old one stop working
#[utoipa::path(tag = "households", operation_id = "households_renew_code",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    request_body = NewCodeRenewal, responses((status = 200, body = HouseholdCode)),
    extensions(("x-codes" = json!("other_household role_required conflict_of_interest"))))]
#[post("/v1/villages/{village}/households/{household}/code/renewal")]
async fn renew_code(
    caller: Neighbour,
    request: HttpRequest,
    renewal: Command<NewCodeRenewal>,
    app: Data<App>,
) -> Outcome<Answer<HouseholdCode>> {
    let id = path_id(&request, "household")?;
    let done = renewal.once(&app, caller.village.as_str(), caller.account, async |tx| {
        let household = load(tx, &caller.village, id).await?;
        may_renew(tx, &caller, &household).await?;
        renew(&app, tx, &caller, id).await
    });
    let secret = app.config.secrets.identity();
    Ok(done.await?.map(|version| HouseholdCode {
        code: code_of(secret, &caller.village, id, version),
        version,
    }))
}

/// The family, the worker of its grid, and who governs the village.
fn may_show(caller: &Neighbour, household: &Household) -> Outcome<()> {
    let own = caller.household_in(&caller.village) == Some(household.id);
    let works = caller.has(Role::GridWorker, household.grid.as_str());
    if own || works || caller.serves::<Governs>() {
        return Ok(());
    }
    may_read(caller, household.id)?;
    Err(Code::RoleRequired.into())
}

/// The head for the family, and who governs the village for all but their own.
async fn may_renew(tx: &Tx, caller: &Neighbour, household: &Household) -> Outcome<()> {
    let is_head = household.members.iter().any(|it| it.is_head && it.person == caller.person);
    if is_head && caller.household_in(&caller.village) == Some(household.id) {
        return Ok(());
    }
    may_read(caller, household.id)?;
    if !caller.serves::<Governs>() {
        return Err(Code::RoleRequired.into());
    }
    if is_concerned(tx, &caller.village, caller.person, household.id).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    Ok(())
}

async fn serial(on: &impl ConnectionTrait, village: &Village, household: Uuid) -> Outcome<i64> {
    let sql = "SELECT code_serial FROM households WHERE village = $1 AND id = $2";
    Ok(db::number(on, sql, [village.into(), household.into()]).await?)
}

/// The new serial. The code itself is made from it outside, so that no table ever holds one.
async fn renew(app: &App, tx: &Tx, caller: &Neighbour, household: Uuid) -> Outcome<i64> {
    let changed = changes::next(tx, &caller.village).await?;
    let sql = "UPDATE households SET code_serial = code_serial + 1, version = version + 1, \
                 changed = $3 WHERE village = $1 AND id = $2";
    let values: [Value; 3] = [(&caller.village).into(), household.into(), changed.into()];
    db::run(tx, sql, values).await?;
    let act = Act {
        region: caller.village.as_str(),
        actor: Some(caller.person),
        action: "household.renew_code",
        subject: household.to_string(),
        detail: serde_json::json!({}),
    };
    audit::record(tx, app.clock.now(), act).await?;
    serial(tx, &caller.village, household).await
}

fn code_of(secret: &[u8], village: &Village, household: Uuid, serial: i64) -> String {
    let digest =
        derived(secret, "household-code", format!("{village}|{household}|{serial}").as_bytes());
    // 256 is a multiple of 32: every letter is as likely as the others.
    let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied();
    let letters: Vec<_> =
        digest.iter().take(GROUPS * GROUP).filter_map(letter).map(char::from).collect();
    letters
        .chunks(GROUP)
        .fold("JF".to_owned(), |code, group| code + "-" + &group.iter().collect::<String>())
}

/// A code as people type it: in small letters, without hyphens, with spaces.
fn typed(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// The household whose present code this is. Every household of the village is compared: codes are
/// stored nowhere.
///
/// # Errors
/// `not_found` for a wrong code and one of another village alike; `too_many_tries` after 20 of them by
/// this account in 15 minutes.
pub async fn household_by_code(
    app: &App,
    on: &impl ConnectionTrait,
    village: &Village,
    account: Uuid,
    code: &str,
) -> Outcome<Uuid> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        code_serial: i64,
    }
    app.code_tries.begin(account, app.clock.now())?;
    let sql = "SELECT id, code_serial FROM households WHERE village = $1";
    let rows = db::all::<Row>(on, sql, [village.into()]).await?;
    let (secret, sent) = (app.config.secrets.identity(), typed(code));
    let is_it = |row: &Row| {
        let right = typed(&code_of(secret, village, row.id, row.code_serial));
        let same = |sum: u8, (a, b): (u8, u8)| sum | (a ^ b);
        right.len() == sent.len() && right.bytes().zip(sent.bytes()).fold(0, same) == 0
    };
    let found = rows.iter().find(|row| is_it(row)).ok_or(Code::NotFound)?;
    app.code_tries.forgive(account);
    Ok(found.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_belongs_to_one_household_and_serial_and_is_read_easily() {
        let here: Village = "460205100201".parse().expect("a code");
        let next: Village = "460205100202".parse().expect("a code");
        let code = |village, id, serial| code_of(b"secret", village, Uuid::from_u128(id), serial);
        let codes = [code(&here, 1, 1), code(&here, 1, 2), code(&here, 2, 1), code(&next, 1, 1)];
        let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), 4);
        for code in &codes {
            assert_eq!(code.len(), "JF-XXXX-XXXX-XXXX-XXXX".len(), "{code}");
            let rest = code.strip_prefix("JF-").expect("the prefix").replace('-', "");
            assert!(rest.bytes().all(|letter| LETTERS.contains(&letter)), "{code}");
        }
        assert_eq!(typed("jf-7kqm 2wxa"), "JF7KQM2WXA");
    }
}
