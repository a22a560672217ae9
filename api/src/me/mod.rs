//! The person who is logged in: what their first screen shows, and what they were told.

mod erase;
mod export;
mod inbox;
mod show;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(show::show_me)
        .service(inbox::list_inbox)
        .service(inbox::mark_inbox_seen)
        .service(export::export_me)
        .service(erase::erase_me);
}
