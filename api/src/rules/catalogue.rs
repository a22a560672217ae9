//! The form in which rules are written: the catalogue file and the body of a new rule set are one.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use validator::Validate;

use super::{Cap, CountedPer, Direction, Source};

/// A framework's rules: categories, review chains, caps and items.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The version's name, unique in the region.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "2025.1")]
    pub version: String,
    pub review_chains: Chains,
    #[validate(nested)]
    pub global_caps: CatalogueCaps,
    #[validate(nested, length(min = 1, max = 500))]
    #[schema(min_items = 1, max_items = 500)]
    pub items: Vec<Item>,
}

/// Caps over all items of a household.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogueCaps {
    #[validate(range(min = 1, max = 100_000))]
    #[schema(minimum = 1, maximum = 100_000, example = 60)]
    pub household_month_bonus_max: i64,
    #[validate(range(min = -100_000, max = -1))]
    #[schema(minimum = -100_000, maximum = -1, example = -40)]
    pub household_month_deduction_max: i64,
    #[validate(range(min = 1, max = 100_000))]
    #[schema(minimum = 1, maximum = 100_000, example = 100)]
    pub single_entry_abs_max: i64,
}

/// The named review chains that items refer to.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Chains {
    pub std: Vec<Step>,
    pub grid: Vec<Step>,
    pub committee: Vec<Step>,
    pub deduct: Vec<Step>,
    pub township: Vec<Step>,
    pub auto: Vec<Step>,
}

impl Chains {
    /// The chain of this name, or nothing.
    pub fn get(&self, name: ChainName) -> &[Step] {
        match name {
            ChainName::Std => &self.std,
            ChainName::Grid => &self.grid,
            ChainName::Committee => &self.committee,
            ChainName::Deduct => &self.deduct,
            ChainName::Township => &self.township,
            ChainName::Auto => &self.auto,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChainName {
    Std,
    Grid,
    Committee,
    Deduct,
    Township,
    Auto,
}

/// One step of a review chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReviewStep)]
pub struct Step {
    /// `precheck`, `panel`, `approval`, `vote`, `hearing` or `sample`.
    #[schema(example = "precheck")]
    pub step: String,
    pub role: StepRole,
    /// `grid`, `household`, `village` or `township`.
    #[schema(example = "grid")]
    pub scope: String,
    pub approvals: Approvals,
}

/// Who acts at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepRole {
    GridWorker,
    Panel,
    Committee,
    Township,
    HouseholdHead,
}

/// How many different persons must approve: a number, or `majority`, more than half of the committee
/// and three at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approvals {
    Number(i64),
    Majority,
}

impl Approvals {
    /// How many of `members` must approve.
    pub fn needed(self, members: i64) -> i64 {
        match self {
            Self::Number(number) => number,
            Self::Majority => (members / 2 + 1).max(3),
        }
    }
}

impl fmt::Display for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Majority => f.write_str("majority"),
        }
    }
}

impl Serialize for Approvals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Approvals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "majority" {
            return Ok(Self::Majority);
        }
        let number = text.parse().ok().filter(|number| (0..=50).contains(number));
        number.map(Self::Number).ok_or_else(|| serde::de::Error::custom("0 to 50, or majority"))
    }
}

impl PartialSchema for Approvals {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.pattern(Some(r"^(\d{1,2}|majority)$")).examples(["1"]).into()
    }
}

impl ToSchema for Approvals {}

