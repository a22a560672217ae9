//! Publicity (公示): each month's list, objections to its lines, and the confirmation that makes points
//! spendable.

mod cycle;
mod decide;
mod list;
mod object;
mod rules;

use utoipa_actix_web::service_config::ServiceConfig;

pub use cycle::{close_list, open_list};

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list::show_list)
        .service(list::list_lines)
        .service(list::list_list_households)
        .service(object::file_objection)
        .service(object::list_objections)
        .service(decide::decide_objection);
}
