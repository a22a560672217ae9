//! What is due next in a village, and whether its shop is open: pure functions of the calendar.

use super::windows::window_of;
use crate::kernel::clock::Instant;
use crate::kernel::period::{Month, Week};
use crate::regions::{Mode, VillageRow};

/// A step of the cycle whose instant is set by the calendar. Of several at one instant, the one that
/// stands first here comes first: a new policy, then what lapses, then points given back, then
/// objections, then lists and what corrects them, then the year's ranking and its awards, then terms,
/// then the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A quarter begins, and with it the policy that waited.
    StartPolicy,
    /// Returned claims that were not handed in again in time lapse.
    LapseClaims,
    /// Proposals to take points back that nobody decided in time lapse.
    LapseReversals,
    /// Redemptions not collected in time give their points back.
    ExpireHolds,
    /// Objections that nobody decided lapse, and decisions become final.
    FinishObjections,
    /// A month's publicity ends: what nobody contests becomes spendable.
    CloseList(Month),
    /// Corrections of closed lists have been public for their days: what was approved takes effect.
    CloseCorrections,
    /// A year's last list is closed and nothing about it is undecided: its ranking is published.
    PublishRanking,
    /// Objections to a ranking that nobody decided lapse.
    LapseRankingObjections,
    /// The seven days of a ranking's publicity end.
    EndRankingPublicity,
    /// Awards not collected in time lapse.
    LapseAwards,
    /// The term of a household that moved out ends: what it did not spend expires.
    ExpireMovedOut,
    /// A week ends: caps are applied and points become pending.
    CloseSheet(Week),
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
    // The window of a month two back can still be open: four weeks of publicity and four of shopping.
    let mut month = this_month;
    for _ in 0..4 {
        month = month.previous();
    }
    let regular = loop {
        match window_of(rhythm, month) {
            Some((opens_at, _)) if now < opens_at => break Shop::Closed { opens_at },
            Some((opened_at, closes_at)) if now < closes_at => {
                return Shop::Open { opened_at, closes_at: Some(closes_at) };
            }
            _ => month = month.next(),
        }
    };
    // One that was kept is for earlier points, and gives way when the next opens.
    let kept = rhythm.kept.filter(|(_, closes_at)| now < *closes_at);
    kept.map_or(regular, |(opened_at, closes_at)| Shop::Open {
        opened_at,
        closes_at: Some(closes_at),
    })
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
    fn of_what_is_due_at_one_instant_lists_close_before_weeks_and_after_holds() {
        let week: Week = "2024-W36".parse().expect("a week");
        let list: Month = "2024-08".parse().expect("a month");
        let order = [
            Step::StartPolicy,
            Step::LapseClaims,
            Step::LapseReversals,
            Step::ExpireHolds,
            Step::FinishObjections,
            Step::CloseList(list),
            Step::CloseList(list.next()),
            Step::CloseCorrections,
            Step::PublishRanking,
            Step::LapseRankingObjections,
            Step::EndRankingPublicity,
            Step::LapseAwards,
            Step::ExpireMovedOut,
            Step::CloseSheet(week),
        ];
        assert!(order.is_sorted());
        let earlier = (Instant(week.ends_at().0 - 1), Step::CloseSheet(week));
        assert!(earlier < (week.ends_at(), Step::StartPolicy));
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
