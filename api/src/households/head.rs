//! `POST …/households/{household}/head`, and who may be a household's head.

use std::collections::BTreeSet;

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use chrono::NaiveDate;
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::file::{Present, changed, open, present};
use super::read::Household;
use crate::app::App;
use crate::http::path_id;
use crate::identity::{Official, Registers, is_grown_up};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// Who is the head from now on.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHead {
    /// A present member who is not the head, 14 or older.
    pub person: Uuid,
}

/// Make another member the head of the household
#[utoipa::path(tag = "households", operation_id = "households_change_head", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    request_body = NewHead, responses((status = 200, body = Household)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state invalid_field"))))]
#[post("/v1/villages/{village}/households/{household}/head")]
async fn change_head(
    keeper: Official<Registers>,
    request: HttpRequest,
    head: Command<NewHead>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let id = path_id(&request, "household")?;
    let done = head.once(&app, keeper.village.as_str(), keeper.account, async |tx| {
        change(tx, &keeper, id, head.body.person, app.clock.now()).await
    });
    let done = done.await?;
    app.cache.refresh();
    Ok(done)
}

async fn change(
    tx: &Tx,
    by: &Official<Registers>,
    id: Uuid,
    person: Uuid,
    now: Instant,
) -> Outcome<Household> {
    open(tx, by, id, now).await?;
    let present = present(tx, &by.village, id).await?;
    let next = present.iter().find(|it| it.person == person).ok_or(Code::NotFound)?;
    may_head(next, now.day()).map_err(|why| unfit("/person", why))?;
    if next.is_head {
        return Err(unfit("/person", "is the head already").into());
    }
    pass_head(tx, &by.village, id, person).await?;
    let detail = serde_json::json!({ "person": person });
    changed(tx, by, id, "household.change_head", detail, now).await
}

/// The head is `person` and nobody else.
pub async fn pass_head(tx: &Tx, village: &Village, id: Uuid, person: Uuid) -> Outcome<()> {
    let sql =
        "UPDATE members SET is_head = FALSE WHERE village = $1 AND household = $2 AND is_head";
    db::run(tx, sql, [village.into(), id.into()]).await?;
    let sql = "UPDATE members SET is_head = TRUE \
               WHERE village = $1 AND household = $2 AND person = $3 AND left_at IS NULL";
    let values: [Value; 3] = [village.into(), id.into(), person.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

pub fn unfit(pointer: &str, why: &str) -> Refusal {
    Refusal::from(Code::InvalidField).at(pointer, "invalid", why)
}

/// Whether somebody is old enough to speak for a household.
///
/// # Errors
/// Says why not.
pub fn may_head(person: &Present, today: NaiveDate) -> Result<(), &'static str> {
    if is_grown_up(person.born(), today) { Ok(()) } else { Err("younger than 14") }
}

/// What becomes of a household's head when members leave.
#[derive(Debug, PartialEq, Eq)]
pub enum Succession {
    /// The head is not among those who leave.
    Stays,
    Passes(Uuid),
    /// Nobody is left.
    Ends,
}

/// Who is the head after some have left.
///
/// # Errors
/// `invalid_field` at `/new_head` if the head leaves and none of those who stay, old enough, is named,
/// or if one is named without need.
pub fn succession(
    present: &[Present],
    leaving: &BTreeSet<Uuid>,
    new_head: Option<Uuid>,
    today: NaiveDate,
) -> Result<Succession, Refusal> {
    let mut staying = present.iter().filter(|it| !leaving.contains(&it.person)).peekable();
    let needless = new_head.map_or(Ok(()), |_| Err(unfit("/new_head", "the head does not change")));
    if staying.peek().is_none() {
        return needless.map(|()| Succession::Ends);
    }
    if present.iter().any(|it| it.is_head && !leaving.contains(&it.person)) {
        return needless.map(|()| Succession::Stays);
    }
    let named = new_head.ok_or_else(|| unfit("/new_head", "the head leaves: name another"))?;
    let next = staying.find(|it| it.person == named);
    let next = next.ok_or_else(|| unfit("/new_head", "not a member who stays"))?;
    may_head(next, today).map_err(|why| unfit("/new_head", why))?;
    Ok(Succession::Passes(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Uuid = Uuid::from_u128(1);
    const WIFE: Uuid = Uuid::from_u128(2);
    const CHILD: Uuid = Uuid::from_u128(3);

    fn family() -> Vec<Present> {
        let one = |person, born_on: Option<&str>| Present {
            person,
            is_head: person == HEAD,
            born_on: born_on.map(str::to_owned),
        };
        vec![one(HEAD, None), one(WIFE, Some("1980-02-29")), one(CHILD, Some("2010-08-22"))]
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn a_head_is_fourteen_on_the_birthday_and_not_the_day_before() {
        let family = family();
        let child = family.get(2).expect("a child");
        assert!(may_head(child, day("2024-08-21")).is_err());
        assert!(may_head(child, day("2024-08-22")).is_ok());
        assert!(family.first().is_some_and(|it| may_head(it, day("2024-08-21")).is_ok()));
    }

    #[test]
    fn a_head_who_leaves_is_followed_by_one_who_stays_and_is_old_enough() {
        let today = day("2024-08-21");
        let after = |leaving: &[Uuid], new_head| {
            succession(&family(), &leaving.iter().copied().collect(), new_head, today)
        };
        assert_eq!(after(&[HEAD], Some(WIFE)), Ok(Succession::Passes(WIFE)));
        assert_eq!(after(&[WIFE], None), Ok(Succession::Stays));
        assert_eq!(after(&[HEAD, WIFE, CHILD], None), Ok(Succession::Ends));
        for (leaving, new_head) in [
            (vec![HEAD], None),
            (vec![HEAD], Some(HEAD)),
            (vec![HEAD], Some(CHILD)),
            (vec![HEAD, WIFE], Some(WIFE)),
            (vec![WIFE], Some(CHILD)),
            (vec![HEAD, WIFE, CHILD], Some(WIFE)),
        ] {
            let refusal = after(&leaving, new_head).expect_err("refused");
            assert_eq!(refusal.errors.first().map(|it| it.pointer.as_str()), Some("/new_head"));
        }
    }
}
