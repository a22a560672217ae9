//! What happens after confirmation: confirmed points are taken back by a proposal of one official and the
//! decision of another (冲正), singly or as a correction of a closed list (更正). Until then the points are
//! frozen.

mod carry;
mod correct;
mod correction_list;
mod decide;
mod decide_correction;
mod due;
mod hand_over;
mod proposal;
mod propose;
mod read;
mod reply;
use crate::kernel::routes::Routes;

pub use due::{FIRST_CORRECTION, FIRST_LAPSE, close_corrections, lapse};
pub use hand_over::hand_over;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(propose::propose_reversal)
        .service(read::list_reversals)
        .service(read::show_reversal)
        .service(reply::reply_to_reversal)
        .service(decide::decide_reversal)
        .service(correct::publish_correction)
        .service(correction_list::list_corrections)
        .service(decide_correction::decide_correction);
}

/// Days in which a proposal is decided, or lapses.
pub const DECISION_DAYS: i64 = 14;
/// Days in which the household can answer before a single reversal is carried.
const HEARING_DAYS: i64 = 7;
/// Days in which everybody can read a correction before it takes effect.
pub const CORRECTION_DAYS: i64 = 7;
