//! What people write, and how much of it the public may see.

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::problem::{Code, Refusal};

/// The name as the public sees it: the first character, then `*`; e.g. 张守勤 → `张*`.
///
/// Masked by grapheme, so that rare characters and joined forms stay whole. A name of one character
/// is hidden altogether, a minority name with `·` keeps the first character only.
pub fn masked(name: &str) -> String {
    let graphemes: Vec<&str> = name.trim().graphemes(true).collect();
    match graphemes.as_slice() {
        [] | [_] => "*".to_owned(),
        [first, ..] => format!("{first}*"),
    }
}

/// A household's name for who reads it: neighbours see the name of a head whose household consented,
/// everybody else sees it masked.
pub fn shown(name: &str, consented: bool, neighbour: bool) -> String {
    if consented && neighbour { name.to_owned() } else { masked(name) }
}

/// Trims, normalises to NFC and drops what cannot be seen; `None` if nothing readable is left.
pub fn readable(text: &str) -> Option<String> {
    let composed: String = text.nfc().filter(|c| !is_invisible(*c)).collect();
    let trimmed = composed.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// What somebody has to write, a reason or a note, as it can be read. `pointer` is its place in the body, e.g.
/// `/reason`.
///
/// # Errors
/// `reason_required` there if nothing readable is in it.
pub fn required(text: &str, pointer: &str) -> Result<String, Refusal> {
    readable(text).ok_or_else(|| Refusal::from(Code::ReasonRequired).at(pointer, "required", ""))
}

/// As it stands in HTML and XML, between tags and in quotes.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

fn is_invisible(c: char) -> bool {
    let format = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{00ad}');
    format || (c.is_control() && c != '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_name_shows_the_first_character_only() {
        assert_eq!(masked("张守勤"), "张*");
        assert_eq!(masked("欧"), "*");
        assert_eq!(masked("买买提·吐尔逊"), "买*");
        assert_eq!(masked("𠮷野"), "𠮷*");
        assert_eq!(masked(""), "*");
    }

    #[test]
    fn a_reason_of_spaces_or_zero_width_characters_is_no_reason() {
        assert_eq!(readable("     "), None);
        assert_eq!(readable("\u{200b}\u{200b}\u{feff}"), None);
        assert_eq!(readable(" 清扫\u{202e}村道 "), Some("清扫村道".to_owned()));
        assert_eq!(readable("e\u{301}"), readable("é"));
        let refused = required("\u{200b} ", "/note").expect_err("a refusal");
        assert_eq!((refused.code, refused.errors.len()), (Code::ReasonRequired, 1));
        assert_eq!(required(" 清扫 ", "/note"), Ok("清扫".to_owned()));
    }
}
