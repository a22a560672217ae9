//! What is due next in a village, and whether its shop is open: pure functions of the calendar.

use crate::kernel::clock::Instant;
use crate::kernel::period::{Month, Week};
use crate::regions::{Mode, VillageRow};

/// A step of the cycle whose instant is set by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A quarter begins, and with it the policy that waited.
    StartPolicy,
    /// Returned claims that were not handed in again in time lapse.
    LapseClaims,
    /// Redemptions not collected in time give their points back.
    ExpireHolds,
    /// A month's publicity ends: what nobody contests becomes spendable.
    CloseList(Month),
    /// The term of a household that moved out ends: what it did not spend expires.
    ExpireMovedOut,
    /// A week ends: caps are applied and points become pending.
    CloseSheet(Week),
}

/// What the next step depends on.
#[derive(Clone, Debug)]
pub struct State {
    pub open_week: Week,
    /// Lists in publicity and when they close.
    pub lists: Vec<(Month, Instant)>,
    /// When the first returned claim lapses.
    pub first_lapse: Option<Instant>,
    /// When the first hold expires.
    pub first_expiry: Option<Instant>,
    /// When the first term of a household that moved out ends.
    pub first_term: Option<Instant>,
    /// When the policy that waits starts.
    pub next_policy: Option<Instant>,
}

/// The next step and its instant; of several at one instant, a new policy starts first, then points are
/// given back, then lists close, then terms end, then the week.
pub fn next(state: &State) -> (Instant, Step) {
    let policy = state.next_policy.map(|at| (at, -1, Step::StartPolicy));
    let lapse = state.first_lapse.map(|at| (at, 0, Step::LapseClaims));
    let expiry = state.first_expiry.map(|at| (at, 0, Step::ExpireHolds));
    let lists = state.lists.iter().map(|(month, at)| (*at, 1, Step::CloseList(*month)));
    let term = state.first_term.map(|at| (at, 2, Step::ExpireMovedOut));
    let sheet = (state.open_week.ends_at(), 3, Step::CloseSheet(state.open_week));
    let due = lists.chain(policy).chain(lapse).chain(expiry).chain(term).chain([sheet]);
    let first = due.min_by_key(|(at, order, _)| (*at, *order));
    first.map_or((sheet.0, sheet.2), |(at, _, step)| (at, step))
}

/// Whether points can be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shop {
    /// Since `opened_at`, until `closes_at` if it closes.
    Open {
        opened_at: Instant,
        closes_at: Option<Instant>,
    },
    Closed {
        opens_at: Instant,
    },
}

/// When a village's shop opens: its policy, and what is left of the one before.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    pub mode: Mode,
    pub publicity_weeks: i64,
    pub window_weeks: i64,
    /// The policy opens no window before it started.
    pub since: Instant,
    /// The window that was open when it started, and when it closes.
    pub kept: Option<(Instant, Instant)>,
}

impl Rhythm {
    pub fn of(row: &VillageRow) -> Self {
        let kept = row.kept_opened_at.zip(row.kept_closes_at);
        Self {
            mode: Mode::of(row),
            publicity_weeks: row.publicity_weeks,
            window_weeks: row.window_weeks,
            since: Instant(row.policy_since),
            kept: kept.map(|(opened, closes)| (Instant(opened), Instant(closes))),
        }
    }
}

/// Whether the shop is open at `now`. A window opens when the publicity of its period's last month
/// ends, for `window_weeks`; one that was open when the policy changed stays as it is. An always open
/// shop counts its limits by quarter.
pub fn shop(rhythm: &Rhythm, now: Instant) -> Shop {
    let this_month = Week::of(now).month();
    if rhythm.mode == Mode::AlwaysOpen {
        let quarter_begins = Month { month: (this_month.month - 1) / 3 * 3 + 1, ..this_month };
        let opened_at = quarter_begins.first_week().starts_at();
        return Shop::Open { opened_at, closes_at: None };
    }
    if let Some((opened_at, closes_at)) = rhythm.kept.filter(|(_, closes_at)| now < *closes_at) {
        return Shop::Open { opened_at, closes_at: Some(closes_at) };
    }
    // The window of a month two back can still be open: four weeks of publicity and four of shopping.
    let mut month = this_month;
    for _ in 0..4 {
        month = previous(month);
    }
    loop {
        let ends_a_period = rhythm.mode == Mode::Monthly || month == month.last_of_quarter();
        let opened_at = month.period().ends_at().plus_days(7 * rhythm.publicity_weeks);
        let closes_at = opened_at.plus_days(7 * rhythm.window_weeks);
        match ends_a_period && opened_at >= rhythm.since {
            true if now < opened_at => return Shop::Closed { opens_at: opened_at },
            true if now < closes_at => {
                return Shop::Open { opened_at, closes_at: Some(closes_at) };
            }
            _ => month = month.next(),
        }
    }
}

