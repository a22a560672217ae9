//! What no points may be given or taken for, wherever it is written: a pure function of an item's words.
//!
//! Sources: 中央网信委《关于防治“指尖上的形式主义”的若干意见》(December 2023) on logging in, punching in and
//! time online; 信访工作条例 (2022) on who petitions; 个人信息保护法 article 28 on religion, health and
//! children; 中共中央、国务院《关于优化生育政策促进人口长期均衡发展的决定》(2021), which ended what was tied to births.

use unicode_normalization::UnicodeNormalization;

use super::catalogue::{Item, builtin};
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

/// A word as it reads once blanks and signs are gone, and what may follow it without harm.
type Word = (&'static str, &'static [&'static str], Ground);

/// Chinese words, in simplified characters.
const CHINESE: &[Word] = &[
    ("登录", &[], Ground::Online),
    ("登陆小程序", &[], Ground::Online),
    ("打卡", &["地", "点位"], Ground::Online),
    // A sheet that people sign is evidence of having been there.
    ("签到", &["表", "簿", "册", "单"], Ground::Online),
    ("在线时长", &[], Ground::Online),
    ("线上时长", &[], Ground::Online),
    ("上网时长", &[], Ground::Online),
    ("使用时长", &[], Ground::Online),
    ("学习强国", &[], Ground::Online),
    ("活跃度", &[], Ground::Online),
    ("日活", &["动"], Ground::Online),
    ("转发点赞", &[], Ground::Online),
    ("关注公众号", &[], Ground::Online),
    ("下载app", &[], Ground::Online),
    ("信访", &[], Ground::Petition),
    // 网上访问、线上访谈 are no petitions.
    ("上访", &["问", "谈", "客"], Ground::Petition),
    ("越级访", &[], Ground::Petition),
    ("缠访", &[], Ground::Petition),
    ("闹访", &[], Ground::Petition),
    ("宗教", &[], Ground::Religion),
    ("信教", &[], Ground::Religion),
    ("教堂", &[], Ground::Religion),
    ("教会", &["老", "孩", "村", "群", "邻", "使", "学"], Ground::Religion),
    ("基督", &[], Ground::Religion),
    ("天主", &[], Ground::Religion),
    ("佛教", &[], Ground::Religion),
    ("道教", &["育"], Ground::Religion),
    ("伊斯兰", &[], Ground::Religion),
    ("清真寺", &[], Ground::Religion),
    ("礼拜", &["一", "二", "三", "四", "五", "六", "天", "日"], Ground::Religion),
    ("患病", &[], Ground::Illness),
    ("疾病", &[], Ground::Illness),
    ("病史", &[], Ground::Illness),
    ("艾滋", &[], Ground::Illness),
    ("精神病", &[], Ground::Illness),
    ("精神障碍", &[], Ground::Illness),
    ("戒毒", &[], Ground::Illness),
    ("吸毒", &[], Ground::Illness),
    ("传染病", &[], Ground::Illness),
    ("肝炎", &[], Ground::Illness),
    ("结核", &[], Ground::Illness),
    ("体检结果", &[], Ground::Illness),
    ("生育", &[], Ground::Births),
    ("二孩", &[], Ground::Births),
    ("二胎", &[], Ground::Births),
    ("三孩", &[], Ground::Births),
    ("三胎", &[], Ground::Births),
    ("超生", &[], Ground::Births),
    ("结扎", &[], Ground::Births),
    ("节育", &[], Ground::Births),
    ("上环", &[], Ground::Births),
    ("人工流产", &[], Ground::Births),
    ("成绩", &[], Ground::Marks),
    ("考试分", &[], Ground::Marks),
    ("考分", &[], Ground::Marks),
    ("升学", &[], Ground::Marks),
    ("高考", &[], Ground::Marks),
    ("中考", &["察", "虑", "核"], Ground::Marks),
    ("考上", &[], Ground::Marks),
    ("考取大学", &[], Ground::Marks),
    ("录取通知", &[], Ground::Marks),
    ("三好学生", &[], Ground::Marks),
];

/// English words, in lower case: each is the beginning of words that follow one another.
const ENGLISH: &[Word] = &[
    ("log in", &[], Ground::Online),
    ("logging in", &[], Ground::Online),
    ("logs in", &[], Ground::Online),
    ("login", &[], Ground::Online),
    ("sign in", &["sheet", "list", "book"], Ground::Online),
    ("signin", &["sheet", "list", "book"], Ground::Online),
    ("check in", &[], Ground::Online),
    ("checkin", &[], Ground::Online),
    ("punch in", &[], Ground::Online),
    ("punching in", &[], Ground::Online),
    ("clock in", &[], Ground::Online),
    ("clocking in", &[], Ground::Online),
    ("time online", &[], Ground::Online),
    ("online time", &[], Ground::Online),
    ("online minute", &[], Ground::Online),
    ("online hour", &[], Ground::Online),
    ("screen time", &[], Ground::Online),
    ("daily active", &[], Ground::Online),
    ("xuexi qiangguo", &[], Ground::Online),
    ("petition", &[], Ground::Petition),
    ("xinfang", &[], Ground::Petition),
    ("shangfang", &[], Ground::Petition),
    ("religio", &[], Ground::Religion),
    ("church", &[], Ground::Religion),
    ("mosque", &[], Ground::Religion),
    ("christian", &[], Ground::Religion),
    ("buddhis", &[], Ground::Religion),
    ("muslim", &[], Ground::Religion),
    ("islam", &[], Ground::Religion),
    ("illness", &[], Ground::Illness),
    ("disease", &[], Ground::Illness),
    ("hiv", &[], Ground::Illness),
    ("aids", &[], Ground::Illness),
    ("mentally ill", &[], Ground::Illness),
    ("drug rehab", &[], Ground::Illness),
    ("drug addict", &[], Ground::Illness),
    ("birth", &["day"], Ground::Births),
    ("childbearing", &[], Ground::Births),
    ("second child", &[], Ground::Births),
    ("third child", &[], Ground::Births),
    ("sterilis", &[], Ground::Births),
    ("steriliz", &[], Ground::Births),
    ("family planning", &[], Ground::Births),
    ("exam score", &[], Ground::Marks),
    ("exam result", &[], Ground::Marks),
    ("exam mark", &[], Ground::Marks),
    ("school mark", &[], Ground::Marks),
    ("school grade", &[], Ground::Marks),
    ("school result", &[], Ground::Marks),
    ("gaokao", &[], Ground::Marks),
    ("zhongkao", &[], Ground::Marks),
    ("college admission", &[], Ground::Marks),
    ("university admission", &[], Ground::Marks),
];

/// Traditional characters of the words above.
const TRADITIONAL: &[(char, char)] = &[
    ('錄', '录'),
    ('陸', '陆'),
    ('簽', '签'),
    ('線', '线'),
    ('時', '时'),
    ('長', '长'),
    ('網', '网'),
    ('學', '学'),
    ('習', '习'),
    ('強', '强'),
    ('國', '国'),
    ('訪', '访'),
    ('級', '级'),
    ('纏', '缠'),
    ('鬧', '闹'),
    ('會', '会'),
    ('蘭', '兰'),
    ('禮', '礼'),
    ('傳', '传'),
    ('紮', '扎'),
    ('節', '节'),
    ('環', '环'),
    ('績', '绩'),
    ('試', '试'),
    ('結', '结'),
    ('關', '关'),
    ('眾', '众'),
    ('號', '号'),
    ('轉', '转'),
    ('發', '发'),
    ('點', '点'),
    ('贊', '赞'),
];

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
