//! How many objections to years' rankings wait for somebody.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Value};

use super::decider::Decider;
use crate::app::App;
use crate::identity::{Caller, Governs};
use crate::kernel::db;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::kernel::year::Year;

/// How many undecided objections of a region are looked through, oldest first.
const LOOKED_THROUGH: i64 = 1000;

type Objection = entity::ranking_objection::Model;

/// How many objections to rankings the caller could decide now, of the oldest thousand of each region.
pub async fn waiting_for(app: &App, caller: &Caller) -> Outcome<i64> {
    let (on, now) = (app.db.read(), app.clock.now());
    let mut count = 0;
    for region in caller.regions::<Governs>() {
        for ((village, year), objections) in open(on, region).await? {
            let decider = Decider::of(on, caller, &village, year).await?;
            count += objections.iter().filter(|it| decider.admit(it, now).is_ok()).count();
        }
    }
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Open objections of a region, by village and year.
async fn open(
    on: &impl ConnectionTrait,
    region: &RegionCode,
) -> Outcome<BTreeMap<(Village, Year), Vec<Objection>>> {
    let sql = "SELECT * FROM ranking_objections WHERE village >= $1 AND village < $2 \
               AND status = 'filed' ORDER BY filed_at, id LIMIT $3";
    let [from, to] = region.bounds();
    let values: [Value; 3] = [from, to, LOOKED_THROUGH.into()];
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for row in db::all::<Objection>(on, sql, values).await? {
        let odd = || Problem::fault(format!("ranking objection {}", row.id));
        let village: Village = row.village.parse().map_err(|_| odd())?;
        let year: Year = row.year.parse().map_err(|_| odd())?;
        found.entry((village, year)).or_default().push(row);
    }
    Ok(found)
}
