//! `POST …/claims/{claim}/reviews` and `…/reviews/batch`: one path for one decision and for many.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::batch::{BatchResult, ClaimResult};
use super::decisions::review_all;
use super::read::{Claim, load};
use super::verdict::Verdict;
use crate::app::App;
use crate::http::path_id;
use crate::identity::{Official, Reviews};
use crate::kernel::command::{Answer, Command};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// A decision at the claim's present step.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    pub decision: Verdict,
    /// Points for each count, inside the rule's range, if they should differ from what was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = -1000, max = 1000))]
    #[schema(nullable = false, minimum = -1000, maximum = 1000, example = 3)]
    pub points_each: Option<i64>,
    /// Required to reject and to return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 500))]
    #[schema(nullable = false, max_length = 500, example = "照片不是本户庭院")]
    pub reason: Option<String>,
}

/// A decision on one claim of a batch.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub claim: Uuid,
    #[validate(nested)]
    pub review: NewReview,
}

impl Decision {
    /// Approves a claim as it stands.
    pub fn approve(claim: Uuid) -> Self {
        let review = NewReview { decision: Verdict::Approve, points_each: None, reason: None };
        Self { claim, review }
    }
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReviews {
    #[validate(nested, length(min = 1, max = 50))]
    #[schema(min_items = 1, max_items = 50)]
    pub reviews: Vec<Decision>,
}

/// Decide on a claim at its present step
#[utoipa::path(tag = "claims", operation_id = "claims_review", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("claim" = Uuid, Path, description = "The claim's id")),
    request_body = NewReview, responses((status = 201, body = Claim)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state already_reviewed \
        hearing_open photo_awaited reason_required outside_range invalid_field"))))]
#[post("/v1/villages/{village}/claims/{claim}/reviews")]
async fn review_claim(
    reviewer: Official<Reviews>,
    request: HttpRequest,
    review: Command<NewReview>,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    let claim = path_id(&request, "claim")?;
    let done = review.once(&app, reviewer.village.as_str(), reviewer.account, async |tx| {
        let decision = Decision { claim, review: review.body.clone() };
        let decided = review_all(&app, tx, &reviewer, &reviewer.village, &[decision]).await?;
        decided.into_iter().try_for_each(|result| result.map(|_| ()))?;
        load(&app, tx, &reviewer, claim).await
    });
    Ok(done.await?.created())
}

/// Decide on up to 50 claims; each has its own result
#[utoipa::path(tag = "claims", operation_id = "claims_review_batch", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewReviews, responses((status = 200, body = BatchResult)),
    extensions(("x-codes" = json!("role_required invalid_field"))))]
#[post("/v1/villages/{village}/reviews/batch")]
async fn review_claims(
    reviewer: Official<Reviews>,
    batch: Command<NewReviews>,
    app: Data<App>,
) -> Outcome<Answer<BatchResult>> {
    let done = batch.once(&app, reviewer.village.as_str(), reviewer.account, async |tx| {
        let decisions = &batch.body.reviews;
        let decided = review_all(&app, tx, &reviewer, &reviewer.village, decisions).await?;
        let results = decisions.iter().zip(decided).map(|(decision, decided)| {
            let code = decided.err().map(|refusal| refusal.code.as_str().to_owned());
            let result = if code.is_none() { "applied" } else { "rejected" };
            ClaimResult { id: decision.claim, result: result.to_owned(), code, existing: None }
        });
        Ok(BatchResult { results: results.collect() })
    });
    done.await
}
