//! Regions carry the national statistical code, written at the length of their level; zeros are part
//! of the code. A region contains another exactly when its code is a prefix of the other's.

use std::fmt;
use std::str::FromStr;

use sea_orm::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// How far down the tree a region stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Province,
    City,
    County,
    Township,
    Village,
    Grid,
}

impl Level {
    const ALL: [(Self, usize, &str); 6] = [
        (Self::Province, 2, "province"),
        (Self::City, 4, "city"),
        (Self::County, 6, "county"),
        (Self::Township, 9, "township"),
        (Self::Village, 12, "village"),
        (Self::Grid, 15, "grid"),
    ];

    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(level, ..)| *level == self).map_or("", |(.., name)| name)
    }
}

/// A region's code: 2, 4, 6, 9, 12 or 15 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionCode(String);

/// A village's code: 12 digits. The village is the tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Village(String);

/// A village and the id of something in it.
pub type Place = (String, Uuid);

/// The text is not a code of the national table's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchCode;

impl fmt::Display for NoSuchCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a region code")
    }
}

impl std::error::Error for NoSuchCode {}

impl RegionCode {
    pub fn level(&self) -> Level {
        let found = Level::ALL.iter().find(|(_, length, _)| *length == self.0.len());
        found.map_or(Level::Grid, |(level, ..)| *level)
    }

    /// Whether `other` is this region or lies in it.
    pub fn contains(&self, other: &str) -> bool {
        other.starts_with(&self.0)
    }

    /// The region one level up.
    pub fn parent(&self) -> Option<Self> {
        let at = Level::ALL.iter().position(|(_, length, _)| *length == self.0.len())?;
        let (_, length, _) = Level::ALL.get(at.checked_sub(1)?)?;
        self.0.get(..*length).map(|code| Self(code.to_owned()))
    }

    /// The village that this is or lies in, if it is not above a village.
    pub fn village(&self) -> Option<Village> {
        self.0.get(..12).map(|code| Village(code.to_owned()))
    }

    /// Bounds for `code >= $1 AND code < $2`: an index range instead of a LIKE.
    pub fn bounds(&self) -> [Value; 2] {
        // ':' follows '9' in the C collation that code columns are declared with.
        [self.0.clone().into(), format!("{}:", self.0).into()]
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Village {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn region(&self) -> RegionCode {
        RegionCode(self.0.clone())
    }

    /// The township the village belongs to: the first nine digits.
    pub fn township(&self) -> RegionCode {
        RegionCode(self.0.chars().take(9).collect())
    }
}

impl FromStr for RegionCode {
    type Err = NoSuchCode;

    fn from_str(text: &str) -> Result<Self, NoSuchCode> {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let length = Level::ALL.iter().any(|(_, length, _)| *length == text.len());
        if digits && length { Ok(Self(text.to_owned())) } else { Err(NoSuchCode) }
    }
}

impl FromStr for Village {
    type Err = NoSuchCode;

    fn from_str(text: &str) -> Result<Self, NoSuchCode> {
        let code: RegionCode = text.parse()?;
        if code.level() == Level::Village { Ok(Self(code.0)) } else { Err(NoSuchCode) }
    }
}

macro_rules! as_code {
    ($type:ty, $pattern:literal, $example:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&$type> for Value {
            fn from(code: &$type) -> Self {
                code.0.clone().into()
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
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

as_code!(RegionCode, r"^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12}|\d{15})$", "440783107");
as_code!(Village, r"^\d{12}$", "440783107201");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_contains_what_its_code_begins() {
        let township: RegionCode = "440783107".parse().expect("a code");
        assert!(township.contains("440783107201"));
        assert!(!township.contains("440783108201"));
        assert_eq!(township.parent(), "440783".parse().ok());
        assert_eq!(township.level(), Level::Township);
    }

    #[test]
    fn a_code_has_the_length_of_a_level_and_only_digits() {
        for text in ["", "4", "44078", "44078310720", "44O783", "４４", "440783107201003001"] {
            assert_eq!(text.parse::<RegionCode>(), Err(NoSuchCode), "{text}");
        }
        assert_eq!("440783107".parse::<Village>(), Err(NoSuchCode));
    }
}
