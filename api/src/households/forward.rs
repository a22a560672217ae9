//! What comes in for households that have ended: a merged one's points go to the one that took it in,
//! those of one that moved out and had its time expire.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Account, Journal};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

#[derive(FromQueryResult)]
struct Left {
    id: Uuid,
    successor: Option<Uuid>,
    points: i64,
}

/// Forwards or expires what ended households have available and neither held nor frozen. `cause` is what
/// made it available, once for each: a month whose list closed, a decision.
///
/// The caller holds the village's lock.
pub async fn settle_ended(tx: &Tx, village: &Village, cause: &str, at: Instant) -> Outcome<()> {
    let journals: Vec<_> = left(tx, village, "h.status = 'merged' AND b.points <> 0")
        .await?
        .into_iter()
        .filter_map(|it| {
            let (from, to) = (Account::Available(it.id), Account::Available(it.successor?));
            let reference = format!("merge {}:{cause}", it.id);
            Some(Journal::transfer("transfer", reference, from, to, it.points))
        })
        .collect();
    ledger::post(tx, village, None, at, &journals).await?;
    // Read after: what was forwarded may have reached a household whose time is over.
    let over = "h.status = 'moved_out' AND h.spend_until IS NULL AND b.points > b.held + b.frozen";
    let journals: Vec<_> = left(tx, village, over)
        .await?
        .into_iter()
        .map(|it| {
            let (from, to) = (Account::Available(it.id), Account::Expired);
            Journal::transfer("expire", format!("{}:{cause}", it.id), from, to, it.points)
        })
        .collect();
    ledger::post(tx, village, None, at, &journals).await?;
    Ok(())
}

/// The household that answers for a household's lines, and has their points, now: the one that took it in, if
/// it was merged.
pub async fn holder(
    on: &impl ConnectionTrait,
    village: &Village,
    household: Uuid,
) -> Outcome<Uuid> {
    #[derive(FromQueryResult)]
    struct Row {
        successor: Option<Uuid>,
    }
    let sql = "SELECT successor FROM households WHERE village = $1 AND id = $2";
    let row = db::one::<Row>(on, sql, [village.into(), household.into()]).await?;
    Ok(row.and_then(|row| row.successor).unwrap_or(household))
}

/// Ended households with something available, kept as they are until the transaction ends.
async fn left(tx: &Tx, village: &Village, which: &str) -> Outcome<Vec<Left>> {
    let sql = format!(
        "SELECT h.id, h.successor, b.points - b.held - b.frozen AS points FROM households h \
         JOIN balances b ON b.village = h.village AND b.household = h.id \
           AND b.account = 'available' \
         WHERE h.village = $1 AND {which} ORDER BY h.id{}",
        db::exclusively_of(tx, "b")
    );
    Ok(db::all(tx, &sql, [village.into()]).await?)
}
