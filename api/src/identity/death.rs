//! When a person dies, nobody acts for them any more.

use uuid::Uuid;

use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;

/// Closes a person's accounts and takes their roles back: the next request with an old token is
/// refused.
pub async fn end_accounts(tx: &Tx, person: Uuid, now: Instant) -> Outcome<()> {
    let sql = "UPDATE accounts SET status = 'disabled' WHERE person = $1";
    db::run(tx, sql, [person.into()]).await?;
    let sql = "UPDATE grants SET ends_at = $2 \
               WHERE person = $1 AND (ends_at IS NULL OR ends_at > $2)";
    db::run(tx, sql, [person.into(), now.0.into()]).await?;
    Ok(())
}

/// Whether a person has a role now.
pub async fn has_office(tx: &Tx, person: Uuid, now: Instant) -> Outcome<bool> {
    let sql = "SELECT COUNT(*) FROM grants \
               WHERE person = $1 AND starts_at <= $2 AND (ends_at IS NULL OR ends_at > $2)";
    Ok(db::number(tx, sql, [person.into(), now.0.into()]).await? > 0)
}
