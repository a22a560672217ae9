//! What has been used of the budgets of the funding sources: goods count from the day they arrive, and go
//! on counting wherever they go from there.
//!
//! | The goods | count as |
//! |---|---|
//! | lie in the shop, or came back: expired, cancelled, refunded and restocked | stock |
//! | are held, at the counter or on their way to the door | held |
//! | were handed over, at the counter or at the door; refunded and not restocked | handed over |
//! | were written off | nothing, but that stands on the township's register |
//!
//! So no end of a redemption changes how much of a budget is left. What is held or was handed over counts
//! for the quarter in which it was held, by the funding source and the value of then; stock counts for
//! whichever quarter it is.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use crate::kernel::db;
use crate::kernel::period::Period;
use crate::kernel::problem::Outcome;
use crate::kernel::region::{RegionCode, Village};

/// What a funding source's goods are worth, in fen, by where they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub stock: i64,
    pub held: i64,
    pub handed_over: i64,
}

impl Used {
    /// All that counts against a budget.
    pub fn total(self) -> i64 {
        self.stock + self.held + self.handed_over
    }
}

/// SQL: what the redemptions of a quarter, seen as `r`, have of goods in fen: held, and handed over.
const PARTS: &str = "CASE WHEN r.status = 'held' THEN r.quantity ELSE 0 END * r.value_fen AS held, \
      CASE WHEN r.status IN ('collected', 'refunded') THEN r.quantity - COALESCE(( \
        SELECT SUM(f.quantity) FROM refunds f WHERE f.village = r.village \
        AND f.redemption = r.id AND f.restocked), 0) ELSE 0 END * r.value_fen AS handed_over";

#[derive(FromQueryResult)]
struct Row {
    village: String,
    funding: String,
    quarter: String,
    stock: i64,
    held: i64,
    handed_over: i64,
}

/// What a village has used of each funding source's budget for a quarter.
pub async fn used(
    on: &impl ConnectionTrait,
    village: &Village,
    quarter: Period,
) -> Outcome<BTreeMap<String, Used>> {
    let sql = format!(
        "SELECT $1 AS village, $2 AS quarter, funding, CAST(SUM(stock) AS BIGINT) AS stock, \
           CAST(SUM(held) AS BIGINT) AS held, CAST(SUM(handed_over) AS BIGINT) AS handed_over \
         FROM (SELECT funding, stock * value_fen AS stock, 0 AS held, 0 AS handed_over \
             FROM prizes WHERE village = $1 \
           UNION ALL SELECT r.funding, 0 AS stock, {PARTS} FROM redemptions r \
             WHERE r.village = $1 AND r.budget_quarter = $2) AS goods GROUP BY funding"
    );
    let values: [Value; 2] = [village.into(), quarter.to_string().into()];
    let rows = db::all::<Row>(on, &sql, values).await?;
    Ok(rows.into_iter().map(|row| (row.funding.clone(), row.into())).collect())
}

/// As [`used`], for all villages of a region in two statements; `quarters` says which quarter each
/// village is in. By village and funding source.
pub async fn used_in(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    quarters: &BTreeMap<String, String>,
) -> Outcome<BTreeMap<(String, String), Used>> {
    let sql = "SELECT village, '' AS quarter, funding, \
                 CAST(SUM(stock * value_fen) AS BIGINT) AS stock, \
                 CAST(0 AS BIGINT) AS held, CAST(0 AS BIGINT) AS handed_over \
               FROM prizes WHERE village >= $1 AND village < $2 GROUP BY village, funding";
    let stock = db::all::<Row>(on, sql, region.bounds()).await?;
    let sql = format!(
        "SELECT village, quarter, funding, CAST(0 AS BIGINT) AS stock, \
           CAST(SUM(held) AS BIGINT) AS held, CAST(SUM(handed_over) AS BIGINT) AS handed_over \
         FROM (SELECT r.village, r.budget_quarter AS quarter, r.funding, {PARTS} \
           FROM redemptions r WHERE r.village >= $1 AND r.village < $2 \
           AND r.budget_quarter BETWEEN $3 AND $4) AS goods GROUP BY village, quarter, funding"
    );
    let [from, to] = region.bounds();
    let first = quarters.values().min().cloned().unwrap_or_default();
    let last = quarters.values().max().cloned().unwrap_or_default();
    let gone = db::all::<Row>(on, &sql, [from, to, first.into(), last.into()]).await?;
    let present = gone.into_iter().filter(|row| quarters.get(&row.village) == Some(&row.quarter));
    let mut all = BTreeMap::<_, Used>::new();
    for row in stock.into_iter().chain(present) {
        let sum = all.entry((row.village.clone(), row.funding.clone())).or_default();
        sum.stock += row.stock;
        sum.held += row.held;
        sum.handed_over += row.handed_over;
    }
    Ok(all)
}

impl From<Row> for Used {
    fn from(row: Row) -> Self {
        Self { stock: row.stock, held: row.held, handed_over: row.handed_over }
    }
}
