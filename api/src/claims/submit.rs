//! `POST /v1/villages/{village}/claims` and `…/claims/batch`: one path for one claim and for many.

use std::sync::Arc;

use actix_web::post;
use actix_web::web::Data;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::facts::{HouseholdRow, books, households, members, refuse_duplicates, refuse_unwarned};
use super::insert::insert;
use super::read::{Claim, load};
use super::rules::{Admitted, Deed, admit};
use crate::app::App;
use crate::identity::{Caller, Files, Neighbour, Official, Role};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::Tx;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::rules::{Book, Source};

/// A deed for which points are claimed.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaim {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// The household that earns; one's own, unless one files for another as an official.
    pub household: Uuid,
    /// The rule's key.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "env.courtyard_beautify")]
    pub rule: String,
    /// Whose deed it was, where the rule counts per member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub member: Option<Uuid>,
    /// How often: times, persons, dogs … as the rule's unit says.
    #[validate(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    pub count: i64,
    /// Points for each count, where the rule leaves a choice; else the rule's usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = -1000, max = 1000))]
    #[schema(nullable = false, minimum = -1000, maximum = 1000, example = 3)]
    pub points_each: Option<i64>,
    /// The day of the deed, village time.
    #[schema(value_type = String, format = Date, example = "2024-09-24")]
    pub occurred_on: NaiveDate,
    /// The event, ticket, certificate or suggestion it is about, where the rule needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 100))]
    #[schema(nullable = false, min_length = 1, max_length = 100, example = "9月24日集中清扫")]
    pub event: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 500))]
    #[schema(nullable = false, max_length = 500, example = "门前种了三角梅")]
    pub note: Option<String>,
    #[serde(default)]
    #[validate(nested, length(max = 9))]
    #[schema(max_items = 9)]
    pub evidence: Vec<Evidence>,
}

/// Something that shows the deed.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// One of the kinds that the rule asks for.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "photo_before_after")]
    pub kind: String,
    /// Where it is kept: a photo's id, a sheet's number, two witnesses' names.
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "签到表 2024-09-24")]
    pub reference: String,
}

/// File a claim
#[utoipa::path(tag = "claims", operation_id = "claims_submit", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewClaim, responses((status = 201, body = Claim)),
    extensions(("x-codes" = json!("other_household role_required rule_not_in_force claim_too_late \
        claim_in_future evidence_missing member_required event_required outside_range id_taken \
        duplicate_claim household_not_active warning_needed invalid_field"))))]
#[post("/v1/villages/{village}/claims")]
async fn submit_claim(
    filer: Neighbour,
    claim: Command<NewClaim>,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    let done = claim.once(&app, filer.village.as_str(), filer.account, async |tx| {
        let claims = std::slice::from_ref(&claim.body);
        let filed = submit_all(&app, tx, &filer, &filer.village, claims, None).await?;
        filed.into_iter().try_for_each(|result| result.map(|_| ()))?;
        load(&app, tx, &filer, claim.body.id).await
    });
    Ok(done.await?.created())
}

/// Many claims at once.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaims {
    #[validate(nested, length(min = 1, max = 200))]
    #[schema(min_items = 1, max_items = 200)]
    pub claims: Vec<NewClaim>,
}

/// What became of each claim of a batch, in its order.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct BatchResult {
    pub results: Vec<ClaimResult>,
}

/// What became of one element.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ClaimResult {
    pub id: Uuid,
    /// `applied`, `duplicate` or `rejected`.
    #[schema(example = "applied")]
    pub result: String,
    /// Why it was not applied: a code of the problem table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "claim_too_late")]
    pub code: Option<String>,
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
    let done = batch.once(&app, filer.village.as_str(), filer.account, async |tx| {
        let claims = &batch.body.claims;
        let filed = submit_all(&app, tx, &filer, &filer.village, claims, None).await?;
        let results = claims.iter().zip(filed).map(|(claim, filed)| result(claim.id, filed));
        Ok(BatchResult { results: results.collect() })
    });
    done.await
}