/// One item (条目) of a catalogue.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CatalogueItem)]
pub struct Item {
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "pub.volunteer")]
    pub key: String,
    pub category: Category,
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "参加志愿服务")]
    pub name_zh: String,
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "Volunteering")]
    pub name_en: String,
    pub direction: Direction,
    #[validate(range(min = -1000, max = 1000))]
    #[schema(minimum = -1000, maximum = 1000, example = 2)]
    pub points_min: i64,
    #[validate(range(min = -1000, max = 1000))]
    #[schema(minimum = -1000, maximum = 1000, example = 2)]
    pub points_max: i64,
    #[validate(range(min = -1000, max = 1000))]
    #[schema(minimum = -1000, maximum = 1000, example = 2)]
    pub default_points: i64,
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "per_person_time")]
    pub unit: String,
    pub counted_per: CountedPer,
    /// Kinds of evidence, e.g. `photo`.
    #[validate(length(max = 10))]
    #[schema(max_items = 10)]
    pub evidence: Vec<String>,
    #[validate(nested)]
    pub cap: Cap,
    pub source: Source,
    pub review_chain: ChainName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 30)]
    pub claim_within_days: Option<i64>,
    /// What makes two claims the same deed, joined by `+`.
    #[validate(length(min = 1, max = 80))]
    #[schema(min_length = 1, max_length = 80, example = "event+member")]
    pub dedupe: String,
    /// Not approved before the head was told and could reply.
    pub requires_hearing: bool,
    /// A first time is only warned of.
    pub warn_first: bool,
    /// Days in which a deduction can be put right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 366))]
    #[schema(nullable = false, minimum = 1, maximum = 366, example = 15)]
    pub remediation_days: Option<i64>,
    /// What was put right in time is given back.
    pub refund_on_remediation: bool,
    /// What a household is excluded from, e.g. `honour_and_rank_award_year`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 60))]
    #[schema(nullable = false, max_length = 60, example = "honour_and_rank_award_year")]
    pub veto: Option<String>,
    pub default_enabled: bool,
    /// For the village's eyes: concerns a person's family or duties.
    #[serde(default)]
    pub sensitive: bool,
    /// Points for each, by the level that granted it.
    #[serde(default)]
    #[validate(nested, length(max = 10))]
    #[schema(max_items = 10)]
    pub level_points: Vec<LevelPoints>,
    /// Where the item comes from: `report`, `public`, `common` or `ours`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 40))]
    #[schema(nullable = false, max_length = 40, example = "report")]
    pub basis: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 500))]
    #[schema(nullable = false, max_length = 500, example = "封顶防止以钱换分")]
    pub note: Option<String>,
    /// Whether the public list names the item; deductions appear only in the household's total.
    pub publicly_itemised: bool,
}

/// Points for one level, e.g. an honour of the county.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelPoints {
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "county")]
    pub level: String,
    #[validate(range(min = -1000, max = 1000))]
    #[schema(minimum = -1000, maximum = 1000, example = 15)]
    pub points: i64,
}

/// The eight categories (8大类).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// 人居环境整治
    LivingEnvironment,
    /// 家庭美德
    FamilyVirtue,
    /// 爱国爱党
    Patriotism,
    /// 遵纪守法
    LawAbiding,
    /// 公益美德
    PublicWelfare,
    /// 兴业致富
    Enterprise,
    /// 乡村建设
    RuralConstruction,
    /// 平安建设与议事参与
    SafetyDeliberation,
}

impl Category {
    /// In the order of the reports.
    pub const ALL: [Self; 8] = [
        Self::LivingEnvironment,
        Self::FamilyVirtue,
        Self::Patriotism,
        Self::LawAbiding,
        Self::PublicWelfare,
        Self::Enterprise,
        Self::RuralConstruction,
        Self::SafetyDeliberation,
    ];

    /// The word in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LivingEnvironment => "living_environment",
            Self::FamilyVirtue => "family_virtue",
            Self::Patriotism => "patriotism",
            Self::LawAbiding => "law_abiding",
            Self::PublicWelfare => "public_welfare",
            Self::Enterprise => "enterprise",
            Self::RuralConstruction => "rural_construction",
            Self::SafetyDeliberation => "safety_deliberation",
        }
    }

    /// The word in SQL and JSON.
    pub fn word(self) -> String {
        self.as_str().to_owned()
    }
}

/// The catalogue that comes with Jifen: 8 categories, 66 items.
pub fn builtin() -> Result<Catalogue, serde_json::Error> {
    serde_json::from_str(include_str!("../../data/rule_catalogue.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalogue_has_66_valid_items_in_8_categories() {
        let catalogue = builtin().expect("the file is valid");
        assert_eq!(catalogue.items.len(), 66);
        assert!(catalogue.validate().is_ok());
        let categories: std::collections::BTreeSet<_> =
            catalogue.items.iter().map(|item| item.category).collect();
        assert_eq!(categories.len(), 8);
    }

    #[test]
    fn a_majority_is_more_than_half_and_three_at_least() {
        assert_eq!(Approvals::Majority.needed(2), 3);
        assert_eq!(Approvals::Majority.needed(5), 3);
        assert_eq!(Approvals::Majority.needed(6), 4);
        assert_eq!(Approvals::Number(1).needed(9), 1);
    }
}
