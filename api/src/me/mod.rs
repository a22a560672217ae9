//! The person who is logged in: what their first screen shows, and what they were told.

mod erase;
mod export;
mod inbox;
mod show;

use crate::app::App;
use crate::calendar;
use crate::identity::Caller;
use crate::kernel::problem::Outcome;
use crate::kernel::routes::Routes;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(show::show_me)
        .service(inbox::list_inbox)
        .service(inbox::mark_inbox_seen)
        .service(export::export_me)
        .service(erase::erase_me);
}

/// Settles what is due where the caller lives or serves: their own paths name no village.
async fn settle_own(app: &App, caller: &Caller) -> Outcome<()> {
    for village in caller.villages() {
        calendar::settle_village(app, &village).await?;
    }
    Ok(())
}
