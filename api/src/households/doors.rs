//! From when a household can spend what it has: the shop's windows, and the term of one that moved out.
//! Pure functions of the policy and the file.

use super::move_out::TERM_DAYS;
use super::read::Household;
use crate::calendar::{Rhythm, Season, Shop, missed, season, shop};
use crate::kernel::clock::Instant;
use crate::kernel::period::Month;
use crate::regions::VillageRow;

/// How many windows are looked at for the first that takes a month's points.
const WINDOWS_AHEAD: usize = 8;

/// The doors through which a household's points can leave.
#[derive(Clone, Copy, Debug)]
pub struct Doors {
    rhythm: Rhythm,
    spends: Spends,
    /// Until when a term of its own lasts that a late decision gave the household, and of which window's
    /// months.
    late: Option<(Instant, Season)>,
}

#[derive(Clone, Copy, Debug)]
enum Spends {
    InEveryWindow,
    /// Moved out: in its own term, and in windows that open before all of its time is over.
    Until {
        moved_at: Instant,
        until: Instant,
    },
    Never,
}

impl Doors {
    pub fn of(file: &Household, policy: &VillageRow) -> Self {
        let spends = match (file.status.as_str(), file.spend_until) {
            ("active", _) => Spends::InEveryWindow,
            ("moved_out", Some(until)) => {
                Spends::Until { moved_at: file.ended_at.unwrap_or(until), until }
            }
            _ => Spends::Never,
        };
        Self { rhythm: Rhythm::of(policy), spends, late: None }
    }

    /// With a term of its own that the household is in.
    pub fn with_term(self, late: Option<(Instant, Season)>) -> Self {
        Self { late, ..self }
    }

    /// The first moment not before `at` at which points can be spent, as the policy stands; nothing if
    /// there is none.
    pub fn open_from(&self, at: Instant) -> Option<Instant> {
        self.opens(None, at)
    }

    /// As [`Doors::open_from`], for points of a month: those of a later month than a window's last one
    /// wait for their own, and so they do in a term that was missed with a window.
    fn opens(&self, month: Option<Month>, at: Instant) -> Option<Instant> {
        let window = self.window(month, at);
        match self.spends {
            Spends::InEveryWindow => Some(window),
            Spends::Until { moved_at, until } => {
                let in_term = at < moved_at.plus_days(TERM_DAYS);
                let own = in_term.then_some(at.max(moved_at));
                let first = own.map_or(window, |own| own.min(window));
                (first < until).then_some(first)
            }
            Spends::Never => None,
        }
    }

    fn window(&self, month: Option<Month>, mut at: Instant) -> Instant {
        let takes =
            |season: Season| month.zip(season.last_month).is_none_or(|(month, last)| month <= last);
        // Every window is for later months than the one before.
        for _ in 0..WINDOWS_AHEAD {
            at = match shop(&self.rhythm, at) {
                Shop::Open { opened_at, closes_at: Some(closes_at) }
                    if !takes(season(self.rhythm.mode, opened_at)) =>
                {
                    closes_at
                }
                Shop::Open { .. } => return at,
                Shop::Closed { .. } if self.in_term(at, takes) => return at,
                Shop::Closed { opens_at } => opens_at,
            };
        }
        at
    }

    fn in_term(&self, at: Instant, takes: impl Fn(Season) -> bool) -> bool {
        self.late.is_some_and(|(until, season)| at < until && takes(season))
    }

    /// From when what is still on the list of `month`, which closes at `closes_at`, can be spent if nobody
    /// objects. A list that hangs longer than its policy said may close after its window: its points can
    /// then be spent at once, in seven days of the household's own.
    pub fn spendable_after(
        &self,
        month: Month,
        closes_at: Instant,
        extended: bool,
    ) -> Option<Instant> {
        if !extended || !missed(&self.rhythm, month, closes_at) {
            return self.opens(Some(month), closes_at);
        }
        match self.spends {
            Spends::InEveryWindow => Some(closes_at),
            Spends::Until { until, .. } => (closes_at < until).then_some(closes_at),
            Spends::Never => None,
        }
    }

