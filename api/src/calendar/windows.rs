//! Whose points a redemption window is for, and which windows there are: pure functions of the policy.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::due::Rhythm;
use crate::kernel::clock::Instant;
use crate::kernel::period::{Month, Period, Week};
use crate::regions::Mode;

/// Publicity lasts at most this many days.
const PUBLICITY_DAYS_MAX: i64 = 28;
/// How far from now windows are looked for: the one before the last, and the one after the next.
const MONTHS_AROUND: usize = 8;

/// Whose points a window is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Season {
    /// The quarter by which limits and budgets count.
    pub quarter: Period,
    /// The last month whose points can be spent; points of later months wait. None in an always open
    /// shop, which takes whatever is confirmed.
    pub last_month: Option<Month>,
}

impl Season {
    /// Since when limits count.
    pub fn counts_from(self) -> Instant {
        self.quarter.starts_at()
    }
}

/// The season of the window that opened, or will open, at `opens_at`.
///
/// Publicity takes one to four weeks and no month has fewer, so that 28 days before its opening every
/// window of a period stands in the period's last month, whatever the policy was then.
pub fn season(mode: Mode, opens_at: Instant) -> Season {
    if mode == Mode::AlwaysOpen {
        return Season { quarter: quarter(Week::of(opens_at).month()), last_month: None };
    }
    let month = Week::of(Instant(opens_at.plus_days(-PUBLICITY_DAYS_MAX).0 - 1)).month();
    Season { quarter: quarter(month), last_month: Some(month) }
}

/// The season that the points of a month belong to.
pub fn season_of(mode: Mode, month: Month) -> Season {
    let last = if mode == Mode::Monthly { month } else { month.last_of_quarter() };
    Season { quarter: quarter(month), last_month: Some(last) }
}

fn quarter(month: Month) -> Period {
    Period::Quarter(month.year, (month.month - 1) / 3 + 1)
}

/// Whether a window is over, open or still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WindowState {
    Past,
    Open,
    Coming,
}

/// A time in which points can be redeemed (兑换窗口).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShopWindow {
    /// The quarter by which limits and budgets of the window count.
    pub quarter: Period,
    pub state: WindowState,
    pub opens_at: Instant,
    /// Exclusive; absent for a shop that is always open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closes_at: Option<Instant>,
}

/// The window before, the open one and the next one, as far as there are such, oldest first. Windows
/// from before the present policy are not told, but for one that was open when it started.
pub fn windows(rhythm: &Rhythm, now: Instant) -> Vec<ShopWindow> {
    let this_month = Week::of(now).month();
    if rhythm.mode == Mode::AlwaysOpen {
        let quarter = quarter(this_month);
        let (state, opens_at) = (WindowState::Open, quarter.starts_at());
        return vec![ShopWindow { quarter, state, opens_at, closes_at: None }];
    }
    let mut month = this_month;
    for _ in 0..MONTHS_AROUND {
        month = month.previous();
    }
    let months = std::iter::successors(Some(month), |month| Some(month.next()));
    let regular = months.take(2 * MONTHS_AROUND).filter_map(|month| window_of(rhythm, month));
    let mut all: Vec<_> = regular.chain(rhythm.kept).collect();
    all.sort();
    let last = all.iter().rposition(|(_, closes_at)| *closes_at <= now).unwrap_or(0);
    let next = all.iter().position(|(opens_at, _)| *opens_at > now).unwrap_or(all.len());
    let shown = all.into_iter().take(next + 1).skip(last);
    shown
        .map(|(opens_at, closes_at)| {
            let state = match (now < opens_at, now < closes_at) {
                (true, _) => WindowState::Coming,
                (_, true) => WindowState::Open,
                _ => WindowState::Past,
            };
            let quarter = season(rhythm.mode, opens_at).quarter;
            ShopWindow { quarter, state, opens_at, closes_at: Some(closes_at) }
        })
        .collect()
}

/// When the window of a month opens and closes, if the policy has one for it: it opens when the
/// publicity of its period's last month ends, for `window_weeks`.
pub fn window_of(rhythm: &Rhythm, month: Month) -> Option<(Instant, Instant)> {
    let ends_a_period = rhythm.mode == Mode::Monthly || month == month.last_of_quarter();
    let opened_at = month.period().ends_at().plus_days(7 * rhythm.publicity_weeks);
    let closes_at = opened_at.plus_days(7 * rhythm.window_weeks);
    (ends_a_period && opened_at >= rhythm.since).then_some((opened_at, closes_at))
}

/// Whether points of `month` that were confirmed at `confirmed_at` have missed their window: no window
/// was open then, and the next is for later months.
pub fn missed(rhythm: &Rhythm, month: Month, confirmed_at: Instant) -> bool {
    let super::Shop::Closed { opens_at } = super::shop(rhythm, confirmed_at) else {
        return false;
    };
    let next = season(rhythm.mode, opens_at);
    season_of(rhythm.mode, month).last_month < next.last_month
}