fn previous(month: Month) -> Month {
    match month.month {
        1 => Month { year: month.year - 1, month: 12 },
        number => Month { month: number - 1, ..month },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    fn rhythm(mode: Mode, publicity_weeks: i64, window_weeks: i64) -> Rhythm {
        Rhythm { mode, publicity_weeks, window_weeks, since: Instant(0), kept: None }
    }

    /// Scenario 13: the third quarter's window opens on Monday 7 October.
    #[test]
    fn the_quarters_window_opens_when_the_publicity_of_its_last_month_ends() {
        let opened_at = at("2024-10-07T00:00:00+08:00");
        let shop = |now: &str| shop(&rhythm(Mode::Quarterly, 1, 2), at(now));
        assert_eq!(shop("2024-10-06T12:00:00+08:00"), Shop::Closed { opens_at: opened_at });
        let closes_at = Some(at("2024-10-21T00:00:00+08:00"));
        assert_eq!(shop("2024-10-07T00:00:00+08:00"), Shop::Open { opened_at, closes_at });
        assert_eq!(shop("2024-10-20T23:59:59.999+08:00"), Shop::Open { opened_at, closes_at });
        let next = at("2025-01-06T00:00:00+08:00");
        assert_eq!(shop("2024-10-21T00:00:00+08:00"), Shop::Closed { opens_at: next });
    }

    /// August's window by a monthly policy would have opened on 23 September, before that policy.
    #[test]
    fn a_policy_opens_no_window_before_it_started_and_closes_none() {
        let since = at("2024-09-30T00:00:00+08:00");
        let new = Rhythm { since, ..rhythm(Mode::Monthly, 3, 3) };
        let opens_at = at("2024-10-21T00:00:00+08:00");
        assert_eq!(shop(&new, since), Shop::Closed { opens_at });
        let (opened_at, closes) =
            (at("2024-09-16T00:00:00+08:00"), at("2024-10-07T00:00:00+08:00"));
        let kept = Rhythm { kept: Some((opened_at, closes)), ..new };
        let closes_at = Some(closes);
        assert_eq!(shop(&kept, Instant(closes.0 - 1)), Shop::Open { opened_at, closes_at });
        assert_eq!(shop(&kept, closes), Shop::Closed { opens_at });
    }

    #[test]
    fn an_always_open_shop_counts_by_quarter() {
        let Shop::Open { opened_at, .. } =
            shop(&rhythm(Mode::AlwaysOpen, 1, 2), at("2024-08-20T10:00:00+08:00"))
        else {
            panic!("closed");
        };
        assert_eq!(opened_at, at("2024-07-01T00:00:00+08:00"));
    }

    #[test]
    fn what_is_due_first_comes_first_and_lists_close_before_weeks() {
        let week: Week = "2024-W36".parse().expect("a week");
        let ends = week.ends_at();
        let list = "2024-08".parse().expect("a month");
        let state = |lists, first_expiry| State {
            first_lapse: None,
            open_week: week,
            lists,
            first_expiry,
            first_term: None,
            next_policy: None,
        };
        assert_eq!(next(&state(vec![], None)), (ends, Step::CloseSheet(week)));
        let both = state(vec![(list, ends)], Some(ends));
        assert_eq!(next(&both), (ends, Step::ExpireHolds));
        let lists = state(vec![(list, ends)], Some(Instant(ends.0 + 1)));
        assert_eq!(next(&lists), (ends, Step::CloseList(list)));
        let first_term = Some(ends);
        let term = State { first_term, ..state(vec![(list, ends)], None) };
        assert_eq!(next(&term), (ends, Step::CloseList(list)));
        let term = State { first_term, ..state(vec![], None) };
        assert_eq!(next(&term), (ends, Step::ExpireMovedOut));
        let all = State { next_policy: Some(ends), ..both };
        assert_eq!(next(&all), (ends, Step::StartPolicy));
    }

    proptest! {
        /// A closed shop opens at the instant it names, and windows never overlap.
        #[test]
        fn a_closed_shop_opens_when_it_says(
            days in 0_i64..3_000,
            publicity in 1_i64..=4,
            window in 1_i64..=4,
            monthly in any::<bool>(),
        ) {
            let mode = if monthly { Mode::Monthly } else { Mode::Quarterly };
            let now = at("2024-01-01T00:00:00+08:00").plus_days(days);
            match shop(&rhythm(mode, publicity, window), now) {
                Shop::Closed { opens_at } => {
                    prop_assert!(opens_at > now);
                    let then = shop(&rhythm(mode, publicity, window), opens_at);
                    let open = matches!(then, Shop::Open { opened_at, .. } if opened_at == opens_at);
                    prop_assert!(open);
                }
                Shop::Open { opened_at, closes_at } => {
                    prop_assert!(opened_at <= now && closes_at.is_some_and(|closes| now < closes));
                }
            }
        }
    }
}
