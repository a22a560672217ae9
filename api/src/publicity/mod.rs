//! Publicity (公示): each month's list, objections to its lines, and the confirmation that makes points
//! spendable.

mod cycle;
mod decide;
mod line;
mod list;
mod object;
mod rules;

use utoipa_actix_web::service_config::ServiceConfig;

pub use cycle::{close_list, open_list};
pub use line::{
    contested, hold_line, insert_reversal, lock_line, scored, settle_line, strike, week_of_reversal,
};
pub use list::serve;

use crate::app::App;
use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// How many objections of a village wait for a decision.
pub async fn open_objections(app: &App, village: &Village) -> Outcome<i64> {
    let sql = "SELECT COUNT(*) FROM objections \
               WHERE village = $1 AND status IN ('filed', 'investigating')";
    Ok(db::number(app.db.read(), sql, [village.into()]).await?)
}

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list::show_list)
        .service(list::list_lines)
        .service(list::list_list_households)
        .service(object::file_objection)
        .service(object::list_objections)
        .service(decide::decide_objection);
}
