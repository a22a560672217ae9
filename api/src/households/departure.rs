//! `POST …/households/{household}/members/{person}/departure`: somebody dies, moves or marries out.

use std::collections::BTreeSet;

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::file::{End, changed, end, has_account, open, present, without_holds};
use super::head::{Succession, pass_head, succession, unfit};
use super::member::leave;
use super::read::Household;
use crate::app::App;
use crate::http::path_id;
use crate::identity::{Official, Registers, end_accounts, is_birthday, may_dismiss};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::Tx;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::sessions::{self, Ended};

/// Why somebody belongs to a household no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The person's accounts are closed and their roles end.
    Died,
    Moved,
    Married,
    Other,
}

impl Because {
    fn as_str(self) -> &'static str {
        match self {
            Self::Died => "died",
            Self::Moved => "moved",
            Self::Married => "married",
            Self::Other => "other",
        }
    }
}

/// Why a member leaves, and who is the head then.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeparture {
    pub because: Because,
    /// A present member, 14 or older; required if the head leaves and others stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub new_head: Option<Uuid>,
    /// The day it happened, if not today. The file changes with this request, never backwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = Date, example = "2024-08-20")]
    pub on: Option<NaiveDate>,
}

/// Record that a member left the household; the last one closes it
#[utoipa::path(tag = "households", operation_id = "households_record_departure",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id"),
        ("person" = Uuid, Path, description = "The member")),
    request_body = NewDeparture, responses((status = 200, body = Household)),
    extensions(("x-codes" = json!("role_required role_above_own last_admin conflict_of_interest wrong_state \
        open_holds invalid_field"))))]
#[post("/v1/villages/{village}/households/{household}/members/{person}/departure")]
async fn record_departure(
    keeper: Official<Registers>,
    request: HttpRequest,
    departure: Command<NewDeparture>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let id = path_id(&request, "household")?;
    let person = path_id(&request, "person")?;
    let done = departure.once(&app, keeper.village.as_str(), keeper.account, async |tx| {
        depart(tx, &keeper, id, person, &departure.body, app.clock.now()).await
    });
    let done = done.await?;
    app.cache.refresh();
    Ok(done)
}

/// Whoever logs in is not written dead by a colleague, and an official only by those who could have
/// dismissed them.
async fn may_write_off(
    tx: &Tx,
    by: &Official<Registers>,
    person: Uuid,
    now: Instant,
) -> Outcome<()> {
    if !by.governs() && has_account(tx, person).await? {
        return Err(Code::RoleRequired.into());
    }
    may_dismiss(tx, by, person, now).await
}

async fn depart(
    tx: &Tx,
    by: &Official<Registers>,
    id: Uuid,
    person: Uuid,
    new: &NewDeparture,
    now: Instant,
) -> Outcome<Household> {
    let village = &by.village;
    open(tx, by, id, now).await?;
    let present = present(tx, village, id).await?;
    if !present.iter().any(|it| it.person == person) {
        return Err(Code::NotFound.into());
    }
    // As a birthday, a day that people alive can speak of.
    if new.on.is_some_and(|day| !is_birthday(day, now.day())) {
        return Err(unfit("/on", "not after today").into());
    }
    if new.because == Because::Died {
        may_write_off(tx, by, person, now).await?;
    }
    let because = new.because.as_str();
    match succession(&present, &BTreeSet::from([person]), new.new_head, now.day())? {
        Succession::Stays => {}
        Succession::Passes(head) => pass_head(tx, village, id, head).await?,
        // The last member stays written down as the head: past boards go on to show a name.
        Succession::Ends => {
            // What a closure asks for: points stay behind.
            if !by.governs() {
                return Err(Code::RoleRequired.into());
            }
            without_holds(tx, village, id).await?;
            if new.because == Because::Moved {
                return Err(Refusal::wrong_state("last_member").into());
            }
            let ended = End { status: "closed", because, successor: None, spend_until: None };
            end(tx, village, id, ended, now).await?;
        }
    }
    leave(tx, village, id, person, because, now).await?;
    if new.because == Because::Died {
        sessions::end(tx, Ended::Person(person), because, now).await?;
        end_accounts(tx, person, now).await?;
    }
    let detail = serde_json::json!({
        "person": person, "because": because, "new_head": new.new_head, "on": new.on,
    });
    changed(tx, by, id, "household.departure", detail, now).await
}
