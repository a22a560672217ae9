//! Proposing to take a line back: what single reversals and corrections have in common.

use std::collections::BTreeMap;

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::households::{Notice, holder, tell};
use crate::identity::{Neighbour, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::publicity::{contested, lock_line};

/// Where a line stands on its list.
#[derive(FromQueryResult)]
pub struct Place {
    pub line: Uuid,
    month: String,
    pub number: i64,
}

/// A line by its id.
///
/// # Errors
/// `not_found`; `reversal_of_reversal`; `line_not_confirmed` if it is on no list yet.
pub async fn place_of(tx: &Tx, village: &Village, line: Uuid) -> Outcome<Place> {
    #[derive(FromQueryResult)]
    struct Row {
        kind: String,
        month: Option<String>,
        number: Option<i64>,
    }
    let sql = "SELECT l.kind, p.month, p.number FROM score_lines l \
               LEFT JOIN public_list_lines p ON p.village = l.village AND p.line = l.id \
               WHERE l.village = $1 AND l.id = $2";
    let row = db::one::<Row>(tx, sql, [village.into(), line.into()]).await?;
    let Row { kind, month, number } = row.ok_or(Code::NotFound)?;
    if kind == "reversal" {
        return Err(Code::ReversalOfReversal.into());
    }
    let (month, number) = month.zip(number).ok_or(Code::LineNotConfirmed)?;
    Ok(Place { line, month, number })
}

/// A line by its number on a list.
///
/// # Errors
/// `not_found`.
pub async fn place_on(tx: &Tx, village: &Village, month: Month, number: i64) -> Outcome<Place> {
    let sql = "SELECT line, month, number FROM public_list_lines \
               WHERE village = $1 AND month = $2 AND number = $3";
    let values: [Value; 3] = [village.into(), month.to_string().into(), number.into()];
    Ok(db::one::<Place>(tx, sql, values).await?.ok_or(Code::NotFound)?)
}

/// What is proposed.
pub struct Proposal<'a> {
    pub id: Uuid,
    pub place: Place,
    /// Without a sign; all that is left, if absent.
    pub points: Option<i64>,
    pub reason: &'a str,
    /// The number of the correction that it is part of.
    pub correction: Option<i64>,
    /// When it lapses, or takes effect.
    pub due_at: Instant,
}

/// Freezes what is left of a confirmed line, in part or whole, until somebody else decides, and tells the
/// household. The caller holds the village's lock.
///
/// # Errors
/// `conflict_of_interest`, `line_not_confirmed`, `wrong_state` while an appeal is open,
/// `reversal_exists`, `already_proposed`, `reversal_exceeds_line`, `id_taken`.
pub async fn propose(tx: &Tx, by: &Neighbour, new: &Proposal<'_>, now: Instant) -> Outcome<()> {
    let village = &by.village;
    let id = new.place.line;
    lock_line(tx, village, id).await?;
    let line = contested(tx, village, id).await?;
    let holder = holder(tx, village, line.household).await?;
    for household in [line.household, holder] {
        if is_concerned(tx, village, by.person, household).await? {
            return Err(Code::ConflictOfInterest.into());
        }
    }
    if line.confirmed_at.is_none() {
        return Err(Code::LineNotConfirmed.into());
    }
    nothing_open(tx, village, id).await?;
    not_again(tx, village, id, by.person).await?;
    let left = line.left();
    let points = new.points.map_or(left, |points| points * left.signum());
    if !line.covers(points) {
        let why = format!("{} of it is left", left.abs());
        return Err(Refusal::from(Code::ReversalExceedsLine).because(why).into());
    }
    insert(tx, by, new, (line.household, holder), points, now).await?;
    ledger::freeze(tx, village, &BTreeMap::from([(holder, points)])).await?;
    let Place { month, number, .. } = &new.place;
    let what = match points > 0 {
        true => format!("{points}分拟冲正，先行冻结"),
        false => format!("拟退还{}分", -points),
    };
    let notice = Notice {
        recipient: holder,
        kind: "reversal_proposed",
        subject: new.id,
        detail: format!("{month}公示第{number}条：{what}。理由：{}。可陈述意见", new.reason),
    };
    tell(tx, village, now, &[notice]).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "reversal.propose",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "month": month, "line": number, "points": points }),
    };
    audit::record(tx, now, act).await
}

/// A line is under one doubt at a time.
async fn nothing_open(tx: &Tx, village: &Village, line: Uuid) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let key = || -> [Value; 2] { [village.into(), line.into()] };
    let sql = "SELECT id FROM reversals WHERE village = $1 AND line = $2 \
               AND status IN ('proposed', 'approved')";
    if let Some(Row { id }) = db::one::<Row>(tx, sql, key()).await? {
        return Err(Refusal::from(Code::ReversalExists).existing(id).into());
    }
    let sql = "SELECT COUNT(*) FROM public_list_lines p JOIN objections o ON o.village = p.village \
                 AND o.month = p.month AND o.number = p.number \
               WHERE p.village = $1 AND p.line = $2 \
                 AND o.status IN ('filed', 'investigating', 'appealed')";
    match db::number(tx, sql, key()).await? {
        0 => Ok(()),
        _ => Err(Refusal::wrong_state("appealed").into()),
    }
}

/// Nobody proposes anew what they proposed in vain: they could keep the points frozen for ever. Somebody else
/// can, once.
///
/// # Errors
/// `already_proposed`, with the proposal that was dropped or lapsed.
async fn not_again(tx: &Tx, village: &Village, line: Uuid, person: Uuid) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let sql = "SELECT id FROM reversals WHERE village = $1 AND line = $2 AND proposed_by = $3 \
               AND status IN ('dropped', 'lapsed') ORDER BY id LIMIT 1";
    let values: [Value; 3] = [village.into(), line.into(), person.into()];
    match db::one::<Row>(tx, sql, values).await? {
        Some(Row { id }) => Err(Refusal::from(Code::AlreadyProposed).existing(id).into()),
        None => Ok(()),
    }
}

async fn insert(
    tx: &Tx,
    by: &Neighbour,
    new: &Proposal<'_>,
    (household, holder): (Uuid, Uuid),
    points: i64,
    now: Instant,
) -> Outcome<()> {
    let sql = "INSERT INTO reversals (village, id, line, month, number, household, \
                 frozen_household, points, reason, status, correction, proposed_by, proposed_at, \
                 due_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'proposed', $10, $11, $12, $13) \
               ON CONFLICT DO NOTHING";
    let values: [Value; 13] = [
        (&by.village).into(),
        new.id.into(),
        new.place.line.into(),
        new.place.month.as_str().into(),
        new.place.number.into(),
        household.into(),
        holder.into(),
        points.into(),
        new.reason.into(),
        new.correction.into(),
        by.person.into(),
        now.0.into(),
        new.due_at.0.into(),
    ];
    match db::run(tx, sql, values).await? {
        0 => Err(Code::IdTaken.into()),
        _ => Ok(()),
    }
}

/// A reversal's row.
///
/// # Errors
/// `not_found` if the village has none of this id.
pub async fn row(tx: &Tx, village: &Village, id: Uuid) -> Outcome<entity::reversal::Model> {
    let sql = "SELECT * FROM reversals WHERE village = $1 AND id = $2";
    Ok(db::one(tx, sql, [village.into(), id.into()]).await?.ok_or(Code::NotFound)?)
}

/// The month of a reversal's row.
pub fn month_of(row: &entity::reversal::Model) -> Outcome<Month> {
    row.month.parse().map_err(|_| Problem::fault(format!("reversal {}", row.id)))
}
