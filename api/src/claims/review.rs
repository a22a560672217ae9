//! `POST …/claims/{claim}/reviews` and `…/reviews/batch`: one path for one decision and for many.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::batch::{BatchResult, ClaimResult};
use super::read::{Claim, load};
use super::record::record;
use super::rules::{Next, decide};
use crate::app::App;
use crate::http::path_id;
use crate::identity::{CONCERNED, Caller, Official, Reviews, Role};
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::rules::{Rule, Step, StepRole, book};
use crate::scoring;

/// Approve or reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Approve,
    Reject,
}

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
    /// Required to reject.
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
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state photo_awaited already_reviewed \
        reason_required outside_range invalid_field"))))]
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

/// The office that acts at a step; the head of a household holds none.
pub fn role_of(role: StepRole) -> Option<Role> {
    match role {
        StepRole::GridWorker => Some(Role::GridWorker),
        StepRole::Panel => Some(Role::Panel),
        StepRole::Committee => Some(Role::Committee),
        StepRole::Township => Some(Role::Township),
        StepRole::HouseholdHead => None,
    }
}

/// Whether the caller holds the office of this step, over the scope the step names.
pub fn acts_at(caller: &Caller, village: &Village, grid: &str, step: &Step) -> bool {
    let scope = if step.scope == "grid" { grid } else { village.as_str() };
    role_of(step.role).is_some_and(|role| caller.has(role, scope))
}

/// What was decided, once it is clear that it may be.
pub struct Decided {
    pub claim: entity::claim::Model,
    pub next: Next,
    pub verdict: Verdict,
    pub points: Option<i64>,
    pub reason: Option<String>,
}

/// Decides claims of one village: what became of each decision, in their order.
pub async fn review_all(
    app: &App,
    tx: &Tx,
    reviewer: &Caller,
    village: &Village,
    decisions: &[Decision],
) -> Outcome<Vec<Result<(), Refusal>>> {
    // The sheet before the claims, as everywhere, and before the clock: while we hold it shared, its
    // week cannot close.
    let week = scoring::open_sheet(tx, village).await?.week;
    let now = app.clock.now();
    if now >= week.ends_at() {
        // The week ended since this request was let in; the next try finds it settled.
        return Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into());
    }
    let facts = Facts::read(tx, reviewer, village, decisions).await?;
    let mut seen = BTreeSet::new();
    let mut decided = Vec::new();
    let mut results = Vec::with_capacity(decisions.len());
    for decision in decisions {
        let Some(claim) = facts.claims.get(&decision.claim) else {
            results.push(Err(Code::NotFound.into()));
            continue;
        };
        if !seen.insert(claim.id) {
            results.push(Err(Code::AlreadyReviewed.into()));
            continue;
        }
        let book = book(&app.rule_books, tx, claim.rule_set).await?;
        let rule = book.rule(&claim.rule);
        let rule = rule.ok_or_else(|| Problem::fault(format!("rule {} is gone", claim.rule)))?;
        match weigh(reviewer, village, &facts, rule, claim, &decision.review) {
            Ok(one) => {
                decided.push(one);
                results.push(Ok(()));
            }
            Err(refusal) => results.push(Err(refusal)),
        }
    }
    record(tx, reviewer, village, &decided, week, now).await?;
    Ok(results)
}

/// What the decisions depend on, read under the locks of the claims.
struct Facts {
    claims: BTreeMap<Uuid, entity::claim::Model>,
    /// Who approved which claim at which step.
    approved: BTreeSet<(Uuid, i64, Uuid)>,
    /// Households whose matters the reviewer must keep out of.
    concerned: BTreeSet<Uuid>,
    committee: i64,
}

#[derive(FromQueryResult)]
struct ReviewRow {
    claim: Uuid,
    step: i64,
    person: Uuid,
}

#[derive(FromQueryResult)]
struct HouseholdRow {
    household: Uuid,
}

