//! Honours (荣誉): what a village names a household for a month or a year, with a plaque (标识牌) whose
//! number is never used again. A red list only: whom it does not name, it says nothing about.

mod criteria;
mod decide;
mod household;
mod list;
mod points;
mod propose;
mod red_list;
mod withdraw;

use utoipa_actix_web::service_config::ServiceConfig;

pub use household::{YearHonour, of_household};

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(propose::propose_honour)
        .service(list::list_honours)
        .service(decide::decide_honour)
        .service(withdraw::withdraw_honour)
        .service(red_list::list_red_list);
}
