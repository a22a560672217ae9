//! What is known of a person besides the name: phone, ID number, birthday.
//!
//! Phones and ID numbers are kept as digests only: enough to find a person again, useless to whoever
//! steals the database without the secret. Their types show nothing when they are printed.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer};
use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::kernel::derive::{derived, hex};
use crate::kernel::text::readable;

/// From this age on, in full years, people act for themselves and may be named: the law asks a guardian
/// for anybody younger (Personal Information Protection Law, article 31).
pub const GROWN_UP: u32 = 14;

/// Ages above this are slips of the pen.
const OLDEST: u32 = 150;

/// What somebody typed about themselves, before it is checked. It is read, and never written or shown.
#[derive(Clone, Default)]
pub struct Private(String);

impl Private {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Private(…)")
    }
}

impl<'de> Deserialize<'de> for Private {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The driver's own message would repeat a number that came without quotes.
        let text = String::deserialize(deserializer);
        text.map(Self).map_err(|_| serde::de::Error::custom("expected a text"))
    }
}

impl PartialSchema for Private {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(40)).into()
    }
}

impl ToSchema for Private {}

/// Why a phone or ID number is none. Holds nothing of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A mainland mobile number: 11 digits, the first two 13 to 19.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// Reads a number as people write it: full-width digits, spaces, hyphens, `+86`, `0086` or `86`.
    ///
    /// # Errors
    /// What is not a mainland mobile number, land lines among it.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let typed = compact(text);
        let bare = ["+86", "0086", "86"].iter().find_map(|prefix| typed.strip_prefix(prefix));
        let number = bare.unwrap_or(&typed);
        let mobile =
            number.starts_with('1') && !matches!(number.as_bytes().get(1), Some(b'0'..=b'2'));
        if number.len() == 11 && mobile && number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(number.to_owned()));
        }
        Err(Malformed("not a mainland mobile number of 11 digits"))
    }

    /// HMAC-SHA-256 of the 11 digits, in hex: the same for the same phone, as long as the secret stays.
    pub fn digest(&self, secret: &[u8]) -> String {
        digest(secret, "phone", &self.0)
    }

    /// As its owner recognises it: `138****8000`.
    pub fn masked(&self) -> String {
        let (head, rest) = self.0.split_at(3);
        let (_, tail) = rest.split_at(4);
        format!("{head}****{tail}")
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

/// A resident's ID number (GB 11643), in the form of 18 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct IdNumber {
    text: String,
    born_on: NaiveDate,
}

impl IdNumber {
    /// Reads the form of 18 characters, or the one of 15 digits that was issued before 1999.
    ///
    /// # Errors
    /// A wrong checksum (ISO 7064), a birthday that does not exist or lies after `today`.
    pub fn parse(text: &str, today: NaiveDate) -> Result<Self, Malformed> {
        let typed = compact(text).to_ascii_uppercase();
        let Some((area, rest)) =
            typed.split_at_checked(6).filter(|_| matches!(typed.len(), 15 | 18))
        else {
            return Err(Malformed("not of 18 characters"));
        };
        // The old form has years of the last century only, and no checksum.
        let long = if typed.len() == 15 { format!("{area}19{rest}") } else { typed.clone() };
        let Some((body, check)) = long.split_at_checked(17) else {
            return Err(Malformed("not of 18 characters"));
        };
        if !body.bytes().all(|byte| byte.is_ascii_digit()) || body.starts_with('0') {
            return Err(Malformed("not of digits and a check character"));
        }
        let right = checksum(body);
        let check = if check.is_empty() { right.to_string() } else { check.to_owned() };
        if check != right.to_string() {
            return Err(Malformed("the checksum does not fit"));
        }
        let born_on = body.get(6..14).and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok());
        let born_on = born_on.filter(|day| is_birthday(*day, today));
        let born_on = born_on.ok_or(Malformed("the birthday in it is none"))?;
        Ok(Self { text: format!("{body}{check}"), born_on })
    }

    pub fn born_on(&self) -> NaiveDate {
        self.born_on
    }

    /// HMAC-SHA-256 of the 18 characters, in hex.
    pub fn digest(&self, secret: &[u8]) -> String {
        digest(secret, "id-number", &self.text)
    }
}

impl fmt::Debug for IdNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdNumber(…)")
    }
}

/// Whether somebody who lives `today` can be born on this day.
pub fn is_birthday(day: NaiveDate, today: NaiveDate) -> bool {
    day <= today && age_on(day, today) <= OLDEST
}

/// Age in full years; 0 before the first birthday.
pub fn age_on(born_on: NaiveDate, today: NaiveDate) -> u32 {
    today.years_since(born_on).unwrap_or(0)
}

/// Whether somebody acts for themselves. A person whose birthday is not known counts as one who does.
pub fn is_grown_up(born_on: Option<NaiveDate>, today: NaiveDate) -> bool {
    born_on.is_none_or(|day| age_on(day, today) >= GROWN_UP)
}

/// Full-width forms narrowed, spaces and hyphens gone.
fn compact(text: &str) -> String {
    let kept =
        |c: &char| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    readable(text).unwrap_or_default().nfkc().filter(kept).collect()
}

/// The check character of ISO 7064, MOD 11-2.
fn checksum(body: &str) -> char {
    let sum = body.bytes().fold(0, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    match (12 - sum) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).unwrap_or('0'),
    }
}

