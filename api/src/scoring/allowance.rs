//! What is left under a household's caps: the same pure rules by which Monday's close awards, asked
//! before it.

use std::collections::HashMap;

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::close::{ClaimRow, EARLIER, approved, lines};
use super::rooms::{Book, Deed, Used};
use super::rules::{Approved, Earlier, award, left};
use crate::app::App;
use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::rules::{self, Cap, CapPeriod, CountedPer, Direction, GlobalCaps, Rule};

/// What a household, or a member of it, has used and what is left of one cap. Times and points are
/// positive, also of deductions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Awarded on closed sheets, less what was taken back.
    pub used: Used,
    /// What claims in review or approved and not yet scored would take of it, were they all approved.
    pub waiting: Used,
    /// What a claim could still be awarded in full, if none of the waiting ones were.
    pub left: Used,
    /// What a claim could still be awarded in full after all waiting ones.
    pub left_after_waiting: Used,
}

/// A household's caps, counted up to now.
pub struct Caps {
    household: Uuid,
    limits: GlobalCaps,
    scored: Book,
    /// As if every waiting claim were approved.
    expected: Book,
}

/// Counts what a household has used of the caps of a book, and what waits.
pub async fn caps_of(
    app: &App,
    on: &impl ConnectionTrait,
    village: &Village,
    household: Uuid,
    book: &rules::Book,
) -> Outcome<Caps> {
    let sql = format!("{EARLIER} WHERE l.village = $1 AND l.household = $2");
    let key = || -> [Value; 2] { [village.into(), household.into()] };
    let earlier = lines(on, &sql, key()).await?;
    // What is not approved yet would be, at the earliest, now.
    let sql = "SELECT id, household, member, rule_set, rule, category, event, occurred_on, \
               COALESCE(approved_at, $3) AS approved_at, count, points, remedies FROM claims \
               WHERE village = $1 AND household = $2 \
               AND status IN ('submitted', 'in_review', 'approved') AND remedies IS NULL \
               ORDER BY id";
    let values = key().into_iter().chain([app.clock.now().0.into()]);
    let rows = db::all::<ClaimRow>(on, sql, values).await?;
    let waiting = approved(app, on, &rows).await?;
    let ways = book.rules.iter().map(|rule| (rule.key.as_str(), rule.cap.period, rule.counted_per));
    Ok(Caps::count(household, book.caps, ways, &earlier, waiting))
}

impl Caps {
    /// `ways` are the rules that will be asked for, and how each counts.
    fn count<'a>(
        household: Uuid,
        limits: GlobalCaps,
        ways: impl Iterator<Item = (&'a str, CapPeriod, CountedPer)>,
        earlier: &[Earlier],
        waiting: Vec<Approved>,
    ) -> Self {
        let mut scored = Book::default();
        ways.for_each(|(rule, period, per)| scored.learn(rule, period, per));
        for claim in &waiting {
            scored.learn(&claim.rule, claim.cap.period, claim.counted_per);
        }
        earlier.iter().for_each(|line| scored.count(&line.deed(), line.times, line.points()));
        let mut expected = scored.clone();
        let awards = award(waiting.clone(), earlier, &HashMap::new());
        for claim in &waiting {
            let awarded = awards.iter().find(|it| it.id == claim.id);
            let (times, points) = awarded.map_or((0, 0), |it| (it.times, it.awarded.abs()));
            expected.count(&claim.deed(), times, points);
        }
        Self { household, limits, scored, expected }
    }

    /// The allowance of a rule for deeds of this day, of this member where the rule counts members. Of a
    /// cap by event: that of an event of which nothing was claimed before.
    pub fn of(&self, rule: &Rule, member: Option<Uuid>, day: NaiveDate) -> Allowance {
        let deed = Deed {
            household: self.household,
            member,
            rule: &rule.key,
            event: None,
            occurred_on: day,
            deduction: rule.direction == Direction::Deduction,
        };
        self.weigh(&deed, rule.cap, rule.counted_per)
    }

    fn weigh(&self, deed: &Deed<'_>, cap: Cap, per: CountedPer) -> Allowance {
        let room = deed.room(cap.period, per);
        let left = |book| left(book, deed, cap, per, self.limits);
        let used = self.scored.of(&room);
        Allowance {
            used,
            waiting: self.expected.of(&room).less(used),
            left: left(&self.scored),
            left_after_waiting: left(&self.expected),
        }
    }

