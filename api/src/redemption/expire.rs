//! Holds that nobody collected in time give their points and stock back.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::hold::{let_go, restock};
use crate::households::{Notice, tell};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
}

/// When the first hold of a village expires.
pub const FIRST_EXPIRY: &str =
    "SELECT MIN(expires_at) FROM redemptions WHERE village = $1 AND status = 'held'";

/// Expires the holds of a village whose term ended at `at`, the nominal instant. Goods that are still
/// on their way come back to the shop. Holds and balances first, in order of household, then stock: a
/// household that redeems meanwhile takes them in the same order.
pub async fn expire(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    let sql = "SELECT id FROM redemptions WHERE village = $1 AND status = 'held' \
               AND expires_at <= $2 ORDER BY household, id";
    let values: [Value; 2] = [village.into(), at.0.into()];
    let mut ended = Vec::new();
    for Row { id } in db::all::<Row>(tx, sql, values).await? {
        ended.push((id, let_go(tx, village, id, "expired", at).await?));
    }
    restock(tx, village, &ended, at).await?;
    let mut notices = Vec::new();
    for (id, held) in ended {
        let detail = match held.carrier {
            None => "未在七日内取货，积分已退回",
            Some(_) => "未能在期限内送达，积分已退回",
        };
        let kind = "redemption_expired";
        let detail = detail.to_owned();
        notices.push(Notice { recipient: held.household, kind, subject: id, detail });
        if let Some(recipient) = held.carrier {
            let detail = format!("{}未能送达，已过期，请交回超市", held.prize_name);
            notices.push(Notice { recipient, kind, subject: id, detail });
        }
    }
    tell(tx, village, at, &notices).await
}