/// `what` keeps digests of different things apart, even of the same text.
fn digest(secret: &[u8], what: &str, text: &str) -> String {
    hex(&derived(secret, what, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn a_phone_is_read_as_people_write_it() {
        let plain = Phone::parse("13800138000").expect("a phone");
        for text in [
            "+8613800138000",
            "+86 138-0013-8000",
            "86 13800138000",
            "0086-138 0013 8000",
            "13800138000 ",
            "１３８００１３８０００",
            "＋８６ １３８００１３８０００",
            "\u{202d}13800138000\u{202c}",
        ] {
            assert!(Phone::parse(text) == Ok(plain.clone()), "{text}");
        }
        assert_eq!(plain.masked(), "138****8000");
        assert_eq!(format!("{plain:?}"), "Phone(…)");
    }

    #[test]
    fn what_is_no_mobile_number_is_refused() {
        for text in [
            "",
            "   ",
            "1380013800",
            "138001380001",
            "12800138000",
            "03800138000",
            "02086001234",
            "1380013800a",
            "a13800138000",
            "+8713800138000",
            "+85251234567",
            "8613800138000 1",
            "١٣٨٠٠١٣٨٠٠٠",
            "138００１３８",
            "+86",
            "86",
            "++8613800138000",
            "86+13800138000",
        ] {
            assert!(Phone::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_number_tells_the_birthday_in_all_its_forms() {
        let today = day("2024-09-01");
        let number = IdNumber::parse("11010519491231002X", today).expect("the standard's example");
        assert_eq!(number.born_on(), day("1949-12-31"));
        for same in [
            "11010519491231002x",
            " 110105 19491231 002x",
            "１１０１０５１９４９１２３１００２Ｘ",
            "110105491231002",
        ] {
            assert!(IdNumber::parse(same, today) == Ok(number.clone()), "{same}");
        }
        assert_eq!(format!("{number:?}"), "IdNumber(…)");
    }

    #[test]
    fn an_odd_id_number_is_refused() {
        let with_check = |body: &str| format!("{body}{}", checksum(body));
        let today = day("2024-09-01");
        for (what, text) in [
            ("checksum", "110105194912310021".to_owned()),
            ("no such day", with_check("11010520300230002")),
            ("tomorrow", with_check("11010520240902002")),
            ("month 13", with_check("11010519491331002")),
            ("too old", with_check("11010518001231002")),
            ("no province", with_check("01010519491231002")),
            ("15 with a wrong day", "110105490231002".to_owned()),
            ("15 with X", "11010549123100X".to_owned()),
            ("17", "11010519491231002".to_owned()),
            ("letters", "11010519491A31002X".to_owned()),
            ("empty", String::new()),
            ("wide", "身份证号".to_owned()),
        ] {
            assert!(IdNumber::parse(&text, today).is_err(), "{what}");
        }
        assert!(IdNumber::parse(&with_check("11010520240901002"), today).is_ok());
    }

    #[test]
    fn digests_keep_things_apart() {
        let phone = Phone::parse("13800138000").expect("a phone");
        let digest = phone.digest(b"secret");
        assert_eq!(digest.len(), 64);
        assert_ne!(digest, phone.digest(b"other"));
        assert_ne!(super::digest(b"s", "phone", "1"), super::digest(b"s", "id-number", "1"));
    }

    #[test]
    fn ages_are_full_years() {
        for (born, today, age) in [
            ("2010-09-02", "2024-09-01", 13),
            ("2010-09-01", "2024-09-01", 14),
            ("2012-02-29", "2026-02-28", 13),
            ("2012-02-29", "2026-03-01", 14),
            ("2025-01-01", "2024-01-01", 0),
        ] {
            assert_eq!(age_on(day(born), day(today)), age, "{born}");
        }
        assert!(is_grown_up(None, day("2024-09-01")));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_never_shown(text in ".{0,60}", digits in "[0-9Xx ]{0,20}") {
            let today = day("2024-09-01");
            for text in [&text, &digits] {
                let _ = Phone::parse(text);
                let _ = IdNumber::parse(text, today);
                prop_assert_eq!(format!("{:?}", Private::new(text.as_str())), "Private(…)");
            }
        }

        #[test]
        fn every_mobile_number_is_itself(number in "1[3-9][0-9]{9}", spaced in 1_usize..10) {
            let (head, tail) = number.split_at(spaced);
            let phone = Phone::parse(&format!("+86 {head} {tail}")).expect("a phone");
            prop_assert!(phone == Phone::parse(&number).expect("a phone"));
            prop_assert_eq!(phone.masked().len(), 11);
            prop_assert!(!phone.digest(b"secret").contains(&number));
        }

        #[test]
        fn one_wrong_character_breaks_an_id_number(at in 0_usize..17, days in 0_i64..30_000, tail in 0_u32..1000) {
            let born = day("1930-01-01") + chrono::Duration::days(days);
            let today = day("2024-09-01");
            let body = format!("440783{}{tail:03}", born.format("%Y%m%d"));
            let right = format!("{body}{}", checksum(&body));
            prop_assert_eq!(IdNumber::parse(&right, today).is_ok(), born <= today);
            let mut wrong = right.into_bytes();
            wrong[at] = b'0' + (wrong[at] - b'0' + 1) % 10;
            let wrong = String::from_utf8(wrong).expect("digits");
            prop_assert!(IdNumber::parse(&wrong, today).is_err());
        }
    }
}
