//! Redemption (兑换): points are held for a prize, and spent when it is handed over.

mod code;
mod collect;
mod expire;
mod prizes;
mod read;
mod redeem;
mod stock;

use utoipa_actix_web::service_config::ServiceConfig;

pub use collect::hand_over;
pub use expire::expire;
pub use prizes::{PrizeCatalogue, builtin, stock_shop};
pub use redeem::{NewRedemption, redeem};

/// Days until a hold that nobody collected gives the points back.
pub const HOLD_DAYS: i64 = 7;
/// Wrong pickup codes after which a redemption's code is locked.
pub const WRONG_CODES_MAX: i64 = 5;

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