#[cfg(test)]
mod tests {
    use super::super::{Shop, shop};
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    fn rhythm(mode: Mode, publicity_weeks: i64, window_weeks: i64) -> Rhythm {
        Rhythm { mode, publicity_weeks, window_weeks, since: Instant(0), kept: None }
    }

    #[test]
    fn the_window_before_the_open_one_and_the_next_are_told() {
        let told = |now: &str| -> Vec<(String, WindowState, String)> {
            let all = windows(&rhythm(Mode::Quarterly, 1, 2), at(now));
            let row =
                |it: ShopWindow| (it.quarter.to_string(), it.state, it.opens_at.day().to_string());
            all.into_iter().map(row).collect()
        };
        let row = |quarter: &str, state, day: &str| (quarter.to_owned(), state, day.to_owned());
        let [second, fourth] = [("2024-Q2", "2024-07-08"), ("2024-Q4", "2025-01-06")];
        let next = row(fourth.0, WindowState::Coming, fourth.1);
        let past = row(second.0, WindowState::Past, second.1);
        let third = |state| row("2024-Q3", state, "2024-10-07");
        assert_eq!(
            told("2024-10-06T23:59:59.999+08:00"),
            [past.clone(), third(WindowState::Coming)]
        );
        let open = [past, third(WindowState::Open), next.clone()];
        assert_eq!(told("2024-10-07T00:00:00+08:00"), open);
        assert_eq!(told("2024-10-20T23:59:59.999+08:00"), open);
        assert_eq!(told("2024-10-21T00:00:00+08:00"), [third(WindowState::Past), next]);
    }

    /// A September line decided on 20 November: October's list is confirmed, the window long over.
    #[test]
    fn points_have_missed_their_window_when_the_next_is_for_later_months() {
        let month = |text: &str| text.parse::<Month>().expect("a month");
        let quarterly = rhythm(Mode::Quarterly, 1, 2);
        let missed = |month_of: &str, when: &str| missed(&quarterly, month(month_of), at(when));
        assert!(missed("2024-09", "2024-11-20T09:00:00+08:00"));
        assert!(missed("2024-07", "2024-10-21T00:00:00+08:00"));
        // The window is open, or the next one is theirs.
        assert!(!missed("2024-09", "2024-10-20T23:59:59.999+08:00"));
        assert!(!missed("2024-07", "2024-09-20T09:00:00+08:00"));
        assert!(!missed("2024-10", "2024-11-20T09:00:00+08:00"));
    }

    fn mode(number: u8) -> Mode {
        [Mode::Quarterly, Mode::Monthly][usize::from(number % 2)]
    }

    proptest! {
        /// Whatever the policy, a window is for the period that ends before it.
        #[test]
        fn a_windows_season_ends_with_its_own_month(
            months in 0_u32..60, publicity in 1_i64..=4, monthly in any::<bool>(),
        ) {
            let mode = mode(u8::from(monthly));
            let month = Month { year: 2023 + i32::try_from(months / 12).expect("small"), month: months % 12 + 1 };
            if let Some((opens_at, _)) = window_of(&rhythm(mode, publicity, 1), month) {
                prop_assert_eq!(season(mode, opens_at).last_month, Some(month));
                prop_assert_eq!(season(mode, opens_at), season_of(mode, month));
            }
        }

        /// No regular list of a later month closes inside a window, even one that was kept from another
        /// policy: the window of the new policy takes over when it opens.
        #[test]
        fn points_of_later_months_are_never_confirmed_inside_a_window(
            year in 2023_i32..2030, quarter in 1_u32..=4,
            before in (1_i64..=4, 1_i64..=4, 0_u8..2), after in (1_i64..=4, 1_i64..=4, 0_u8..2),
        ) {
            let since = Period::Quarter(year, quarter).starts_at();
            let old = rhythm(mode(before.2), before.0, before.1);
            let kept = match shop(&old, Instant(since.0 - 1)) {
                Shop::Open { opened_at, closes_at: Some(closes_at) } if closes_at > since => {
                    Some((opened_at, closes_at))
                }
                _ => None,
            };
            let new = Rhythm { since, kept, ..rhythm(mode(after.2), after.0, after.1) };
            let mut month = Week::of(Instant(since.0 - 1)).month();
            for _ in 0..5 {
                let confirmed_at = month.period().ends_at().plus_days(7 * after.0);
                if let Shop::Open { opened_at, .. } = shop(&new, confirmed_at) {
                    let last = season(new.mode, opened_at).last_month;
                    prop_assert!(last >= Some(month), "{} in a window of {:?}", month, last);
                }
                month = month.next();
            }
        }
    }
}
