//! The demo county in figures: what the reports say of 梅西, 大蛋 and 苍城, and the deeds and prizes
//! that come to exactly that.

use crate::regions::{Mode, Policy};

/// A region of the demo and its name.
pub const REGIONS: &[(&str, &str)] = &[
    ("44", "广东省"),
    ("4407", "江门市"),
    ("440783", "开平市"),
    ("440783107", "苍城镇"),
    ("46", "海南省"),
    ("4602", "三亚市"),
    ("460205", "崖州区"),
    ("460205100", "崖州区直辖"),
];

/// Where rules are published: both counties bring the same catalogue.
pub const COUNTIES: &[&str] = &["440783", "460205"];

/// A village of the demo.
pub struct DemoVillage {
    pub code: &'static str,
    pub name: &'static str,
    pub households: usize,
    /// How many have used the app; the others agreed on paper.
    pub activated: usize,
    pub mode: Mode,
    /// Households with each plan of deeds, in order of number; the rest have none.
    pub plans: &'static [(usize, Plan)],
    /// Households that redeem, in order of number, and what.
    pub prizes: &'static [(usize, &'static [&'static str])],
}

/// What a household does in April and in May 2024.
#[derive(Clone, Copy)]
pub struct Plan {
    pub april: &'static [Deed],
    pub may: &'static [Deed],
}

/// A rule's key, how often, and points for each where the rule leaves a choice.
pub type Deed = (&'static str, i64, Option<i64>);

const DONATION: Deed = ("pub.donate", 1, Some(10));
const DONATIONS: Deed = ("pub.donate", 2, Some(10));
const TOILET: Deed = ("env.toilet_sewage", 1, None);
const FILIAL: Deed = ("fam.filial", 1, None);
const COURTYARD: Deed = ("env.courtyard_beautify", 2, None);
const LABOUR_TWICE: Deed = ("pub.voluntary_labour", 2, None);
const LABOUR_FOUR: Deed = ("pub.voluntary_labour", 4, None);
const TALK: Deed = ("pat.policy_talk", 1, None);
const CROWD_FUND: Deed = ("con.fund_raise", 2, Some(10));
const VOLUNTEER: Deed = ("pub.volunteer", 1, None);

/// 10 + 5 + 5 + 6 + 8.
const POINTS_34: Plan =
    Plan { april: &[DONATION, TOILET, FILIAL, COURTYARD], may: &[LABOUR_TWICE] };
const POINTS_35: Plan =
    Plan { april: &[DONATION, TOILET, FILIAL, COURTYARD], may: &[LABOUR_TWICE, TALK] };
/// 52 in April; in May 16.
const POINTS_68: Plan =
    Plan { april: &[DONATIONS, TOILET, FILIAL, COURTYARD, LABOUR_FOUR], may: &[LABOUR_FOUR] };
const POINTS_69: Plan =
    Plan { april: &[DONATIONS, TOILET, FILIAL, COURTYARD, LABOUR_FOUR], may: &[LABOUR_FOUR, TALK] };
/// 52 in April; in May 16 + 20 and 1 or 2.
const POINTS_89: Plan = Plan {
    april: &[DONATIONS, TOILET, FILIAL, COURTYARD, LABOUR_FOUR],
    may: &[LABOUR_FOUR, CROWD_FUND, TALK],
};
const POINTS_90: Plan = Plan {
    april: &[DONATIONS, TOILET, FILIAL, COURTYARD, LABOUR_FOUR],
    may: &[LABOUR_FOUR, CROWD_FUND, VOLUNTEER],
};

const RICE: &str = "goods.rice_10";
const TISSUE: &str = "goods.tissue";
const LIQUID: &str = "goods.laundry_liquid";
const SALT: &str = "goods.salt";

/// 苍城: in each of five villages 27 households with 69 points and 75 with 68, all with a sack of rice.
const CANGCHENG_PLANS: &[(usize, Plan)] = &[(27, POINTS_69), (75, POINTS_68)];
const CANGCHENG_22: &[(usize, &[&str])] = &[(22, &[RICE, TISSUE]), (80, &[RICE])];
const CANGCHENG_21: &[(usize, &[&str])] = &[(21, &[RICE, TISSUE]), (81, &[RICE])];

const fn cangcheng(
    code: &'static str,
    name: &'static str,
    prizes: &'static [(usize, &'static [&'static str])],
) -> DemoVillage {
    let (households, activated, mode) = (102, 80, Mode::Quarterly);
    DemoVillage { code, name, households, activated, mode, plans: CANGCHENG_PLANS, prizes }
}

pub const VILLAGES: &[DemoVillage] = &[
    DemoVillage {
        code: "460205100201",
        name: "梅西村",
        households: 202,
        activated: 202,
        mode: Mode::Quarterly,
        plans: &[(57, POINTS_35), (145, POINTS_34)],
        prizes: &[(110, &[LIQUID]), (2, &[SALT])],
    },
    DemoVillage {
        code: "460205100202",
        name: "大蛋村",
        households: 320,
        activated: 255,
        mode: Mode::AlwaysOpen,
        plans: &[(125, POINTS_90), (36, POINTS_89)],
        prizes: &[],
    },
    cangcheng("440783107201", "苍城村", CANGCHENG_22),
    cangcheng("440783107202", "联兴村", CANGCHENG_22),
    cangcheng("440783107203", "楼田村", CANGCHENG_22),
    cangcheng("440783107204", "下湾村", CANGCHENG_22),
    cangcheng("440783107205", "大罗村", CANGCHENG_21),
];

impl DemoVillage {
    pub fn policy(&self) -> Policy {
        Policy { mode: self.mode, ..Policy::default() }
    }

    /// Grids of at most 70 households.
    pub fn grids(&self) -> usize {
        self.households.div_ceil(70)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::builtin;

    fn points(plan: &Plan) -> i64 {
        let catalogue = builtin().expect("the catalogue");
        let of = |(key, count, each): &Deed| {
            let item = catalogue.items.iter().find(|item| item.key == *key).expect("an item");
            count * each.unwrap_or(item.default_points)
        };
        plan.april.iter().chain(plan.may).map(of).sum()
    }

    fn earned(code: &str) -> i64 {
        let villages = VILLAGES.iter().filter(|village| village.code.starts_with(code));
        let plans = villages.flat_map(|village| village.plans);
        plans.map(|(count, plan)| i64::try_from(*count).expect("a count") * points(plan)).sum()
    }

    #[test]
    fn the_plans_come_to_the_figures_of_the_reports() {
        assert_eq!(earned("460205100201"), 6925);
        assert_eq!(earned("460205100202"), 14454);
        assert_eq!(earned("440783107"), 34815);
    }
}
