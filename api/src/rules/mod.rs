//! Rule sets (积分细则): what a village may reward, in which versions, and which one was in force on
//! the day of a deed.

mod adopt;
mod catalogue;
mod check;
mod consult;
mod create;
mod difference;
mod draft;
mod fit;
mod forbidden;
mod forbidden_words;
mod import;
mod list;
mod publish;
mod revise;
mod rows;
mod show;
mod store;
mod succession;
mod vote;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

pub use catalogue::{Approvals, Catalogue, Category, LevelPoints, Step, StepRole, builtin};
pub use import::import;

use crate::app::App;
use crate::kernel::db::{self, Column, Given};
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::kernel::routes::Routes;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(list::list_rules)
        .service(show::list_rule_sets)
        .service(create::create_rule_set)
        .service(show::show_rule_set)
        .service(revise::put_rule_set)
        .service(difference::compare_rule_sets)
        .service(consult::consult_rule_set)
        .service(adopt::adopt_rule_set)
        .service(publish::publish_rule_set)
        .service(revise::withdraw_rule_set);
}

/// 加分项 or 扣分项.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Bonus,
    Deduction,
}

/// The span in which a cap counts, by the day of the deed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CapPeriod {
    Event,
    Month,
    Quarter,
    HalfYear,
    Year,
    LifetimeMember,
}

/// At most so often and so many points in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    pub period: CapPeriod,
    #[validate(range(min = 1, max = 10_000))]
    #[schema(minimum = 1, maximum = 10_000, example = 4)]
    pub max_times: i64,
    /// Negative for a deduction.
    #[validate(range(min = -100_000, max = 100_000))]
    #[schema(minimum = -100_000, maximum = 100_000, example = 8)]
    pub max_points: i64,
}

/// Whose deeds a cap counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CountedPer {
    Household,
    Member,
}

/// How claims for a rule begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A household, or somebody for it.
    Claim,
    /// A grid worker's round.
    Inspection,
    /// The committee's own decision.
    Committee,
    /// A list from outside.
    Import,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Inspection => "inspection",
            Self::Committee => "committee",
            Self::Import => "import",
        }
    }
}

/// A rule as it stands in its set.
#[derive(Clone, Debug)]
pub struct Rule {
    pub rule_set: Uuid,
    pub key: String,
    pub category: String,
    pub name_zh: String,
    pub name_en: String,
    pub direction: Direction,
    pub points_min: i64,
    pub points_max: i64,
    pub default_points: i64,
    pub unit: String,
    pub counted_per: CountedPer,
    pub evidence: Vec<String>,
    pub cap: Cap,
    pub source: Source,
    pub chain: Vec<Step>,
    pub claim_within_days: Option<i64>,
    pub dedupe: String,
    pub requires_hearing: bool,
    pub warn_first: bool,
    pub remediation_days: Option<i64>,
    pub refund_on_remediation: bool,
    pub level_points: Vec<LevelPoints>,
    pub note: Option<String>,
    pub publicly_itemised: bool,
    pub enabled: bool,
}

impl TryFrom<entity::rule::Model> for Rule {
    type Error = Problem;

    fn try_from(row: entity::rule::Model) -> Outcome<Self> {
        let odd = |error: serde_json::Error| Problem::fault(format!("rule {}: {error}", row.key));
        Ok(Self {
            rule_set: row.rule_set,
            direction: word(&row.direction).map_err(odd)?,
            counted_per: word(&row.counted_per).map_err(odd)?,
            source: word(&row.source).map_err(odd)?,
            evidence: serde_json::from_str(&row.evidence).map_err(odd)?,
            chain: serde_json::from_str(&row.chain).map_err(odd)?,
            level_points: serde_json::from_str(&row.level_points).map_err(odd)?,
            cap: Cap {
                period: word(&row.cap_period).map_err(odd)?,
                max_times: row.cap_times,
                max_points: row.cap_points,
            },
            key: row.key,
            category: row.category,
            name_zh: row.name_zh,
            name_en: row.name_en,
            points_min: row.points_min,
            points_max: row.points_max,
            default_points: row.default_points,
            unit: row.unit,
            claim_within_days: row.claim_within_days,
            dedupe: row.dedupe,
            requires_hearing: row.requires_hearing,
            warn_first: row.warn_first,
            remediation_days: row.remediation_days,
            refund_on_remediation: row.refund_on_remediation,
            note: row.note,
            publicly_itemised: row.publicly_itemised,
            enabled: row.enabled,
        })
    }
}

/// Reads an enum from the word it has in SQL and JSON alike.
fn word<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
}

/// The word an enum has in SQL and JSON alike.
fn text_of(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// What holds for a household over all rules of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalCaps {
    /// Bonus points a natural month of deeds can bring.
    pub month_bonus_max: i64,
    /// Points that a natural month of deeds can cost, as a positive number.
    pub month_deduction_max: i64,
    /// A single line's points, either way.
    pub entry_max: i64,
}

impl GlobalCaps {
    /// What a natural month of deeds can bring, or cost, as a positive number.
    pub fn month_max(&self, deduction: bool) -> i64 {
        if deduction { self.month_deduction_max } else { self.month_bonus_max }
    }
}

