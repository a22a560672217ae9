//! When a person dies, nobody acts for them any more.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::end::others;
use super::grants::load;
use super::rules::may_govern;
use super::{Caller, Role};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::RegionCode;
use crate::regions;

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

/// Whether the caller could dismiss a person from every office that they hold or will hold.
///
/// # Errors
/// `role_required` or `role_above_own` for an office they could not end, `last_admin` for the county's
/// last administrator in force.
pub async fn may_dismiss(tx: &Tx, by: &Caller, person: Uuid, now: Instant) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        region: String,
    }
    let sql = "SELECT id, region FROM grants WHERE person = $1 \
               AND (ends_at IS NULL OR ends_at > $2) ORDER BY region";
    for row in db::all::<Row>(tx, sql, [person.into(), now.0.into()]).await? {
        let region: RegionCode =
            row.region.parse().map_err(|_| Problem::fault(format!("region {}", row.region)))?;
        regions::lock(tx, &region).await?;
        let grant = load(tx, &region, row.id, now).await?;
        may_govern(by, grant.role, &region)?;
        if grant.role == Role::County && !others(tx, &grant, now).await? {
            return Err(Code::LastAdmin.into());
        }
    }
    Ok(())
}
