//! From when a household can spend what it has: the shop's windows, and the term of one that moved out.
//! Pure functions of the policy and the file.

use super::move_out::TERM_DAYS;
use super::read::Household;
use crate::calendar::{Rhythm, Shop, shop};
use crate::kernel::clock::Instant;
use crate::regions::VillageRow;

/// The doors through which a household's points can leave.
#[derive(Clone, Copy, Debug)]
pub struct Doors {
    rhythm: Rhythm,
    spends: Spends,
    /// Until when a term of its own lasts that a late decision gave the household.
    late_until: Option<Instant>,
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
        Self { rhythm: Rhythm::of(policy), spends, late_until: None }
    }

    /// With a term of its own that the household is in.
    pub fn until(self, late_until: Option<Instant>) -> Self {
        Self { late_until, ..self }
    }

    /// The first moment not before `at` at which points can be spent, as the policy stands; nothing if
    /// there is none.
    pub fn open_from(&self, at: Instant) -> Option<Instant> {
        let late = self.late_until.is_some_and(|until| at < until);
        let window = match shop(&self.rhythm, at) {
            Shop::Open { .. } => at,
            Shop::Closed { .. } if late => at,
            Shop::Closed { opens_at } => opens_at,
        };
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

    /// From when what was confirmed at `confirmed_at` can be spent, seen at `now`. The policy of then may
    /// have been another: what can be spent now has been spendable at the latest since now.
    pub fn spendable_from(&self, confirmed_at: Instant, now: Instant) -> Option<Instant> {
        let by_policy = self.open_from(confirmed_at)?;
        let from_now = self.open_from(now.max(confirmed_at))?;
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
        Doors { rhythm, spends, late_until: None }
    }

    #[test]
    fn what_is_confirmed_in_a_window_is_spendable_at_once_and_else_when_the_next_opens() {
        let doors = doors(Spends::InEveryWindow);
        let now = at("2024-12-01T09:00");
        let from = |confirmed| doors.spendable_from(at(confirmed), now);
        assert_eq!(from("2024-09-09T00:00"), Some(at("2024-10-07T00:00")));
        assert_eq!(from("2024-10-10T12:00"), Some(at("2024-10-10T12:00")));
        assert_eq!(from("2024-10-21T00:00"), Some(at("2025-01-06T00:00")));
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
