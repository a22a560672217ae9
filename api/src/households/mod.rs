//! Households: one file each (一户一档), its members, and its points.

mod allowances;
mod closure;
mod code;
mod consent_list;
mod consent_text;
mod consents;
mod correct;
mod create;
mod departure;
mod doors;
mod entries;
mod file;
mod forward;
mod grid;
mod head;
mod import;
mod member;
mod merge;
mod move_out;
mod persons;
mod pin;
mod points;
mod read;
mod roster;
mod roster_rows;
mod search;
mod sheet;
mod spend;
mod split;
mod summary;
mod unbind;
mod waiting;

use sea_orm::FromQueryResult;
use uuid::Uuid;

pub use code::household_by_code;
pub use create::{Consent, NewHousehold, NewMember, Opening, create_all};
pub use forward::{holder, settle_ended};
pub use move_out::{FIRST_TERM, expire_moved_out};
pub use pin::try_pin;
pub use spend::{Spender, Spending, may_spend};

use crate::identity::{Neighbour, Serves};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;
use crate::kernel::routes::Routes;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(read::list_households)
        .service(create::create_household)
        .service(read::show_household)
        .service(points::show_points)
        .service(entries::list_entries)
        .service(summary::show_summary)
        .service(allowances::show_allowances)
        .service(code::show_code)
        .service(code::renew_code)
        .service(pin::set_pin)
        .service(consents::record_consent)
        .service(consent_list::list_consents)
        .service(consent_text::show_consent_text)
        .service(import::import_households)
        .service(correct::put_household)
        .service(correct::put_member)
        .service(unbind::unbind_member)
        .service(member::add_member)
        .service(departure::record_departure)
        .service(head::change_head)
        .service(grid::change_grid)
        .service(split::split_household)
        .service(merge::merge_household)
        .service(move_out::move_out_household)
        .service(closure::close_household);
}

/// SQL: whether household `h` counts in a period that ends at the instant `end`, a parameter. One that
/// ended before is skipped; one that ended later stays on the boards of what was over by then, which
/// never change.
pub fn eligible(end: &str) -> String {
    format!("(h.created_at < {end} AND (h.status = 'active' OR h.ended_at >= {end}))")
}

/// SQL: the grid in which household `h` was at the instant `end`, a parameter.
pub fn grid_then(end: &str) -> String {
    format!(
        "COALESCE((SELECT g.from_grid FROM grid_moves g WHERE g.village = h.village \
         AND g.household = h.id AND g.at >= {end} ORDER BY g.version LIMIT 1), h.grid)"
    )
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
    let notices: Vec<_> = notices.iter().map(|notice| (village, notice)).collect();
    put(tx, at, &notices).await
}

/// As [`tell`], in many villages at once.
pub async fn tell_each(tx: &Tx, at: Instant, notices: &[(Village, Notice<'_>)]) -> Outcome<()> {
    let notices: Vec<_> = notices.iter().map(|(village, notice)| (village, notice)).collect();
    put(tx, at, &notices).await
}

/// As [`tell`], for every household of a village whose file is open.
pub async fn tell_households(
    tx: &Tx,
    village: &Village,
    at: Instant,
    kind: &str,
    subject: Uuid,
    detail: &str,
) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let sql = "SELECT id FROM households WHERE village = $1 AND status = 'active'";
    let rows = db::all::<Row>(tx, sql, [village.into()]).await?;
    let notice = |row: Row| Notice { recipient: row.id, kind, subject, detail: detail.to_owned() };
    tell(tx, village, at, &rows.into_iter().map(notice).collect::<Vec<_>>()).await
}

/// Into the inboxes, and what other channels are to deliver into the outbox: no text, which may name
/// somebody who is forgotten before it is sent.
async fn put(tx: &Tx, at: Instant, notices: &[(&Village, &Notice<'_>)]) -> Outcome<()> {
    let count = notices.len();
    let ids: Vec<_> = notices.iter().map(|_| Uuid::now_v7()).collect();
    let columns = [
        Column::Text("village", notices.iter().map(|(village, _)| village.to_string()).collect()),
        Column::Uuid("id", ids),
        Column::Uuid("recipient", notices.iter().map(|(_, it)| it.recipient).collect()),
        Column::Text("kind", notices.iter().map(|(_, it)| it.kind.to_owned()).collect()),
        Column::Uuid("subject", notices.iter().map(|(_, it)| it.subject).collect()),
        Column::Number("at", vec![at.0; count]),
        Column::Text("detail", notices.iter().map(|(_, it)| it.detail.clone()).collect()),
    ];
    let [deliverable @ .., _] = &columns;
    db::bulk_insert(tx, "outbox", deliverable, "").await?;
    db::bulk_insert(tx, "inbox_items", &columns, "").await?;
    Ok(())
}

/// Whether the caller may read a household's file: its members, and those who work for the village.
///
/// # Errors
/// `other_household` for a neighbour: within one's own village the existence of a household is known.
pub fn may_read(caller: &Neighbour, household: Uuid) -> Outcome<()> {
    if caller.household_in(&caller.village) == Some(household) || caller.serves::<Serves>() {
        return Ok(());
    }
    Err(Code::OtherHousehold.into())
}