impl Facts {
    async fn read(
        tx: &Tx,
        reviewer: &Caller,
        village: &Village,
        decisions: &[Decision],
    ) -> Outcome<Self> {
        let places: Vec<_> = (2..decisions.len() + 2).map(|at| format!("${at}")).collect();
        let places = places.join(", ");
        let key = || {
            let ids = decisions.iter().map(|decision| Value::from(decision.claim));
            std::iter::once(Value::from(village)).chain(ids)
        };
        let sql = format!(
            "SELECT * FROM claims WHERE village = $1 AND id IN ({places}) ORDER BY id{}",
            db::exclusively(tx)
        );
        let claims = db::all::<entity::claim::Model>(tx, &sql, key()).await?;
        let sql = format!(
            "SELECT claim, step, person FROM reviews WHERE village = $1 AND claim IN ({places})"
        );
        let approved = db::all::<ReviewRow>(tx, &sql, key()).await?;
        let person: [Value; 2] = [village.into(), reviewer.person.into()];
        let concerned = db::all::<HouseholdRow>(tx, CONCERNED, person).await?;
        let sql = "SELECT COUNT(DISTINCT person) FROM grants \
                   WHERE role = 'committee' AND region = $1 AND ends_at IS NULL";
        Ok(Self {
            claims: claims.into_iter().map(|claim| (claim.id, claim)).collect(),
            approved: approved.into_iter().map(|it| (it.claim, it.step, it.person)).collect(),
            concerned: concerned.into_iter().map(|row| row.household).collect(),
            committee: db::number(tx, sql, [village.into()]).await?,
        })
    }
}

/// Whether this reviewer may decide this claim so, and what follows.
fn weigh(
    reviewer: &Caller,
    village: &Village,
    facts: &Facts,
    rule: &Rule,
    claim: &entity::claim::Model,
    review: &NewReview,
) -> Result<Decided, Refusal> {
    if claim.filed_by == reviewer.person || facts.concerned.contains(&claim.household) {
        return Err(Code::ConflictOfInterest.into());
    }
    if !matches!(claim.status.as_str(), "submitted" | "in_review") {
        return Err(Refusal::wrong_state(&claim.status));
    }
    if claim.photos_awaited > 0 && review.decision == Verdict::Approve {
        return Err(Code::PhotoAwaited.into());
    }
    // Whoever decided at an earlier step does not decide again at a later one.
    if facts.approved.iter().any(|(id, _, person)| *id == claim.id && *person == reviewer.person) {
        return Err(Code::AlreadyReviewed.into());
    }
    let index = usize::try_from(claim.step).unwrap_or_default();
    let step = rule.chain.get(index).ok_or_else(|| Refusal::wrong_state(&claim.status))?;
    if !acts_at(reviewer, village, &claim.grid, step) {
        let why = format!("the claim waits at {}", step.step);
        return Err(Refusal::from(Code::RoleRequired).because(why));
    }
    let reason = review.reason.as_deref().and_then(readable);
    if review.decision == Verdict::Reject && reason.is_none() {
        return Err(Refusal::from(Code::ReasonRequired).at("/reason", "required", ""));
    }
    let inside = |each: &i64| (rule.points_min..=rule.points_max).contains(each);
    if review.points_each.is_some_and(|each| !inside(&each)) {
        let why = format!("{} to {} for each", rule.points_min, rule.points_max);
        return Err(Refusal::from(Code::OutsideRange).at("/points_each", "range", why));
    }
    let here = |(id, step, _): &&(Uuid, i64, Uuid)| *id == claim.id && *step == claim.step;
    let approvals = i64::try_from(facts.approved.iter().filter(here).count()).unwrap_or(i64::MAX);
    let approve = review.decision == Verdict::Approve;
    Ok(Decided {
        next: decide(&rule.chain, index, approvals, facts.committee, approve),
        verdict: review.decision,
        points: review.points_each.map(|each| each * claim.count),
        reason,
        claim: claim.clone(),
    })
}