    /// From when what was confirmed of `month` at `confirmed_at` can be spent, seen at `now`. The policy of
    /// then may have been another: what can be spent now has been spendable at the latest since now.
    pub fn spendable_from(
        &self,
        month: Month,
        confirmed_at: Instant,
        now: Instant,
    ) -> Option<Instant> {
        let by_policy = self.opens(Some(month), confirmed_at)?;
        let from_now = self.opens(Some(month), now.max(confirmed_at))?;
        Some(by_policy.min(from_now))
    }

    /// When a list that has not opened closes, as the policy stands.
    pub fn list_closes(&self, opens_at: Instant) -> Instant {
        opens_at.plus_days(7 * self.rhythm.publicity_weeks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regions::Mode;

    fn at(text: &str) -> Instant {
        Instant::parse(&format!("{text}:00+08:00")).expect("an instant")
    }

    fn doors(spends: Spends) -> Doors {
        let rhythm = Rhythm {
            mode: Mode::Quarterly,
            publicity_weeks: 1,
            window_weeks: 2,
            since: Instant(0),
            kept: None,
        };
        Doors { rhythm, spends, late: None }
    }

    #[test]
    fn what_is_confirmed_in_a_window_is_spendable_at_once_and_else_when_the_next_opens() {
        let doors = doors(Spends::InEveryWindow);
        let now = at("2024-12-01T09:00");
        let month = |month: &str| month.parse::<Month>().expect("a month");
        let from = |of: &str, confirmed| doors.spendable_from(month(of), at(confirmed), now);
        assert_eq!(from("2024-08", "2024-09-09T00:00"), Some(at("2024-10-07T00:00")));
        assert_eq!(from("2024-09", "2024-10-10T12:00"), Some(at("2024-10-10T12:00")));
        assert_eq!(from("2024-09", "2024-10-21T00:00"), Some(at("2025-01-06T00:00")));
        // Of a month after the window's.
        assert_eq!(from("2024-10", "2024-10-10T12:00"), Some(at("2025-01-06T00:00")));
    }

    #[test]
    fn a_list_that_hangs_beyond_its_window_gives_its_points_at_once() {
        let doors = doors(Spends::InEveryWindow);
        let month = |month: &str| month.parse::<Month>().expect("a month");
        let from = |of: &str, closes: &str, extended| {
            doors.spendable_after(month(of), at(closes), extended)
        };
        assert_eq!(from("2024-09", "2024-10-07T00:00", false), Some(at("2024-10-07T00:00")));
        assert_eq!(from("2024-09", "2024-10-14T00:00", true), Some(at("2024-10-14T00:00")));
        assert_eq!(from("2024-09", "2024-10-28T00:00", true), Some(at("2024-10-28T00:00")));
        // Their window is still to come, however long the list hangs.
        assert_eq!(from("2024-10", "2024-11-25T00:00", true), Some(at("2025-01-06T00:00")));
        let ended = super::Doors { spends: Spends::Never, ..doors };
        assert_eq!(ended.spendable_after(month("2024-09"), at("2024-10-28T00:00"), true), None);
    }

    #[test]
    fn one_that_moved_out_spends_in_its_term_and_in_the_window_that_follows_and_then_never() {
        let (moved_at, until) = (at("2024-08-21T09:00"), at("2024-10-21T00:00"));
        let doors = doors(Spends::Until { moved_at, until });
        let cases = [
            ("2024-08-01T00:00", Some("2024-08-21T09:00")),
            ("2024-08-22T00:00", Some("2024-08-22T00:00")),
            ("2024-09-20T09:00", Some("2024-10-07T00:00")),
            ("2024-10-21T00:00", None),
        ];
        for (from, opens) in cases {
            assert_eq!(doors.open_from(at(from)), opens.map(at), "{from}");
        }
    }

    #[test]
    fn an_ended_file_spends_nothing() {
        assert_eq!(doors(Spends::Never).open_from(at("2024-10-08T09:00")), None);
    }
}
