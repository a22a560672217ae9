//! What filing depends on, read set-wise for one claim or many: households, members, rules in force,
//! and what was claimed before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::submit::NewClaim;
use crate::app::App;
use crate::identity::{CONCERNED, Caller};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;
use crate::rules::{Book, book, set_in_force};

/// SQL: whether a claim `c` still stands for its deed and keeps its photos. One that was struck does as
/// long as an appeal can give its points back, and when one has: a deed is paid once.
pub const LIVE: &str = "(c.status NOT IN ('rejected', 'withdrawn', 'lapsed', 'overturned', 'reversed') \
    OR (c.status IN ('overturned', 'reversed') AND (EXISTS (SELECT 1 FROM objections o \
        WHERE o.village = c.village AND o.line = c.id AND o.status <> 'final') \
      OR EXISTS (SELECT 1 FROM adjustments a WHERE a.village = c.village AND a.restores = c.id \
        AND a.status IN ('approved', 'scored')))))";

/// A household as filing needs it.
#[derive(FromQueryResult)]
pub struct HouseholdRow {
    pub id: Uuid,
    pub grid: String,
    pub status: String,
}

pub fn places(from: usize, count: usize) -> String {
    (from..from + count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
}

/// The households of this village among these, kept where they are and open until the transaction
/// ends.
pub async fn households(
    tx: &Tx,
    village: &Village,
    ids: BTreeSet<Uuid>,
) -> Outcome<BTreeMap<Uuid, HouseholdRow>> {
    let sql = format!(
        "SELECT h.id, h.grid, h.status FROM households h \
         WHERE h.village = $1 AND h.id IN ({}) ORDER BY h.id{}",
        places(2, ids.len()),
        db::shared(tx)
    );
    let values = std::iter::once(village.into());
    let rows = db::all::<HouseholdRow>(tx, &sql, values.chain(ids.into_iter().map(Value::from)));
    Ok(rows.await?.into_iter().map(|row| (row.id, row)).collect())
}

/// Who belongs, or has belonged, to which of the households whose members claims name; whether they
/// still do.
pub async fn members(
    tx: &Tx,
    village: &Village,
    claims: &[NewClaim],
) -> Outcome<BTreeMap<(Uuid, Uuid), bool>> {
    #[derive(FromQueryResult)]
    struct Row {
        household: Uuid,
        person: Uuid,
        left_at: Option<i64>,
    }
    let named = claims.iter().filter(|claim| claim.member.is_some() || claim.consent.is_some());
    let ids: BTreeSet<_> = named.map(|claim| claim.household).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = format!(
        "SELECT household, person, left_at FROM members WHERE village = $1 AND household IN ({})",
        places(2, ids.len())
    );
    let values = std::iter::once(village.into()).chain(ids.into_iter().map(Value::from));
    let rows = db::all::<Row>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| ((row.household, row.person), row.left_at.is_none())).collect())
}

/// The households whose matters the filer must keep out of; nobody without an office is asked.
pub async fn concerned(tx: &Tx, village: &Village, filer: &Caller) -> Outcome<BTreeSet<Uuid>> {
    #[derive(FromQueryResult)]
    struct Row {
        household: Uuid,
    }
    if filer.grants.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = db::all::<Row>(tx, CONCERNED, [village.into(), filer.person.into()]).await?;
    Ok(rows.into_iter().map(|row| row.household).collect())
}

/// The rules in force on each day on which a deed was done.
pub async fn books(
    app: &App,
    tx: &Tx,
    village: &Village,
    days: BTreeSet<NaiveDate>,
) -> Outcome<BTreeMap<NaiveDate, Arc<Book>>> {
    let mut books = BTreeMap::new();
    for day in days {
        match set_in_force(tx, village, day).await {
            Ok(set) => {
                books.insert(day, book(&app.rule_books, tx, set).await?);
            }
            Err(Problem::Refused(_)) => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(books)
}

/// Why a row was found: the same id, the same deed, or the same rule and household.
pub const SAME_ID: i64 = 0;
pub const SAME_DEED: i64 = 1;

/// A claim of before.
#[derive(FromQueryResult)]
pub struct Earlier {
    pub found_as: i64,
    pub id: Uuid,
    pub household: Uuid,
    pub member: Option<Uuid>,
    pub rule: String,
    pub event: Option<String>,
    pub occurred_on: String,
    pub dedupe: String,
    pub content: Option<String>,
}

/// What stands in the way of these claims or is much like them: claims with their ids in any state,
/// live ones with one of these `dedupe` keys, and live ones of some member for the same rules.
pub async fn earlier(
    tx: &Tx,
    village: &Village,
    claims: &[NewClaim],
    dedupes: &[&str],
) -> Outcome<Vec<Earlier>> {
    let of_members = claims.iter().filter(|claim| claim.member.is_some());
    let (households, rules): (BTreeSet<_>, BTreeSet<_>) =
        of_members.map(|claim| (claim.household, claim.rule.as_str())).unzip();
    let mut values: Vec<Value> = vec![village.into()];
    let mut listed = |all: Vec<Value>| {
        let from = values.len() + 1;
        values.extend(all.iter().cloned());
        if all.is_empty() { "NULL".to_owned() } else { places(from, all.len()) }
    };
    let ids = listed(claims.iter().map(|claim| claim.id.into()).collect());
    let dedupes = listed(dedupes.iter().map(|key| (*key).into()).collect());
    let households = listed(households.into_iter().map(Value::from).collect());
    let rules = listed(rules.into_iter().map(Value::from).collect());
    let columns =
        "c.id, c.household, c.member, c.rule, c.event, c.occurred_on, c.dedupe, c.content";
    let mut sql = format!(
        "SELECT CAST(0 AS BIGINT) AS found_as, {columns} FROM claims c \
         WHERE c.village = $1 AND c.id IN ({ids}) \
         UNION ALL SELECT CAST(1 AS BIGINT) AS found_as, {columns} FROM claims c \
         WHERE c.village = $1 AND c.dedupe IN ({dedupes}) AND {LIVE}"
    );
    if rules != "NULL" {
        sql += &format!(
            " UNION ALL SELECT CAST(2 AS BIGINT) AS found_as, {columns} FROM claims c \
             WHERE c.village = $1 AND c.household IN ({households}) AND c.rule IN ({rules}) \
             AND c.member IS NOT NULL AND {LIVE}"
        );
    }
    Ok(db::all(tx, &sql, values).await?)
}
