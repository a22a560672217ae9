//! How many objections wait for somebody, at whichever body they sit.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::bodies::Bodies;
use super::objection_row::{ROWS, Row};
use crate::app::App;
use crate::identity::{Caller, HearsObjections};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};

/// How many undecided objections of a region are looked through, oldest first.
const LOOKED_THROUGH: i64 = 1000;

/// How many objections and appeals the caller could decide now, wherever they decide any; of the oldest
/// thousand of each region.
pub async fn waiting_for(app: &App, caller: &Caller) -> Outcome<i64> {
    let mut count = 0;
    for region in caller.regions::<HearsObjections>() {
        count += in_region(app.db.read(), caller, region, app.clock.now()).await?;
    }
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

async fn in_region(
    on: &impl ConnectionTrait,
    caller: &Caller,
    region: &RegionCode,
    now: Instant,
) -> Outcome<usize> {
    #[derive(FromQueryResult)]
    struct Placed {
        village: String,
        #[sea_orm(nested)]
        row: Row,
    }
    let sql = format!(
        "{} WHERE o.village >= $1 AND o.village < $2 \
         AND o.status IN ('filed', 'investigating', 'appealed') \
         AND (o.due_at IS NULL OR o.due_at > $3) ORDER BY o.filed_at, o.id LIMIT $4",
        ROWS.replacen("SELECT", "SELECT o.village,", 1)
    );
    let [from, to] = region.bounds();
    let values: [Value; 4] = [from, to, now.0.into(), LOOKED_THROUGH.into()];
    let mut villages = BTreeMap::<Village, Vec<Row>>::new();
    for Placed { village, row } in db::all::<Placed>(on, &sql, values).await? {
        let village = village.parse().map_err(|_| Problem::fault(format!("in {village}")))?;
        villages.entry(village).or_default().push(row);
    }
    Bodies::acted_on(on, region, villages, caller, now).await
}
