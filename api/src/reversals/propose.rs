//! `POST …/reversals`: an official proposes to take confirmed points back.

use actix_web::post;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::DECISION_DAYS;
use super::proposal::{self, Proposal, place_of, place_on};
use super::read::{Reversal, load};
use crate::app::App;
use crate::calendar;
use crate::identity::{Corrects, Official};
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::Tx;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;

/// A confirmed line that is wrong. Named by its id, or by the list's month and its number there.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReversal {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// The entry's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub month: Option<Month>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 1_000_000))]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000, example = 12)]
    pub number: Option<i64>,
    /// How many of the line's points, without their sign; all that is left, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 1000))]
    #[schema(nullable = false, minimum = 1, maximum = 1000, example = 5)]
    pub points: Option<i64>,
    /// Told to the household.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "经查该地块属集体所有")]
    pub reason: String,
}

/// Propose to take confirmed points back; they are frozen until somebody else decides
#[utoipa::path(tag = "reversals", operation_id = "reversals_propose", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewReversal, responses((status = 201, body = Reversal)),
    extensions(("x-codes" = json!("role_required conflict_of_interest line_not_confirmed \
        reversal_of_reversal reversal_exists already_proposed reversal_exceeds_line wrong_state \
        reason_required id_taken invalid_field"))))]
#[post("/v1/villages/{village}/reversals")]
async fn propose_reversal(
    officer: Official<Corrects>,
    new: Command<NewReversal>,
    app: Data<App>,
) -> Outcome<Answer<Reversal>> {
    let done = new.once(&app, officer.village.as_str(), officer.account, async |tx| {
        propose(&app, tx, &officer, &new.body).await?;
        load(tx, &officer, new.body.id).await
    });
    Ok(done.await?.created())
}

async fn propose(app: &App, tx: &Tx, by: &Official<Corrects>, new: &NewReversal) -> Outcome<()> {
    let reason = required(&new.reason, "/reason")?;
    let now = app.clock.now();
    calendar::touch(tx, &by.village, now).await?;
    let place = match (new.line, new.month, new.number) {
        (Some(line), None, None) => place_of(tx, &by.village, line).await?,
        (None, Some(month), Some(number)) => place_on(tx, &by.village, month, number).await?,
        _ => {
            let refusal = Refusal::from(Code::InvalidField);
            let why = "either `line`, or `month` and `number`";
            return Err(refusal.at("/line", "required", why).into());
        }
    };
    let proposal = Proposal {
        id: new.id,
        place,
        points: new.points,
        reason: &reason,
        correction: None,
        due_at: now.plus_days(DECISION_DAYS),
    };
    proposal::propose(tx, by, &proposal, now).await
}
