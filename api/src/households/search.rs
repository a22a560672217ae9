//! `GET …/households?search=`: by a part of a name, or by how it begins in pinyin.

use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::text::readable;

/// A search has at most this many characters.
const SEARCH_MAX: usize = 50;

/// Some member is called `$5` in part, whatever the case of Latin letters in `$6`, or a reading of the
/// name begins as `$7`.
pub const FOUND: &str = "AND EXISTS (SELECT 1 FROM members m \
    WHERE m.village = h.village AND m.household = h.id AND m.left_at IS NULL \
    AND (m.name LIKE $5 ESCAPE '!' OR LOWER(m.name) LIKE $6 ESCAPE '!' \
      OR m.initials LIKE $7 ESCAPE '!'))";

/// Patterns for LIKE in which what was typed means itself.
#[derive(Default)]
pub struct Wanted {
    pub name: String,
    pub lower: String,
    pub sound: String,
}

impl Wanted {
    /// # Errors
    /// `invalid_query` for a search of more than 50 characters or of nothing readable.
    pub fn parse(search: &str) -> Outcome<Self> {
        let text = readable(search).filter(|text| text.chars().count() <= SEARCH_MAX);
        let Some(text) = text else {
            let detail = "`search` has 1 to 50 readable characters";
            return Err(Refusal::from(Code::InvalidQuery).because(detail).into());
        };
        let name = format!("%{}%", literal(&text));
        let lower = name.to_lowercase();
        // Sounds are letters only; anything else is looked for in names alone.
        let is_sound = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let sound = if is_sound { format!("% {}%", text.to_lowercase()) } else { name.clone() };
        Ok(Self { name, lower, sound })
    }
}

fn literal(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_means_itself() {
        for (typed, name) in [
            ("张", "%张%"),
            (" 张 ", "%张%"),
            ("50%", "%50!%%"),
            ("a_b", "%a!_b%"),
            ("!", "%!!%"),
            ("'; --", "%'; --%"),
            ("\\", "%\\%"),
            ("e\u{301}", "%é%"),
        ] {
            let wanted = Wanted::parse(typed).expect("a search");
            assert_eq!(wanted.name, name);
        }
        assert_eq!(Wanted::parse("ZSQ").expect("a search").sound, "% zsq%");
    }

    #[test]
    fn what_is_empty_or_long_is_refused() {
        for typed in ["", "   ", "\u{200b}\u{feff}", &"张".repeat(51)] {
            assert!(Wanted::parse(typed).is_err(), "{typed:?}");
        }
        assert!(Wanted::parse(&"张".repeat(50)).is_ok());
    }
}
