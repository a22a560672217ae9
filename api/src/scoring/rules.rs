//! Caps: what each approved claim of a week is awarded. A pure function, so that a sheet closed late
//! is the same sheet.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::rooms::{Book, Deed, Used};
use crate::kernel::clock::Instant;
use crate::rules::{Cap, CapPeriod, CountedPer, GlobalCaps};

/// A claim approved in the week.
#[derive(Clone, Debug)]
pub struct Approved {
    pub id: Uuid,
    pub household: Uuid,
    pub member: Option<Uuid>,
    pub rule: String,
    pub event: Option<String>,
    pub occurred_on: NaiveDate,
    pub approved_at: Instant,
    pub times: i64,
    /// Signed points, before caps.
    pub points: i64,
    pub cap: Cap,
    pub counted_per: CountedPer,
    pub caps: GlobalCaps,
    /// The deduction that this one gives back, because it was put right.
    pub remedies: Option<Uuid>,
}

/// What earlier sheets awarded for deeds that this week's caps count together with.
#[derive(Clone, Debug)]
pub struct Earlier {
    pub household: Uuid,
    pub member: Option<Uuid>,
    pub rule: String,
    pub event: Option<String>,
    pub occurred_on: NaiveDate,
    /// Whether its rule is a deduction; a reversal has the sign against it.
    pub deduction: bool,
    pub times: i64,
    pub awarded: i64,
}

impl Approved {
    /// The deed as caps see it.
    pub fn deed(&self) -> Deed<'_> {
        Deed {
            household: self.household,
            member: self.member,
            rule: &self.rule,
            event: self.event.as_ref(),
            occurred_on: self.occurred_on,
            deduction: self.points < 0,
        }
    }
}

impl Earlier {
    /// The deed as caps see it.
    pub fn deed(&self) -> Deed<'_> {
        Deed {
            household: self.household,
            member: self.member,
            rule: &self.rule,
            event: self.event.as_ref(),
            occurred_on: self.occurred_on,
            deduction: self.deduction,
        }
    }

    /// Positive, also of a deduction; a reversal's are below 0.
    pub fn points(&self) -> i64 {
        if self.deduction { -self.awarded } else { self.awarded }
    }
}

/// Why less was awarded than claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A part was left.
    CapReached,
    /// Nothing was left.
    CapExhausted,
}

impl Cut {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CapReached => "cap_reached",
            Self::CapExhausted => "cap_exhausted",
        }
    }
}

/// What a claim is awarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    pub id: Uuid,
    /// Counted against the cap.
    pub times: i64,
    /// Signed points.
    pub awarded: i64,
    pub cut: Option<Cut>,
}

/// Awards a week's claims in order of deed, then of approval, then of id.
///
/// Deductions have caps of their own, with the signs turned. A rule's cap follows the natural month,
/// quarter, half-year or year of the deed, per household or per member as the rule counts; on top of
/// it a household's bonus and deduction of a natural month and every single line are limited.
///
/// What gives a deduction back comes last: it is worth what the deduction took, on this sheet or, less
/// what was reversed since, on an earlier one (`taken`).
pub fn award(
    mut claims: Vec<Approved>,
    earlier: &[Earlier],
    taken: &HashMap<Uuid, Taken>,
) -> Vec<Award> {
    claims.sort_by(|a, b| {
        (a.occurred_on, a.approved_at, a.id).cmp(&(b.occurred_on, b.approved_at, b.id))
    });
    let mut book = Book::default();
    for claim in &claims {
        book.learn(&claim.rule, claim.cap.period, claim.counted_per);
    }
    for line in earlier {
        book.count(&line.deed(), line.times, line.points());
    }
    let (deeds, remedies): (Vec<_>, Vec<_>) =
        claims.iter().partition(|claim| claim.remedies.is_none());
    let mut awards: Vec<_> = deeds.into_iter().map(|claim| one(claim, &mut book)).collect();
    let here: HashMap<_, _> = awards
        .iter()
        .map(|award| (award.id, Taken { times: award.times, points: award.awarded }))
        .collect();
    awards.extend(remedies.into_iter().map(|claim| {
        let deduction = claim.remedies.unwrap_or_default();
        give_back(claim, here.get(&deduction).or_else(|| taken.get(&deduction)).copied())
    }));
    awards
}

