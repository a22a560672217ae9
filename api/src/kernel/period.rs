//! The calendar: the week is the atom.
//!
//! An ISO week belongs to the month, quarter and year that contain its Thursday (ISO 8601's own rule
//! for years, used for all three), so weeks nest into months, quarters and years without remainder.
//! Limits are Mondays at 00:00, village time; intervals are half-open.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::clock::Instant;

const FIRST_YEAR: i32 = 2000;
const LAST_YEAR: i32 = 2199;

/// An ISO week such as `2024-W35`, held as its Thursday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Week(NaiveDate);

/// A span of whole weeks: a week, month, quarter or year, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    Week(Week),
    /// Year and month 1–12.
    Month(i32, u32),
    /// Year and quarter 1–4.
    Quarter(i32, u32),
    Year(i32),
    /// Since the beginning: every week from 2000 to 2199.
    All,
}

/// A calendar month as the public list knows it: the weeks whose Thursday lies in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    pub year: i32,
    /// 1–12.
    pub month: u32,
}

impl Week {
    /// The week that contains this day.
    pub fn of_day(day: NaiveDate) -> Self {
        let from_monday = u64::from(day.weekday().num_days_from_monday());
        let monday = day.checked_sub_days(Days::new(from_monday)).unwrap_or(day);
        Self(monday.checked_add_days(Days::new(3)).unwrap_or(day))
    }

    /// The week that contains this moment.
    pub fn of(at: Instant) -> Self {
        Self::of_day(at.day())
    }

    /// Monday 00:00, village time.
    pub fn starts_at(self) -> Instant {
        Instant::at_midnight(self.0).plus_days(-3)
    }

    /// The next Monday 00:00: the first moment that is no longer in this week.
    pub fn ends_at(self) -> Instant {
        self.starts_at().plus_days(7)
    }

    pub fn next(self) -> Self {
        Self(self.0.checked_add_days(Days::new(7)).unwrap_or(self.0))
    }

    pub fn previous(self) -> Self {
        Self(self.0.checked_sub_days(Days::new(7)).unwrap_or(self.0))
    }

    pub fn month(self) -> Month {
        Month { year: self.0.year(), month: self.0.month() }
    }

    /// Whether the month's public list opens when this week closes.
    pub fn is_last_of_month(self) -> bool {
        self.month() != self.next().month()
    }

    /// The week, month, quarter and year whose boards this week counts for.
    pub fn periods(self) -> [Period; 4] {
        let Month { year, month } = self.month();
        [
            Period::Week(self),
            Period::Month(year, month),
            Period::Quarter(year, quarter_of(month)),
            Period::Year(year),
        ]
    }
}

impl Month {
    pub fn period(self) -> Period {
        Period::Month(self.year, self.month)
    }

    pub fn first_week(self) -> Week {
        let first = NaiveDate::from_ymd_opt(self.year, self.month, 1).unwrap_or_default();
        let week = Week::of_day(first);
        // The first week is the first one whose Thursday lies in the month.
        if week.month() == self { week } else { week.next() }
    }

    pub fn last_week(self) -> Week {
        self.next().first_week().previous()
    }

    pub fn previous(self) -> Self {
        match self.month {
            1 => Self { year: self.year - 1, month: 12 },
            number => Self { month: number - 1, ..self },
        }
    }

    pub fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { year: self.year, month: month + 1 },
        }
    }

    /// The month in which the quarter of this one ends.
    pub fn last_of_quarter(self) -> Self {
        Self { year: self.year, month: quarter_of(self.month) * 3 }
    }
}

fn quarter_of(month: u32) -> u32 {
    (month - 1) / 3 + 1
}

impl Period {
    /// The first and the last week of the period.
    pub fn weeks(self) -> (Week, Week) {
        let months = |year, from, to| {
            (Month { year, month: from }.first_week(), Month { year, month: to }.last_week())
        };
        match self {
            Self::Week(week) => (week, week),
            Self::Month(year, month) => months(year, month, month),
            Self::Quarter(year, quarter) => months(year, quarter * 3 - 2, quarter * 3),
            Self::Year(year) => months(year, 1, 12),
            Self::All => (months(FIRST_YEAR, 1, 1).0, months(LAST_YEAR, 12, 12).1),
        }
    }

    pub fn starts_at(self) -> Instant {
        self.weeks().0.starts_at()
    }

    pub fn ends_at(self) -> Instant {
        self.weeks().1.ends_at()
    }

    /// The month whose public list is the last to close for this period.
    pub fn last_month(self) -> Month {
        self.weeks().1.month()
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.0.iso_week();
        write!(f, "{:04}-W{:02}", iso.year(), iso.week())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Week(week) => week.fmt(f),
            Self::Month(year, month) => write!(f, "{year:04}-{month:02}"),
            Self::Quarter(year, quarter) => write!(f, "{year:04}-Q{quarter}"),
            Self::Year(year) => write!(f, "{year:04}"),
            Self::All => f.write_str("all"),
        }
    }
}

/// The text is not a period of the asked kind between 2000 and 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchPeriod;

impl fmt::Display for NoSuchPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such period")
    }
}

impl std::error::Error for NoSuchPeriod {}

impl FromStr for Period {
    type Err = NoSuchPeriod;

