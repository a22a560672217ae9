//! The lines of a list as they stand in the database, and their leaves.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::line::{self, Line};
use super::tree::{self, Hash};
use crate::kernel::db;
use crate::kernel::problem::Outcome;

#[derive(FromQueryResult)]
pub struct LineRow {
    pub number: i64,
    pub household_number: i64,
    pub household: Uuid,
    pub category: String,
    pub rule: String,
    pub rule_name: String,
    pub occurred_on: String,
    pub awarded: i64,
    pub publicly_itemised: bool,
}

impl LineRow {
    /// The line as the tree covers it.
    pub fn text(&self, village: &str, month: &str) -> String {
        let line = Line {
            village,
            month,
            number: self.number,
            household_number: self.household_number,
            category: &self.category,
            rule: &self.rule,
            rule_name: &self.rule_name,
            occurred_on: &self.occurred_on,
            points: self.awarded,
        };
        line.text()
    }

    pub fn leaf(&self, village: &str, month: &str, seed: &str) -> Hash {
        let text = self.text(village, month);
        tree::leaf(line::salted(&text, &line::salt(seed, self.number)).as_bytes())
    }
}

/// Lines `from` to `to` of a list, in order of their numbers.
pub async fn lines(
    on: &impl ConnectionTrait,
    village: &str,
    month: &str,
    (from, to): (i64, i64),
) -> Outcome<Vec<LineRow>> {
    let sql = "SELECT p.number, p.household_number, p.household, l.category, l.rule, \
                 COALESCE(u.name_zh, '委员会调整') AS rule_name, l.occurred_on, l.awarded, \
                 COALESCE(u.publicly_itemised, l.awarded > 0) AS publicly_itemised \
               FROM public_list_lines p \
               JOIN score_lines l ON l.village = p.village AND l.id = p.line \
               LEFT JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
               WHERE p.village = $1 AND p.month = $2 AND p.number BETWEEN $3 AND $4 \
               ORDER BY p.number";
    let values: [Value; 4] = [village.into(), month.into(), from.into(), to.into()];
    Ok(db::all(on, sql, values).await?)
}

/// The leaves of a list.
pub fn leaves(lines: &[LineRow], village: &str, month: &str, seed: &str) -> Vec<Hash> {
    lines.iter().map(|line| line.leaf(village, month, seed)).collect()
}

/// What is missing of a list's lines, or too much: it has as many as when it was opened, numbered from 1.
pub async fn gap(
    on: &impl ConnectionTrait,
    village: &str,
    month: &str,
    lines: &[LineRow],
) -> Outcome<Option<String>> {
    let sql = "SELECT line_count FROM public_lists WHERE village = $1 AND month = $2";
    let opened = db::number(on, sql, [village.into(), month.into()]).await?;
    if i64::try_from(lines.len()) != Ok(opened) {
        return Ok(Some(format!("opened with {opened} lines, has {}", lines.len())));
    }
    let odd = (1..).zip(lines).find(|(number, line)| *number != line.number);
    Ok(odd.map(|(number, line)| format!("line {number} has the number {}", line.number)))
}
