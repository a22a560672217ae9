//! `POST /v1/regions/{region}/rule-sets`: a township or county brings its framework.

use std::collections::BTreeSet;
use std::str::FromStr;

use actix_web::post;
use actix_web::web::Data;
use chrono::{Datelike, NaiveDate};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::catalogue::{Catalogue, Item};
use super::{Direction, text_of};
use crate::app::App;
use crate::identity::{Governs, Overseer};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::RegionCode;
use crate::regions;

/// A rule set to be published.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRuleSet {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// The Monday that begins a quarter's first week, not in the past.
    #[validate(length(equal = 10))]
    #[schema(min_length = 10, max_length = 10, example = "2024-09-30")]
    pub effective_on: String,
    #[validate(nested)]
    pub catalogue: Catalogue,
}

/// A published rule set.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct RuleSet {
    pub id: Uuid,
    pub region: RegionCode,
    #[schema(example = "2025.1")]
    pub version: String,
    #[schema(example = "published")]
    pub status: String,
    #[schema(example = "2024-09-30")]
    pub effective_on: String,
    #[schema(example = 66)]
    pub rule_count: usize,
}

/// Publish a rule set from a catalogue
#[utoipa::path(tag = "rules", operation_id = "rule_sets_create", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a county or township")),
    request_body = NewRuleSet, responses((status = 201, body = RuleSet)),
    extensions(("x-codes" = json!("role_required invalid_field id_taken outside_range"))))]
#[post("/v1/regions/{region}/rule-sets")]
async fn create_rule_set(
    officer: Overseer<Governs>,
    set: Command<NewRuleSet>,
    app: Data<App>,
) -> Outcome<Answer<RuleSet>> {
    let region = &officer.region;
    let done = set.once(&app, region.as_str(), officer.caller.account, async |tx| {
        let now = app.clock.now();
        let day = future_quarter(&set.body.effective_on, now)?;
        let NewRuleSet { id, catalogue, .. } = &set.body;
        import(tx, region, *id, catalogue, day, Some(officer.caller.person), now).await
    });
    Ok(done.await?.created())
}

/// A new version takes effect on the Monday that begins a quarter's first week, never backwards.
fn future_quarter(text: &str, now: Instant) -> Result<NaiveDate, Refusal> {
    let refuse = |why: &str| Refusal::from(Code::InvalidField).at("/effective_on", "range", why);
    let day = NaiveDate::from_str(text).map_err(|_| refuse("expected a day, YYYY-MM-DD"))?;
    let week = Week::of_day(day);
    let month = week.month();
    let begins =
        day.weekday() == chrono::Weekday::Mon && month.first_week() == week && month.month % 3 == 1;
    // One spelling, so that days compare as text.
    if day.to_string() != text || day.year() > 2199 {
        return Err(refuse("expected a day before 2200, YYYY-MM-DD"));
    }
    if !begins {
        return Err(refuse("not the Monday that begins a quarter's first week"));
    }
    if day < now.day() {
        return Err(refuse("lies in the past"));
    }
    Ok(day)
}

/// Publishes a catalogue as a region's rule set from `effective_on` on.
///
/// # Errors
/// `outside_range` names the item whose points, cap or sign do not fit together; `id_taken` if the
/// region has this version, or one for this day, already.
pub async fn import(
    tx: &Tx,
    region: &RegionCode,
    id: Uuid,
    catalogue: &Catalogue,
    effective_on: NaiveDate,
    by: Option<Uuid>,
    now: Instant,
) -> Outcome<RuleSet> {
    regions::find(tx, region).await?;
    let mut keys = BTreeSet::new();
    for (at, item) in catalogue.items.iter().enumerate() {
        check(at, item)?;
        if !keys.insert(item.key.as_str()) {
            let pointer = format!("/catalogue/items/{at}/key");
            return Err(Refusal::from(Code::InvalidField).at(&pointer, "unique", "twice").into());
        }
    }
    let caps = &catalogue.global_caps;
    let sql = "INSERT INTO rule_sets (id, region, version, status, effective_on, month_bonus_max, \
               month_deduction_max, entry_max, created_by, created_at) \
               VALUES ($1, $2, $3, 'published', $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let values: [Value; 9] = [
        id.into(),
        region.into(),
        catalogue.version.as_str().into(),
        effective_on.to_string().into(),
        caps.household_month_bonus_max.into(),
        caps.household_month_deduction_max.abs().into(),
        caps.single_entry_abs_max.into(),
        by.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    insert_rules(tx, id, catalogue).await?;
    let act = Act {
        region: region.as_str(),
        actor: by,
        action: "rule_set.publish",
        subject: id.to_string(),
        detail: serde_json::json!({ "version": catalogue.version, "effective_on": effective_on }),
    };
    audit::record(tx, now, act).await?;
    Ok(RuleSet {
        id,
        region: region.clone(),
        version: catalogue.version.clone(),
        status: "published".to_owned(),
        effective_on: effective_on.to_string(),
        rule_count: catalogue.items.len(),
    })
}

