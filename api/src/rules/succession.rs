//! Which set follows which: a region's next version its last one, and a framework the villages' rules
//! that leave it.
//!
//! Decided when something is published, never when rules are read: a village's rules stay in force under a
//! newer framework as long as they fit into it whole: a range that a village left as it was binds too, else
//! more points could be had there than the framework now gives. Those that do not fit end on the day it takes
//! effect; from then on the framework holds there, until the village adopts others.

use std::collections::BTreeMap;

use entity::rule::Model as Row;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::GlobalCaps;
use super::fit::{Misfit, misfits};
use super::rows::{Frame, caps_of};
use crate::households::{Notice, tell_each};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};

/// The region's set before `id` ends when that one begins; `id` ends when the one after it begins.
pub async fn follow(tx: &Tx, region: &RegionCode, id: Uuid, effective_on: &str) -> Outcome<()> {
    let values = || -> [Value; 3] { [region.into(), id.into(), effective_on.into()] };
    let sql = "UPDATE rule_sets SET ends_on = $3, revision = revision + 1 \
               WHERE region = $1 AND id <> $2 AND effective_on < $3 \
               AND (ends_on IS NULL OR ends_on > $3)";
    db::run(tx, sql, values()).await?;
    let sql = "UPDATE rule_sets SET ends_on = (SELECT MIN(n.effective_on) FROM rule_sets n \
                 WHERE n.region = $1 AND n.effective_on > $3 \
                   AND (n.ends_on IS NULL OR n.ends_on > n.effective_on)) \
               WHERE region = $1 AND id = $2";
    db::run(tx, sql, values()).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Head {
    id: Uuid,
    region: String,
    effective_on: String,
}

/// Ends the villages' sets that a new framework leaves no room for, and tells their committees where.
pub async fn prevail(tx: &Tx, region: &RegionCode, frame: &Frame, now: Instant) -> Outcome<()> {
    let [from, to] = region.bounds();
    // Villages for which a nearer region has a framework of its own do not stand on this one.
    let below = "s.region > $1 AND s.region < $2 AND s.framework IS NOT NULL \
        AND (s.ends_on IS NULL OR (s.ends_on > $3 AND s.ends_on > s.effective_on)) \
        AND NOT EXISTS (SELECT 1 FROM rule_sets n WHERE n.region IN \
            (SUBSTR(s.region, 1, 9), SUBSTR(s.region, 1, 6), SUBSTR(s.region, 1, 4)) \
          AND LENGTH(n.region) > LENGTH($1) AND n.effective_on <= $3)";
    let values =
        || -> [Value; 3] { [from.clone(), to.clone(), frame.effective_on.as_str().into()] };
    let sql = format!("SELECT s.* FROM rule_sets s WHERE {below}");
    let sets = db::all::<entity::rule_set::Model>(tx, &sql, values()).await?;
    if sets.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT r.* FROM rules r JOIN rule_sets s ON s.id = r.rule_set WHERE {below} \
         ORDER BY r.rule_set, r.position"
    );
    let mut rows = BTreeMap::<Uuid, Vec<Row>>::new();
    for row in db::all::<Row>(tx, &sql, values()).await? {
        rows.entry(row.rule_set).or_default().push(row);
    }
    let mut ended = Vec::new();
    for set in sets {
        let rules = rows.remove(&set.id).unwrap_or_default();
        let found = misfits((&frame.rows, &frame.caps), &rules, &caps_of(&set));
        if !found.is_empty() {
            let head = Head { id: set.id, region: set.region, effective_on: set.effective_on };
            ended.push((head, found));
        }
    }
    end(tx, &ended, &frame.effective_on).await?;
    inform(tx, region, frame, &ended, now).await
}

/// Ends sets on a day, or before their first if they have not begun by then.
async fn end(tx: &Tx, ended: &[(Head, Vec<Misfit>)], day: &str) -> Outcome<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let places: Vec<_> = (2..2 + ended.len()).map(|at| format!("${at}")).collect();
    let sql = format!(
        "UPDATE rule_sets SET revision = revision + 1, \
         ends_on = CASE WHEN effective_on > $1 THEN effective_on ELSE $1 END WHERE id IN ({})",
        places.join(", ")
    );
    let ids = ended.iter().map(|(set, _)| Value::from(set.id));
    db::run(tx, &sql, std::iter::once(day.into()).chain(ids)).await?;
    Ok(())
}

