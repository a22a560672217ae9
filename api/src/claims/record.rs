//! Writing decisions: reviews, the claims' new states, the notices and the audit row.

use sea_orm::Value;

use super::decisions::Decided;
use super::verdict::{LAPSE_DAYS, Next, Verdict};
use crate::changes;
use crate::households::{Notice, tell};
use crate::identity::Caller;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::period::Week;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;

/// Records what one reviewer decided, at `now`, in the open week.
pub async fn record(
    tx: &Tx,
    reviewer: &Caller,
    village: &Village,
    decided: &[Decided],
    week: Week,
    now: Instant,
) -> Outcome<()> {
    let Some(first) = decided.first() else { return Ok(()) };
    insert_reviews(tx, reviewer, village, decided, now).await?;
    for (next, group) in groups(decided) {
        update(tx, village, next, &group, week, now).await?;
    }
    let notices: Vec<_> = decided.iter().flat_map(notices).collect();
    tell(tx, village, now, &notices).await?;
    let claims: Vec<_> = decided.iter().map(|it| it.claim.id).collect();
    changes::stamp_claims(tx, village, &claims).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(reviewer.person),
        action: "claim.review",
        subject: first.claim.id.to_string(),
        detail: serde_json::json!({ "claims": decided.len(), "decision": first.verdict }),
    };
    audit::record(tx, now, act).await
}

/// The family is told, and whoever filed for it.
fn notices(decided: &Decided) -> Vec<Notice<'static>> {
    let reason = decided.reason.clone().unwrap_or_default();
    let deduction = decided.claim.points < 0;
    let (kind, detail) = match decided.next {
        Next::Approved if deduction => (
            "deduction_approved",
            "扣分事项已表决通过，本周评分后扣除；可整改的，请在期限内整改".to_owned(),
        ),
        Next::Rejected if deduction => ("deduction_rejected", format!("扣分提议未通过：{reason}")),
        Next::Returned if deduction => {
            ("deduction_returned", format!("扣分提议已退回提出人：{reason}"))
        }
        Next::Approved => ("claim_approved", "申报已通过，本周评分后计入积分".to_owned()),
        Next::Rejected => ("claim_rejected", format!("申报被驳回：{reason}")),
        Next::Returned => {
            ("claim_returned", format!("申报被退回补正，请在{LAPSE_DAYS}天内改好再交：{reason}"))
        }
        Next::Stay | Next::Step(_) => return Vec::new(),
    };
    let Decided { claim, .. } = decided;
    let filer = claim.on_behalf.then_some(claim.filed_by);
    let told = |recipient| Notice { recipient, kind, subject: claim.id, detail: detail.clone() };
    std::iter::once(claim.household).chain(filer).map(told).collect()
}

async fn insert_reviews(
    tx: &Tx,
    reviewer: &Caller,
    village: &Village,
    decided: &[Decided],
    now: Instant,
) -> Outcome<()> {
    let count = decided.len();
    let word = |it: &Decided| match it.verdict {
        Verdict::Approve => "approve".to_owned(),
        Verdict::Reject => "reject".to_owned(),
        Verdict::Return => "return".to_owned(),
    };
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("claim", decided.iter().map(|it| it.claim.id).collect()),
        Column::Number("round", decided.iter().map(|it| it.claim.round).collect()),
        Column::Number("step", decided.iter().map(|it| it.claim.step).collect()),
        Column::Uuid("person", vec![reviewer.person; count]),
        Column::Text("role", decided.iter().map(|it| it.seat.role.as_str().to_owned()).collect()),
        Column::Text("decision", decided.iter().map(word).collect()),
        Column::MaybeNumber("points", decided.iter().map(|it| it.points).collect()),
        Column::MaybeText("reason", decided.iter().map(|it| it.reason.clone()).collect()),
        Column::Number("at", vec![now.0; count]),
    ];
    db::bulk_insert(tx, "reviews", &columns, "").await?;
    Ok(())
}

/// Claims with the same next state, so that each group is one statement.
fn groups(decided: &[Decided]) -> Vec<(Next, Vec<&Decided>)> {
    let mut groups: Vec<(Next, Vec<&Decided>)> = Vec::new();
    for one in decided {
        // Changed points or a reason make a claim its own group.
        let plain = one.points.is_none() && one.reason.is_none();
        let same = |(next, group): &&mut (Next, Vec<&Decided>)| {
            *next == one.next
                && plain
                && group.iter().all(|it| it.points.is_none() && it.reason.is_none())
        };
        match groups.iter_mut().find(same) {
            Some((_, group)) => group.push(one),
            None => groups.push((one.next, vec![one])),
        }
    }
    groups
}

async fn update(
    tx: &Tx,
    village: &Village,
    next: Next,
    group: &[&Decided],
    week: Week,
    now: Instant,
) -> Outcome<()> {
    let Some(first) = group.first() else { return Ok(()) };
    let approved = next == Next::Approved;
    let step = match next {
        Next::Step(step) => Some(i64::try_from(step).unwrap_or(i64::MAX)),
        _ => None,
    };
    let status = match next {
        Next::Stay | Next::Step(_) => "in_review",
        Next::Approved => "approved",
        Next::Rejected => "rejected",
        Next::Returned => "returned",
    };
    let values: [Value; 8] = [
        village.into(),
        status.into(),
        step.into(),
        approved.then_some(now.0).into(),
        approved.then(|| week.to_string()).into(),
        first.points.into(),
        first.reason.clone().into(),
        now.0.into(),
    ];
    let places: Vec<_> = (9..group.len() + 9).map(|at| format!("${at}")).collect();
    let sql = format!(
        "UPDATE claims SET status = $2, step = COALESCE($3, step), approved_at = $4, week = $5, \
         points = COALESCE($6, points), decided_reason = $7, version = version + 1, \
         step_since = CASE WHEN $3 IS NULL THEN step_since ELSE $8 END, \
         returned_at = CASE WHEN $2 = 'returned' THEN $8 ELSE returned_at END \
         WHERE village = $1 AND id IN ({}) AND status IN ('submitted', 'in_review')",
        places.join(", ")
    );
    let ids = group.iter().map(|it| Value::from(it.claim.id));
    let changed = db::run(tx, &sql, values.into_iter().chain(ids)).await?;
    if changed == group.len() as u64 {
        return Ok(());
    }
    Err(Problem::fault("a locked claim changed under review"))
}
