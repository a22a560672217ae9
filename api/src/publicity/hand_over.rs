//! What a household takes over from one that is merged into it: objections to its lines.

use sea_orm::Value;
use uuid::Uuid;

use super::bodies::BODY_DAYS;
use super::objection_row::{ROWS, Row};
use crate::households::{Notice, tell};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// Tells the household `to` of every objection to a line that `from` answers for and that is not final: it
/// hears the end, and can appeal. Called before `from` is merged into it; the caller holds the village's lock.
pub async fn hand_over(
    tx: &Tx,
    village: &Village,
    (from, to): (Uuid, Uuid),
    now: Instant,
) -> Outcome<()> {
    let sql = format!(
        "{ROWS} WHERE o.village = $1 AND o.due_at IS NOT NULL \
         AND COALESCE(h.successor, p.household) = $2 ORDER BY o.id"
    );
    let values: [Value; 2] = [village.into(), from.into()];
    let notice = |row: Row| Notice {
        recipient: to,
        kind: "line_taken_over",
        subject: row.id,
        detail: format!(
            "并入户在{}公示第{}条的异议尚未办结，此后由本户承接；不服决定的，可在决定后{BODY_DAYS}天内申诉一次",
            row.month, row.number
        ),
    };
    let rows = db::all::<Row>(tx, &sql, values).await?;
    tell(tx, village, now, &rows.into_iter().map(notice).collect::<Vec<_>>()).await
}
