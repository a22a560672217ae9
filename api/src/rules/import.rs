//! A township or county brings its framework: published at once, for itself and the villages in it.

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::catalogue::{Catalogue, Item};
use super::rows::{self, NewSet};
use super::store::RuleSet;
use super::{Direction, GlobalCaps, forbidden, succession};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::RegionCode;
use crate::regions;

/// A new version takes effect on the Monday that begins a quarter's first week, never backwards.
///
/// # Errors
/// `invalid_field`.
pub fn future_quarter(text: &str, now: Instant) -> Result<NaiveDate, Refusal> {
    let refuse = |why: &str| Refusal::from(Code::InvalidField).at("/effective_on", "range", why);
    let day = NaiveDate::from_str(text).map_err(|_| refuse("expected a day, YYYY-MM-DD"))?;
    let week = Week::of_day(day);
    let month = week.month();
    let begins =
        day.weekday() == chrono::Weekday::Mon && month.first_week() == week && month.month % 3 == 1;
    // One spelling, so that days compare as text.
    if day.to_string() != text || day.year() > 2199 {
        return Err(refuse("expected a day before 2200, YYYY-MM-DD"));
    }
    if !begins {
        return Err(refuse("not the Monday that begins a quarter's first week"));
    }
    if day < now.day() {
        return Err(refuse("lies in the past"));
    }
    Ok(day)
}

/// Publishes a catalogue as a region's rule set from `effective_on` on. It follows the region's set
/// before it; villages whose own rules leave it fall back on it, and are told.
///
/// # Errors
/// `item_forbidden` names each item that no points may be given for; `outside_range` the item whose
/// points, cap or sign do not fit together; `id_taken` if the region has this version, or one for this
/// day, already.
pub async fn import(
    tx: &Tx,
    region: &RegionCode,
    id: Uuid,
    catalogue: &Catalogue,
    effective_on: NaiveDate,
    by: Option<Uuid>,
    now: Instant,
) -> Outcome<RuleSet> {
    regions::lock(tx, region).await?;
    let errors = forbidden::of_items(&catalogue.items);
    if !errors.is_empty() {
        return Err(Refusal { errors, ..Code::ItemForbidden.into() }.into());
    }
    let mut keys = BTreeSet::new();
    for (at, item) in catalogue.items.iter().enumerate() {
        check(at, item)?;
        if !keys.insert(item.key.as_str()) {
            let pointer = format!("/catalogue/items/{at}/key");
            return Err(Refusal::from(Code::InvalidField).at(&pointer, "unique", "twice").into());
        }
    }
    let caps = &catalogue.global_caps;
    let set = NewSet {
        id,
        region: region.as_str(),
        version: &catalogue.version,
        effective_on: effective_on.to_string(),
        caps: GlobalCaps {
            month_bonus_max: caps.household_month_bonus_max,
            month_deduction_max: caps.household_month_deduction_max.abs(),
            entry_max: caps.single_entry_abs_max,
        },
        chains: &catalogue.review_chains,
        framework: None,
        by,
        at: now.0,
    };
    let rows = rows::of_catalogue(id, catalogue)?;
    // A draft's id is its set's id once it is published: nobody else takes it.
    let drafted = "SELECT COUNT(*) FROM rule_drafts WHERE id = $1";
    let drafted = db::number(tx, drafted, [id.into()]).await? > 0;
    if drafted || !rows::insert(tx, &set, &rows).await? {
        return Err(Code::IdTaken.into());
    }
    succession::follow(tx, region, id, &set.effective_on).await?;
    let act = Act {
        region: region.as_str(),
        actor: by,
        action: "rule_set.publish",
        subject: id.to_string(),
        detail: serde_json::json!({ "version": catalogue.version, "effective_on": effective_on }),
    };
    audit::record(tx, now, act).await?;
    succession::prevail(tx, region, &rows::frame(tx, id).await?, now).await?;
    super::store::published(tx, region, id, now).await
}

fn check(at: usize, item: &Item) -> Result<(), Refusal> {
    let sign = if item.direction == Direction::Bonus { 1 } else { -1 };
    let [low, usual, high, cap] =
        [item.points_min, item.default_points, item.points_max, item.cap.max_points];
    let ordered = low <= usual && usual <= high;
    let signed = [low, usual, high, cap].iter().all(|points| points * sign > 0);
    if ordered && signed && item.cap.max_times > 0 {
        return Ok(());
    }
    let pointer = format!("/catalogue/items/{at}");
    Err(Refusal::from(Code::OutsideRange).at(&pointer, "range", item.key.clone()))
}
