//! Making a line good that was struck or reversed.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::propose::{Row, insert};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::{register, scoring};

/// What a line has lost, and what was already given back for it.
#[derive(FromQueryResult)]
pub struct Lost {
    pub household: Uuid,
    pub category: String,
    pub rule: String,
    pub points: i64,
    restored: i64,
}

impl Lost {
    /// # Errors
    /// `adjustment_exceeds_loss`.
    pub fn covers(&self, points: i64) -> Result<(), Refusal> {
        let left = self.points - self.restored;
        let fits = points.signum() == left.signum() && points.abs() <= left.abs();
        if fits { Ok(()) } else { Err(Code::AdjustmentExceedsLoss.into()) }
    }
}

/// What a line has lost; proposals made after `since` are counted as given back.
///
/// # Errors
/// `not_found`.
pub async fn lost(tx: &Tx, village: &Village, line: Uuid, since: Instant) -> Outcome<Lost> {
    let sql = "SELECT l.household, l.category, l.rule, \
                 COALESCE((SELECT CAST(-SUM(r.awarded) AS BIGINT) FROM score_lines r \
                   WHERE r.village = l.village AND r.reverses = l.id), 0) AS points, \
                 COALESCE((SELECT CAST(SUM(a.points) AS BIGINT) FROM adjustments a \
                   WHERE a.village = l.village AND a.restores = l.id \
                   AND a.status <> 'rejected' \
                   AND (a.status <> 'proposed' OR a.proposed_at > $3)), 0) AS restored \
               FROM score_lines l WHERE l.village = $1 AND l.id = $2 AND l.kind <> 'reversal'";
    let values: [Value; 3] = [village.into(), line.into(), since.0.into()];
    Ok(db::one::<Lost>(tx, sql, values).await?.ok_or(Code::NotFound)?)
}

/// The village makes a line good only where nothing about it is open and no appeal took it: two of the
/// committee do not undo what the level above decided. The caller holds the village's lock.
///
/// # Errors
/// `wrong_state`, with the state of an objection to it that is not final yet, decided or not;
/// `appeal_decided`.
pub async fn settled(tx: &Tx, village: &Village, line: Uuid) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Open {
        status: String,
    }
    let key = || -> [Value; 2] { [village.into(), line.into()] };
    let sql = "SELECT status FROM objections WHERE village = $1 AND line = $2 \
               AND status <> 'final' ORDER BY id LIMIT 1";
    if let Some(Open { status }) = db::one::<Open>(tx, sql, key()).await? {
        return Err(Refusal::wrong_state(status).into());
    }
    let sql = "SELECT COUNT(*) FROM objections o \
                 JOIN appeals a ON a.village = o.village AND a.objection = o.id \
               WHERE o.village = $1 AND o.line = $2 AND a.decision IN ('upheld', 'amended')";
    match db::number(tx, sql, key()).await? {
        0 => Ok(()),
        _ => Err(Code::AppealDecided.into()),
    }
}

/// A struck or reversed line that is made good, because somebody above decided so.
pub struct Restoration<'a> {
    /// Of the adjustment.
    pub id: Uuid,
    pub line: Uuid,
    /// With the line's sign; all that was taken and not given back, if absent.
    pub points: Option<i64>,
    /// Who decided.
    pub by: Uuid,
    pub reason: &'a str,
}

/// Makes a line good by an approved adjustment: it goes on the sheet of this week and passes the next
/// public list. The caller holds the village's lock, and tells the household.
///
/// # Errors
/// `not_found`; `adjustment_exceeds_loss` if less was taken of the line, or was given back already;
/// `id_taken`.
pub async fn restore(
    tx: &Tx,
    village: &Village,
    new: &Restoration<'_>,
    now: Instant,
) -> Outcome<()> {
    drop_proposals(tx, village, new, now).await?;
    let lost = lost(tx, village, new.line, now).await?;
    let points = new.points.unwrap_or(lost.points - lost.restored);
    lost.covers(points)?;
    let week = scoring::open_sheet(tx, village).await?.week.to_string();
    let row = Row {
        id: new.id,
        household: lost.household,
        category: &lost.category,
        rule: Some(&lost.rule),
        restores: Some(new.line),
        points,
        reason: new.reason,
        approval: Some((new.by, &week)),
    };
    insert(tx, village, &row, None, now).await?;
    let entry = register::Entry {
        kind: register::Kind::Adjustment,
        subject: new.id.to_string(),
        person: Some(new.by),
        note: format!("{points:+}分：{}", new.reason),
    };
    register::enter(tx, village, now, &[entry]).await
}

/// What others proposed for the line is settled by the decision above: no open proposal can take its place.
async fn drop_proposals(
    tx: &Tx,
    village: &Village,
    new: &Restoration<'_>,
    now: Instant,
) -> Outcome<()> {
    let sql = "UPDATE adjustments SET status = 'rejected', decided_by = $3, decided_at = $4, \
               decided_reason = $5 WHERE village = $1 AND restores = $2 AND status = 'proposed' \
               AND proposed_by <> $3";
    let values: [Value; 5] =
        [village.into(), new.line.into(), new.by.into(), now.0.into(), new.reason.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}
