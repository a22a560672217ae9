//! Whether a village's rules lie inside a framework: pure functions of stored rules.
//!
//! A village sets points inside the range, tightens caps, asks for more evidence, switches items on and
//! off, and adds items of its own inside a category, between the fewest and the most points that the
//! framework gives there: else an item of its own would be the way around every range. It cannot
//! change what an item is, who reviews it, or drop a warning, a hearing or the time to put things right.

use std::collections::BTreeMap;

use entity::rule::Model as Row;

use super::GlobalCaps;
use super::catalogue::LevelPoints;
use super::rows::evidence_of;

/// Where a set leaves its framework.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The item; nothing for what holds over all of them.
    pub key: Option<String>,
    pub field: &'static str,
    pub detail: String,
}

/// Everything in which a set leaves a framework, in the set's order.
pub fn misfits(
    framework: (&[Row], &GlobalCaps),
    set: &[Row],
    set_caps: &GlobalCaps,
) -> Vec<Misfit> {
    let (frame, caps) = framework;
    let by_key: BTreeMap<_, _> = frame.iter().map(|row| (row.key.as_str(), row)).collect();
    let mut found = over_all(caps, set_caps);
    for row in set {
        let wrong = match by_key.get(row.key.as_str()) {
            Some(given) => changed(given, row),
            None => added(frame, caps, row),
        };
        let key = Some(row.key.clone());
        found.extend(wrong.into_iter().map(|(field, detail)| Misfit {
            key: key.clone(),
            field,
            detail,
        }));
    }
    found
}