/// One row for the auditor, and a notice to every member of the committees concerned.
async fn inform(
    tx: &Tx,
    region: &RegionCode,
    frame: &Frame,
    ended: &[(Head, Vec<Misfit>)],
    now: Instant,
) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Seat {
        person: Uuid,
        region: String,
    }
    if ended.is_empty() {
        return Ok(());
    }
    let [from, to] = region.bounds();
    let sql = "SELECT DISTINCT person, region FROM grants WHERE region >= $1 AND region < $2 \
               AND role = 'committee' AND starts_at <= $3 AND (ends_at IS NULL OR ends_at > $3)";
    let seats = db::all::<Seat>(tx, sql, [from, to, now.0.into()]).await?;
    let mut notices = Vec::new();
    for (set, found) in ended {
        let village: Result<Village, _> = set.region.parse();
        let village = village.map_err(|_| Problem::fault(format!("village {}", set.region)))?;
        let day = set.effective_on.as_str().max(&frame.effective_on);
        let detail = format!(
            "上级新细则框架自{}起施行，本村细则与其不符（{}），自{day}起按框架执行，请修订本村细则",
            frame.effective_on,
            places(found)
        );
        for seat in seats.iter().filter(|seat| seat.region == set.region) {
            let notice = Notice {
                recipient: seat.person,
                kind: "rule_set_ended",
                subject: set.id,
                detail: detail.clone(),
            };
            notices.push((village.clone(), notice));
        }
    }
    tell_each(tx, now, &notices).await?;
    let sets: Vec<_> = ended.iter().map(|(set, _)| set.id).collect();
    let act = Act {
        region: region.as_str(),
        actor: None,
        action: "rule_set.end",
        subject: frame.id.to_string(),
        detail: serde_json::json!({ "framework": frame.id, "ended": sets }),
    };
    audit::record(tx, now, act).await
}

/// The first few places at which a set leaves the framework.
fn places(found: &[Misfit]) -> String {
    let place = |it: &Misfit| format!("{} {}", it.key.as_deref().unwrap_or("总上限"), it.field);
    let shown: Vec<_> = found.iter().take(5).map(place).collect();
    let more = if found.len() > shown.len() { " …" } else { "" };
    format!("{}{more}", shown.join("、"))
}

/// The day on which a set that a village publishes ends already, because a framework that is published for a
/// later day leaves no room for it.
pub async fn outlived(
    tx: &Tx,
    village: &Village,
    frame: &Frame,
    effective_on: &str,
    (rows, caps): (&[Row], &GlobalCaps),
) -> Outcome<Option<String>> {
    let above = "s.region IN ($1, $2, $3, $4) AND LENGTH(s.region) >= $5 AND s.effective_on > $6";
    let values = || -> [Value; 6] {
        let [township, county, city, province] = above_village(village);
        let level = i64::try_from(frame.region.len()).unwrap_or_default().into();
        [township, county, city, province, level, effective_on.into()]
    };
    let sql = format!("SELECT s.* FROM rule_sets s WHERE {above} ORDER BY s.effective_on");
    let later = db::all::<entity::rule_set::Model>(tx, &sql, values()).await?;
    let sql =
        format!("SELECT r.* FROM rules r JOIN rule_sets s ON s.id = r.rule_set WHERE {above}");
    let rules =
        if later.is_empty() { Vec::new() } else { db::all::<Row>(tx, &sql, values()).await? };
    let leaves = |set: &&entity::rule_set::Model| {
        let of: Vec<_> = rules.iter().filter(|row| row.rule_set == set.id).cloned().collect();
        !misfits((&of, &caps_of(set)), rows, caps).is_empty()
    };
    Ok(later.iter().find(leaves).map(|set| set.effective_on.clone()))
}

/// The codes of the regions above a village, from the nearest.
pub fn above_village(village: &Village) -> [Value; 4] {
    let code = village.as_str();
    [9, 6, 4, 2].map(|digits| Value::from(code.get(..digits).unwrap_or(code)))
}
