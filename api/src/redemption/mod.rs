//! Redemption (兑换): points are held for a prize, and spent when it is handed over.

mod code;
mod collect;
mod expire;
mod prizes;
mod read;
mod redeem;
mod stock;

use sea_orm::Value;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub use code::{is_code, pickup_code};
pub use collect::hand_over;
pub use expire::{FIRST_EXPIRY, expire};
pub use prizes::{PrizeCatalogue, builtin, stock_shop};
pub use redeem::{NewRedemption, redeem};

use crate::app::App;
use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// Days until a hold that nobody collected gives the points back.
pub const HOLD_DAYS: i64 = 7;
/// Wrong pickup codes after which a redemption's code is locked.
pub const WRONG_CODES_MAX: i64 = 5;

/// How many prizes wait to be collected, in a village or by one household of it.
pub async fn held_in(app: &App, village: &Village, by: Option<Uuid>) -> Outcome<i64> {
    let sql = "SELECT COUNT(*) FROM redemptions WHERE village = $1 AND status = 'held' \
               AND ($2 = $3 OR household = $2)";
    let household = by.unwrap_or(Uuid::nil());
    let values: [Value; 3] = [village.into(), household.into(), Uuid::nil().into()];
    Ok(db::number(app.db.read(), sql, values).await?)
}

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(prizes::list_prizes)
        .service(redeem::redeem_prize)
        .service(read::list_redemptions)
        .service(read::show_redemption)
        .service(collect::collect_redemption)
        .service(collect::cancel_redemption)
        .service(stock::move_stock);
}
