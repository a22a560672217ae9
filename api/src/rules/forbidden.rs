//! What no points may be given or taken for, wherever it is written: a pure function of an item's words.
//!
//! Sources: 中央网信委《关于防治“指尖上的形式主义”的若干意见》(December 2023) on logging in, punching in and
//! time online; 信访工作条例 (2022) on who petitions; 个人信息保护法 article 28 on religion, health and
//! children; 中共中央、国务院《关于优化生育政策促进人口长期均衡发展的决定》(2021), which ended what was tied to births.

use unicode_normalization::UnicodeNormalization;

use super::catalogue::{Item, builtin};
use super::forbidden_words::{CHINESE, ENGLISH, TRADITIONAL, Word};
use crate::kernel::problem::FieldError;

/// Why an item is forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// 登录、打卡、在线时长
    Online,
    /// 信访
    Petition,
    /// 宗教信仰
    Religion,
    /// 患病
    Illness,
    /// 生育
    Births,
    /// 孩子的成绩
    Marks,
}

impl Ground {
    fn code(self) -> &'static str {
        match self {
            Self::Online => "online_time",
            Self::Petition => "petition",
            Self::Religion => "religion",
            Self::Illness => "illness",
            Self::Births => "births",
            Self::Marks => "marks",
        }
    }

    /// For people, in Chinese and English.
    fn why(self) -> &'static str {
        match self {
            Self::Online => {
                "不得因登录、打卡、在线时长计分 (no points for logging in, punching in or time online)"
            }
            Self::Petition => {
                "不得因信访计分或扣分 (petitioning is a right, neither paid nor fined)"
            }
            Self::Religion => "不得因宗教信仰计分或扣分 (belief is private)",
            Self::Illness => "不得因患病情况计分或扣分 (health is private)",
            Self::Births => "不得因生育情况计分或扣分 (births are private)",
            Self::Marks => "不得因孩子的成绩、升学计分 (no points for children's marks)",
        }
    }
}

/// What a text may not speak of: the word that was found, and why.
pub fn forbidden(text: &str) -> Option<(&'static str, Ground)> {
    let plain: String = text.nfkc().flat_map(char::to_lowercase).map(simplified).collect();
    let seen: String = plain.chars().filter(|c| !is_invisible(*c)).collect();
    let dense: String = seen.chars().filter(|c| c.is_alphanumeric()).collect();
    chinese(&dense).or_else(|| english(&seen))
}

fn simplified(c: char) -> char {
    TRADITIONAL.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to)
}

/// Joins nothing and shows nothing, but would tear a word apart.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e01ef}')
}

fn chinese(dense: &str) -> Option<(&'static str, Ground)> {
    let harmful = |(word, harmless, _): &&Word| {
        dense.match_indices(word).any(|(at, _)| {
            let rest = dense.get(at + word.len()..).unwrap_or_default();
            !harmless.iter().any(|follows| rest.starts_with(follows))
        })
    };
    CHINESE.iter().find(harmful).map(|(word, _, ground)| (*word, *ground))
}

fn english(text: &str) -> Option<(&'static str, Ground)> {
    let (words, spelled) = words(text);
    let harmful = |(phrase, harmless, _): &&Word| {
        let parts: Vec<_> = phrase.split(' ').collect();
        let spaced_out = parts.len() == 1 && spelled.contains(phrase);
        let spoken = words.windows(parts.len()).enumerate().any(|(at, window)| {
            let last = parts.len() - 1;
            let fits = |(nth, (word, part)): (usize, (&&str, &&str))| {
                // Only the last may go on, and only if it is no mere `in`.
                if nth < last || part.len() < 4 { word == part } else { word.starts_with(part) }
            };
            let tail = window.last().zip(parts.last());
            let tail = tail.and_then(|(word, part)| word.strip_prefix(part)).unwrap_or_default();
            let next = words.get(at + parts.len()).copied().unwrap_or_default();
            let follows = if tail.is_empty() { next } else { tail };
            window.iter().zip(&parts).enumerate().all(fits)
                && !harmless.iter().any(|it| follows.starts_with(it))
        });
        spaced_out || spoken
    };
    ENGLISH.iter().find(harmful).map(|(phrase, _, ground)| (*phrase, *ground))
}

/// Runs of Latin letters, and what the single letters among them spell when they follow one another.
fn words(text: &str) -> (Vec<&str>, String) {
    let runs = text.split(|c: char| !c.is_ascii_alphabetic());
    let words: Vec<_> = runs.filter(|run| !run.is_empty()).collect();
    let spelled = words.iter().map(|word| if word.len() == 1 { *word } else { " " }).collect();
    (words, spelled)
}

/// Each text of an item that speaks of what is forbidden; `at` is the item's JSON pointer.
pub fn of_texts<'a>(
    at: &str,
    texts: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<FieldError> {
    let found = |(field, text): (&str, &str)| {
        let (word, ground) = forbidden(text)?;
        Some(FieldError {
            pointer: format!("{at}/{field}"),
            code: ground.code().to_owned(),
            detail: format!("“{word}”: {}", ground.why()),
        })
    };
    texts.into_iter().filter_map(found).collect()
}

/// The items of the built-in catalogue.
pub fn known() -> Vec<Item> {
    builtin().map(|catalogue| catalogue.items).unwrap_or_default()
}