    /// All of the household's bonus, or all of its deduction, of the natural month of this day: points
    /// only, for its times are not limited.
    pub fn month(&self, direction: Direction, day: NaiveDate) -> Allowance {
        let deduction = direction == Direction::Deduction;
        let (household, member, event) = (self.household, None, None);
        let deed = Deed { household, member, rule: "", event, occurred_on: day, deduction };
        let room = deed.month_room();
        let most = self.limits.month_max(deduction);
        let (used, expected) = (self.scored.of(&room), self.expected.of(&room));
        let left = |used: Used| Used { times: 0, points: (most - used.points).max(0) };
        Allowance {
            used,
            waiting: expected.less(used),
            left: left(used),
            left_after_waiting: left(expected),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::clock::Instant;

    const LIMITS: GlobalCaps =
        GlobalCaps { month_bonus_max: 30, month_deduction_max: 20, entry_max: 15 };

    /// Two rules that count members by quarter and two of the household by month.
    fn kind(kind: usize) -> (&'static str, Cap, CountedPer, bool) {
        let cap = |period, max_times, max_points| Cap { period, max_times, max_points };
        let all = [
            ("plus", cap(CapPeriod::Quarter, 5, 20), CountedPer::Member, false),
            ("more", cap(CapPeriod::Month, 4, 25), CountedPer::Household, false),
            ("minus", cap(CapPeriod::Quarter, 3, -12), CountedPer::Member, true),
            ("once", cap(CapPeriod::LifetimeMember, 1, 9), CountedPer::Household, false),
        ];
        all[kind % all.len()]
    }

    prop_compose! {
        fn any_claim()(
            id in any::<u128>(),
            what in 0_usize..4,
            member in 1_u128..3,
            days in 0_u64..120,
            times in 1_i64..4,
            each in 1_i64..9,
        ) -> Approved {
            let (rule, cap, counted_per, deduction) = kind(what);
            let first: NaiveDate = "2024-01-01".parse().expect("a day");
            Approved {
                id: Uuid::from_u128(id),
                household: Uuid::from_u128(1),
                member: Some(Uuid::from_u128(member)),
                rule: rule.to_owned(),
                event: None,
                occurred_on: first + chrono::Days::new(days),
                approved_at: Instant(0),
                times,
                points: if deduction { -each * times } else { each * times },
                cap,
                counted_per,
                caps: LIMITS,
                remedies: None,
            }
        }
    }

    /// What a sheet awarded, as later sheets read it.
    fn scored(claims: &[Approved], earlier: &[Earlier]) -> Vec<Earlier> {
        let awards = award(claims.to_vec(), earlier, &HashMap::new());
        let line = |claim: &Approved| {
            let award = awards.iter().find(|it| it.id == claim.id)?;
            Some(Earlier {
                household: claim.household,
                member: claim.member,
                rule: claim.rule.clone(),
                event: None,
                occurred_on: claim.occurred_on,
                deduction: claim.points < 0,
                times: award.times,
                awarded: award.awarded,
            })
        };
        earlier.iter().cloned().chain(claims.iter().filter_map(line)).collect()
    }

    proptest! {
        /// What is told to be left is what the close awards: exactly so much in full, and cut from the
        /// next point or time on; before the waiting claims and after them.
        #[test]
        fn exactly_what_is_left_is_awarded_in_full_and_one_more_is_cut(
            first in proptest::collection::vec(any_claim(), 0..8),
            waiting in proptest::collection::vec(any_claim(), 0..6),
            probe in any_claim(),
        ) {
            let earlier = scored(&first, &[]);
            let ways = [0, 1, 2, 3].map(kind).map(|(rule, cap, per, _)| (rule, cap.period, per));
            let household = Uuid::from_u128(1);
            let caps =
                Caps::count(household, LIMITS, ways.into_iter(), &earlier, waiting.clone());
            let told = caps.weigh(&probe.deed(), probe.cap, probe.counted_per);
            let after = scored(&waiting, &earlier);
            let sign = probe.points.signum();
            for (left, earlier) in [(told.left, &earlier), (told.left_after_waiting, &after)] {
                let awarded = |times: i64, points: i64| {
                    let claim = Approved { times, points: points * sign, ..probe.clone() };
                    award(vec![claim], earlier, &HashMap::new()).first().map(|it| (it.times, it.awarded * sign, it.cut))
                };
                if left.times == 0 || left.points == 0 {
                    let nothing = awarded(1, 1).map(|(_, points, _)| points);
                    prop_assert_eq!(nothing, Some(0));
                    continue;
                }
                prop_assert_eq!(awarded(1, left.points), Some((1, left.points, None)));
                let more = awarded(1, left.points + 1).map(|(_, points, cut)| (points, cut.is_some()));
                prop_assert_eq!(more, Some((left.points, true)));
                let often = left.times.min(left.points);
                prop_assert_eq!(awarded(often, often), Some((often, often, None)));
                let oftener = left.times + 1;
                prop_assert!(awarded(oftener, oftener).is_some_and(|(_, _, cut)| cut.is_some()));
            }
            prop_assert!(told.used.points >= 0 && told.waiting.points >= 0);
        }
    }
}
