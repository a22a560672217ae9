//! A year of the calendar of weeks: it has those weeks whose Thursday lies in it, 52 or 53.

use std::fmt;
use std::str::FromStr;

use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::clock::Instant;
use super::period::{NoSuchPeriod, Period, Week};

/// A year from 2000 to 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Year(i32);

impl Year {
    /// The year that this moment's week belongs to.
    pub fn of(at: Instant) -> Self {
        Self(Week::of(at).month().year)
    }

    pub fn period(self) -> Period {
        Period::Year(self.0)
    }
}

impl TryFrom<i32> for Year {
    type Error = NoSuchPeriod;

    fn try_from(year: i32) -> Result<Self, NoSuchPeriod> {
        if (2000..2200).contains(&year) { Ok(Self(year)) } else { Err(NoSuchPeriod) }
    }
}

impl From<Year> for i32 {
    fn from(year: Year) -> Self {
        year.0
    }
}

impl From<Year> for Value {
    fn from(year: Year) -> Self {
        year.to_string().into()
    }
}

impl fmt::Display for Year {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl FromStr for Year {
    type Err = NoSuchPeriod;

    fn from_str(text: &str) -> Result<Self, NoSuchPeriod> {
        match text.parse()? {
            Period::Year(year) => Ok(Self(year)),
            _ => Err(NoSuchPeriod),
        }
    }
}

impl PartialSchema for Year {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        number.minimum(Some(2000)).maximum(Some(2199)).examples([2024]).into()
    }
}

impl ToSchema for Year {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_a_number_in_json_and_four_digits_in_a_path() {
        let year: Year = "2024".parse().expect("a year");
        assert_eq!(serde_json::to_string(&year).expect("JSON"), "2024");
        assert_eq!(serde_json::from_str::<Year>("2024").ok(), Some(year));
        for text in ["1999", "2200", "24", "2024-08", "02024", "2024 ", "+2024", ""] {
            assert!(text.parse::<Year>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Year>("2200").is_err());
    }

    /// 2026 has a W53, which closes on Monday 2027-01-04; the next day belongs to 2027.
    #[test]
    fn the_fifty_third_week_belongs_to_its_year() {
        let at = |text| Instant::parse(text).expect("an instant");
        let year = |text| Year::of(at(text)).to_string();
        assert_eq!(year("2027-01-03T23:59:59.999+08:00"), "2026");
        assert_eq!(year("2027-01-04T00:00:00+08:00"), "2027");
        assert_eq!(year("2024-12-30T00:00:00+08:00"), "2025");
        let long: Year = "2026".parse().expect("a year");
        assert_eq!(long.period().ends_at(), at("2027-01-04T00:00:00+08:00"));
    }
}
