//! Publicity (公示): each month's list, objections to its lines, and the confirmation that makes points
//! spendable.

mod appeal;
mod appeal_decision;
mod bodies;
mod checks;
mod cycle;
mod decide;
mod extend;
mod finish;
mod hand_over;
mod investigate;
mod line;
mod lines;
mod list;
mod object;
mod objection;
mod objection_row;
mod rules;
mod search;
mod waiting;
use crate::kernel::routes::Routes;

pub use checks::CHECKS;
pub use cycle::{close_list, open_list};
pub use finish::{FIRST_END, finish_objections};
pub use hand_over::hand_over;
pub use line::{
    contested, hold_line, insert_reversal, lock_line, scored, settle_line, strike, week_of_reversal,
};
pub use list::serve;
pub use waiting::waiting_for;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(list::show_list)
        .service(lines::list_lines)
        .service(list::list_list_households)
        .service(extend::extend_list)
        .service(object::file_objection)
        .service(search::list_objections)
        .service(search::show_objection)
        .service(investigate::investigate_objection)
        .service(decide::decide_objection)
        .service(appeal::appeal_objection)
        .service(appeal_decision::decide_appeal);
}
