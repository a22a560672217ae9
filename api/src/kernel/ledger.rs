//! The only code that moves points: append-only, double entry, integer points.
//!
//! A journal's postings sum to 0. Balances are kept beside the postings in the same transaction and
//! equal their sum, always. A journal is known by its meaning, `(kind, reference)`: posting it again
//! changes nothing. Every journal is linked to the one before it (`chain`). A hold is no posting: it keeps
//! available points for one purpose; what is frozen waits for a decision, and is not held.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{FromQueryResult, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::chain;
use super::clock::Instant;
use super::db::{self, Column, Given, Tx};
use super::problem::{Code, Outcome, Problem};
use super::region::{Place, Village};

/// Where points can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// Scored, not yet through publicity.
    Pending(Uuid),
    /// Confirmed: may be spent.
    Available(Uuid),
    /// Where a village's points come from; its balance is minus all that was earned.
    Issued,
    /// Spent on prizes.
    Redeemed,
    /// Lapsed after a household moved out.
    Expired,
}

impl Account {
    /// The account's word, and the household or nil.
    pub fn key(self) -> (&'static str, Uuid) {
        match self {
            Self::Pending(household) => ("pending", household),
            Self::Available(household) => ("available", household),
            Self::Issued => ("issued", Uuid::nil()),
            Self::Redeemed => ("redeemed", Uuid::nil()),
            Self::Expired => ("expired", Uuid::nil()),
        }
    }
}

/// One movement of points with its cause.
#[derive(Clone, Debug)]
pub struct Journal {
    /// What happened: `score`, `confirm`, `reversal`, `redemption`, …
    pub kind: &'static str,
    /// Which one of its kind; unique per village and kind.
    pub reference: String,
    /// The journal this one takes back, in part or whole.
    pub reverses: Option<Uuid>,
    /// Account and signed points; the sum is 0.
    pub postings: Vec<(Account, i64)>,
}

impl Journal {
    /// Points that leave one account for another; negative points flow the other way.
    pub fn transfer(
        kind: &'static str,
        reference: impl Into<String>,
        from: Account,
        to: Account,
        points: i64,
    ) -> Self {
        let postings = vec![(from, -points), (to, points)];
        Self { kind, reference: reference.into(), reverses: None, postings }
    }

    /// Whether the postings sum to 0 and touch two accounts at least.
    pub fn is_balanced(&self) -> bool {
        let sum: i128 = self.postings.iter().map(|(_, points)| i128::from(*points)).sum();
        sum == 0 && self.postings.len() >= 2
    }

    /// The journal's id: the same meaning always has the same one.
    pub fn id(&self, village: &Village) -> Uuid {
        journal_id(village, self.kind, &self.reference)
    }
}

