//! Households: one file each (一户一档), its members, and its points.

mod code;
mod consent_list;
mod consent_text;
mod consents;
mod create;
mod import;
mod persons;
mod points;
mod read;
mod roster;
mod roster_rows;
mod search;
mod sheet;

use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub use code::household_by_code;
pub use create::{Consent, NewHousehold, NewMember, Opening, create_all};

use crate::identity::{Neighbour, ReadsFiles};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(read::list_households)
        .service(create::create_household)
        .service(read::show_household)
        .service(points::show_points)
        .service(points::list_entries)
        .service(code::show_code)
        .service(code::renew_code)
        .service(consents::record_consent)
        .service(consent_list::list_consents)
        .service(consent_text::show_consent_text)
        .service(import::import_households);
}

/// Something to tell a household or a person, in the transaction of what happened.
pub struct Notice<'a> {
    /// A household or a person.
    pub recipient: Uuid,
    pub kind: &'a str,
    /// The thing it is about.
    pub subject: Uuid,
    pub detail: String,
}

/// Puts notices into their recipients' inboxes.
pub async fn tell(tx: &Tx, village: &Village, at: Instant, notices: &[Notice<'_>]) -> Outcome<()> {
    let count = notices.len();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("recipient", notices.iter().map(|it| it.recipient).collect()),
        Column::Uuid("id", notices.iter().map(|_| Uuid::now_v7()).collect()),
        Column::Text("kind", notices.iter().map(|it| it.kind.to_owned()).collect()),
        Column::Uuid("subject", notices.iter().map(|it| it.subject).collect()),
        Column::Text("detail", notices.iter().map(|it| it.detail.clone()).collect()),
        Column::Number("at", vec![at.0; count]),
    ];
    db::bulk_insert(tx, "inbox_items", &columns, "").await?;
    Ok(())
}

/// Whether the caller may read a household's file: its members, and those who work for the village.
///
/// # Errors
/// `other_household` for a neighbour: within one's own village the existence of a household is known.
pub fn may_read(caller: &Neighbour, household: Uuid) -> Outcome<()> {
    if caller.household_in(&caller.village) == Some(household) || caller.serves::<ReadsFiles>() {
        return Ok(());
    }
    Err(Code::OtherHousehold.into())
}
