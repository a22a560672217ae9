//! What every change of a household's file begins and ends with, and who is in it.

use chrono::NaiveDate;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::read::{Household, load};
use crate::calendar;
use crate::changes;
use crate::identity::{Neighbour, Role, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Available};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Level, RegionCode, Village};

/// A household has at most this many members at a time.
pub const MEMBERS_MAX: usize = 30;

pub type File = entity::household::Model;

/// Takes the village's lock and the file's, for a change by an official.
///
/// # Errors
/// `not_found`; `role_required` for the grid worker of another grid; `conflict_of_interest` for one's
/// own household or kin; `wrong_state` if the file has ended.
pub async fn open(tx: &Tx, by: &Neighbour, id: Uuid, now: Instant) -> Outcome<File> {
    calendar::touch(tx, &by.village, now).await?;
    let file = lock(tx, &by.village, id).await?;
    if !by.governs() && !by.has(Role::GridWorker, &file.grid) {
        return Err(Code::RoleRequired.into());
    }
    if is_concerned(tx, &by.village, by.person, id).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    if file.status != "active" {
        return Err(Refusal::wrong_state(file.status).into());
    }
    Ok(file)
}

/// The file, kept as it is until the transaction ends.
///
/// # Errors
/// `not_found` if the village has no such household.
pub async fn lock(tx: &Tx, village: &Village, id: Uuid) -> Outcome<File> {
    let lock = db::exclusively(tx);
    let sql = format!("SELECT * FROM households WHERE village = $1 AND id = $2{lock}");
    let found = db::one::<File>(tx, &sql, [village.into(), id.into()]).await?;
    Ok(found.ok_or(Code::NotFound)?)
}

/// Records what was done with a file, and reads it as it is now.
pub async fn changed(
    tx: &Tx,
    by: &Neighbour,
    id: Uuid,
    action: &str,
    detail: serde_json::Value,
    now: Instant,
) -> Outcome<Household> {
    let number = changes::next(tx, &by.village).await?;
    let sql = "UPDATE households SET version = version + 1, changed = $3 \
               WHERE village = $1 AND id = $2";
    db::run(tx, sql, [(&by.village).into(), id.into(), number.into()]).await?;
    let (region, actor, subject) = (by.village.as_str(), Some(by.person), id.to_string());
    audit::record(tx, now, Act { region, actor, action, subject, detail }).await?;
    load(tx, &by.village, id).await
}

/// Somebody who belongs to a household now.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Present {
    pub person: Uuid,
    pub is_head: bool,
    /// A day, where it is known.
    pub born_on: Option<String>,
}

impl Present {
    /// The day of birth, where it is known.
    pub fn born(&self) -> Option<NaiveDate> {
        self.born_on.as_deref()?.parse().ok()
    }
}

/// Whether somebody can log in.
pub async fn has_account(tx: &Tx, person: Uuid) -> Outcome<bool> {
    let sql = "SELECT COUNT(*) FROM accounts WHERE person = $1 AND status = 'active'";
    Ok(db::number(tx, sql, [person.into()]).await? > 0)
}

/// Who belongs to the household now.
pub async fn present(tx: &Tx, village: &Village, household: Uuid) -> Outcome<Vec<Present>> {
    let sql = "SELECT m.person, m.is_head, COALESCE(p.born_on, m.born_on) AS born_on \
               FROM members m JOIN persons p ON p.id = m.person \
               WHERE m.village = $1 AND m.household = $2 AND m.left_at IS NULL ORDER BY m.person";
    Ok(db::all(tx, sql, [village.into(), household.into()]).await?)
}

/// What the household has available and not frozen, of which nothing may be held for a prize.
///
/// # Errors
/// `open_holds` until its redemptions are collected, cancelled or expired.
pub async fn without_holds(tx: &Tx, village: &Village, household: Uuid) -> Outcome<i64> {
    let Available { points, held, frozen } = ledger::available(tx, village, household).await?;
    if held > 0 { Err(Code::OpenHolds.into()) } else { Ok(points - frozen) }
}

/// As [`without_holds`], for all that the household has: nothing of it may be frozen either.
///
/// # Errors
/// `open_holds`; `open_reversals` until those are decided.
pub async fn all_of(tx: &Tx, village: &Village, household: Uuid) -> Outcome<i64> {
    let points = without_holds(tx, village, household).await?;
    match ledger::available(tx, village, household).await?.frozen {
        0 => Ok(points),
        _ => Err(Code::OpenReversals.into()),
    }
}

/// How a file ends.
pub struct End<'a> {
    pub status: &'static str,
    pub because: &'a str,
    /// The household that goes on, of a merged one.
    pub successor: Option<Uuid>,
    /// Until when one that moved out may spend its points.
    pub spend_until: Option<Instant>,
}

/// Ends an active file.
///
/// # Errors
/// `wrong_state` if it has ended.
pub async fn end(tx: &Tx, village: &Village, id: Uuid, end: End<'_>, now: Instant) -> Outcome<()> {
    changes::depart(tx, village, id, None).await?;
    let sql = "UPDATE households SET status = $3, ended_at = $4, ended_because = $5, \
               successor = $6, spend_until = $7 \
               WHERE village = $1 AND id = $2 AND status = 'active'";
    let values: [Value; 7] = [
        village.into(),
        id.into(),
        end.status.into(),
        now.0.into(),
        end.because.into(),
        end.successor.into(),
        end.spend_until.map(|until| until.0).into(),
    ];
    match db::run(tx, sql, values).await? {
        1 => Ok(()),
        _ => Err(Refusal::wrong_state("ended").into()),
    }
}

/// The members act for the household no longer.
pub async fn unbind_all(tx: &Tx, village: &Village, id: Uuid, now: Instant) -> Outcome<()> {
    let sql = "UPDATE bindings SET ended_at = $3 \
               WHERE village = $1 AND household = $2 AND ended_at IS NULL";
    db::run(tx, sql, [village.into(), id.into(), now.0.into()]).await?;
    Ok(())
}

/// The grid, if it is one of the village.
///
/// # Errors
/// `invalid_field` at `/grid` if it is not.
pub async fn known_grid(tx: &Tx, village: &Village, grid: &RegionCode) -> Outcome<()> {
    let sql = "SELECT COUNT(*) FROM regions WHERE code = $1 AND parent = $2";
    let known = db::number(tx, sql, [grid.into(), village.into()]).await? > 0;
    if known && grid.level() == Level::Grid {
        return Ok(());
    }
    let refusal = Refusal::from(Code::InvalidField);
    Err(refusal.at("/grid", "unknown", "not a grid of this village").into())
}
