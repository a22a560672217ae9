//! The people of the demo county and their ids, the same whenever it is loaded.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::county::DemoVillage;
use crate::households::{Consent, NewHousehold, NewMember};
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};

pub fn region(code: &str) -> Outcome<RegionCode> {
    code.parse().map_err(|_| Problem::fault(format!("region {code}")))
}

pub fn village(demo: &DemoVillage) -> Outcome<Village> {
    demo.code.parse().map_err(|_| Problem::fault(format!("village {}", demo.code)))
}

/// An id that is the same whenever the demo is loaded.
pub fn id(what: &str) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(format!("demo {what}"))[..16]);
    Uuid::new_v8(bytes)
}

pub fn household_id(demo: &DemoVillage, number: usize) -> Uuid {
    id(&format!("household {} {number}", demo.code))
}

pub fn head_id(demo: &DemoVillage, number: usize) -> Uuid {
    id(&format!("head {} {number}", demo.code))
}

pub fn official_id(office: &str, code: &str) -> Uuid {
    id(&format!("{office} {code}"))
}

pub fn grid_code(demo: &DemoVillage, number: usize) -> Outcome<RegionCode> {
    let grids = demo.grids();
    region(&format!("{}{:03}", demo.code, (number - 1) * grids / demo.households + 1))
}

/// Names for many people.
pub struct Names {
    surnames: [&'static str; 20],
    given: [&'static str; 23],
}

pub const NAMES: Names = Names {
    surnames: [
        "王", "李", "陈", "林", "黄", "吴", "符", "黎", "周", "郑", "谭", "梁", "麦", "吉", "邢",
        "韩", "苏", "羊", "董", "张",
    ],
    given: [
        "建国", "秀英", "志强", "玉兰", "海波", "美玲", "国华", "春梅", "文龙", "丽珍", "家兴",
        "桂花", "永福", "小燕", "大海", "金凤", "明辉", "阿香", "德胜", "雪芳", "振华", "月娥",
        "阳",
    ],
};

impl Names {
    pub fn given(&self, number: usize) -> &'static str {
        self.given.get(number % self.given.len()).copied().unwrap_or_default()
    }

    fn full(&self, number: usize) -> String {
        let surname = self.surnames.get(number % self.surnames.len()).copied();
        format!("{}{}", surname.unwrap_or_default(), self.given(number))
    }
}

pub fn head_name(demo: &DemoVillage, number: usize) -> String {
    match (demo.code, number) {
        ("460205100201", 121) => "张守勤".to_owned(),
        ("460205100201", 122) => "李桂香".to_owned(),
        _ => NAMES.full(number),
    }
}

pub fn household(demo: &DemoVillage, number: usize) -> Outcome<NewHousehold> {
    let head = NewMember {
        person: head_id(demo, number),
        name: head_name(demo, number),
        is_head: true,
        ..NewMember::default()
    };
    let spouse = NewMember {
        person: id(&format!("spouse {} {number}", demo.code)),
        name: NAMES.full(number * 7 + 3),
        ..NewMember::default()
    };
    let consent = if number <= demo.activated { Consent::Account } else { Consent::Paper };
    Ok(NewHousehold {
        id: household_id(demo, number),
        number: i64::try_from(number).unwrap_or(i64::MAX),
        grid: grid_code(demo, number)?,
        consent: Some(consent),
        members: vec![head, spouse],
    })
}
