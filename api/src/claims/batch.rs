//! `POST /v1/villages/{village}/claims/batch`: what a phone or a list has gathered, in one request.

use actix_web::post;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::admission::Filing;
use super::submit::{NewClaim, submit_all};
use super::weigh::{Filed, again_if_outrun, weigh};
use crate::app::App;
use crate::identity::{Files, Neighbour, Official};
use crate::kernel::command::{Answer, Command};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// Many claims at once.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaims {
    /// Their order does not matter. Photos may be named that are still to be uploaded.
    #[validate(nested, length(min = 1, max = 200))]
    #[schema(min_items = 1, max_items = 200)]
    pub claims: Vec<NewClaim>,
    /// Only tell what would become of each; write nothing.
    #[serde(default)]
    #[schema(example = false)]
    pub dry_run: bool,
}

/// What became of each element of a batch, in its order.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct BatchResult {
    pub results: Vec<ClaimResult>,
}

/// What became of one element.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ClaimResult {
    pub id: Uuid,
    /// `applied`; `duplicate`: it is there already, as `existing`; `held`: it is there, and a reviewer
    /// looks closer for what `code` says; or `rejected`.
    #[schema(example = "applied")]
    pub result: String,
    /// Why it was not simply applied: a code of the problem table, or `possible_duplicate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "claim_too_late")]
    pub code: Option<String>,
    /// The claim of the same deed, or of what may be the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub existing: Option<Uuid>,
}

/// File up to 200 claims; each has its own result
#[utoipa::path(tag = "claims", operation_id = "claims_submit_batch", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewClaims, responses((status = 200, body = BatchResult)),
    extensions(("x-codes" = json!("role_required invalid_field"))))]
#[post("/v1/villages/{village}/claims/batch")]
async fn submit_claims(
    filer: Official<Files>,
    batch: Command<NewClaims>,
    app: Data<App>,
) -> Outcome<Answer<BatchResult>> {
    let NewClaims { claims, dry_run } = &batch.body;
    if *dry_run {
        return Ok(Answer::ok(try_all(&app, &filer, claims).await?));
    }
    let done = again_if_outrun(async || {
        let done = batch.once(&app, filer.village.as_str(), filer.account, async |tx| {
            let filed = submit_all(tx, &filing(&app, &filer), claims).await?;
            Ok(results(claims, filed))
        });
        done.await
    });
    done.await
}

/// A batch comes from the field, where photos are uploaded when the network allows.
pub fn filing<'a>(app: &'a App, filer: &'a Neighbour) -> Filing<'a> {
    let (village, list, early_photos) = (&filer.village, None, true);
    Filing { app, filer: &filer.caller, village, list, early_photos }
}

/// What would become of claims; a transaction for its locks, in which nothing is written.
async fn try_all(app: &App, filer: &Neighbour, claims: &[NewClaim]) -> Outcome<BatchResult> {
    let filing = filing(app, filer);
    let weighed = app.db.write(async |tx| weigh(tx, &filing.terms(), &filing.sent(claims)).await);
    Ok(results(claims, weighed.await?.filed))
}

/// The results of claims, in their order.
pub fn results(claims: &[NewClaim], filed: Vec<Result<Filed, Refusal>>) -> BatchResult {
    let results = claims.iter().zip(filed).map(|(claim, filed)| result(claim.id, filed));
    BatchResult { results: results.collect() }
}

fn result(id: Uuid, filed: Result<Filed, Refusal>) -> ClaimResult {
    let (word, code, existing) = match filed {
        Ok(filed) if !filed.shown.awaited.is_empty() => {
            ("held", Some(Code::PhotoAwaited.as_str()), None)
        }
        Ok(Filed { possible_duplicate: Some(other), .. }) => {
            ("held", Some("possible_duplicate"), Some(other))
        }
        Ok(_) => ("applied", None, None),
        Err(refusal) => {
            // An id is taken by the very same claim, or by another.
            let there = matches!(refusal.code, Code::DuplicateClaim | Code::IdTaken);
            let there = there && refusal.existing.is_some();
            let word = if there { "duplicate" } else { "rejected" };
            (word, Some(refusal.code.as_str()), refusal.existing)
        }
    };
    ClaimResult { id, result: word.to_owned(), code: code.map(str::to_owned), existing }
}