fn result(id: Uuid, filed: Result<Admitted, Refusal>) -> ClaimResult {
    let code = filed.err().map(|refusal| refusal.code);
    let word = match code {
        None => "applied",
        Some(Code::DuplicateClaim | Code::IdTaken) => "duplicate",
        Some(_) => "rejected",
    };
    ClaimResult { id, result: word.to_owned(), code: code.map(|code| code.as_str().to_owned()) }
}

/// Files claims of one village: what each came to, in their order. What is refused leaves no row.
///
/// `import` stands for the source of a list from outside; else the filer's role decides.
pub async fn submit_all(
    app: &App,
    tx: &Tx,
    filer: &Caller,
    village: &Village,
    claims: &[NewClaim],
    import: Option<Source>,
) -> Outcome<Vec<Result<Admitted, Refusal>>> {
    let now = app.clock.now();
    let households = households(tx, village, claims).await?;
    let members = members(tx, village, claims).await?;
    let books = books(app, tx, village, claims).await?;
    let mut filed = Vec::with_capacity(claims.len());
    for claim in claims {
        let household = households.get(&claim.household);
        let book = books.get(&claim.occurred_on);
        let member = claim.member.is_none_or(|person| members.contains(&(claim.household, person)));
        let admitted = match (household, member) {
            (Some(household), true) => one(filer, village, household, book, claim, import, now),
            _ => Err(Code::NotFound.into()),
        };
        filed.push(admitted);
    }
    refuse_unwarned(tx, village, claims, &books, &mut filed).await?;
    refuse_duplicates(tx, village, claims, &mut filed).await?;
    let accepted: Vec<_> = claims
        .iter()
        .zip(&filed)
        .filter_map(|(claim, admitted)| {
            let household = households.get(&claim.household)?;
            let book = books.get(&claim.occurred_on)?;
            Some((claim, admitted.as_ref().ok()?, household, book))
        })
        .collect();
    insert(tx, filer, village, &accepted, import, now).await?;
    if let Some((first, ..)) = accepted.first() {
        let act = Act {
            region: village.as_str(),
            actor: Some(filer.person),
            action: "claim.submit",
            subject: first.id.to_string(),
            detail: serde_json::json!({ "claims": accepted.len() }),
        };
        audit::record(tx, now, act).await?;
    }
    Ok(filed)
}

fn one(
    filer: &Caller,
    village: &Village,
    household: &HouseholdRow,
    book: Option<&Arc<Book>>,
    claim: &NewClaim,
    import: Option<Source>,
    now: Instant,
) -> Result<Admitted, Refusal> {
    if household.status != "active" {
        return Err(Code::HouseholdNotActive.into());
    }
    let rule = book.and_then(|book| book.rule(&claim.rule)).ok_or(Code::RuleNotInForce)?;
    if import.is_none() {
        may_file(filer, village, household, rule.source)?;
    }
    let evidence = claim.evidence.iter().filter(|it| readable(&it.reference).is_some());
    let event = claim.event.as_deref().and_then(readable);
    let deed = Deed {
        household: household.id,
        member: claim.member,
        count: claim.count,
        points_each: claim.points_each,
        occurred_on: claim.occurred_on,
        event: event.as_deref(),
        evidence: evidence.map(|it| it.kind.as_str()).collect(),
    };
    admit(rule, &deed, now)
}

/// A household claims for itself; a grid worker files for the households of the grid; inspections are
/// the grid worker's, the committee's own items the committee's and the panel's.
fn may_file(
    filer: &Caller,
    village: &Village,
    household: &HouseholdRow,
    source: Source,
) -> Result<(), Refusal> {
    let own = filer.household_in(village) == Some(household.id);
    let worker = filer.has(Role::GridWorker, &household.grid);
    let here = village.as_str();
    let committee = filer.has(Role::Committee, here) || filer.has(Role::Panel, here);
    let allowed = match source {
        Source::Claim => own || worker,
        Source::Inspection => worker && !own,
        Source::Committee => committee && !own,
        Source::Import => filer.has(Role::Township, here),
    };
    match (allowed, own || worker || committee) {
        (true, _) => Ok(()),
        (false, true) => Err(Code::RoleRequired.into()),
        (false, false) => Err(Code::OtherHousehold.into()),
    }
}
