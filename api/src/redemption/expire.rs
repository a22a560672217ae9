//! Holds that nobody collected in seven days give their points and stock back.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::collect::give_back;
use crate::households::{Notice, tell};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    household: Uuid,
}

/// When the first hold of a village expires.
pub const FIRST_EXPIRY: &str =
    "SELECT MIN(expires_at) FROM redemptions WHERE village = $1 AND status = 'held'";

/// Expires the holds of a village whose term ended at `at`, the nominal instant.
pub async fn expire(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    let sql = "SELECT id, household FROM redemptions WHERE village = $1 AND status = 'held' \
               AND expires_at <= $2 ORDER BY household, id";
    let values: [Value; 2] = [village.into(), at.0.into()];
    let rows = db::all::<Row>(tx, sql, values).await?;
    for row in &rows {
        give_back(tx, village, row.id, "expired", at).await?;
    }
    let notice = |row: &Row| Notice {
        recipient: row.household,
        kind: "redemption_expired",
        subject: row.id,
        detail: "未在七日内取货，积分已退回".to_owned(),
    };
    let notices: Vec<_> = rows.iter().map(notice).collect();
    tell(tx, village, at, &notices).await
}