/// The id of the journal of this meaning.
pub fn journal_id(village: &Village, kind: &str, reference: &str) -> Uuid {
    let digest = Sha256::digest(format!("{village}|{kind}|{reference}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Uuid::new_v8(bytes)
}

/// Posts journals that belong together: all of them, or, when they were posted before, none.
///
/// Returns whether anything was posted.
///
/// # Errors
/// A fault if a journal is not balanced, or if only some of them were posted before.
pub async fn post(
    tx: &Tx,
    village: &Village,
    actor: Option<Uuid>,
    at: Instant,
    journals: &[Journal],
) -> Outcome<bool> {
    if let Some(odd) = journals.iter().find(|journal| !journal.is_balanced()) {
        return Err(Problem::fault(format!("{} {} is not balanced", odd.kind, odd.reference)));
    }
    let written = insert_journals(tx, village, actor, at, journals).await?;
    if written == 0 {
        return Ok(false);
    }
    if written != journals.len() as u64 {
        return Err(Problem::fault("journals that belong together were posted apart"));
    }
    insert_postings(tx, village, journals).await?;
    move_balances(tx, village, journals).await?;
    chain::append(tx, village, actor, at, journals).await?;
    Ok(true)
}

async fn insert_journals(
    tx: &Tx,
    village: &Village,
    actor: Option<Uuid>,
    at: Instant,
    journals: &[Journal],
) -> Outcome<u64> {
    let count = journals.len();
    let each = |value: fn(&Journal) -> String| journals.iter().map(value).collect();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("id", journals.iter().map(|journal| journal.id(village)).collect()),
        Column::Text("kind", each(|journal| journal.kind.to_owned())),
        Column::Text("ref", each(|journal| journal.reference.clone())),
        Column::MaybeUuid("actor", vec![actor; count]),
        Column::MaybeUuid("reverses", journals.iter().map(|journal| journal.reverses).collect()),
        Column::Number("at", vec![at.0; count]),
    ];
    db::bulk_insert(tx, "journals", &columns, "ON CONFLICT DO NOTHING").await
}

async fn insert_postings(tx: &Tx, village: &Village, journals: &[Journal]) -> Outcome<()> {
    let mut ids = Vec::new();
    let mut accounts = Vec::new();
    let mut households = Vec::new();
    let mut points = Vec::new();
    for journal in journals {
        let id = journal.id(village);
        for (account, moved) in &journal.postings {
            let (word, household) = account.key();
            ids.push(id);
            accounts.push(word.to_owned());
            households.push(household);
            points.push(*moved);
        }
    }
    let columns = [
        Column::Text("village", vec![village.to_string(); ids.len()]),
        Column::Uuid("journal", ids),
        Column::Text("account", accounts),
        Column::Uuid("household", households),
        Column::Number("points", points),
    ];
    db::bulk_insert(tx, "postings", &columns, "").await?;
    Ok(())
}

async fn move_balances(tx: &Tx, village: &Village, journals: &[Journal]) -> Outcome<()> {
    // In order of account, so that two transactions never wait for each other in a ring.
    let mut moved = BTreeMap::<Account, i64>::new();
    for (account, points) in journals.iter().flat_map(|journal| &journal.postings) {
        *moved.entry(*account).or_default() += points;
    }
    let columns = [
        Column::Text("village", vec![village.to_string(); moved.len()]),
        Column::Uuid("household", moved.keys().map(|account| account.key().1).collect()),
        Column::Text("account", moved.keys().map(|account| account.key().0.to_owned()).collect()),
        Column::Number("points", moved.values().copied().collect()),
        Column::Number("held", vec![0; moved.len()]),
    ];
    let add = "ON CONFLICT (village, household, account) \
               DO UPDATE SET points = balances.points + excluded.points";
    db::bulk_insert(tx, "balances", &columns, add).await?;
    Ok(())
}

/// What a household has available, and how much of it is held or frozen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct Available {
    /// Below 0 after a reversal of points that were spent.
    pub points: i64,
    pub held: i64,
    /// Under reversals that are not decided; can be more than there is.
    pub frozen: i64,
}

/// A household's available points, kept as they are until the transaction ends.
pub async fn available(tx: &Tx, village: &Village, household: Uuid) -> Outcome<Available> {
    let sql = format!(
        "SELECT points, held, frozen FROM balances \
         WHERE village = $1 AND household = $2 AND account = 'available'{}",
        db::exclusively(tx)
    );
    let found = db::one::<Available>(tx, &sql, [village.into(), household.into()]).await?;
    Ok(found.unwrap_or_default())
}

/// Holds available points for one purpose.
///
/// # Errors
/// `insufficient_points` if fewer are available than asked for and neither held nor frozen.
pub async fn hold(tx: &Tx, village: &Village, household: Uuid, points: i64) -> Outcome<()> {
    hold_beside(tx, village, household, points, 0).await
}

/// What each of these households has available and neither held nor frozen, kept so until the transaction
/// ends; nothing of one that never had any.
pub async fn free(tx: &Tx, wanted: &BTreeSet<Place>) -> Outcome<BTreeMap<Place, i64>> {
    #[derive(FromQueryResult)]
    struct Row {
        village: String,
        household: Uuid,
        free: i64,
    }
    let columns = [
        Column::Text("village", wanted.iter().map(|(village, _)| village.clone()).collect()),
        Column::Uuid("household", wanted.iter().map(|(_, household)| *household).collect()),
    ];
    let Given { table, values } = db::given(tx, 1, "given", &columns);
    let sql = format!(
        "SELECT b.village, b.household, b.points - b.held - b.frozen AS free FROM balances b \
         JOIN {table} ON b.village = given.village AND b.household = given.household \
         WHERE b.account = 'available' ORDER BY b.village, b.household{}",
        db::exclusively_of(tx, "b")
    );
    let rows = db::all::<Row>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| ((row.village, row.household), row.free)).collect())
}

