//! `POST …/reversals/{reversal}/decision`: somebody else than who proposed it decides.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::HEARING_DAYS;
use super::carry::{carry, release, settle};
use super::proposal::row;
use super::read::{HAD_A_SAY, Reversal, load};
use crate::app::App;
use crate::calendar;
use crate::http::path_id;
use crate::identity::{Corrects, Neighbour, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;

/// What a second person decides about confirmed points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReversalDecision {
    /// They are taken back: at once, or when the correction they are part of has been public for its days.
    Carried,
    /// They stay.
    Dropped,
}

/// The decision of somebody who is not concerned.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReversalDecision {
    pub decision: ReversalDecision,
    /// Told to the household.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "土地台账属实")]
    pub reason: String,
}

impl NewReversalDecision {
    /// The reason, readable.
    ///
    /// # Errors
    /// `reason_required`.
    pub fn readable(&self) -> Outcome<String> {
        Ok(required(&self.reason, "/reason")?)
    }

    /// What a reversal becomes by it; one of a correction waits for the end of its publicity.
    pub fn status(&self) -> &'static str {
        match self.decision {
            ReversalDecision::Carried => "approved",
            ReversalDecision::Dropped => "dropped",
        }
    }
}

/// Decide whether confirmed points are taken back
#[utoipa::path(tag = "reversals", operation_id = "reversals_decide", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("reversal" = Uuid, Path, description = "The reversal's id")),
    request_body = NewReversalDecision, responses((status = 201, body = Reversal)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state hearing_open \
        reason_required invalid_field"))))]
#[post("/v1/villages/{village}/reversals/{reversal}/decision")]
async fn decide_reversal(
    officer: Official<Corrects>,
    request: HttpRequest,
    decision: Command<NewReversalDecision>,
    app: Data<App>,
) -> Outcome<Answer<Reversal>> {
    let id = path_id(&request, "reversal")?;
    let done = decision.once(&app, officer.village.as_str(), officer.account, async |tx| {
        decide(tx, &officer, id, &decision.body, app.clock.now()).await?;
        load(tx, &officer, id).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn decide(
    tx: &Tx,
    by: &Official<Corrects>,
    id: Uuid,
    new: &NewReversalDecision,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let reason = new.readable()?;
    // The village's lock: decisions, closings and merges follow one another.
    calendar::touch(tx, village, now).await?;
    let found = row(tx, village, id).await?;
    unconcerned(tx, by, &found).await?;
    if found.status != "proposed" {
        return Err(Refusal::wrong_state(found.status).into());
    }
    if new.decision == ReversalDecision::Carried {
        heard(&found, now)?;
    }
    let status = new.status();
    let closed_at = (status == "dropped").then_some(now.0);
    let sql = "UPDATE reversals SET status = $3, decided_by = $4, decided_at = $5, \
                 decided_reason = $6, closed_at = $7 \
               WHERE village = $1 AND id = $2 AND status = 'proposed'";
    let values: [Value; 7] = [
        village.into(),
        id.into(),
        status.into(),
        by.person.into(),
        now.0.into(),
        reason.into(),
        closed_at.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state(found.status).into());
    }
    take_effect(tx, village, id, now).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "reversal.decide",
        subject: id.to_string(),
        detail: serde_json::json!({ "status": status }),
    };
    audit::record(tx, now, act).await
}

/// A single reversal waits for the household's answer, or for its days; a correction waits anyway.
///
/// # Errors
/// `hearing_open`.
fn heard(row: &entity::reversal::Model, now: Instant) -> Result<(), Refusal> {
    let opens_at = Instant(row.proposed_at).plus_days(HEARING_DAYS);
    if row.correction.is_some() || row.reply.is_some() || now >= opens_at {
        return Ok(());
    }
    Err(Refusal { opens_at: Some(opens_at), ..Code::HearingOpen.into() })
}

/// What was decided happens now, unless it waits for the end of a correction's publicity.
async fn take_effect(tx: &Tx, village: &Village, id: Uuid, now: Instant) -> Outcome<()> {
    let decided = [row(tx, village, id).await?];
    let [one] = &decided;
    match (one.status.as_str(), one.correction) {
        ("approved", Some(_)) => return Ok(()),
        ("approved", None) => carry(tx, village, &decided, |_| id.to_string(), now).await?,
        _ => {
            let outcome = "不予冲正，积分已解冻";
            release(tx, village, &decided, "reversal_decided", outcome, now).await?;
        }
    }
    settle(tx, village, &id.to_string(), now).await
}

/// Nobody decides what they proposed, about their own household or kin, or about a line on which they had
/// their say.
///
/// # Errors
/// `conflict_of_interest`.
pub async fn unconcerned(tx: &Tx, by: &Neighbour, row: &entity::reversal::Model) -> Outcome<()> {
    let sql = format!("SELECT {HAD_A_SAY} FROM reversals r WHERE r.village = $2 AND r.id = $3");
    let values: [Value; 3] = [by.person.into(), (&by.village).into(), row.id.into()];
    let mut concerned = row.proposed_by == by.person || db::number(tx, &sql, values).await? > 0;
    for household in [row.household, row.frozen_household] {
        concerned |= is_concerned(tx, &by.village, by.person, household).await?;
    }
    if concerned { Err(Code::ConflictOfInterest.into()) } else { Ok(()) }
}
