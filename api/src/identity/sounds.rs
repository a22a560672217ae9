//! How names sound, so that people are found by the initials of their names.

use std::collections::{BTreeSet, VecDeque};

use pinyin::ToPinyinMulti;
use unicode_normalization::UnicodeNormalization;

/// At most this many ways to read a name, in at most this many bytes.
const READINGS: usize = 8;
const READINGS_BYTES: usize = 400;

/// Surnames that are read otherwise than the character usually is.
const SURNAMES: &[(&str, &[&str])] = &[
    ("万俟", &["mo", "qi"]),
    ("尉迟", &["yu", "chi"]),
    ("长孙", &["zhang", "sun"]),
    ("澹台", &["tan", "tai"]),
    ("单", &["shan"]),
    ("曾", &["zeng"]),
    ("解", &["xie"]),
    ("仇", &["qiu"]),
    ("查", &["zha"]),
    ("区", &["ou"]),
    ("覃", &["qin"]),
    ("朴", &["piao"]),
    ("任", &["ren"]),
    ("盖", &["ge"]),
    ("乐", &["yue"]),
    ("翟", &["zhai"]),
    ("种", &["chong"]),
    ("缪", &["miao"]),
    ("员", &["yun"]),
    ("召", &["shao"]),
    ("折", &["she"]),
    ("祭", &["zhai"]),
    ("繁", &["po"]),
    ("秘", &["bi"]),
    ("牟", &["mu"]),
    ("隗", &["wei"]),
    ("句", &["gou"]),
    ("谌", &["chen"]),
    ("藏", &["zang"]),
    ("黑", &["he"]),
    ("洗", &["xian"]),
    ("逄", &["pang"]),
    ("石", &["shi"]),
    ("沈", &["shen"]),
    ("贾", &["jia"]),
    ("车", &["che"]),
    ("褚", &["chu"]),
];

/// How a name sounds, for searching: for every sensible reading its initials and then all of it, each
/// between spaces, e.g. ` zsq zhangshouqin `. At most 8 readings and 400 bytes; empty if nothing in the
/// name has a sound.
pub fn initials(name: &str) -> String {
    let sounds = sounds(name);
    let mut text = String::from(" ");
    let mut known = BTreeSet::new();
    for reading in readings(&sounds) {
        let first = reading.iter().filter_map(|sound| sound.chars().next()).collect::<String>();
        for word in [first, reading.concat()] {
            if text.len() + word.len() < READINGS_BYTES && known.insert(word.clone()) {
                text += &word;
                text.push(' ');
            }
        }
    }
    if sounds.is_empty() { String::new() } else { text }
}

/// For each part of a name the ways to read it, the likeliest first. A run of letters is one part.
fn sounds(name: &str) -> Vec<Vec<String>> {
    let name: String = name.nfkc().flat_map(char::to_lowercase).collect();
    let name = name.trim();
    let mut sounds = Vec::<Vec<String>>::new();
    let mut in_word = false;
    for c in name.chars() {
        let han = c.to_pinyin_multi().map(|all| all.into_iter().map(|it| typed(it.plain())));
        match (han, sounds.last_mut().and_then(|last| last.first_mut())) {
            (Some(all), None) => sounds.push(distinct(all)),
            (Some(all), _) => sounds.push(of_other_initials(all)),
            (None, Some(word)) if in_word && c.is_alphanumeric() => word.push(c),
            (None, _) if c.is_alphabetic() && !is_han(c) => sounds.push(vec![c.to_string()]),
            _ => {}
        }
        in_word = c.is_alphanumeric() && c.to_pinyin_multi().is_none() && !is_han(c);
    }
    if let Some((_, read)) = SURNAMES.iter().find(|(surname, _)| name.starts_with(surname)) {
        for (ways, first) in sounds.iter_mut().zip(*read) {
            ways.insert(0, (*first).to_owned());
            *ways = distinct(std::mem::take(ways).into_iter());
        }
    }
    sounds
}

/// A sound as keyboards type it: 吕 is `lv`.
fn typed(sound: &str) -> String {
    sound.replace('ü', "v")
}

/// A rare character that the tables give no sound.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn distinct(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut known = BTreeSet::new();
    words.filter(|word| known.insert(word.clone())).collect()
}

/// The usual sound, and of the others those that begin otherwise: the rest is mostly of old books.
fn of_other_initials(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut known = BTreeSet::new();
    words.filter(|word| known.insert(word.chars().next())).collect()
}

/// The combinations of sounds, those with the fewest unlikely ones first.
fn readings(sounds: &[Vec<String>]) -> Vec<Vec<&str>> {
    let mut waiting = VecDeque::from([vec![0; sounds.len()]]);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(choice) = waiting.pop_front() {
        if !seen.insert(choice.clone()) {
            continue;
        }
        let ways = sounds.iter().zip(&choice).map(|(ways, at)| ways.get(*at).map(String::as_str));
        let all: Option<Vec<&str>> = ways.collect();
        let Some(reading) = all else { continue };
        found.push(reading);
        if found.len() == READINGS {
            break;
        }
        for at in 0..choice.len() {
            let mut other = choice.clone();
            other.iter_mut().skip(at).take(1).for_each(|way| *way += 1);
            waiting.push_back(other);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_found_by_how_they_sound() {
        for (name, words) in [
            ("张守勤", vec!["zsq", "zhangshouqin"]),
            ("单田芳", vec!["stf", "shantianfang", "dtf"]),
            ("曾国强", vec!["zgq", "zengguoqiang", "cgq"]),
            ("解小东", vec!["xxd", "xiexiaodong", "jxd"]),
            ("仇英", vec!["qy", "qiuying", "cy"]),
            ("查良镛", vec!["zly", "zhaliangyong", "cly"]),
            ("区桂香", vec!["ogx", "ouguixiang", "qgx"]),
            ("覃海", vec!["qh", "qinhai", "th"]),
            ("尉迟恭", vec!["ycg", "yuchigong"]),
            ("吕梁", vec!["ll", "lvliang"]),
            ("买买提·吐尔逊", vec!["mmttex", "maimaitituerxun"]),
            ("Anna 李", vec!["al", "annali"]),
            ("ＡＢ王", vec!["aw", "abwang"]),
        ] {
            let sound = initials(name);
            for word in words {
                assert!(sound.contains(&format!(" {word} ")), "{name}: {word} in {sound:?}");
            }
        }
        assert_eq!(initials("张守勤"), " zsq zhangshouqin ");
        assert_eq!(initials("👨‍👩‍👧 ·"), "");
    }

    proptest! {
        #[test]
        fn how_a_name_sounds_is_short_and_between_spaces(name in "[单曾张长乐·a-z 行重]{0,60}|.{0,60}") {
            let sound = initials(&name);
            prop_assert!(sound.len() <= READINGS_BYTES);
            prop_assert!(sound.is_empty() || (sound.starts_with(' ') && sound.ends_with(' ')));
            prop_assert!(sound.split_whitespace().count() <= 2 * READINGS);
        }
    }
}