/// What a deduction has taken: how often it counts against its cap, and signed points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub times: i64,
    pub points: i64,
}

fn give_back(claim: &Approved, taken: Option<Taken>) -> Award {
    let Taken { times, points } = taken.unwrap_or_default();
    let awarded = (-points).clamp(0, claim.points.max(0));
    let cut = match awarded {
        awarded if awarded == claim.points => None,
        0 => Some(Cut::CapExhausted),
        _ => Some(Cut::CapReached),
    };
    Award { id: claim.id, times: if awarded == 0 { 0 } else { -times }, awarded, cut }
}

/// What a claim could be awarded at most, in times and in points: what its rule's cap, the household's
/// month and the greatest line leave.
pub fn left(book: &Book, deed: &Deed<'_>, cap: Cap, per: CountedPer, caps: GlobalCaps) -> Used {
    let spent = book.of(&deed.room(cap.period, per));
    let in_month = book.of(&deed.month_room());
    let points = (cap.max_points.abs() - spent.points)
        .min(caps.month_max(deed.deduction) - in_month.points)
        .min(caps.entry_max);
    let times = (cap.max_times - spent.times).max(0);
    Used { times, points: if times == 0 { 0 } else { points.max(0) } }
}

fn one(claim: &Approved, book: &mut Book) -> Award {
    let deed = claim.deed();
    let wanted = claim.points.abs();
    let left = left(book, &deed, claim.cap, claim.counted_per, claim.caps);
    let times = left.times.min(claim.times);
    let each = if claim.times == 0 { 0 } else { wanted / claim.times };
    let points = wanted.min(each * times).min(left.points).max(0);
    let counted = if points == 0 { 0 } else { times };
    book.count(&deed, counted, points);
    let cut = match points {
        0 => Some(Cut::CapExhausted),
        points if points < wanted => Some(Cut::CapReached),
        _ => None,
    };
    Award {
        id: claim.id,
        times: counted,
        awarded: if deed.deduction { -points } else { points },
        cut,
    }
}

