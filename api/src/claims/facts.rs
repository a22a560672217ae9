//! What filing depends on, read set-wise for one claim or many: households, members, rules in force,
//! and deeds claimed before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::rules::Admitted;
use super::submit::NewClaim;
use super::warn::warned;
use crate::app::App;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::rules::{Book, book, set_in_force};

/// A household as filing needs it.
#[derive(FromQueryResult)]
pub struct HouseholdRow {
    pub id: Uuid,
    pub grid: String,
    pub status: String,
}

fn places(from: usize, count: usize) -> String {
    (from..from + count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
}

/// The households that claims name, those of them that are of this village.
pub async fn households(
    tx: &Tx,
    village: &Village,
    claims: &[NewClaim],
) -> Outcome<BTreeMap<Uuid, HouseholdRow>> {
    let ids: BTreeSet<_> = claims.iter().map(|claim| claim.household).collect();
    let sql = format!(
        "SELECT h.id, h.grid, h.status FROM households h WHERE h.village = $1 AND h.id IN ({})",
        places(2, ids.len())
    );
    let values = std::iter::once(village.into());
    let rows = db::all::<HouseholdRow>(tx, &sql, values.chain(ids.into_iter().map(Value::from)));
    Ok(rows.await?.into_iter().map(|row| (row.id, row)).collect())
}

/// Who belongs to which of the named households.
pub async fn members(
    tx: &Tx,
    village: &Village,
    claims: &[NewClaim],
) -> Outcome<BTreeSet<(Uuid, Uuid)>> {
    #[derive(FromQueryResult)]
    struct Row {
        household: Uuid,
        person: Uuid,
    }
    let named = claims.iter().filter(|claim| claim.member.is_some());
    let ids: BTreeSet<_> = named.map(|claim| claim.household).collect();
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = format!(
        "SELECT household, person FROM members WHERE village = $1 AND household IN ({})",
        places(2, ids.len())
    );
    let values = std::iter::once(village.into()).chain(ids.into_iter().map(Value::from));
    let rows = db::all::<Row>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| (row.household, row.person)).collect())
}

/// The rules in force on each day on which a deed was done.
pub async fn books(
    app: &App,
    tx: &Tx,
    village: &Village,
    claims: &[NewClaim],
) -> Outcome<BTreeMap<NaiveDate, Arc<Book>>> {
    let mut books = BTreeMap::new();
    for day in claims.iter().map(|claim| claim.occurred_on).collect::<BTreeSet<_>>() {
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

/// Refuses deductions for what is only warned of the first time, where no warning came before.
pub async fn refuse_unwarned(
    tx: &Tx,
    village: &Village,
    claims: &[NewClaim],
    books: &BTreeMap<NaiveDate, Arc<Book>>,
    filed: &mut [Result<Admitted, Refusal>],
) -> Outcome<()> {
    let warns = |claim: &NewClaim| {
        let rule = books.get(&claim.occurred_on).and_then(|book| book.rule(&claim.rule));
        rule.is_some_and(|rule| rule.warn_first)
    };
    let admitted = claims.iter().zip(filed.iter_mut());
    let needing = admitted.filter(|(claim, filed)| filed.is_ok() && warns(claim));
    let (deeds, slots): (Vec<_>, Vec<_>) = needing
        .map(|(claim, slot)| ((claim.household, claim.rule.clone(), claim.occurred_on), slot))
        .unzip();
    for (slot, warned) in slots.into_iter().zip(warned(tx, village, &deeds).await?) {
        if !warned {
            *slot = Err(Code::WarningNeeded.into());
        }
    }
    Ok(())
}

/// Refuses what has been claimed before, in the database or earlier in the same batch.
pub async fn refuse_duplicates(
    tx: &Tx,
    village: &Village,
    claims: &[NewClaim],
    filed: &mut [Result<Admitted, Refusal>],
) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        dedupe: String,
        live: i64,
    }
    let keys: Vec<Value> =
        filed.iter().flatten().map(|admitted| admitted.dedupe.as_str().into()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = claims.iter().map(|claim| claim.id.into()).collect();
    let sql = format!(
        "SELECT id, dedupe, CAST(1 AS BIGINT) AS live FROM claims WHERE village = $1 AND dedupe IN ({}) \
         AND status NOT IN ('rejected', 'withdrawn', 'lapsed', 'overturned', 'reversed') \
         UNION ALL SELECT id, dedupe, CAST(0 AS BIGINT) AS live FROM claims WHERE village = $1 AND id IN ({})",
        places(2, keys.len()),
        places(2 + keys.len(), ids.len()),
    );
    let values = std::iter::once(village.into()).chain(keys).chain(ids);
    let rows = db::all::<Row>(tx, &sql, values).await?;
    let mut deeds = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for row in rows {
        if row.live == 1 {
            deeds.insert(row.dedupe, row.id);
        } else {
            taken.insert(row.id);
        }
    }
    for (claim, slot) in claims.iter().zip(filed) {
        let Ok(admitted) = slot else { continue };
        if !taken.insert(claim.id) {
            *slot = Err(Code::IdTaken.into());
        } else if let Some(first) = deeds.get(&admitted.dedupe) {
            *slot = Err(Refusal::from(Code::DuplicateClaim).existing(*first));
        } else {
            deeds.insert(admitted.dedupe.clone(), claim.id);
        }
    }
    Ok(())
}
