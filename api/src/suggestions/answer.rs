//! `POST …/suggestions/{suggestion}/answer`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::list::{Suggestion, SuggestionStatus, load};
use super::open;
use crate::app::App;
use crate::households::{Notice, tell};
use crate::http::path_id;
use crate::identity::{Decides, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;

/// What the committee makes of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionDecision {
    Adopted,
    Declined,
}

/// The committee's answer.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSuggestionAnswer {
    pub decision: SuggestionDecision,
    /// Told to who made it.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "分值须在镇框架之内")]
    pub reason: String,
}

/// Answer a suggestion; nobody answers their own household's or kin's
#[utoipa::path(tag = "rules", operation_id = "suggestions_answer", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("suggestion" = Uuid, Path, description = "The suggestion's id")),
    request_body = NewSuggestionAnswer, responses((status = 201, body = Suggestion)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        invalid_field"))))]
#[post("/v1/villages/{village}/suggestions/{suggestion}/answer")]
async fn answer_suggestion(
    member: Official<Decides>,
    request: HttpRequest,
    answer: Command<NewSuggestionAnswer>,
    app: Data<App>,
) -> Outcome<Answer<Suggestion>> {
    let id = path_id(&request, "suggestion")?;
    let (village, by) = (&member.village, member.person);
    let done = answer.once(&app, village.as_str(), member.account, async |tx| {
        decide(tx, village, id, &answer.body, by, app.clock.now()).await
    });
    Ok(done.await?.created())
}

async fn decide(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    new: &NewSuggestionAnswer,
    by: Uuid,
    now: Instant,
) -> Outcome<Suggestion> {
    let suggestion = load(tx, village, id).await?;
    let reason = required(&new.reason, "/reason")?;
    let Some(waiting) = open(tx, village, &[id]).await?.pop() else {
        return Err(Refusal::wrong_state(suggestion.status.as_str()).into());
    };
    // What is adopted is worth points to who made it.
    if waiting.person == by || is_concerned(tx, village, by, suggestion.household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    let (status, kind, word) = match new.decision {
        SuggestionDecision::Adopted => {
            (SuggestionStatus::Adopted, "suggestion_adopted", "您的建议已采纳")
        }
        SuggestionDecision::Declined => {
            (SuggestionStatus::Declined, "suggestion_declined", "您的建议未采纳")
        }
    };
    let values: [Value; 6] = [
        village.into(),
        id.into(),
        status.as_str().into(),
        reason.as_str().into(),
        by.into(),
        now.0.into(),
    ];
    let sql = "UPDATE suggestions SET status = $3, reason = $4, answered_by = $5, \
               answered_at = $6 WHERE village = $1 AND id = $2 AND status = 'open'";
    db::run(tx, sql, values).await?;
    let detail = format!("{word}：{reason}");
    tell(tx, village, now, &[Notice { recipient: waiting.person, kind, subject: id, detail }])
        .await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(by),
        action: "suggestion.answer",
        subject: id.to_string(),
        detail: serde_json::json!({ "decision": status, "reason": reason }),
    };
    audit::record(tx, now, act).await?;
    load(tx, village, id).await
}
