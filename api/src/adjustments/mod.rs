//! Adjustments (调整): points that the committee gives or takes by a decision of two people. An approved
//! one goes on the sheet of the week of its approval, so that it passes the next public list.

mod decide;
mod propose;
mod read;
mod restore;
mod score;
mod terms;
use crate::kernel::routes::Routes;

pub use restore::{Restoration, restore};
pub use score::{Scored, score};

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(propose::propose_adjustment)
        .service(read::list_adjustments)
        .service(read::show_adjustment)
        .service(decide::decide_adjustment);
}
