//! The only place that knows what time it is.
//!
//! Rules take `now` as an argument; period jobs take `as_of`. Village time is Asia/Shanghai, which
//! has had no daylight saving since 1991, so a fixed offset of eight hours is exact for every
//! instant this system can hold.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat, Utc};
use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

const OFFSET_SECONDS: i32 = 8 * 3600;
const VILLAGE_TIME: FixedOffset = match FixedOffset::east_opt(OFFSET_SECONDS) {
    Some(offset) => offset,
    None => unreachable!(),
};
pub const DAY_MS: i64 = 86_400_000;

/// A moment, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Stored as an integer on both databases, so that hashes over rows agree; written in JSON as
/// RFC 3339 with milliseconds and the village's offset, e.g. `2024-09-02T00:00:00.000+08:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// Midnight at the start of `day`, village time.
    pub fn at_midnight(day: NaiveDate) -> Self {
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        Self(midnight.and_utc().timestamp_millis() - i64::from(OFFSET_SECONDS) * 1000)
    }

    /// The calendar day in the village at this moment.
    pub fn day(self) -> NaiveDate {
        self.local().date_naive()
    }

    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + seconds * 1000)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, as tokens count them.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0 + days * DAY_MS)
    }

    /// Parses RFC 3339; anything finer than a millisecond is cut off.
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self(at.timestamp_millis()))
    }

    fn local(self) -> DateTime<FixedOffset> {
        let utc = DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        utc.with_timezone(&VILLAGE_TIME)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.local().to_rfc3339_opts(SecondsFormat::Millis, false))
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected an RFC 3339 instant"))
    }
}

impl TryGetable for Instant {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        i64::try_get_by(row, index).map(Self)
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2024-09-25T09:00:00.000+08:00"])
            .into()
    }
}

impl ToSchema for Instant {}

/// The system's clock, or, in the sandbox, one that stands still until it is moved forward.
#[derive(Clone)]
pub enum Clock {
    System,
    Sandbox(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now`.
    pub fn standing_at(now: Instant) -> Self {
        Self::Sandbox(Arc::new(AtomicI64::new(now.0)))
    }

    pub fn now(&self) -> Instant {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
            Self::System => Instant(Utc::now().timestamp_millis()),
            Self::Sandbox(at) => Instant(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a sandbox clock forward; `false` if that would be backwards or the clock is real.
    pub fn advance_to(&self, to: Instant) -> bool {
        match self {
            Self::System => false,
            Self::Sandbox(at) => at.fetch_max(to.0, Ordering::SeqCst) <= to.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_in_the_village_is_sixteen_hours_utc_the_day_before() {
        let day = NaiveDate::from_ymd_opt(2024, 9, 2).expect("a date");
        let at = Instant::at_midnight(day);
        assert_eq!(at.to_string(), "2024-09-02T00:00:00.000+08:00");
        assert_eq!(Instant(at.0 - 1).day(), day.pred_opt().expect("a date"));
        assert_eq!(Instant::parse("2024-09-01T16:00:00Z"), Some(at));
    }

    #[test]
    fn a_sandbox_clock_never_goes_back() {
        let clock = Clock::standing_at(Instant(10));
        assert!(!clock.advance_to(Instant(9)));
        assert_eq!(clock.now(), Instant(10));
        assert!(clock.advance_to(Instant(11)));
        assert_eq!(clock.now(), Instant(11));
    }
}