type Wrong = Vec<(&'static str, String)>;

fn over_all(given: &GlobalCaps, own: &GlobalCaps) -> Vec<Misfit> {
    let pairs = [
        ("household_month_bonus_max", given.month_bonus_max, own.month_bonus_max),
        ("household_month_deduction_max", given.month_deduction_max, own.month_deduction_max),
        ("single_entry_abs_max", given.entry_max, own.entry_max),
    ];
    let looser = pairs.into_iter().filter(|(_, given, own)| own > given);
    let misfit =
        |(field, given, _)| Misfit { key: None, field, detail: format!("at most {given}") };
    looser.map(misfit).collect()
}

fn changed(given: &Row, own: &Row) -> Wrong {
    let mut wrong = Wrong::new();
    let range = format!("{} to {}", given.points_min, given.points_max);
    if own.points_min < given.points_min || own.points_min > given.points_max {
        wrong.push(("points_min", range.clone()));
    }
    if own.points_max > given.points_max || own.points_max < given.points_min {
        wrong.push(("points_max", range.clone()));
    }
    if own.default_points < given.points_min || own.default_points > given.points_max {
        wrong.push(("default_points", range));
    } else if !(own.points_min..=own.points_max).contains(&own.default_points) {
        wrong.push(("default_points", format!("{} to {}", own.points_min, own.points_max)));
    }
    let levels: Vec<LevelPoints> = serde_json::from_str(&own.level_points).unwrap_or_default();
    let inside = |level: &LevelPoints| (own.points_min..=own.points_max).contains(&level.points);
    if let Some(level) = levels.iter().find(|level| !inside(level)) {
        let detail = format!("the level {} gives {}", level.level, level.points);
        wrong.push((
            if level.points > own.points_max { "points_max" } else { "points_min" },
            detail,
        ));
    }
    if !is_no_looser(given, own) {
        let Row { cap_times, cap_points, cap_period, .. } = given;
        wrong
            .push(("cap", format!("at most {cap_times} times, {cap_points} points, {cap_period}")));
    }
    let evidence = evidence_of(own);
    if let Some(kind) = evidence_of(given).into_iter().find(|kind| !evidence.contains(kind)) {
        wrong.push(("evidence", format!("{kind} is asked for")));
    }
    let dropped = |given: bool, own: bool| given && !own;
    for (field, is_dropped) in [
        ("requires_hearing", dropped(given.requires_hearing, own.requires_hearing)),
        ("warn_first", dropped(given.warn_first, own.warn_first)),
        ("remediation_days", own.remediation_days < given.remediation_days),
        ("refund_on_remediation", dropped(given.refund_on_remediation, own.refund_on_remediation)),
        ("sensitive", dropped(given.sensitive, own.sensitive)),
        ("review_chain", given.chain != own.chain),
        ("category", given.category != own.category),
        ("direction", given.direction != own.direction),
        ("unit", given.unit != own.unit),
        ("counted_per", given.counted_per != own.counted_per),
        ("source", given.source != own.source),
        ("dedupe", given.dedupe != own.dedupe),
        ("publicly_itemised", given.publicly_itemised != own.publicly_itemised),
    ] {
        if is_dropped {
            wrong.push((field, "is the framework's to say".to_owned()));
        }
    }
    wrong
}

/// No more often and no more points than the framework allows, in its period or in a longer one that
/// holds it whole: four times a quarter are no more than four times a month.
fn is_no_looser(given: &Row, own: &Row) -> bool {
    let length = |period: &str| match period {
        "month" => Some(1),
        "quarter" => Some(2),
        "half_year" => Some(3),
        "year" => Some(4),
        _ => None,
    };
    let same = given.cap_period == own.cap_period;
    let longer = length(&given.cap_period).zip(length(&own.cap_period));
    let sign = if own.direction == "deduction" { -1 } else { 1 };
    (same || longer.is_some_and(|(given, own)| own > given))
        && own.cap_times <= given.cap_times
        && own.cap_points.abs() <= given.cap_points.abs()
        && own.cap_points * sign > 0
}

/// An item that the framework does not know.
fn added(frame: &[Row], caps: &GlobalCaps, own: &Row) -> Wrong {
    let mut wrong = Wrong::new();
    if !frame.iter().any(|row| row.category == own.category) {
        wrong.push(("category", "the framework has no such category".to_owned()));
        return wrong;
    }
    let alike = || {
        frame.iter().filter(|row| row.category == own.category && row.direction == own.direction)
    };
    let least = alike().map(|row| row.points_min).min();
    let most = alike().map(|row| row.points_max).max();
    let Some((least, most)) = least.zip(most) else {
        wrong.push(("direction", "the framework has none in this category".to_owned()));
        return wrong;
    };
    for (field, points) in [("points_min", own.points_min), ("points_max", own.points_max)] {
        if points < least || points > most || points.abs() > caps.entry_max {
            wrong.push((field, format!("{least} to {most} in this category")));
        }
    }
    let deduction = own.direction == "deduction";
    if deduction && !own.requires_hearing {
        wrong.push(("requires_hearing", "a deduction has a hearing".to_owned()));
    }
    if own.source == "import" || (deduction && own.source == "claim") {
        wrong.push(("source", "not for an item of the village's own".to_owned()));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::builtin;
    use super::super::rows::of_catalogue;
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const CAPS: GlobalCaps =
        GlobalCaps { month_bonus_max: 60, month_deduction_max: 40, entry_max: 100 };

    fn frame() -> Vec<Row> {
        of_catalogue(Uuid::from_u128(1), &builtin().expect("the catalogue")).expect("rows")
    }

    /// The fields in which the framework is left when one item is changed so.
    fn left(key: &str, change: impl Fn(&mut Row)) -> Vec<&'static str> {
        let frame = frame();
        let mut set = frame.clone();
        change(set.iter_mut().find(|row| row.key == key).expect("the item"));
        misfits((&frame, &CAPS), &set, &CAPS).into_iter().map(|it| it.field).collect()
    }

    /// Scenario 15.
    #[test]
    fn points_lie_inside_the_range() {
        assert_eq!(left("pub.donate", |row| row.default_points = 6), [""; 0]);
        assert_eq!(left("pub.donate", |row| row.default_points = 11), ["default_points"]);
        assert_eq!(left("pub.donate", |row| row.points_max = 11), ["points_max"]);
        assert_eq!(left("pub.donate", |row| row.points_min = 1), ["points_min"]);
        assert_eq!(left("pub.volunteer", |row| row.default_points = 3), ["default_points"]);
        assert_eq!(left("pub.donate", |row| row.points_min = 3), ["default_points"]);
        assert_eq!(left("fam.model_family", |row| row.points_max = 10), ["points_max"]);
    }

    #[test]
    fn caps_only_get_tighter() {
        let cap = |period: &'static str, times, points| {
            left("env.courtyard_weekly", move |row| {
                row.cap_period = period.to_owned();
                (row.cap_times, row.cap_points) = (times, points);
            })
        };
        assert_eq!(cap("month", 5, 7), [""; 0]);
        assert_eq!(cap("quarter", 5, 8), [""; 0]);
        for (period, times, points) in
            [("month", 6, 8), ("month", 5, 9), ("event", 1, 1), ("month", 5, -1), ("quarter", 6, 8)]
        {
            assert_eq!(cap(period, times, points), ["cap"], "{period} {times} {points}");
        }
        let shorter = left("pub.donate", |row| row.cap_period = "month".to_owned());
        assert_eq!(shorter, ["cap"]);
        let frame = frame();
        let looser = GlobalCaps { month_bonus_max: 61, ..CAPS };
        let found = misfits((&frame, &CAPS), &frame, &looser);
        assert_eq!(found[0].field, "household_month_bonus_max");
        let tighter = GlobalCaps { month_bonus_max: 59, month_deduction_max: 1, entry_max: 1 };
        assert_eq!(misfits((&frame, &CAPS), &frame, &tighter), []);
    }

    #[test]
    fn a_hearing_a_warning_and_the_chain_of_a_deduction_stay() {
        let deduct = "env.pile_deduct";
        assert_eq!(left(deduct, |row| row.requires_hearing = false), ["requires_hearing"]);
        assert_eq!(left(deduct, |row| row.warn_first = false), ["warn_first"]);
        assert_eq!(left(deduct, |row| row.remediation_days = Some(6)), ["remediation_days"]);
        assert_eq!(left(deduct, |row| row.remediation_days = None), ["remediation_days"]);
        assert_eq!(left(deduct, |row| row.chain = "[]".to_owned()), ["review_chain"]);
        assert_eq!(left(deduct, |row| row.evidence = "[\"photo\"]".to_owned()), ["evidence"]);
        assert_eq!(left(deduct, |row| row.enabled = false), [""; 0]);
    }

    #[test]
    fn an_item_of_its_own_stays_between_what_its_category_gives() {
        let frame = frame();
        let own = |change: &dyn Fn(&mut Row)| {
            let mut row =
                frame.iter().find(|row| row.key == "pub.volunteer").expect("an item").clone();
            row.key = "pub.own".to_owned();
            change(&mut row);
            let found = misfits((&frame, &CAPS), &[row], &CAPS);
            found.into_iter().map(|it| it.field).collect::<Vec<_>>()
        };
        assert_eq!(own(&|_| ()), [""; 0]);
        assert_eq!(own(&|row| row.points_max = 51), ["points_max"]);
        assert_eq!(own(&|row| row.source = "import".to_owned()), ["source"]);
        assert_eq!(own(&|row| row.category = "ninth".to_owned()), ["category"]);
        // Nobody is fined for too little patriotism.
        let fine = own(&|row| {
            row.category = "patriotism".to_owned();
            row.direction = "deduction".to_owned();
        });
        assert_eq!(fine, ["direction"]);
    }

    proptest! {
        /// Whatever a village sets inside the range and the cap fits; one step beyond never does.
        #[test]
        fn a_draft_fits_exactly_inside_the_range(points in 0_i64..14, times in 1_i64..6, cap in 1_i64..26) {
            let found = left("pub.donate", |row| {
                row.default_points = points;
                (row.cap_times, row.cap_points) = (times, cap);
            });
            prop_assert_eq!(found.contains(&"default_points"), !(2..=10).contains(&points));
            prop_assert_eq!(found.contains(&"cap"), times > 3 || cap > 20);
        }
    }
}
