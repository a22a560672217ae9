//! What becomes due: proposals that nobody decided lapse, corrections take effect.

use sea_orm::{FromQueryResult, Value};

use super::carry::{carry, release, settle};
use super::correct::rows_of;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::register;

type Row = entity::reversal::Model;

/// When the first proposal of a village lapses.
pub const FIRST_LAPSE: &str = "SELECT MIN(due_at) FROM reversals \
    WHERE village = $1 AND status = 'proposed' AND correction IS NULL";

/// When the first correction of a village takes effect.
pub const FIRST_CORRECTION: &str =
    "SELECT MIN(closes_at) FROM corrections WHERE village = $1 AND status = 'open'";

/// Lets the proposals go whose time was over at `at`, the nominal instant.
pub async fn lapse(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    let sql = "SELECT * FROM reversals WHERE village = $1 AND status = 'proposed' \
               AND correction IS NULL AND due_at <= $2 ORDER BY id";
    let values: [Value; 2] = [village.into(), at.0.into()];
    let rows = db::all::<Row>(tx, sql, values.clone()).await?;
    let sql = "UPDATE reversals SET status = 'lapsed', closed_at = $2 WHERE village = $1 \
               AND status = 'proposed' AND correction IS NULL AND due_at <= $2";
    db::run(tx, sql, values).await?;
    let_go(tx, village, &rows, at).await?;
    settle(tx, village, &format!("lapse {at}"), at).await
}

/// Undecided reversals whose rows are closed: the points thaw, the household is told, and the register
/// shows that nobody decided.
async fn let_go(tx: &Tx, village: &Village, rows: &[Row], at: Instant) -> Outcome<()> {
    release(tx, village, rows, "reversal_lapsed", "逾期未决定，不予冲正，积分已解冻", at).await?;
    let entry = |row: &Row| register::Entry {
        kind: register::Kind::ReversalLapsed,
        subject: row.id.to_string(),
        person: Some(row.proposed_by),
        note: format!("{}公示第{}条：{}", row.month, row.number, row.reason),
    };
    register::enter(tx, village, at, &rows.iter().map(entry).collect::<Vec<_>>()).await
}

/// Ends the corrections that had been public for their days at `at`, the nominal instant: what was
/// approved is carried out, with one journal per household; the rest lapses.
pub async fn close_corrections(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Due {
        month: String,
        number: i64,
    }
    let sql = "SELECT month, number FROM corrections WHERE village = $1 AND status = 'open' \
               AND closes_at <= $2 ORDER BY closes_at, month, number";
    let values: [Value; 2] = [village.into(), at.0.into()];
    for Due { month, number } in db::all::<Due>(tx, sql, values).await? {
        close_one(tx, village, &month, number, at).await?;
    }
    Ok(())
}

async fn close_one(
    tx: &Tx,
    village: &Village,
    month: &str,
    number: i64,
    at: Instant,
) -> Outcome<()> {
    let key = || -> [Value; 3] { [village.into(), month.into(), number.into()] };
    let rows = rows_of(tx, key()).await?;
    let with =
        |status: &str| rows.iter().filter(|row| row.status == status).cloned().collect::<Vec<_>>();
    let (approved, undecided) = (with("approved"), with("proposed"));
    let name = format!("{month}:{number}");
    carry(tx, village, &approved, |household| format!("{name}:{household}"), at).await?;
    let sql = "UPDATE reversals SET status = 'lapsed', closed_at = $4 \
               WHERE village = $1 AND month = $2 AND correction = $3 AND status = 'proposed'";
    db::run(tx, sql, key().into_iter().chain([at.0.into()])).await?;
    let_go(tx, village, &undecided, at).await?;
    let sql = "UPDATE corrections SET status = 'closed' \
               WHERE village = $1 AND month = $2 AND number = $3";
    db::run(tx, sql, key()).await?;
    settle(tx, village, &name, at).await
}