/// Holds points of many households, for as many purposes as the caller has; whose [`free`] was asked first.
///
/// # Errors
/// A fault if one has fewer: the caller has counted wrong.
pub async fn hold_each(tx: &Tx, holds: &BTreeMap<Place, i64>) -> Outcome<()> {
    let columns = [
        Column::Text("village", holds.keys().map(|(village, _)| village.clone()).collect()),
        Column::Uuid("household", holds.keys().map(|(_, household)| *household).collect()),
        Column::Number("points", holds.values().copied().collect()),
    ];
    let Given { table, values } = db::given(tx, 1, "given", &columns);
    let sql = format!(
        "UPDATE balances SET held = held + given.points FROM {table} \
         WHERE balances.village = given.village AND balances.household = given.household \
           AND balances.account = 'available' \
           AND balances.points - balances.held - balances.frozen >= given.points"
    );
    match db::run(tx, &sql, values).await? {
        done if done == holds.len() as u64 => Ok(()),
        done => Err(Problem::fault(format!("held for {done} of {} households", holds.len()))),
    }
}

/// As [`hold`], leaving `waits` of the available points untouched.
///
/// # Errors
/// `insufficient_points` if too few are left.
pub async fn hold_beside(
    tx: &Tx,
    village: &Village,
    household: Uuid,
    points: i64,
    waits: i64,
) -> Outcome<()> {
    let sql = "UPDATE balances SET held = held + $3 \
               WHERE village = $1 AND household = $2 AND account = 'available' \
               AND points - held - frozen >= $3 + $4";
    let values: [Value; 4] = [village.into(), household.into(), points.into(), waits.into()];
    match db::run(tx, sql, values).await? {
        1 => Ok(()),
        _ => Err(Code::InsufficientPoints.into()),
    }
}

/// Gives held points back, or makes room for the posting that spends them.
///
/// # Errors
/// A fault if less is held: the caller's own record of the hold is then wrong.
pub async fn release(tx: &Tx, village: &Village, household: Uuid, points: i64) -> Outcome<()> {
    let sql = "UPDATE balances SET held = held - $3 \
               WHERE village = $1 AND household = $2 AND account = 'available' AND held >= $3";
    let values: [Value; 3] = [village.into(), household.into(), points.into()];
    match db::run(tx, sql, values).await? {
        1 => Ok(()),
        _ => Err(Problem::fault(format!("household {household} holds less than {points}"))),
    }
}

/// Keeps points from being spent until something about them is decided; more than there is can be
/// frozen, for they may be spent already.
pub async fn freeze(tx: &Tx, village: &Village, households: &BTreeMap<Uuid, i64>) -> Outcome<()> {
    let frozen: Vec<_> = households.iter().filter(|(_, points)| **points > 0).collect();
    let count = frozen.len();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("household", frozen.iter().map(|(household, _)| **household).collect()),
        Column::Text("account", vec!["available".to_owned(); count]),
        Column::Number("points", vec![0; count]),
        Column::Number("held", vec![0; count]),
        Column::Number("frozen", frozen.iter().map(|(_, points)| **points).collect()),
    ];
    let add = "ON CONFLICT (village, household, account) \
               DO UPDATE SET frozen = balances.frozen + excluded.frozen";
    db::bulk_insert(tx, "balances", &columns, add).await?;
    Ok(())
}

/// Takes [`freeze`] back, in part or whole.
///
/// # Errors
/// A fault if less is frozen: the caller's own record is then wrong.
pub async fn thaw(tx: &Tx, village: &Village, household: Uuid, points: i64) -> Outcome<()> {
    if points <= 0 {
        return Ok(());
    }
    let sql = "UPDATE balances SET frozen = frozen - $3 \
               WHERE village = $1 AND household = $2 AND account = 'available' AND frozen >= $3";
    let values: [Value; 3] = [village.into(), household.into(), points.into()];
    match db::run(tx, sql, values).await? {
        1 => Ok(()),
        _ => Err(Problem::fault(format!("less than {points} of household {household} is frozen"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_does_not_sum_to_zero_is_not_balanced() {
        let household = Uuid::from_u128(1);
        let mut journal =
            Journal::transfer("score", "a", Account::Issued, Account::Pending(household), 5);
        assert!(journal.is_balanced());
        journal.postings.push((Account::Expired, i64::MAX));
        assert!(!journal.is_balanced());
    }

    #[test]
    fn the_same_meaning_has_the_same_id_in_one_village_only() {
        let [here, there] = ["460205001201", "460205001202"].map(|code| code.parse::<Village>());
        let (here, there) = (here.expect("a code"), there.expect("a code"));
        let journal = Journal::transfer("score", "a", Account::Issued, Account::Redeemed, 5);
        assert_eq!(journal.id(&here), journal_id(&here, "score", "a"));
        assert_ne!(journal.id(&here), journal.id(&there));
    }
}
