//! What changed (变更): numbers under which every change of a village's households and claims is found
//! again, so that a grid worker's phone keeps a copy of the grid that lacks nothing.
//!
//! Instants and database sequences commit out of order: a reader who remembers the last one seen can
//! miss what was numbered earlier and committed later. These numbers are given out under a lock that is
//! held until the commit, so whoever sees one sees all below it.

mod feed;

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::kernel::db::{self, Column, Given, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::kernel::routes::Routes;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes.service(feed::list_changes);
}

/// The number of the changes that this transaction makes: taken after all its row locks, because it
/// keeps other changes of the village waiting until the transaction ends. Rows written get it as
/// `changed`.
pub async fn next(tx: &Tx, village: &Village) -> Outcome<i64> {
    let sql = "INSERT INTO village_changes (village, seq) VALUES ($1, 1) ON CONFLICT (village) \
               DO UPDATE SET seq = village_changes.seq + 1 RETURNING seq";
    Ok(db::number(tx, sql, [village.into()]).await?)
}

/// As [`next`], in many villages: the number of each.
pub async fn next_each(tx: &Tx, villages: &BTreeSet<&Village>) -> Outcome<BTreeMap<String, i64>> {
    #[derive(FromQueryResult)]
    struct Row {
        village: String,
        seq: i64,
    }
    // In their order, so that two such statements never wait for each other.
    let names = villages.iter().map(ToString::to_string).collect();
    let Given { table, values } = db::given(tx, 1, "given", &[Column::Text("village", names)]);
    let sql = format!(
        "INSERT INTO village_changes (village, seq) SELECT village, 1 FROM {table} WHERE true \
         ORDER BY village ON CONFLICT (village) DO UPDATE SET seq = village_changes.seq + 1 \
         RETURNING village, seq"
    );
    let rows = db::all::<Row>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| (row.village, row.seq)).collect())
}

/// Says that claims changed, where the statements that changed them did not.
pub async fn stamp_claims(tx: &Tx, village: &Village, claims: &[Uuid]) -> Outcome<()> {
    stamp(tx, village, "claims", claims).await
}

/// Says that households changed, where the statements that changed them did not.
pub async fn stamp_households(tx: &Tx, village: &Village, households: &[Uuid]) -> Outcome<()> {
    stamp(tx, village, "households", households).await
}

async fn stamp(tx: &Tx, village: &Village, table: &str, ids: &[Uuid]) -> Outcome<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let changed = next(tx, village).await?;
    let places: Vec<_> = (3..ids.len() + 3).map(|at| format!("${at}")).collect();
    let sql = format!(
        "UPDATE {table} SET changed = $2 WHERE village = $1 AND id IN ({})",
        places.join(", ")
    );
    let values: [Value; 2] = [village.into(), changed.into()];
    db::run(tx, &sql, values.into_iter().chain(ids.iter().map(|id| (*id).into()))).await?;
    Ok(())
}

/// Says that a household, and its claims with it, leave the grid where they were: for another one, or,
/// when the file ends, for none. Called before the file itself changes.
pub async fn depart(tx: &Tx, village: &Village, household: Uuid, to: Option<&str>) -> Outcome<()> {
    let sql = format!(
        "SELECT id FROM claims WHERE village = $1 AND household = $2 ORDER BY id{}",
        db::exclusively(tx)
    );
    db::run(tx, &sql, [village.into(), household.into()]).await?;
    let changed = next(tx, village).await?;
    let upsert = "ON CONFLICT (village, grid, kind, id) DO UPDATE SET changed = excluded.changed";
    let key: [Value; 3] = [village.into(), household.into(), changed.into()];
    for gone in [
        "SELECT village, grid, 'household', id, $3 FROM households WHERE village = $1 AND id = $2",
        "SELECT village, field_grid, 'claim', id, $3 FROM claims \
         WHERE village = $1 AND household = $2 AND field_grid <> ''",
    ] {
        let sql = format!(
            "INSERT INTO grid_departures (village, grid, kind, id, changed) {gone} {upsert}"
        );
        db::run(tx, &sql, key.clone()).await?;
    }
    let sql = "UPDATE claims SET field_grid = $4, changed = $3 \
               WHERE village = $1 AND household = $2 AND field_grid <> ''";
    db::run(tx, sql, key.into_iter().chain([to.unwrap_or_default().into()])).await?;
    Ok(())
}
