//! `POST /v1/me/phone`: the phone that WeChat vouches for finds its owner in the roster.

use actix_web::post;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::{Bound, bind, is_free};
use crate::app::App;
use crate::identity::{Caller, Phone};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};

/// What WeChat's phone button gave.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPhone {
    /// For one use within five minutes; not the code of `wx.login`.
    #[validate(length(min = 1, max = 128))]
    #[schema(
        min_length = 1,
        max_length = 128,
        example = "e31968a7f94cc5ee25fafc2aef2773f0bb8c3937"
    )]
    pub code: String,
}

/// What the phone led to.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct PhoneAdded {
    /// The number, masked.
    #[schema(example = "138****8000")]
    pub phone: String,
    /// Whether the account is now bound to the person whom the roster names with this phone. If not,
    /// ask with `POST /v1/me/binding-requests`.
    pub bound: bool,
}

/// Add my phone, and be found by it
#[utoipa::path(tag = "me", operation_id = "me_add_phone", security(("bearer" = [])),
    request_body = NewPhone, responses((status = 200, body = PhoneAdded)),
    extensions(("x-codes" = json!("wechat_code_invalid wechat_limited wechat_blocked \
        wechat_unavailable already_bound guardian_needed invalid_field"))))]
#[post("/v1/me/phone")]
async fn add_phone(
    caller: Caller,
    phone: Command<NewPhone>,
    app: Data<App>,
) -> Outcome<Answer<PhoneAdded>> {
    if let Some(known) = phone.known(&app, "session", caller.account).await? {
        return Ok(known);
    }
    // Asked before the transaction: the code is used up by asking, the key protects the answer.
    let number = app.wechat.phone(&phone.body.code, &app.token_clock).await?;
    let done = phone.once(&app, "session", caller.account, async |tx| {
        add(&app, tx, &caller, &number, app.clock.now()).await
    });
    let done = done.await?;
    app.cache.refresh();
    Ok(done)
}

async fn add(
    app: &App,
    tx: &Tx,
    caller: &Caller,
    number: &str,
    now: Instant,
) -> Outcome<PhoneAdded> {
    let phone = Phone::parse(number).map_err(|_| {
        Refusal::from(Code::InvalidField).at("/code", "phone", "not a mainland mobile number")
    })?;
    let digest = phone.digest(app.config.secrets.identity());
    let owners = owners(tx, &digest, now).await?;
    let owner = pick(&owners);
    let sql = "UPDATE persons SET phone_digest = $2, phone_masked = $3 WHERE id = $1";
    let keep = |person: Uuid| -> [Value; 3] {
        [person.into(), digest.as_str().into(), phone.masked().into()]
    };
    let unknown = caller.home.is_none() && caller.grants.is_empty();
    let bound = match owner {
        Some(owner) if owner.person == caller.person => true,
        Some(owner) if unknown && owner.is_free => {
            let Caller { account, person, .. } = *caller;
            let bound = Bound { account, from: person, to: owner.person };
            bind(tx, &bound, None, now).await?;
            true
        }
        // Somebody who is known already does not become somebody else.
        Some(_) if !unknown => return Err(Code::AlreadyBound.into()),
        _ => {
            db::run(tx, sql, keep(caller.person)).await?;
            !unknown
        }
    };
    Ok(PhoneAdded { phone: phone.masked(), bound })
}

/// Somebody whom the roster names with a phone.
#[derive(FromQueryResult)]
struct Owner {
    person: Uuid,
    household: Uuid,
    is_head: bool,
    /// Neither logs in yet nor holds an office: a phone can change hands, and proves nothing of those.
    is_free: bool,
}

/// The members of households who are known with this phone.
async fn owners(tx: &Tx, digest: &str, now: Instant) -> Outcome<Vec<Owner>> {
    let sql = format!(
        "SELECT p.id AS person, b.household, m.is_head, {} AS is_free FROM persons p \
         JOIN bindings b ON b.person = p.id AND b.ended_at IS NULL \
         JOIN members m ON m.village = b.village AND m.household = b.household \
           AND m.person = p.id AND m.left_at IS NULL WHERE p.phone_digest = $1 LIMIT 20",
        is_free("$2")
    );
    Ok(db::all(tx, &sql, [digest.into(), now.0.into()]).await?)
}

/// Whose phone it is: the only one known with it, or, where a family shares one, its head. Where
/// several families name the same phone, nobody is found by it.
fn pick(owners: &[Owner]) -> Option<&Owner> {
    match owners {
        [only] => Some(only),
        [first, rest @ ..] => {
            let one_family = rest.iter().all(|owner| owner.household == first.household);
            let head = owners.iter().find(|owner| owner.is_head);
            head.filter(|_| one_family)
        }
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(person: u128, household: u128, is_head: bool) -> Owner {
        let (person, household) = (Uuid::from_u128(person), Uuid::from_u128(household));
        Owner { person, household, is_head, is_free: true }
    }

    fn picked(owners: &[Owner]) -> Option<u128> {
        pick(owners).map(|owner| owner.person.as_u128())
    }

    #[test]
    fn a_family_that_shares_a_phone_is_found_by_its_head_and_strangers_are_not() {
        assert_eq!(picked(&[]), None);
        assert_eq!(picked(&[owner(1, 9, false)]), Some(1));
        assert_eq!(picked(&[owner(1, 9, false), owner(2, 9, true)]), Some(2));
        assert_eq!(picked(&[owner(1, 9, false), owner(2, 9, false)]), None);
        assert_eq!(picked(&[owner(1, 8, true), owner(2, 9, true)]), None);
    }
}
