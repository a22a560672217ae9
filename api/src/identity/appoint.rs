//! Creating people with accounts and roles.

use uuid::Uuid;

use super::Grant;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::Outcome;

/// A person to be created together with an account and roles.
pub struct NewOfficial {
    pub person: Uuid,
    pub name: String,
    pub persona: Option<String>,
    pub grants: Vec<Grant>,
}

/// Creates persons that have an account, and grants them their roles.
pub async fn appoint(
    tx: &Tx,
    by: Option<Uuid>,
    officials: &[NewOfficial],
    now: Instant,
) -> Outcome<()> {
    let count = officials.len();
    let persons: Vec<_> = officials.iter().map(|it| it.person).collect();
    let columns = [
        Column::Uuid("id", persons.clone()),
        Column::Text("name", officials.iter().map(|it| it.name.clone()).collect()),
        Column::Number("created_at", vec![now.0; count]),
    ];
    // A villager who takes an office keeps the person row they have.
    db::bulk_insert(tx, "persons", &columns, "ON CONFLICT DO NOTHING").await?;
    let columns = [
        Column::Uuid("id", persons.iter().map(|_| Uuid::now_v7()).collect()),
        Column::Uuid("person", persons),
        Column::MaybeText("persona", officials.iter().map(|it| it.persona.clone()).collect()),
        Column::Text("status", vec!["active".to_owned(); count]),
        Column::Number("created_at", vec![now.0; count]),
    ];
    db::bulk_insert(tx, "accounts", &columns, "").await?;
    let grants: Vec<_> =
        officials.iter().flat_map(|it| it.grants.iter().map(|grant| (it.person, grant))).collect();
    let columns = [
        Column::Uuid("id", grants.iter().map(|_| Uuid::now_v7()).collect()),
        Column::Uuid("person", grants.iter().map(|(person, _)| *person).collect()),
        Column::Text("role", grants.iter().map(|(_, it)| it.role.as_str().to_owned()).collect()),
        Column::Text("region", grants.iter().map(|(_, it)| it.region.to_string()).collect()),
        Column::Number("starts_at", vec![now.0; grants.len()]),
        Column::MaybeUuid("granted_by", vec![by; grants.len()]),
    ];
    db::bulk_insert(tx, "grants", &columns, "").await?;
    Ok(())
}