/// The items of a framework that are forbidden. What the built-in catalogue says word for word is known:
/// such an item is taken as it is, but what is off there stays off until a village switches it on.
pub fn of_items(items: &[Item]) -> Vec<FieldError> {
    let known = known();
    let mut found = Vec::new();
    for (nth, item) in items.iter().enumerate() {
        let at = format!("/catalogue/items/{nth}");
        let mut errors = of_texts(&at, words_of(item));
        let same = known.iter().find(|known| words_of(known) == words_of(item));
        if let Some(known) = same {
            let off = item.default_enabled && !known.default_enabled;
            errors.truncate(usize::from(off));
            for error in &mut errors {
                error.pointer = format!("{at}/default_enabled");
            }
        }
        found.extend(errors);
    }
    found
}

/// What a stored item says that is forbidden, told at `pointer`; what the built-in catalogue says word for
/// word is known.
pub fn of_row(pointer: &str, row: &entity::rule::Model, known: &[Item]) -> Vec<FieldError> {
    let same = |it: &Item| {
        (&it.key, &it.name_zh, &it.name_en, &it.unit, &it.note)
            == (&row.key, &row.name_zh, &row.name_en, &row.unit, &row.note)
    };
    if known.iter().any(same) {
        return Vec::new();
    }
    let texts = [&row.key, &row.name_zh, &row.name_en, &row.unit];
    let texts = texts.into_iter().chain(&row.note).map(|text| ("", text.as_str()));
    let mut found = of_texts(pointer, texts);
    for error in &mut found {
        error.pointer = pointer.to_owned();
    }
    found
}

fn words_of(item: &Item) -> Vec<(&str, &str)> {
    let Item { key, name_zh, name_en, unit, note, evidence, .. } = item;
    let texts = [("key", key), ("name_zh", name_zh), ("name_en", name_en), ("unit", unit)];
    let texts = texts.into_iter().map(|(field, text)| (field, text.as_str()));
    let note = note.iter().map(|note| ("note", note.as_str()));
    let evidence = evidence.iter().map(|kind| ("evidence", kind.as_str()));
    texts.chain(note).chain(evidence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_ground_is_found_in_chinese_and_english() {
        for (text, ground) in [
            ("每日登录小程序", Ground::Online),
            ("坚持打卡", Ground::Online),
            ("线上会议签到", Ground::Online),
            ("学习强国积分", Ground::Online),
            ("Daily login", Ground::Online),
            ("pat.daily_check_in", Ground::Online),
            ("Minutes of screen time", Ground::Online),
            ("越级上访", Ground::Petition),
            ("赴京信访扣分", Ground::Petition),
            ("Petitions the county", Ground::Petition),
            ("参加宗教活动", Ground::Religion),
            ("去教堂", Ground::Religion),
            ("Goes to church", Ground::Religion),
            ("家有艾滋病人", Ground::Illness),
            ("Has an infectious disease", Ground::Illness),
            ("符合政策生育二孩", Ground::Births),
            ("Gives birth to a second child", Ground::Births),
            ("子女期末成绩优秀", Ground::Marks),
            ("考上大学", Ground::Marks),
            ("Good exam results", Ground::Marks),
        ] {
            assert_eq!(forbidden(text).map(|(_, ground)| ground), Some(ground), "{text}");
        }
    }

    #[test]
    fn tricks_do_not_pass() {
        for text in [
            "登 录",
            "登\u{200b}录",
            "登·录",
            "登-录",
            "登\u{fe0f}錄",
            "登錄",
            "上、访",
            "Ｌｏｇｉｎ",
            "L O G I N",
            "l-o-g-i-n",
            "LOG  IN",
            "lo\u{200d}gin",
            "a l o g i n",
            "信訪",
        ] {
            assert!(forbidden(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_allowed() {
        for text in [
            "签到表",
            "sign_in_sheet",
            "线上访谈",
            "网上访问群众",
            "参加义务劳动",
            "登记录入",
            "Courtyard passes the weekly check inside the dialog",
            "Birthday of the village",
            "会议中考虑建议",
            "",
        ] {
            assert_eq!(forbidden(text), None, "{text}");
        }
    }

    #[test]
    fn the_built_in_catalogue_passes_and_what_is_off_stays_off() {
        let mut items = builtin().expect("the catalogue").items;
        assert_eq!(of_items(&items), []);
        let study = items.iter().position(|item| item.key == "pat.online_study").expect("it");
        items[study].default_enabled = true;
        let found = of_items(&items);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].pointer, format!("/catalogue/items/{study}/default_enabled"));
        items[study].default_enabled = false;
        items[study].name_zh = "登录学习".to_owned();
        let pointers: Vec<_> = of_items(&items).into_iter().map(|it| it.pointer).collect();
        let at = |field: &str| format!("/catalogue/items/{study}/{field}");
        assert_eq!(pointers, [at("name_zh"), at("note")]);
    }

    proptest! {
        /// No sign or blank between the characters of a word hides it, whatever stands around it.
        #[test]
        fn signs_between_characters_hide_nothing(
            word in prop::sample::select(vec!["登录", "信访", "宗教", "艾滋", "生育", "升学"]),
            sign in prop::sample::select(vec![" ", "\u{3000}", "\u{200b}", "·", "*", "_", "．"]),
            before in "[a-z0-9 ]{0,8}",
        ) {
            let torn: Vec<_> = word.chars().map(String::from).collect();
            let text = format!("{before}{}{before}", torn.join(sign));
            prop_assert!(forbidden(&text).is_some());
        }

        #[test]
        fn any_text_is_judged(text in ".{0,80}") {
            let _ = forbidden(&text);
        }
    }
}
