//! Who did what, and when: one row in the transaction of every privileged act. The database refuses
//! to change or delete it.

use sea_orm::Value;
use uuid::Uuid;

use super::clock::Instant;
use super::db::{self, Column, Tx};
use super::problem::Outcome;

/// One act, as it will be read by an auditor.
pub struct Act<'a> {
    /// The code of the region it concerns.
    pub region: &'a str,
    /// The person; `None` for the calendar itself.
    pub actor: Option<Uuid>,
    /// A verb and its object, e.g. `review.approve`.
    pub action: &'a str,
    /// The id of the thing acted on.
    pub subject: String,
    pub detail: serde_json::Value,
}

/// Writes the rows of many acts at once.
pub async fn record_all(tx: &Tx, at: Instant, acts: &[Act<'_>]) -> Outcome<()> {
    let columns = [
        Column::Text("region", acts.iter().map(|it| it.region.to_owned()).collect()),
        Column::Uuid("id", acts.iter().map(|_| Uuid::now_v7()).collect()),
        Column::Number("at", vec![at.0; acts.len()]),
        Column::MaybeUuid("actor", acts.iter().map(|it| it.actor).collect()),
        Column::Text("action", acts.iter().map(|it| it.action.to_owned()).collect()),
        Column::Text("subject", acts.iter().map(|it| it.subject.clone()).collect()),
        Column::Text("detail", acts.iter().map(|it| it.detail.to_string()).collect()),
    ];
    db::bulk_insert(tx, "audit_events", &columns, "").await?;
    Ok(())
}

/// Writes the act's row.
pub async fn record(tx: &Tx, at: Instant, act: Act<'_>) -> Outcome<()> {
    let values: [Value; 7] = [
        act.region.into(),
        Uuid::now_v7().into(),
        at.0.into(),
        act.actor.into(),
        act.action.into(),
        act.subject.into(),
        act.detail.to_string().into(),
    ];
    let sql = "INSERT INTO audit_events (region, id, at, actor, action, subject, detail) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    db::run(tx, sql, values).await?;
    Ok(())
}
