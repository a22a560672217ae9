//! The village's quarters, as far as steps need them: written down here once more, because a step stays
//! as it is when the calendar of the API changes.

use chrono::{DateTime, Datelike, NaiveDate};

const HOUR_MS: i64 = 60 * 60 * 1000;
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// Village time is eight hours ahead of UTC, always.
const VILLAGE_MS: i64 = 8 * HOUR_MS;
/// 1970-01-01, day 0, was a Thursday.
const WEEK: i64 = 7;

/// A quarter: the weeks whose Thursdays lie in its three months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarter {
    year: i32,
    /// 1–4.
    number: u32,
}

impl Quarter {
    /// The quarter of the week that contains this instant, in milliseconds since 1970.
    pub fn of(at: i64) -> Self {
        let day = (at + VILLAGE_MS).div_euclid(DAY_MS);
        let thursday = day - (day + 3).rem_euclid(WEEK) + 3;
        let date = DateTime::from_timestamp_millis(thursday * DAY_MS).unwrap_or_default();
        Self { year: date.year(), number: date.month0() / 3 + 1 }
    }

    /// Its first Monday, 00:00 village time, in milliseconds since 1970.
    pub fn starts_at(self) -> i64 {
        let first = NaiveDate::from_ymd_opt(self.year, self.number * 3 - 2, 1).unwrap_or_default();
        let first = first.signed_duration_since(NaiveDate::default()).num_days();
        let thursday = first + (-first).rem_euclid(WEEK);
        (thursday - 3) * DAY_MS - VILLAGE_MS
    }

    /// As it is written in rows: `2024-Q3`.
    pub fn name(self) -> String {
        format!("{}-Q{}", self.year, self.number)
    }
}

/// Of a window that opened at this instant: the start of the quarter whose points it was for. What is the
/// start of a quarter itself stays: an always open shop counted from there, and no other window ever opens
/// then, but one after four weeks of monthly publicity.
pub fn counts_from(opened_at: i64) -> i64 {
    if Quarter::of(opened_at).starts_at() == opened_at {
        return opened_at;
    }
    // Publicity takes at most 28 days, and no month has fewer.
    Quarter::of(opened_at - 28 * DAY_MS - 1).starts_at()
}

#[cfg(test)]
mod tests {
    use super::{Quarter, counts_from};

    fn at(text: &str) -> i64 {
        let instant = chrono::DateTime::parse_from_rfc3339(text).expect("an instant");
        instant.timestamp_millis()
    }

    #[test]
    fn windows_count_from_the_quarter_that_they_are_for() {
        let cases = [
            ("2024-10-07T00:00:00+08:00", "2024-07-01T00:00:00+08:00"),
            ("2025-01-06T00:00:00+08:00", "2024-09-30T00:00:00+08:00"),
            ("2025-01-27T00:00:00+08:00", "2024-09-30T00:00:00+08:00"),
            // Monthly: August's window.
            ("2024-09-09T00:00:00+08:00", "2024-07-01T00:00:00+08:00"),
            // Always open, or converted before.
            ("2024-07-01T00:00:00+08:00", "2024-07-01T00:00:00+08:00"),
        ];
        for (opened, from) in cases {
            assert_eq!(counts_from(at(opened)), at(from), "{opened}");
        }
        assert_eq!(Quarter::of(at("2024-09-30T00:00:00+08:00")).name(), "2024-Q4");
        assert_eq!(Quarter::of(at("2024-09-29T23:59:59+08:00")).name(), "2024-Q3");
    }
}
