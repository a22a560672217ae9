//! What a household takes over from one that is merged into it: proposals to give points back.

use sea_orm::Value;
use uuid::Uuid;

use crate::households::{Notice, tell};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// Lets the household `to` answer for the open reversals of `from`, which is merged into it, and tells it.
/// None of them has anything frozen: those that take points have a merge wait. The caller holds the
/// village's lock.
pub async fn hand_over(
    tx: &Tx,
    village: &Village,
    (from, to): (Uuid, Uuid),
    now: Instant,
) -> Outcome<()> {
    let open = "village = $1 AND frozen_household = $2 AND status IN ('proposed', 'approved')";
    let key = || -> [Value; 2] { [village.into(), from.into()] };
    let sql = format!("SELECT * FROM reversals WHERE {open} ORDER BY id");
    let rows = db::all::<entity::reversal::Model>(tx, &sql, key()).await?;
    let sql = format!("UPDATE reversals SET frozen_household = $3 WHERE {open}");
    db::run(tx, &sql, key().into_iter().chain([to.into()])).await?;
    let notice = |row: entity::reversal::Model| Notice {
        recipient: to,
        kind: "reversal_taken_over",
        subject: row.id,
        detail: format!(
            "并入户在{}公示第{}条拟退还{}分，尚未办结，此后由本户承接，可陈述意见",
            row.month, row.number, -row.points
        ),
    };
    tell(tx, village, now, &rows.into_iter().map(notice).collect::<Vec<_>>()).await
}