/// The first day of deeds that caps of this day's year can count; `None` for a cap without an end.
pub fn counts_from(period: CapPeriod, day: NaiveDate) -> Option<NaiveDate> {
    match period {
        CapPeriod::LifetimeMember | CapPeriod::Event => None,
        _ => NaiveDate::from_ymd_opt(day.year(), 1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rooms::Used;
    use super::*;
    use proptest::prelude::*;

    const CAPS: GlobalCaps =
        GlobalCaps { month_bonus_max: 60, month_deduction_max: 40, entry_max: 100 };

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn claim(id: u128, on: &str, points: i64, cap: Cap) -> Approved {
        Approved {
            id: Uuid::from_u128(id),
            household: Uuid::from_u128(1),
            member: None,
            rule: "rule".to_owned(),
            event: None,
            occurred_on: day(on),
            approved_at: Instant(0),
            times: 1,
            points,
            cap,
            counted_per: CountedPer::Household,
            caps: CAPS,
            remedies: None,
        }
    }

    fn cap(period: CapPeriod, max_times: i64, max_points: i64) -> Cap {
        Cap { period, max_times, max_points }
    }

    fn awarded(claims: Vec<Approved>, earlier: &[Earlier]) -> Vec<(i64, Option<Cut>)> {
        award(claims, earlier, &HashMap::new()).into_iter().map(|it| (it.awarded, it.cut)).collect()
    }

    /// Scenario 17: a cap of 7 a month, 6 scored, two more of 2 points.
    #[test]
    fn the_last_room_is_given_in_order_of_deed_and_then_nothing() {
        let cap = cap(CapPeriod::Month, 5, 7);
        let earlier = Earlier {
            household: Uuid::from_u128(1),
            member: None,
            rule: "rule".to_owned(),
            event: None,
            occurred_on: day("2024-08-05"),
            deduction: false,
            times: 3,
            awarded: 6,
        };
        let claims = vec![claim(1, "2024-08-22", 2, cap), claim(2, "2024-08-21", 2, cap)];
        let lines = award(claims, std::slice::from_ref(&earlier), &HashMap::new());
        assert_eq!(lines[0].id, Uuid::from_u128(2));
        assert_eq!((lines[0].awarded, lines[0].cut), (1, Some(Cut::CapReached)));
        assert_eq!((lines[1].awarded, lines[1].cut), (0, Some(Cut::CapExhausted)));
    }

    #[test]
    fn the_cap_follows_the_day_of_the_deed() {
        let cap = cap(CapPeriod::Month, 1, 5);
        let claims = vec![claim(1, "2024-08-31", 5, cap), claim(2, "2024-09-01", 5, cap)];
        assert_eq!(awarded(claims, &[]), [(5, None), (5, None)]);
        let cap = Cap { period: CapPeriod::Quarter, ..cap };
        let claims = vec![claim(1, "2024-08-31", 5, cap), claim(2, "2024-09-01", 5, cap)];
        assert_eq!(awarded(claims, &[]), [(5, None), (0, Some(Cut::CapExhausted))]);
    }

    /// A version that counts by month and one that counts by quarter see each other's deeds.
    #[test]
    fn two_versions_of_a_rule_share_what_was_used() {
        let monthly = cap(CapPeriod::Month, 9, 4);
        let quarterly = cap(CapPeriod::Quarter, 9, 6);
        let claims = vec![
            claim(1, "2024-07-30", 4, monthly),
            claim(2, "2024-07-31", 4, monthly),
            claim(3, "2024-08-01", 4, quarterly),
        ];
        let earlier = Earlier {
            household: Uuid::from_u128(1),
            member: None,
            rule: "rule".to_owned(),
            event: None,
            occurred_on: day("2024-07-05"),
            deduction: false,
            times: 1,
            awarded: 3,
        };
        let lines = awarded(claims, std::slice::from_ref(&earlier));
        let left = Some(Cut::CapReached);
        assert_eq!(lines, [(1, left), (0, Some(Cut::CapExhausted)), (2, left)]);
    }

    #[test]
    fn members_have_room_of_their_own_where_the_rule_counts_them() {
        let cap = cap(CapPeriod::Month, 1, 2);
        let by = |id, member| Approved {
            member: Some(Uuid::from_u128(member)),
            counted_per: CountedPer::Member,
            ..claim(id, "2024-08-21", 2, cap)
        };
        let claims = vec![by(1, 7), by(2, 8), by(3, 7)];
        assert_eq!(awarded(claims, &[]), [(2, None), (2, None), (0, Some(Cut::CapExhausted))]);
    }

    #[test]
    fn a_households_month_is_limited_over_all_rules_and_deductions_apart() {
        let cap = cap(CapPeriod::Year, 9, 90);
        let other = |it: Approved| Approved { rule: "other".to_owned(), ..it };
        let minus = Cap { max_points: -90, ..cap };
        let claims = vec![
            claim(1, "2024-08-21", 50, cap),
            other(claim(2, "2024-08-22", 50, cap)),
            Approved { rule: "minus".to_owned(), ..claim(3, "2024-08-23", -50, minus) },
        ];
        let lines = awarded(claims, &[]);
        assert_eq!(lines, [(50, None), (10, Some(Cut::CapReached)), (-40, Some(Cut::CapReached))]);
    }

    #[test]
    fn what_was_put_right_is_given_back_as_it_was_taken() {
        let minus = cap(CapPeriod::Year, 3, -6);
        let back = |id, points, remedies| Approved {
            remedies: Some(Uuid::from_u128(remedies)),
            ..claim(id, "2024-08-21", points, minus)
        };
        let deduction = claim(1, "2024-08-21", -10, minus);
        let taken = Taken { times: 1, points: -4 };
        let taken = HashMap::from([(Uuid::from_u128(7), taken)]);
        let claims = vec![back(2, 10, 1), deduction, back(3, 4, 7), back(4, 5, 99)];
        let lines: Vec<_> = award(claims, &[], &taken)
            .into_iter()
            .map(|it| (it.id.as_u128(), it.times, it.awarded, it.cut))
            .collect();
        let reached = Some(Cut::CapReached);
        assert_eq!(
            lines,
            [
                (1, 1, -6, reached),
                (2, -1, 6, reached),
                (3, -1, 4, None),
                (4, 0, 0, Some(Cut::CapExhausted)),
            ]
        );
    }

    prop_compose! {
        fn any_claim()(
            id in 1_u128..1_000_000,
            household in 1_u128..3,
            member in proptest::option::of(1_u128..3),
            deduction in any::<bool>(),
            days in 0_u64..200,
            times in 1_i64..4,
            each in 1_i64..30,
        ) -> Approved {
            let sign = if deduction { -1 } else { 1 };
            let cap = cap(CapPeriod::Quarter, 5, 20 * sign);
            Approved {
                household: Uuid::from_u128(household),
                member: member.map(Uuid::from_u128),
                rule: if deduction { "minus".to_owned() } else { "plus".to_owned() },
                occurred_on: day("2024-01-01") + chrono::Days::new(days),
                times,
                points: each * times * sign,
                counted_per: CountedPer::Member,
                ..claim(id, "2024-01-01", 0, cap)
            }
        }
    }

    proptest! {
        /// No cap is ever exceeded, no award differs in sign from its claim, and the order in which
        /// the database yields the claims does not matter.
        #[test]
        fn awards_stay_inside_every_cap_whatever_the_order(
            claims in proptest::collection::vec(any_claim(), 0..40),
        ) {
            let lines = award(claims.clone(), &[], &HashMap::new());
            let mut backwards = claims.clone();
            backwards.reverse();
            let by_id = |lines: &[Award]| {
                let mut all: Vec<_> = lines.iter().map(|it| (it.id, it.awarded)).collect();
                all.sort();
                all
            };
            // Ids are unique in life; equal ones here may swap without changing the sums.
            let sum = |lines: &[Award]| lines.iter().map(|it| it.awarded).sum::<i64>();
            prop_assert_eq!(sum(&lines), sum(&award(backwards, &[], &HashMap::new())));
            prop_assert_eq!(by_id(&lines).len(), claims.len());
            let mut rooms = HashMap::<(Uuid, Option<Uuid>, String, i32, u32), Used>::new();
            let mut months = HashMap::<(Uuid, bool, i32, u32), i64>::new();
            let mut ordered = claims;
            ordered.sort_by_key(|it| (it.occurred_on, it.approved_at, it.id));
            for (claim, line) in ordered.iter().zip(&lines) {
                prop_assert!(line.awarded.abs() <= claim.points.abs());
                prop_assert!(line.awarded == 0 || line.awarded.signum() == claim.points.signum());
                prop_assert_eq!(line.cut.is_none(), line.awarded == claim.points);
                let (year, month) = (claim.occurred_on.year(), claim.occurred_on.month());
                let room = rooms
                    .entry((claim.household, claim.member, claim.rule.clone(), year, (month - 1) / 3))
                    .or_default();
                room.times += line.times;
                room.points += line.awarded.abs();
                prop_assert!(room.times <= 5 && room.points <= 20);
                let sum =
                    months.entry((claim.household, line.awarded < 0, year, month)).or_default();
                *sum += line.awarded.abs();
                let limit = if line.awarded < 0 { 40 } else { 60 };
                prop_assert!(*sum <= limit);
            }
        }
    }
}