fn check(at: usize, item: &Item) -> Result<(), Refusal> {
    let sign = if item.direction == Direction::Bonus { 1 } else { -1 };
    let [low, usual, high, cap] =
        [item.points_min, item.default_points, item.points_max, item.cap.max_points];
    let ordered = low <= usual && usual <= high;
    let signed = [low, usual, high, cap].iter().all(|points| points * sign > 0);
    if ordered && signed && item.cap.max_times > 0 {
        return Ok(());
    }
    let pointer = format!("/catalogue/items/{at}");
    Err(Refusal::from(Code::OutsideRange).at(&pointer, "range", item.key.clone()))
}

async fn insert_rules(tx: &Tx, set: Uuid, catalogue: &Catalogue) -> Outcome<()> {
    let items = &catalogue.items;
    let text = |get: fn(&Item) -> String| items.iter().map(get).collect::<Vec<_>>();
    let number = |get: fn(&Item) -> i64| items.iter().map(get).collect::<Vec<_>>();
    let chain = |item: &Item| json(&catalogue.review_chains.get(item.review_chain));
    let chains: Outcome<Vec<_>> = items.iter().map(chain).collect();
    let evidence: Outcome<Vec<_>> = items.iter().map(|item| json(&item.evidence)).collect();
    let levels: Outcome<Vec<_>> = items.iter().map(|item| json(&item.level_points)).collect();
    let columns = [
        Column::Uuid("rule_set", vec![set; items.len()]),
        Column::Text("key", text(|it| it.key.clone())),
        Column::Text("category", text(|it| text_of(&it.category))),
        Column::Text("name_zh", text(|it| it.name_zh.clone())),
        Column::Text("name_en", text(|it| it.name_en.clone())),
        Column::Text("direction", text(|it| text_of(&it.direction))),
        Column::Number("points_min", number(|it| it.points_min)),
        Column::Number("points_max", number(|it| it.points_max)),
        Column::Number("default_points", number(|it| it.default_points)),
        Column::Text("unit", text(|it| it.unit.clone())),
        Column::Text("counted_per", text(|it| text_of(&it.counted_per))),
        Column::Text("evidence", evidence?),
        Column::Text("cap_period", text(|it| text_of(&it.cap.period))),
        Column::Number("cap_times", number(|it| it.cap.max_times)),
        Column::Number("cap_points", number(|it| it.cap.max_points)),
        Column::Text("source", text(|it| text_of(&it.source))),
        Column::Text("chain", chains?),
        Column::MaybeNumber(
            "claim_within_days",
            items.iter().map(|it| it.claim_within_days).collect(),
        ),
        Column::Text("dedupe", text(|it| it.dedupe.clone())),
        Column::Flag("requires_hearing", items.iter().map(|it| it.requires_hearing).collect()),
        Column::Flag("warn_first", items.iter().map(|it| it.warn_first).collect()),
        Column::MaybeNumber(
            "remediation_days",
            items.iter().map(|it| it.remediation_days).collect(),
        ),
        Column::Flag(
            "refund_on_remediation",
            items.iter().map(|it| it.refund_on_remediation).collect(),
        ),
        Column::MaybeText("veto", items.iter().map(|it| it.veto.clone()).collect()),
        Column::Flag("sensitive", items.iter().map(|it| it.sensitive).collect()),
        Column::Text("level_points", levels?),
        Column::MaybeText("basis", items.iter().map(|it| it.basis.clone()).collect()),
        Column::MaybeText("note", items.iter().map(|it| it.note.clone()).collect()),
        Column::Flag("publicly_itemised", items.iter().map(|it| it.publicly_itemised).collect()),
        Column::Flag("enabled", items.iter().map(|it| it.default_enabled).collect()),
        Column::Number("position", (1..).take(items.len()).collect()),
    ];
    db::bulk_insert(tx, "rules", &columns, "").await?;
    Ok(())
}

fn json(value: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(value).map_err(|error| Problem::fault(error.to_string()))
}
