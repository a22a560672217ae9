//! What appeals gave back, when the sheet closes that it is on.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::kernel::db::{self, Tx};
use crate::kernel::period::Week;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// Points of one line that were given back.
#[derive(FromQueryResult)]
pub struct Restored {
    pub household: Uuid,
    pub points: i64,
}

/// Writes a line of its own, which names the struck one, for everything that appeals gave back in `week`.
pub async fn restore_lines(tx: &Tx, village: &Village, week: Week) -> Outcome<Vec<Restored>> {
    let key = || -> [Value; 2] { [village.into(), week.to_string().into()] };
    let sql = "SELECT l.household, a.restored AS points FROM appeals a \
               JOIN objections o ON o.village = a.village AND o.id = a.objection \
               JOIN score_lines l ON l.village = o.village AND l.id = o.line \
               WHERE a.village = $1 AND a.restored_week = $2 ORDER BY a.id";
    let restored = db::all::<Restored>(tx, sql, key()).await?;
    if !restored.is_empty() {
        let sql = "INSERT INTO score_lines (village, id, kind, week, household, member, rule_set, \
                     rule, category, event, occurred_on, approved_at, times, claimed, awarded, restores) \
                   SELECT l.village, a.id, 'adjustment', a.restored_week, l.household, l.member, \
                     l.rule_set, l.rule, l.category, l.event, l.occurred_on, a.decided_at, \
                     a.restored_times, a.restored, a.restored, l.id FROM appeals a \
                   JOIN objections o ON o.village = a.village AND o.id = a.objection \
                   JOIN score_lines l ON l.village = o.village AND l.id = o.line \
                   WHERE a.village = $1 AND a.restored_week = $2";
        db::run(tx, sql, key()).await?;
    }
    Ok(restored)
}
