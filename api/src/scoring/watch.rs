//! What the close of a week puts before the eyes of those above: claims drawn to be checked again
//! (抽查), and reviewers who approved faster than anybody can look.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::rules::Approved;
use crate::kernel::clock::{DAY_MS, Instant};
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::derive::derived;
use crate::kernel::period::Week;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::register;

/// One claim in so many is drawn, and one at least of every sheet that has any (5%, rule catalogue).
const DRAWN_OF: usize = 20;

/// More approvals than this within [`BULK_MS`] are put on the register.
const BULK: i64 = 60;
/// Ten minutes.
const BULK_MS: i64 = 600_000;

/// Which claims of a sheet are drawn: those least by a digest that nobody without the secret can know
/// before, and that is the same however late the sheet closes.
fn drawn(secret: &[u8], claims: &[Approved]) -> Vec<Uuid> {
    let deeds = claims.iter().filter(|claim| claim.remedies.is_none());
    let mut order: Vec<_> =
        deeds.map(|it| (derived(secret, "weekly sample", it.id.as_bytes()), it.id)).collect();
    order.sort_unstable();
    order.truncate(order.len().div_ceil(DRAWN_OF));
    order.into_iter().map(|(_, id)| id).collect()
}

/// Draws the sheet's samples, nominally when the week ends.
pub async fn draw(
    tx: &Tx,
    village: &Village,
    week: Week,
    secret: &[u8],
    claims: &[Approved],
) -> Outcome<()> {
    let drawn = drawn(secret, claims);
    let count = drawn.len();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("claim", drawn),
        Column::Text("week", vec![week.to_string(); count]),
        Column::Number("drawn_at", vec![week.ends_at().0; count]),
    ];
    db::bulk_insert(tx, "samples", &columns, "").await?;
    Ok(())
}

/// Puts on the register who approved more than [`BULK`] claims of the village within ten minutes.
pub async fn flag_bulk(tx: &Tx, village: &Village, week: Week) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        person: Uuid,
        most: i64,
    }
    let sql = "SELECT person, MAX(near) AS most FROM (SELECT person, COUNT(*) OVER ( \
                 PARTITION BY person ORDER BY at RANGE BETWEEN $4 PRECEDING AND CURRENT ROW) \
                 AS near FROM reviews WHERE village = $1 AND at >= $2 AND at < $3 \
                 AND decision = 'approve') AS counted \
               GROUP BY person HAVING MAX(near) > $5 ORDER BY person";
    let ends = week.ends_at();
    let values: [Value; 5] =
        [village.into(), (ends.0 - 7 * DAY_MS).into(), ends.0.into(), BULK_MS.into(), BULK.into()];
    let rows = db::all::<Row>(tx, sql, values).await?;
    let entries: Vec<_> = rows.into_iter().map(|row| entry(week, &row.person, row.most)).collect();
    register::enter(tx, village, Instant(ends.0), &entries).await
}

fn entry(week: Week, person: &Uuid, most: i64) -> register::Entry {
    register::Entry {
        kind: register::Kind::BulkApproval,
        subject: week.to_string(),
        person: Some(*person),
        note: format!("{week}：10分钟内通过{most}件"),
    }
}
