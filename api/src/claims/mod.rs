//! Claims (申报): from the deed that a household tells to the approval that puts it on a sheet.

mod admission;
mod batch;
mod correct;
mod decisions;
mod facts;
mod hearing;
mod insert;
mod inspect;
mod list;
mod officials;
mod pictures;
mod queue;
mod read;
mod record;
mod remedy;
mod repudiate;
mod resubmit;
mod retract;
mod review;
mod rules;
mod seats;
mod submit;
mod together;
mod verdict;
mod warn;
mod weigh;
mod withdraw;
use crate::kernel::routes::Routes;

pub use admission::Filing;
pub use decisions::review_all;
pub use officials::{concerned as concerned_officials, grants as holders};
pub use pictures::photo_arrived;
pub use queue::waiting_for;
pub use resubmit::{FIRST_LAPSE, lapse};
pub use retract::{Retracted, retract};
pub use review::Decision;
pub use submit::{Evidence, NewClaim, submit_all};
pub use together::Claims;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(submit::submit_claim)
        .service(batch::submit_claims)
        .service(inspect::inspect_households)
        .service(correct::put_claim)
        .service(list::list_claims)
        .service(read::show_claim)
        .service(review::review_claim)
        .service(review::review_claims)
        .service(queue::show_review_queue)
        .service(withdraw::withdraw_claim)
        .service(resubmit::resubmit_claim)
        .service(hearing::record_hearing)
        .service(hearing::list_hearing)
        .service(repudiate::repudiate_claim)
        .service(remedy::remedy_claim)
        .service(warn::give_warning)
        .service(warn::list_warnings);
}