/// The set in force in a village on a day: its own if it has one, else the nearest region's above.
///
/// # Errors
/// `rule_not_in_force` if no set was.
pub async fn set_in_force(
    on: &impl ConnectionTrait,
    village: &Village,
    day: NaiveDate,
) -> Outcome<Uuid> {
    let found = set_at(on, &village.region(), day).await?;
    Ok(found.ok_or(Code::RuleNotInForce)?.0)
}

/// The sets in force in villages on days, where one was: as [`set_in_force`], in one statement.
pub async fn sets_in_force(
    on: &impl ConnectionTrait,
    wanted: &BTreeSet<(&Village, NaiveDate)>,
) -> Outcome<BTreeMap<(String, NaiveDate), Uuid>> {
    #[derive(FromQueryResult)]
    struct Row {
        village: String,
        day: String,
        id: Option<Uuid>,
    }
    let columns = [
        Column::Text("village", wanted.iter().map(|(village, _)| village.to_string()).collect()),
        Column::Text("day", wanted.iter().map(|(_, day)| day.to_string()).collect()),
    ];
    let Given { table, values } = db::given(on, 1, "given", &columns);
    let sql = format!(
        "SELECT given.village, given.day, (SELECT s.id FROM rule_sets s WHERE s.region IN \
           (given.village, SUBSTR(given.village, 1, 9), SUBSTR(given.village, 1, 6), \
            SUBSTR(given.village, 1, 4), SUBSTR(given.village, 1, 2)) \
           AND s.status IN ('published', 'superseded') AND s.effective_on <= given.day \
           AND (s.ends_on IS NULL OR s.ends_on > given.day) \
           ORDER BY LENGTH(s.region) DESC, s.effective_on DESC LIMIT 1) AS id FROM {table}"
    );
    let rows = db::all::<Row>(on, &sql, values).await?;
    let found = |row: Row| Some(((row.village, row.day.parse().ok()?), row.id?));
    Ok(rows.into_iter().filter_map(found).collect())
}

/// The set in force in a region on a day, and whose it is. Which set ends when was decided when the sets
/// were published, so this is one look into an index.
async fn set_at(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    day: NaiveDate,
) -> Outcome<Option<(Uuid, RegionCode)>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        region: String,
    }
    let sql = "SELECT id, region FROM rule_sets \
               WHERE region IN ($1, $2, $3, $4, $5) AND status IN ('published', 'superseded') \
               AND effective_on <= $6 AND (ends_on IS NULL OR ends_on > $6) \
               ORDER BY LENGTH(region) DESC, effective_on DESC LIMIT 1";
    let code = region.as_str();
    let level = |digits: usize| Value::from(code.get(..digits).unwrap_or(code));
    let values = [level(12), level(9), level(6), level(4), level(2), day.to_string().into()];
    let row = db::one::<Row>(on, sql, values).await?;
    Ok(row.and_then(|row| Some((row.id, row.region.parse().ok()?))))
}

/// The rules of a published set: it never changes, so each process reads it once.
pub struct Book {
    pub id: Uuid,
    pub caps: GlobalCaps,
    /// In the catalogue's order.
    pub rules: Vec<Rule>,
}

impl Book {
    pub fn rule(&self, key: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.key == key)
    }
}

/// The books a process has read.
pub type Books = moka::future::Cache<Uuid, Arc<Book>>;

/// The book of a published set.
///
/// # Errors
/// A fault if there is no such set.
pub async fn book(books: &Books, on: &impl ConnectionTrait, id: Uuid) -> Outcome<Arc<Book>> {
    if let Some(book) = books.get(&id).await {
        return Ok(book);
    }
    let sql = "SELECT * FROM rule_sets WHERE id = $1";
    let row = db::one::<entity::rule_set::Model>(on, sql, [id.into()]).await?;
    let row = row.ok_or_else(|| Problem::fault(format!("rule set {id} is gone")))?;
    let caps = GlobalCaps {
        month_bonus_max: row.month_bonus_max,
        month_deduction_max: row.month_deduction_max,
        entry_max: row.entry_max,
    };
    let sql = "SELECT * FROM rules WHERE rule_set = $1 ORDER BY position";
    let rows = db::all::<entity::rule::Model>(on, sql, [id.into()]).await?;
    let rules = rows.into_iter().map(Rule::try_from).collect::<Outcome<_>>()?;
    let book = Arc::new(Book { id, caps, rules });
    books.insert(id, book.clone()).await;
    Ok(book)
}

/// Whether a village's rules in force on a day, or a draft under consultation there, have an item.
pub async fn knows(
    app: &App,
    on: &impl ConnectionTrait,
    village: &Village,
    day: NaiveDate,
    item: &str,
) -> Outcome<bool> {
    if let Some((id, _)) = set_at(on, &village.region(), day).await?
        && book(&app.rule_books, on, id).await?.rule(item).is_some()
    {
        return Ok(true);
    }
    let sql = "SELECT * FROM rule_drafts WHERE village = $1 AND status = 'consulting'";
    let drafts = db::all::<entity::rule_draft::Model>(on, sql, [village.into()]).await?;
    let mut drafts = drafts.iter().map(store::content);
    drafts.try_fold(false, |known, draft| {
        Ok(known || draft?.new_items.iter().any(|new| new.key == item))
    })
}
