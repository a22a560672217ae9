//! Redemption (兑换): points are held for a prize, and spent when it is handed over.

mod actions;
mod budgets;
mod cancel;
mod catalogue;
mod code;
mod collect;
mod delivery;
mod expire;
mod helped;
mod hold;
mod liability;
mod offer;
mod orders;
mod prizes;
mod read;
mod redeem;
mod refund;
mod stock;
mod stock_list;
mod together;
mod used;
mod windows;
mod witness;

use sea_orm::Value;
use uuid::Uuid;

pub use code::{is_code, pickup_code};
pub use expire::{FIRST_EXPIRY, expire};
pub use hold::{Proof, hand_over};
pub use orders::{Wish, redeem};
pub use prizes::{PrizeCatalogue, builtin, prices, stock_shop};
pub use redeem::{For, NewRedemption};
pub use together::Redemptions;

use crate::app::App;
use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::kernel::routes::Routes;

/// Days until a hold that nobody collected gives the points back.
pub const HOLD_DAYS: i64 = 7;
/// Days by which a hold lasts longer once its goods are on their way to the door.
pub const DELIVERY_DAYS: i64 = 7;
/// Wrong pickup codes after which a redemption's code is locked.
pub const WRONG_CODES_MAX: i64 = 5;
/// Minutes within which the second of two officials hands over after the first was there.
pub const WITNESS_MINUTES: i64 = 15;

/// How many prizes wait to be collected, in a village or by one household of it.
pub async fn held_in(app: &App, village: &Village, by: Option<Uuid>) -> Outcome<i64> {
    let sql = "SELECT COUNT(*) FROM redemptions WHERE village = $1 AND status = 'held' \
               AND ($2 = $3 OR household = $2)";
    let household = by.unwrap_or(Uuid::nil());
    let values: [Value; 3] = [village.into(), household.into(), Uuid::nil().into()];
    Ok(db::number(app.db.read(), sql, values).await?)
}

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(catalogue::list_catalogue)
        .service(catalogue::add_to_catalogue)
        .service(catalogue::put_catalogue_prize)
        .service(prizes::list_prizes)
        .service(offer::put_prize)
        .service(budgets::list_budgets)
        .service(budgets::show_budget)
        .service(budgets::put_budget)
        .service(windows::list_windows)
        .service(redeem::redeem_prize)
        .service(read::list_redemptions)
        .service(read::show_redemption)
        .service(witness::witness_collection)
        .service(collect::collect_redemption)
        .service(cancel::cancel_redemption)
        .service(delivery::deliver_redemption)
        .service(delivery::take_back_redemption)
        .service(refund::refund_redemption)
        .service(stock_list::show_stock)
        .service(stock_list::list_stock_moves)
        .service(stock::move_stock)
        .service(liability::show_liability);
}
