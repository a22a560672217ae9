//! Claims (申报): from the deed that a household tells to the approval that puts it on a sheet.

mod admission;
mod batch;
mod correct;
mod facts;
mod insert;
mod inspect;
mod pictures;
mod queue;
mod read;
mod record;
mod review;
mod rules;
mod submit;
mod weigh;
mod withdraw;

use utoipa_actix_web::service_config::ServiceConfig;

pub use admission::Filing;
pub use pictures::photo_arrived;
pub use queue::waiting_for;
pub use review::{Decision, review_all};
pub use submit::{Evidence, NewClaim, submit_all};

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(submit::submit_claim)
        .service(batch::submit_claims)
        .service(inspect::inspect_households)
        .service(correct::put_claim)
        .service(read::list_claims)
        .service(read::show_claim)
        .service(review::review_claim)
        .service(review::review_claims)
        .service(queue::show_review_queue)
        .service(withdraw::withdraw_claim);
}
