//! Scoring (评分): every Monday at 00:00 a village's week closes, caps are applied, and its score sheet
//! never changes again.

mod allowance;
mod close;
mod rooms;
mod rules;
mod samples;
mod sheet;
mod watch;

use sea_orm::{FromQueryResult, Value};

pub use allowance::{Allowance, Caps, caps_of};
pub use close::close_sheet;
pub use rooms::{Used, days_of};

use crate::kernel::db::{self, Tx};
use crate::kernel::period::Week;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;
use crate::kernel::routes::Routes;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(sheet::show_sheet)
        .service(sheet::close_by_hand)
        .service(samples::list_samples)
        .service(samples::record_finding);
}

/// The sheet that approvals of this moment go on.
pub struct OpenSheet {
    pub week: Week,
}

#[derive(FromQueryResult)]
struct WeekRow {
    week: String,
}

/// The village's open sheet, kept open until the transaction ends.
///
/// Approving takes it shared and closing takes it exclusive, so that an approval is on exactly one
/// sheet.
pub async fn open_sheet(tx: &Tx, village: &Village) -> Outcome<OpenSheet> {
    find_open(tx, village, db::shared(tx)).await
}

async fn find_open(tx: &Tx, village: &Village, lock: &str) -> Outcome<OpenSheet> {
    let sql = format!("SELECT week FROM score_sheets WHERE village = $1 AND status = 'open'{lock}");
    let values: [Value; 1] = [village.into()];
    // On PostgreSQL a sheet that closed while we waited for it is no longer found: look again.
    for _ in 0..3 {
        if let Some(row) = db::one::<WeekRow>(tx, &sql, values.clone()).await? {
            let week = row.week.parse();
            let week = week.map_err(|_| Problem::fault(format!("week {}", row.week)))?;
            return Ok(OpenSheet { week });
        }
    }
    Err(Problem::fault(format!("village {village} has no open sheet")))
}
