//! What comes next in a village: a pure function of its calendar.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::due::{Rhythm, Shop, shop};
use crate::kernel::clock::Instant;
use crate::kernel::period::{Month, Period, Week};

/// What happens at an instant to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComingKind {
    /// A list's publicity ends: what nobody contests can be spent.
    ListCloses,
    /// A week ends: caps are applied.
    WeekCloses,
    /// A month's list begins to take objections.
    ListOpens,
    WindowOpens,
    WindowCloses,
    /// The year's ranking is provisional from then on.
    YearEnds,
}

/// Something to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Coming {
    pub at: Instant,
    pub kind: ComingKind,
    /// The week, month or year; absent for a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period: Option<Period>,
}

/// What comes next of each kind after `now`, in order; `open` are the lists in publicity and when each
/// closes.
pub fn coming(rhythm: &Rhythm, open: &[(Month, Instant)], now: Instant) -> Vec<Coming> {
    let week = Week::of(now);
    let month = week.month();
    let opens_at = month.period().ends_at();
    let year = Period::Year(month.year);
    let one = |at, kind, period| Coming { at, kind, period };
    let mut all = vec![
        one(week.ends_at(), ComingKind::WeekCloses, Some(Period::Week(week))),
        one(opens_at, ComingKind::ListOpens, Some(month.period())),
        one(year.ends_at(), ComingKind::YearEnds, Some(year)),
    ];
    // The month's own list, if no earlier one is still in publicity.
    let closes_at = opens_at.plus_days(7 * rhythm.publicity_weeks);
    let lists = open.iter().map(|(month, at)| (*at, *month)).chain([(closes_at, month)]);
    if let Some((at, month)) = lists.min() {
        all.push(one(at, ComingKind::ListCloses, Some(month.period())));
    }
    match shop(rhythm, now) {
        Shop::Closed { opens_at } => all.push(one(opens_at, ComingKind::WindowOpens, None)),
        Shop::Open { closes_at: Some(at), .. } => {
            all.push(one(at, ComingKind::WindowCloses, None));
        }
        Shop::Open { closes_at: None, .. } => {}
    }
    all.sort_by_key(|it| (it.at, it.kind));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regions::Mode;

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    fn said(rhythm: &Rhythm, open: &[(Month, Instant)], now: &str) -> Vec<(String, ComingKind)> {
        let day = |it: Coming| (it.at.day().to_string(), it.kind);
        coming(rhythm, open, at(now)).into_iter().map(day).collect()
    }

    /// The third quarter of 2024 and its window, as page 2.3 works it out.
    #[test]
    fn a_villager_in_september_sees_the_quarter_end_and_the_shop_open() {
        let rhythm = Rhythm {
            mode: Mode::Quarterly,
            publicity_weeks: 1,
            window_weeks: 2,
            since: Instant(0),
            kept: None,
        };
        use ComingKind::*;
        let day = |day: &str, kind| (day.to_owned(), kind);
        assert_eq!(
            said(&rhythm, &[], "2024-09-25T09:00:00+08:00"),
            [
                day("2024-09-30", WeekCloses),
                day("2024-09-30", ListOpens),
                day("2024-10-07", ListCloses),
                day("2024-10-07", WindowOpens),
                day("2024-12-30", YearEnds),
            ]
        );
        let september = "2024-09".parse().expect("a month");
        let open = [(september, at("2024-10-07T00:00:00+08:00"))];
        assert_eq!(
            said(&rhythm, &open, "2024-10-02T09:00:00+08:00")[0],
            day("2024-10-07", ListCloses)
        );
        let inside = said(&rhythm, &[], "2024-10-07T00:00:00+08:00");
        assert!(inside.contains(&day("2024-10-21", WindowCloses)), "{inside:?}");
    }
}
