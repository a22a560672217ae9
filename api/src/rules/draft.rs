//! The form in which a village writes its rules: what differs from the framework.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::catalogue::{CatalogueCaps, Category};
use super::{Cap, CountedPer, Direction, Source};

/// A village's rules, as they differ from the framework that they stand on.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleSetDraft)]
pub struct Draft {
    /// The version's name, unique in the village.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "大罗村 2024-Q4")]
    pub version: String,
    /// Caps over all items, none looser than the framework's; without them, those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schema(nullable = false)]
    pub global_caps: Option<CatalogueCaps>,
    /// What becomes of items of the framework; the others stay as they are.
    #[serde(default)]
    #[validate(nested, length(max = 500))]
    #[schema(max_items = 500)]
    pub changes: Vec<ItemChange>,
    /// Items of the village's own, inside a category of the framework.
    #[serde(default)]
    #[validate(nested, length(max = 100))]
    #[schema(max_items = 100)]
    pub new_items: Vec<NewItem>,
    /// The villagers' suggestions that it answers; they are adopted with it.
    #[serde(default)]
    #[validate(length(max = 100))]
    #[schema(max_items = 100)]
    pub suggestions: Vec<Uuid>,
}

/// What a village changes of an item of the framework.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemChange {
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "pub.donate")]
    pub key: String,
    /// The usual points, inside the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = -1000, max = 1000))]
    #[schema(nullable = false, minimum = -1000, maximum = 1000, example = 6)]
    pub default_points: Option<i64>,
    /// A narrower range: no lower than the framework's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = -1000, max = 1000))]
    #[schema(nullable = false, minimum = -1000, maximum = 1000, example = 2)]
    pub points_min: Option<i64>,
    /// A narrower range: no higher than the framework's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = -1000, max = 1000))]
    #[schema(nullable = false, minimum = -1000, maximum = 1000, example = 8)]
    pub points_max: Option<i64>,
    /// A tighter cap: no more often and no more points, in the same period or a longer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schema(nullable = false)]
    pub cap: Option<Cap>,
    /// Switches the item on or off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = true)]
    pub enabled: Option<bool>,
    /// Kinds of evidence beside those that the framework asks for.
    #[serde(default)]
    #[validate(length(max = 10))]
    #[schema(max_items = 10)]
    pub evidence_added: Vec<String>,
}

/// An item of the village's own. Who reviews it follows from its source; a deduction always has a
/// warning, a hearing and the committee's vote.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRule)]
pub struct NewItem {
    /// Small letters, digits, `_` and `.`; none that the framework has.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "pub.water_patrol")]
    pub key: String,
    pub category: Category,
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "参加河道巡护")]
    pub name_zh: String,
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "Patrols the river")]
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
    #[validate(length(min = 1, max = 10))]
    #[schema(min_items = 1, max_items = 10)]
    pub evidence: Vec<String>,
    #[validate(nested)]
    pub cap: Cap,
    /// Not `import`: lists from outside are the framework's.
    pub source: Source,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 366))]
    #[schema(nullable = false, minimum = 1, maximum = 366, example = 30)]
    pub claim_within_days: Option<i64>,
    /// What makes two claims the same deed, joined by `+`, of `household`, `rule`, `occurred_on`,
    /// `member`, `event`, `ticket`, `certificate_no`; by default household, rule and day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 80))]
    #[schema(nullable = false, min_length = 1, max_length = 80, example = "event+member")]
    pub dedupe: Option<String>,
    /// Days in which a deduction can be put right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 366))]
    #[schema(nullable = false, minimum = 1, maximum = 366, example = 15)]
    pub remediation_days: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 500))]
    #[schema(nullable = false, max_length = 500, example = "每次1小时以上")]
    pub note: Option<String>,
}
