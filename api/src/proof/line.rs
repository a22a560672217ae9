//! A line of a public list as the tree covers it: plain text that can be read and written again.

use crate::kernel::derive::{derived, hex};

const FORMAT: &str = "jifen-line/1";

/// What is published of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub village: &'a str,
    pub month: &'a str,
    /// The line's number on the list, from 1: its place in the tree, from 0, is one less.
    pub number: i64,
    /// The household's number on the list.
    pub household_number: i64,
    pub category: &'a str,
    pub rule: &'a str,
    pub rule_name: &'a str,
    pub occurred_on: &'a str,
    /// Points awarded, after caps.
    pub points: i64,
}

impl Line<'_> {
    /// One field a line, each ended by a line feed; what would break a line is a space.
    pub fn text(&self) -> String {
        let (number, household, points) =
            (self.number.to_string(), self.household_number.to_string(), self.points.to_string());
        let fields = [
            FORMAT,
            self.village,
            self.month,
            &number,
            &household,
            self.category,
            self.rule,
            self.rule_name,
            self.occurred_on,
            &points,
        ];
        let mut text = String::new();
        for field in fields {
            text.extend(field.chars().map(|c| if c.is_control() { ' ' } else { c }));
            text.push('\n');
        }
        text
    }
}

/// The fields of a line's text after its format; nothing if it is no such text.
pub fn fields(text: &str) -> Option<Vec<&str>> {
    let lines: Vec<_> = text.strip_suffix('\n')?.split('\n').collect();
    match lines.split_first() {
        Some((&FORMAT, fields)) if fields.len() == 9 => Some(fields.to_vec()),
        _ => None,
    }
}

/// What the salts of a list follow from, in hex: kept with the list, never served.
pub fn seed(secret: &[u8], village: &str, month: &str) -> String {
    hex(&derived(secret, "list seed", format!("{village}|{month}").as_bytes()))
}

/// 16 bytes in hex that only who was told them knows, so that nobody finds a hidden line by hashing what
/// it may say.
pub fn salt(seed: &str, number: i64) -> String {
    let bytes = derived(seed.as_bytes(), "list salt", number.to_string().as_bytes());
    hex(bytes.split_at(16).0)
}

/// What the leaf's hash is made of: the line, then its salt as one more line.
pub fn salted(text: &str, salt: &str) -> String {
    format!("{text}{salt}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line<'static> {
        Line {
            village: "460205100201",
            month: "2024-09",
            number: 12,
            household_number: 5,
            category: "living_environment",
            rule: "env.courtyard_model",
            rule_name: "评为月度美丽庭院/文明卫生户",
            occurred_on: "2024-08-20",
            points: 5,
        }
    }

    /// Boards hang for years: the format never changes under this name.
    #[test]
    fn the_text_of_a_line_stays_as_it_was() {
        let text = "jifen-line/1\n460205100201\n2024-09\n12\n5\nliving_environment\n\
            env.courtyard_model\n评为月度美丽庭院/文明卫生户\n2024-08-20\n5\n";
        assert_eq!(line().text(), text);
        assert_eq!(fields(text).map(|fields| fields[2]), Some("12"));
        assert_eq!(salted("a\n", "00"), "a\n00\n");
    }

    #[test]
    fn a_name_cannot_add_a_line() {
        let odd = Line { rule_name: "a\nb\r", ..line() };
        assert_eq!(fields(&odd.text()).map(|fields| fields[6]), Some("a b "));
        for text in ["", "jifen-line/1\n", "jifen-line/2\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"] {
            assert_eq!(fields(text), None);
        }
    }

    #[test]
    fn salts_differ_by_line_list_and_secret() {
        let here = seed(b"secret", "460205100201", "2024-09");
        assert_eq!(salt(&here, 1).len(), 32);
        assert_ne!(salt(&here, 1), salt(&here, 2));
        assert_ne!(here, seed(b"secret", "460205100201", "2024-10"));
        assert_ne!(here, seed(b"other", "460205100201", "2024-09"));
    }
}
