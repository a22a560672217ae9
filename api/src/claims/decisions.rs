//! Whether decisions may be taken, and what each makes of its claim: under the locks of the claims.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::Value;
use uuid::Uuid;

use super::officials::Of;
use super::record::record;
use super::remedy::REMEDY_CHAIN;
use super::review::{Decision, NewReview};
use super::seats::{Officials, Place, Seat, reply_until};
use super::verdict::{Next, Verdict, decide};
use crate::app::App;
use crate::identity::Caller;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::rules::{Rule, Step, StepRole, book};
use crate::scoring;

/// What was decided, once it is clear that it may be.
pub struct Decided {
    pub claim: entity::claim::Model,
    pub next: Next,
    pub verdict: Verdict,
    pub seat: Seat,
    pub points: Option<i64>,
    pub reason: Option<String>,
}

/// The steps a claim takes: its rule's, or, where it puts a deduction right, those of a remedy.
pub fn chain<'a>(rule: &'a Rule, claim: &entity::claim::Model) -> &'a [Step] {
    if claim.remedies.is_some() { &REMEDY_CHAIN } else { &rule.chain }
}

/// The step a claim waits at.
pub fn step_of<'a>(rule: &'a Rule, claim: &entity::claim::Model) -> Option<&'a Step> {
    let index = usize::try_from(claim.step).ok()?;
    chain(rule, claim).get(index).filter(|_| waits(&claim.status))
}

/// Whether a claim in this state waits for a decision.
pub fn waits(status: &str) -> bool {
    matches!(status, "submitted" | "in_review")
}

/// Where a claim stands, as offices see it.
pub fn place(claim: &entity::claim::Model) -> Place<'_> {
    Place {
        village: &claim.village,
        claim: claim.id,
        household: claim.household,
        grid: &claim.grid,
        filed_by: claim.filed_by,
        step: claim.step,
        since: Instant(claim.step_since.max(claim.submitted_at)),
    }
}

/// The open week at this moment, kept open until the transaction ends.
///
/// # Errors
/// `busy` if the week ended since the request was let in: the next try finds it settled.
pub async fn this_week(app: &App, tx: &Tx, village: &Village) -> Outcome<(Week, Instant)> {
    // The sheet before the claims, as everywhere, and before the clock: while we hold it shared, its
    // week cannot close.
    let week = scoring::open_sheet(tx, village).await?.week;
    let now = app.clock.now();
    if now >= week.ends_at() {
        return Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into());
    }
    Ok((week, now))
}

/// Claims of one village by id, kept unchanged by others until the transaction ends.
pub async fn locked(
    tx: &Tx,
    village: &Village,
    ids: &[Uuid],
) -> Outcome<BTreeMap<Uuid, entity::claim::Model>> {
    let places: Vec<_> = (2..ids.len() + 2).map(|at| format!("${at}")).collect();
    let sql = format!(
        "SELECT * FROM claims WHERE village = $1 AND id IN ({}) ORDER BY id{}",
        places.join(", "),
        db::exclusively(tx)
    );
    let values = std::iter::once(village.into()).chain(ids.iter().map(|id| Value::from(*id)));
    let rows = db::all::<entity::claim::Model>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|claim| (claim.id, claim)).collect())
}

/// Decides claims of one village: what became of each decision, in their order.
pub async fn review_all(
    app: &App,
    tx: &Tx,
    reviewer: &Caller,
    village: &Village,
    decisions: &[Decision],
) -> Outcome<Vec<Result<(), Refusal>>> {
    let (week, now) = this_week(app, tx, village).await?;
    let ids: Vec<_> = decisions.iter().map(|decision| decision.claim).collect();
    let claims = locked(tx, village, &ids).await?;
    let officials = Officials::read(tx, &village.region(), Of::Claims(&ids), now).await?;
    let mut seen = BTreeSet::new();
    let mut decided = Vec::new();
    let mut results = Vec::with_capacity(decisions.len());
    for decision in decisions {
        let Some(claim) = claims.get(&decision.claim) else {
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
        match weigh(reviewer, &officials, rule, claim, &decision.review, now) {
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

/// Whether this reviewer may decide this claim so, and what follows.
fn weigh(
    reviewer: &Caller,
    officials: &Officials,
    rule: &Rule,
    claim: &entity::claim::Model,
    review: &NewReview,
    now: Instant,
) -> Result<Decided, Refusal> {
    let person = reviewer.person;
    if claim.filed_by == person || officials.is_concerned(person, claim.household) {
        return Err(Code::ConflictOfInterest.into());
    }
    let step = step_of(rule, claim).ok_or_else(|| Refusal::wrong_state(&claim.status))?;
    // Whoever decided at an earlier step does not decide again at a later one.
    if officials.has_decided(claim.id, person) {
        return Err(Code::AlreadyReviewed.into());
    }
    if claim.photos_awaited > 0 && review.decision == Verdict::Approve {
        return Err(Code::PhotoAwaited.into());
    }
    let place = place(claim);
    if step.role == StepRole::HouseholdHead {
        let mut refusal = Refusal::from(Code::HearingOpen);
        refusal.opens_at = Some(reply_until(place.since));
        return Err(refusal);
    }
    let seat = officials.seat(&place, step, now);
    let seat = seat.filter(|seat| Officials::sits(reviewer, &place, seat)).ok_or_else(|| {
        let why = format!("the claim waits at {}", step.step);
        Refusal::from(Code::RoleRequired).because(why)
    })?;
    let reason = review.reason.as_deref().and_then(readable);
    if review.decision != Verdict::Approve && reason.is_none() {
        return Err(Refusal::from(Code::ReasonRequired).at("/reason", "required", ""));
    }
    let votes = officials.votes(&place, &seat);
    let points = points(rule, claim, review, votes.approvals)?;
    let steps = chain(rule, claim).len();
    let index = usize::try_from(claim.step).unwrap_or_default();
    let next = decide(steps, index, votes, review.decision);
    Ok(Decided { next, verdict: review.decision, seat, points, reason, claim: claim.clone() })
}

/// The points a reviewer changes the claim to. What others have voted for stays what they voted for.
fn points(
    rule: &Rule,
    claim: &entity::claim::Model,
    review: &NewReview,
    approvals: i64,
) -> Result<Option<i64>, Refusal> {
    let Some(each) = review.points_each else { return Ok(None) };
    let out = |why: String| Refusal::from(Code::OutsideRange).at("/points_each", "range", why);
    if review.decision != Verdict::Approve {
        return Err(out("only an approval changes points".to_owned()));
    }
    let level = claim.level.as_deref().and_then(|level| {
        rule.level_points.iter().find(|it| it.level == level).map(|it| it.points)
    });
    if level.is_some_and(|points| points != each) {
        return Err(out("the level that granted it sets the points".to_owned()));
    }
    if claim.remedies.is_some() {
        return Err(out("a deduction put right is given back as it was taken".to_owned()));
    }
    if !(rule.points_min..=rule.points_max).contains(&each) {
        return Err(out(format!("{} to {} for each", rule.points_min, rule.points_max)));
    }
    let points = each * claim.count;
    if approvals > 0 && points != claim.points {
        return Err(out("others have voted for the points as they are".to_owned()));
    }
    Ok(Some(points))
}
