//! What approved adjustments put on a week's sheet.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::period::Week;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// The rule that a line of an adjustment names when it corrects none.
const NO_RULE: &str = "adjustment";

/// What an adjustment gave or took.
#[derive(FromQueryResult)]
pub struct Scored {
    pub id: Uuid,
    pub household: Uuid,
    pub points: i64,
    category: String,
    rule: Option<String>,
    decided_at: i64,
}

/// Writes the lines of the adjustments that were approved in a week, after its claims; no cap counts
/// them. The caller closes the sheet and posts what they come to.
pub async fn score(tx: &Tx, village: &Village, week: Week) -> Outcome<Vec<Scored>> {
    let sql = "SELECT id, household, points, category, rule, decided_at FROM adjustments \
               WHERE village = $1 AND week = $2 AND status = 'approved' ORDER BY id";
    let key: [Value; 2] = [village.into(), week.to_string().into()];
    let rows = db::all::<Scored>(tx, sql, key.clone()).await?;
    let count = rows.len();
    let day = |row: &Scored| Instant(row.decided_at).day().to_string();
    let rule = |row: &Scored| row.rule.clone().unwrap_or_else(|| NO_RULE.to_owned());
    let points: Vec<_> = rows.iter().map(|row| row.points).collect();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("id", rows.iter().map(|row| row.id).collect()),
        Column::Text("kind", vec!["adjustment".to_owned(); count]),
        Column::Text("week", vec![week.to_string(); count]),
        Column::Uuid("household", rows.iter().map(|row| row.household).collect()),
        // Of no set: what a set says of a rule, its caps and whether it is named in public, does not
        // hold for an adjustment.
        Column::Uuid("rule_set", vec![Uuid::nil(); count]),
        Column::Text("rule", rows.iter().map(rule).collect()),
        Column::Text("category", rows.iter().map(|row| row.category.clone()).collect()),
        Column::Text("occurred_on", rows.iter().map(day).collect()),
        Column::Number("approved_at", rows.iter().map(|row| row.decided_at).collect()),
        Column::Number("times", vec![0; count]),
        Column::Number("claimed", points.clone()),
        Column::Number("awarded", points),
    ];
    db::bulk_insert(tx, "score_lines", &columns, "").await?;
    let sql = "UPDATE adjustments SET status = 'scored' \
               WHERE village = $1 AND week = $2 AND status = 'approved'";
    db::run(tx, sql, key).await?;
    Ok(rows)
}
