//! `POST /v1/regions/{region}/rule-sets`: a township or county brings its framework, a village begins a
//! draft inside it.

use actix_web::post;
use actix_web::web::Data;
use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::catalogue::Catalogue;
use super::check::check;
use super::draft::Draft;
use super::import::{future_quarter, import};
use super::rows;
use super::store::{RuleSet, find_draft, shown};
use super::succession::above_village;
use crate::app::App;
use crate::identity::{Overseer, SetsRules};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::{Level, RegionCode, Village};
use crate::{regions, suggestions};

/// A rule set to be brought: a whole catalogue above villages, a draft in a village.
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
    /// A framework, published at once: only above villages, and there required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schema(nullable = false)]
    pub catalogue: Option<Catalogue>,
    /// What a village changes of its framework: only in a village, and there required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schema(nullable = false)]
    pub draft: Option<Draft>,
}

/// Publish a framework, or begin a village's draft inside one
#[utoipa::path(tag = "rules", operation_id = "rule_sets_create", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a county, township or village")),
    request_body = NewRuleSet, responses((status = 201, body = RuleSet)),
    extensions(("x-codes" = json!("role_required invalid_field id_taken outside_range \
        outside_framework item_forbidden rule_not_in_force"))))]
#[post("/v1/regions/{region}/rule-sets")]
async fn create_rule_set(
    officer: Overseer<SetsRules>,
    set: Command<NewRuleSet>,
    app: Data<App>,
) -> Outcome<Answer<RuleSet>> {
    let region = &officer.region;
    let done = set.once(&app, region.as_str(), officer.caller.account, async |tx| {
        create(tx, region, &set.body, officer.caller.person, app.clock.now()).await
    });
    Ok(done.await?.created())
}

async fn create(
    tx: &Tx,
    region: &RegionCode,
    new: &NewRuleSet,
    by: Uuid,
    now: Instant,
) -> Outcome<RuleSet> {
    let day = future_quarter(&new.effective_on, now)?;
    let odd = |pointer, what| Refusal::from(Code::InvalidField).at(pointer, "level", what);
    match (region.level(), &new.catalogue, &new.draft) {
        (Level::Grid, ..) => Err(odd("/draft", "a grid has the rules of its village").into()),
        (Level::Village, None, Some(draft)) => begin(tx, region, new.id, draft, day, by, now).await,
        (Level::Village, ..) => {
            Err(odd("/draft", "a village sends a draft and no catalogue").into())
        }
        (_, Some(catalogue), None) => {
            import(tx, region, new.id, catalogue, day, Some(by), now).await
        }
        _ => Err(odd("/catalogue", "above villages one sends a catalogue and no draft").into()),
    }
}

async fn begin(
    tx: &Tx,
    region: &RegionCode,
    id: Uuid,
    draft: &Draft,
    day: NaiveDate,
    by: Uuid,
    now: Instant,
) -> Outcome<RuleSet> {
    let village: Village = region.as_str().parse().map_err(|_| Code::NotFound)?;
    regions::village(tx, &village).await?;
    let Prepared { framework, content, rule_count } = prepare(tx, &village, id, draft, day).await?;
    let taken = "SELECT COUNT(*) FROM rule_sets WHERE id = $1";
    if db::number(tx, taken, [id.into()]).await? > 0 {
        return Err(Code::IdTaken.into());
    }
    let sql = "INSERT INTO rule_drafts (village, id, version, status, framework, effective_on, \
               content, rule_count, drafted_by, revised_by, created_at, revision) \
               VALUES ($1, $2, $3, 'draft', $4, $5, $6, $7, $8, $8, $9, 1) ON CONFLICT DO NOTHING";
    let values: [Value; 9] = [
        region.into(),
        id.into(),
        draft.version.as_str().into(),
        framework.into(),
        day.to_string().into(),
        content.into(),
        rule_count.into(),
        by.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let act = Act {
        region: region.as_str(),
        actor: Some(by),
        action: "rule_set.draft",
        subject: id.to_string(),
        detail: serde_json::json!({ "version": draft.version, "framework": framework }),
    };
    audit::record(tx, now, act).await?;
    shown(find_draft(tx, region, id).await?.ok_or(Code::NotFound)?)
}

/// A draft that may be written down.
pub struct Prepared {
    pub framework: Uuid,
    pub content: String,
    pub rule_count: i64,
}

/// Holds a draft against the framework that will be in force on its day.
///
/// # Errors
/// Those of [`check`]; `rule_not_in_force` without a framework; `id_taken` if a set of the village begins
/// that day; `invalid_field` for a suggestion that is not an open one of the village.
pub async fn prepare(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    draft: &Draft,
    day: NaiveDate,
) -> Outcome<Prepared> {
    let framework = framework_on(tx, village, day).await?;
    let rows = check(id, &rows::frame(tx, framework).await?, draft)?;
    let taken = "SELECT COUNT(*) FROM rule_sets WHERE region = $1 AND effective_on = $2";
    if db::number(tx, taken, [village.into(), day.to_string().into()]).await? > 0 {
        return Err(Code::IdTaken.into());
    }
    let open = suggestions::open_among(tx, village, &draft.suggestions).await?;
    if let Some(at) = draft.suggestions.iter().position(|id| !open.contains(id)) {
        let pointer = format!("/draft/suggestions/{at}");
        let what = "not an open suggestion of the village";
        return Err(Refusal::from(Code::InvalidField).at(&pointer, "unknown", what).into());
    }
    let content = serde_json::to_string(draft);
    let content = content.map_err(|error| Problem::fault(error.to_string()))?;
    let rule_count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok(Prepared { framework, content, rule_count })
}

/// The framework that holds above a village on a day: the nearest region's.
///
/// # Errors
/// `rule_not_in_force` if there is none.
pub async fn framework_on(
    on: &impl ConnectionTrait,
    village: &Village,
    day: NaiveDate,
) -> Outcome<Uuid> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let sql = "SELECT id FROM rule_sets WHERE region IN ($1, $2, $3, $4) AND effective_on <= $5 \
               AND (ends_on IS NULL OR ends_on > $5) ORDER BY LENGTH(region) DESC LIMIT 1";
    let above = above_village(village).into_iter();
    let values = above.chain([day.to_string().into()]);
    Ok(db::one::<Row>(on, sql, values).await?.ok_or(Code::RuleNotInForce)?.id)
}