    fn from_str(text: &str) -> Result<Self, NoSuchPeriod> {
        if text == "all" {
            return Ok(Self::All);
        }
        let year = digits(text.get(..4).ok_or(NoSuchPeriod)?).ok_or(NoSuchPeriod)?;
        let year = i32::try_from(year).ok().filter(|year| (FIRST_YEAR..=LAST_YEAR).contains(year));
        let year = year.ok_or(NoSuchPeriod)?;
        let rest = text.get(4..).unwrap_or_default();
        let period = if rest.is_empty() {
            Some(Self::Year(year))
        } else if let Some(week) = rest.strip_prefix("-W") {
            two_digits(week)
                .and_then(|week| NaiveDate::from_isoywd_opt(year, week, Weekday::Thu))
                .map(|thursday| Self::Week(Week(thursday)))
        } else if let Some(quarter) = rest.strip_prefix("-Q") {
            let quarter = digits(quarter).filter(|_| quarter.len() == 1);
            quarter.filter(|q| (1..=4).contains(q)).map(|q| Self::Quarter(year, q))
        } else {
            let month = rest.strip_prefix('-').and_then(two_digits);
            month.filter(|m| (1..=12).contains(m)).map(|m| Self::Month(year, m))
        };
        period.ok_or(NoSuchPeriod)
    }
}

impl FromStr for Week {
    type Err = NoSuchPeriod;

    fn from_str(text: &str) -> Result<Self, NoSuchPeriod> {
        match text.parse()? {
            Period::Week(week) => Ok(week),
            _ => Err(NoSuchPeriod),
        }
    }
}

impl FromStr for Month {
    type Err = NoSuchPeriod;

    fn from_str(text: &str) -> Result<Self, NoSuchPeriod> {
        match text.parse()? {
            Period::Month(year, month) => Ok(Self { year, month }),
            _ => Err(NoSuchPeriod),
        }
    }
}

fn digits(text: &str) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

fn two_digits(text: &str) -> Option<u32> {
    digits(text).filter(|_| text.len() == 2)
}

/// JSON and OpenAPI for a period type: its canonical text.
macro_rules! as_text {
    ($type:ty, $pattern:literal, $example:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|_| serde::de::Error::custom(concat!("expected ", $example)))
            }
        }

        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String);
                text.pattern(Some($pattern)).examples([$example]).into()
            }
        }

        impl ToSchema for $type {}
    };
}

as_text!(Week, r"^\d{4}-W\d{2}$", "2024-W35");
as_text!(Month, r"^\d{4}-\d{2}$", "2024-08");
as_text!(Period, r"^(\d{4}(-W\d{2}|-Q[1-4]|-\d{2})?|all)$", "2024-Q3");

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    fn week(text: &str) -> Week {
        text.parse().expect("a week")
    }

    #[test]
    fn sunday_night_and_monday_morning_lie_in_different_weeks() {
        assert_eq!(Week::of(at("2024-08-25T23:59:59.999+08:00")), week("2024-W34"));
        assert_eq!(Week::of(at("2024-08-26T00:00:00.000+08:00")), week("2024-W35"));
    }

    #[test]
    fn august_2024_is_the_weeks_31_to_35_and_its_list_opens_on_2_september() {
        let august: Period = "2024-08".parse().expect("a month");
        assert_eq!(august.weeks(), (week("2024-W31"), week("2024-W35")));
        assert_eq!(august.ends_at(), at("2024-09-02T00:00:00+08:00"));
    }

    #[test]
    fn the_third_quarter_of_2024_is_the_weeks_27_to_39() {
        let quarter: Period = "2024-Q3".parse().expect("a quarter");
        assert_eq!(quarter.weeks(), (week("2024-W27"), week("2024-W39")));
        assert_eq!(quarter.ends_at(), at("2024-09-30T00:00:00+08:00"));
    }

    #[test]
    fn the_last_monday_of_2024_counts_for_2025() {
        let week = Week::of(at("2024-12-30T12:00:00+08:00"));
        assert_eq!(week.to_string(), "2025-W01");
        assert_eq!(week.periods()[3], Period::Year(2025));
    }

    #[test]
    fn the_year_2026_has_53_weeks_and_2027_has_not() {
        assert_eq!(week("2026-W53").ends_at(), at("2027-01-04T00:00:00+08:00"));
        assert_eq!("2027-W53".parse::<Week>(), Err(NoSuchPeriod));
    }

    #[test]
    fn all_time_holds_every_week_of_every_year() {
        let all: Period = "all".parse().expect("all time");
        let (first, last) = all.weeks();
        assert_eq!((first.to_string(), last.to_string()), ("2000-W01".into(), "2199-W52".into()));
        assert!(first <= week("2000-W01") && week("2199-W52") <= last);
        assert_eq!(all.to_string(), "all");
        assert!("all".parse::<Week>().is_err() && "all".parse::<Month>().is_err());
    }

    #[test]
    fn what_is_not_a_period_is_refused() {
        for text in [
            "",
            "2024-",
            "2024-W54",
            "2024-W1",
            "2024-13",
            "2024-Q5",
            "All",
            "all ",
            "all-2024",
            "2024-W+1",
            "1999",
            "2024-08-01",
            "２０２４",
        ] {
            assert_eq!(text.parse::<Period>(), Err(NoSuchPeriod), "{text}");
        }
    }

    proptest::proptest! {
        /// Weeks nest into months, quarters and years without remainder.
        #[test]
        fn every_week_lies_inside_each_of_its_periods(days in 0_u64..36_500) {
            let day = NaiveDate::from_ymd_opt(2001, 1, 1).expect("a date") + Days::new(days);
            let week = Week::of_day(day);
            for period in week.periods() {
                let (first, last) = period.weeks();
                proptest::prop_assert!(first <= week && week <= last);
                proptest::prop_assert_eq!(period.to_string().parse::<Period>(), Ok(period));
            }
        }

        #[test]
        fn months_follow_one_another_without_gap(year in 2001_i32..2199, month in 1_u32..=12) {
            let month = Month { year, month };
            proptest::prop_assert_eq!(month.last_week().next(), month.next().first_week());
        }
    }
}
