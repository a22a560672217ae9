//! Carrying reversals out, or letting their points go.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::Value;
use uuid::Uuid;

use crate::households::{self, Notice, tell};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Account, Journal};
use crate::kernel::period::Week;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::publicity::{
    contested, insert_reversal, lock_line, scored, settle_line, week_of_reversal,
};
use crate::{rankings, register, statistics};

type Row = entity::reversal::Model;

/// Takes the points of decided reversals back: a line for each, and one journal per household whose
/// reference `journal` gives. At most a correction's fifty; the caller holds the village's lock.
pub async fn carry(
    tx: &Tx,
    village: &Village,
    rows: &[Row],
    journal: impl Fn(Uuid) -> String,
    at: Instant,
) -> Outcome<()> {
    let mut taken = BTreeMap::<Uuid, Taken>::new();
    let mut weeks = BTreeSet::new();
    let (mut carried, mut lapsed) = (Vec::new(), Vec::new());
    for row in rows {
        match take(tx, village, row, at).await? {
            Some(Took { posted, earned, points }) => {
                weeks.insert(posted);
                let taken = taken.entry(row.household).or_default();
                taken.points += points;
                taken.earned.insert(earned);
                carried.push(Row { points, ..row.clone() });
            }
            None => lapsed.push(row.clone()),
        }
    }
    thaw(tx, village, rows).await?;
    let mut journals = Vec::new();
    for (household, taken) in taken.iter().filter(|(_, taken)| taken.points != 0) {
        let (from, to) = (Account::Available(*household), Account::Issued);
        let mut one = Journal::transfer("reversal", journal(*household), from, to, taken.points);
        if let (Some(week), 1) = (taken.earned.first(), taken.earned.len()) {
            one.reverses = scored(tx, village, *household, week).await?;
        }
        journals.push(one);
    }
    let actor = rows.first().and_then(|row| row.decided_by);
    ledger::post(tx, village, actor, at, &journals).await?;
    for week in weeks {
        rankings::rebuild(tx, village, week).await?;
        statistics::keep(tx, village, week, at).await?;
    }
    tell_all(tx, village, &lapsed, "reversal_lapsed", "已无可冲正的积分", at).await?;
    enter(tx, village, &carried, at).await
}

/// What a household loses together, and in which weeks it earned it.
#[derive(Default)]
struct Taken {
    points: i64,
    earned: BTreeSet<String>,
}

/// What a reversal took, where that stands, and in which week it was earned.
struct Took {
    posted: Week,
    earned: String,
    points: i64,
}

/// Writes the line that takes a reversal's points back, and what is left of the line; nothing if an appeal
/// has meanwhile left nothing of it.
async fn take(tx: &Tx, village: &Village, row: &Row, at: Instant) -> Outcome<Option<Took>> {
    lock_line(tx, village, row.line).await?;
    let line = contested(tx, village, row.line).await?;
    let points = row.points.abs().min(line.left().abs()) * row.points.signum();
    if !line.covers(points) {
        close(tx, village, row.id, "lapsed", row.points, at).await?;
        return Ok(None);
    }
    let week = week_of_reversal(tx, village, &line).await?;
    insert_reversal(tx, village, row.id, (row.line, &line), points, week, at).await?;
    let status = if line.points == points { "struck" } else { "adjusted" };
    settle_line(tx, village, row.line, &line, points, status, at).await?;
    close(tx, village, row.id, "carried", points, at).await?;
    Ok(Some(Took { posted: week, earned: line.week, points }))
}

/// Writes what became of a reversal, and how many points it moved in the end.
async fn close(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    status: &str,
    points: i64,
    at: Instant,
) -> Outcome<()> {
    let sql = "UPDATE reversals SET status = $3, points = $4, closed_at = $5 \
               WHERE village = $1 AND id = $2";
    let values: [Value; 5] = [village.into(), id.into(), status.into(), points.into(), at.0.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// What was frozen for these reversals is so no longer.
async fn thaw(tx: &Tx, village: &Village, rows: &[Row]) -> Outcome<()> {
    let mut frozen = BTreeMap::<Uuid, i64>::new();
    for row in rows {
        *frozen.entry(row.frozen_household).or_default() += row.points.max(0);
    }
    for (household, points) in frozen {
        ledger::thaw(tx, village, household, points).await?;
    }
    Ok(())
}

/// The households are told what was taken, and the register shows it.
async fn enter(tx: &Tx, village: &Village, rows: &[Row], at: Instant) -> Outcome<()> {
    let entry = |row: &Row| register::Entry {
        kind: register::Kind::Reversal,
        subject: row.id.to_string(),
        person: row.decided_by,
        note: format!("{}公示第{}条冲正{}分：{}", row.month, row.number, row.points, row.reason),
    };
    register::enter(tx, village, at, &rows.iter().map(entry).collect::<Vec<_>>()).await?;
    tell_all(tx, village, rows, "reversal_decided", "已冲正", at).await
}

/// Lets reversals go that were not carried: their points can be spent again. The rows are closed by the
/// caller.
pub async fn release(
    tx: &Tx,
    village: &Village,
    rows: &[Row],
    kind: &str,
    outcome: &str,
    at: Instant,
) -> Outcome<()> {
    thaw(tx, village, rows).await?;
    tell_all(tx, village, rows, kind, outcome, at).await
}

async fn tell_all(
    tx: &Tx,
    village: &Village,
    rows: &[Row],
    kind: &str,
    outcome: &str,
    at: Instant,
) -> Outcome<()> {
    let notice = |row: &Row| {
        let reason = row.decided_reason.as_deref().map(|reason| format!("。理由：{reason}"));
        let reason = reason.unwrap_or_default();
        let detail = format!("{}公示第{}条：{outcome}{reason}", row.month, row.number);
        Notice { recipient: row.frozen_household, kind, subject: row.id, detail }
    };
    tell(tx, village, at, &rows.iter().map(notice).collect::<Vec<_>>()).await
}

/// What ended households have now goes on or expires. Once for each cause.
pub async fn settle(tx: &Tx, village: &Village, cause: &str, at: Instant) -> Outcome<()> {
    households::settle_ended(tx, village, &format!("reversal {cause}"), at).await
}
