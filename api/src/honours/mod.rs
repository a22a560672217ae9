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
use crate::kernel::routes::Routes;

pub use household::{YearHonour, of_household};

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(propose::propose_honour)
        .service(list::list_honours)
        .service(decide::decide_honour)
        .service(withdraw::withdraw_honour)
        .service(red_list::list_red_list);
}
