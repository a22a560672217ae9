//! What time decides: objections that nobody decided lapse, and decisions become final.

use sea_orm::Value;
use uuid::Uuid;

use super::bodies::{BODY_DAYS, LAPSE_DAYS};
use super::decide::{locked, status, tell_sides};
use super::line::{contested, settle_line};
use super::objection_row::{ROWS, Row};
use super::rules::Effect;
use crate::households;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::register::{self, Entry, Kind};

/// When the first objection of a village lapses or becomes final.
pub const FIRST_END: &str =
    "SELECT MIN(due_at) FROM objections WHERE village = $1 AND due_at IS NOT NULL";

/// Ends what is due at `at`: decisions that nobody appealed against, appeals that nobody decided, and one
/// objection that nobody decided. The next one is due at the same instant again.
///
/// The caller holds the village's lock; instants written are nominal.
pub async fn finish_objections(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    appeals(tx, village, at).await?;
    let sql = "UPDATE objections SET status = 'final', final_at = $2, due_at = NULL \
               WHERE village = $1 AND due_at <= $2 AND status IN ('decided', 'appealed')";
    db::run(tx, sql, [village.into(), at.0.into()]).await?;
    let sql = "SELECT id FROM objections WHERE village = $1 AND due_at <= $2 ORDER BY id LIMIT 1";
    match db::one::<Id>(tx, sql, [village.into(), at.0.into()]).await? {
        Some(Id { id }) => lapse(tx, village, id, at).await,
        None => Ok(()),
    }
}

#[derive(sea_orm::FromQueryResult)]
struct Id {
    id: Uuid,
}

/// Appeals that are over: the first decision stands, both sides are told, the auditor sees it.
async fn appeals(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    let sql = format!(
        "{ROWS} WHERE o.village = $1 AND o.due_at <= $2 AND o.status = 'appealed' ORDER BY o.id"
    );
    let rows = db::all::<Row>(tx, &sql, [village.into(), at.0.into()]).await?;
    let mut entries = Vec::new();
    let mut notices = Vec::new();
    for row in &rows {
        let detail = format!(
            "{}公示第{}条：申诉在{BODY_DAYS}天内未作决定，原决定有效",
            row.month, row.number
        );
        for (recipient, kind) in
            [(row.line_holder, "line_appeal_lapsed"), (row.filed_by, "appeal_lapsed")]
        {
            let detail = detail.clone();
            notices.push(households::Notice { recipient, kind, subject: row.id, detail });
        }
        entries.push(entry(row, "申诉逾期未决"));
    }
    register::enter(tx, village, at, &entries).await?;
    households::tell(tx, village, at, &notices).await
}

fn entry(row: &Row, what: &str) -> Entry {
    let note = format!("{}公示第{}条：{what}", row.month, row.number);
    Entry { kind: Kind::LapsedObjection, subject: row.id.to_string(), person: None, note }
}

/// Nobody decided in three weeks: the line stands.
async fn lapse(tx: &Tx, village: &Village, id: Uuid, at: Instant) -> Outcome<()> {
    let (row, place) = locked(tx, village, id).await?;
    let sql = "UPDATE objections SET status = 'final', lapsed_at = $3, final_at = $3, \
               due_at = NULL WHERE village = $1 AND id = $2";
    let values: [Value; 3] = [village.into(), id.into(), at.0.into()];
    db::run(tx, sql, values).await?;
    let line = contested(tx, village, place.line).await?;
    if place.status != "struck" {
        let stands = Effect { status: "upheld", reversed: 0 };
        let status = status(tx, village, &place, &line, stands).await?;
        settle_line(tx, village, place.line, &line, 0, status, at).await?;
        households::settle_ended(tx, village, &id.to_string(), at).await?;
    }
    register::enter(tx, village, at, &[entry(&row, "异议逾期未决")]).await?;
    let detail = format!(
        "{}公示第{}条：异议在{LAPSE_DAYS}天内未作决定，该条有效，已报上级备查",
        row.month, row.number
    );
    tell_sides(tx, village, &row, ["line_decided", "objection_lapsed"], &detail, at).await
}
