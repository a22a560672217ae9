//! `GET /v1/regions/{region}/rule-sets` and `…/rule-sets/{set}`: a region's versions, and one of them whole.

use actix_web::get;
use actix_web::http::header::{HeaderValue, VARY};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::adopt::{RuleVote, of_draft};
use super::draft::Draft;
use super::list::{PublicRule, public};
use super::rows::{self, caps_with};
use super::store::{
    self, RuleSet, Status, content, etag, find_draft, find_set, is_consulted, shown,
};
use super::{GlobalCaps, Rule};
use crate::app::App;
use crate::http::{Query, path_id, path_part};
use crate::identity::{Decides, Governs, Reader, SetsRules};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::regions;

#[derive(Serialize, ToSchema)]
pub struct RuleSetPage {
    pub items: Vec<RuleSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RuleSetQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// A region's own rule sets, newest first; those in the making for who sets rules there
#[utoipa::path(tag = "rules", operation_id = "rule_sets_list", security((), ("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a region of any level"),
        RuleSetQuery),
    responses((status = 200, body = RuleSetPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/regions/{region}/rule-sets")]
async fn list_rule_sets(
    reader: Reader,
    request: HttpRequest,
    query: Query<RuleSetQuery>,
    app: Data<App>,
) -> Outcome<Answer<RuleSetPage>> {
    let region: RegionCode = path_part(&request, "region")?;
    regions::find(app.db.read(), &region).await?;
    let RuleSetQuery { cursor, limit } = query.0;
    let all = reader.has_office::<SetsRules>(&region);
    let filter = format!("rule-sets {region} {all}");
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let items = read(app.db.read(), &region, all, &start, app.clock.now()).await?;
    let page = start.page(items, &filter, |(set, at)| (*at, set.id));
    let items = page.items.into_iter().map(|(set, _)| set).collect();
    Ok(Answer::ok(RuleSetPage { items, next_cursor: page.next_cursor }))
}

/// Versions with the moment they were made.
async fn read(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    all: bool,
    start: &Start<(i64, Uuid)>,
    now: Instant,
) -> Outcome<Vec<(RuleSet, i64)>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        region: String,
        version: String,
        status: String,
        effective_on: String,
        ends_on: Option<String>,
        framework: Option<Uuid>,
        consulting_until: Option<i64>,
        created_at: i64,
        rule_count: i64,
    }
    let hidden = if all { "''" } else { "'draft', 'withdrawn'" };
    let before = "(created_at < $2 OR (created_at = $2 AND id < $3))";
    // What is published has a row among the drafts too, when it began as one.
    let sql = format!(
        "SELECT * FROM (SELECT s.id, s.region, s.version, s.status, s.effective_on, s.ends_on, \
             s.framework, CAST(NULL AS BIGINT) AS consulting_until, s.created_at, \
             (SELECT COUNT(*) FROM rules r WHERE r.rule_set = s.id) AS rule_count \
           FROM rule_sets s WHERE s.region = $1 \
         UNION ALL SELECT id, village, version, status, effective_on, NULL, framework, \
             consulting_until, created_at, rule_count FROM rule_drafts \
           WHERE village = $1 AND status <> 'published' AND status NOT IN ({hidden})) AS versions \
         WHERE {before} ORDER BY created_at DESC, id DESC LIMIT $4"
    );
    let (at, id) = start.after.unwrap_or((i64::MAX, Uuid::max()));
    let values: [Value; 4] = [region.into(), at.into(), id.into(), start.fetch().into()];
    let today = now.day().to_string();
    let version = |row: Row| {
        let status = match row.status.as_str() {
            "draft" => Status::Draft,
            "consulting" => Status::Consulting,
            "adopted" => Status::Adopted,
            "withdrawn" => Status::Withdrawn,
            _ if row.ends_on.as_ref().is_some_and(|day| *day <= today) => Status::Superseded,
            _ => Status::Published,
        };
        let region = row.region.parse();
        let set = RuleSet {
            id: row.id,
            region: region.map_err(|_| Problem::fault(format!("region {}", row.region)))?,
            version: row.version,
            status,
            effective_on: row.effective_on,
            ends_on: row.ends_on,
            framework: row.framework,
            consultation_ends_at: row.consulting_until.map(Instant),
            rule_count: row.rule_count,
        };
        Ok((set, row.created_at))
    };
    db::all::<Row>(on, &sql, values).await?.into_iter().map(version).collect()
}

/// A rule set whole: what holds over all items, each item as it is or would be, and how it came about.
#[derive(Serialize, ToSchema)]
pub struct WholeRuleSet {
    pub id: Uuid,
    pub region: RegionCode,
    #[schema(example = "2025.1")]
    pub version: String,
    pub status: Status,
    /// The first day it is in force, or is meant to be.
    #[schema(example = "2024-09-30")]
    pub effective_on: String,
    /// The first day it is no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2024-12-30")]
    pub ends_on: Option<String>,
    /// The set that a village's stands on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub framework: Option<Uuid>,
    /// Until when villagers read and suggest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub consultation_ends_at: Option<Instant>,
    /// Bonus points that a natural month of deeds can bring a household.
    #[schema(example = 60)]
    pub household_month_bonus_max: i64,
    /// Points that a natural month of deeds can cost a household, as a positive number.
    #[schema(example = 40)]
    pub household_month_deduction_max: i64,
    /// A single line's points, either way.
    #[schema(example = 100)]
    pub single_entry_abs_max: i64,
    /// In the catalogue's order.
    pub items: Vec<PublicRule>,
    /// What the village changes of its framework.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub draft: Option<Draft>,
    pub votes: Vec<RuleVote>,
    /// Why it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "征求意见后改为下季度再议")]
    pub withdrawn_because: Option<String>,
    /// What the reader may do now: `revise`, `consult`, `adopt`, `publish`, `withdraw`.
    pub allowed_actions: Vec<String>,
}

/// One rule set, whole; one in the making for who sets rules there
#[utoipa::path(tag = "rules", operation_id = "rule_sets_show", security((), ("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the region whose set it is"),
        ("set" = Uuid, Path, description = "The rule set's id")),
    responses((status = 200, body = WholeRuleSet)))]
#[get("/v1/regions/{region}/rule-sets/{set}")]
async fn show_rule_set(
    reader: Reader,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let region: RegionCode = path_part(&request, "region")?;
    let (id, now) = (path_id(&request, "set")?, app.clock.now());
    let found = find(app.db.read(), &region, id, &reader, now).await?;
    let allowed_actions = allowed_actions(&reader, &region, &found, now);
    let Version { set, draft, rules, caps, etag } = found;
    let (content, votes) = match &draft {
        None => (None, Vec::new()),
        Some(row) => {
            let village: Village = region.as_str().parse().map_err(|_| Code::NotFound)?;
            (Some(content(row)?), of_draft(app.db.read(), &village, id).await?)
        }
    };
    let whole = WholeRuleSet {
        id,
        region: set.region,
        version: set.version,
        status: set.status,
        effective_on: set.effective_on,
        ends_on: set.ends_on,
        framework: set.framework,
        consultation_ends_at: set.consultation_ends_at,
        household_month_bonus_max: caps.month_bonus_max,
        household_month_deduction_max: caps.month_deduction_max,
        single_entry_abs_max: caps.entry_max,
        items: rules.into_iter().map(public).collect(),
        draft: content,
        votes,
        withdrawn_because: draft.and_then(|row| row.withdrawn_because),
        allowed_actions,
    };
    let mut answer = Answer::ok(whole).version(etag).respond_to(&request).map_into_boxed_body();
    // What one may do next is in it.
    answer.headers_mut().insert(VARY, HeaderValue::from_static("Authorization"));
    Ok(answer)
}

/// A version that a reader may see, published or not.
pub struct Version {
    pub set: RuleSet,
    /// How it came about, if it began as a village's draft.
    pub draft: Option<entity::rule_draft::Model>,
    pub rules: Vec<Rule>,
    pub caps: GlobalCaps,
    pub etag: i64,
}

/// The region's version of this id.
///
/// # Errors
/// `not_found`, also for one in the making if the reader does not set rules there.
pub async fn find(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    id: Uuid,
    reader: &Reader,
    now: Instant,
) -> Outcome<Version> {
    let draft = find_draft(on, region, id).await?;
    if let Some(row) = find_set(on, region, id).await? {
        let frame = rows::frame(on, id).await?;
        let rules = frame.rows.into_iter().map(Rule::try_from).collect::<Outcome<_>>()?;
        let etag = etag(row.revision, row.is_over(now));
        let ends = draft.as_ref().and_then(|draft| draft.consulting_until).map(Instant);
        let set = RuleSet { consultation_ends_at: ends, ..row.shown(now)? };
        return Ok(Version { set, draft, rules, caps: frame.caps, etag });
    }
    let draft = draft.ok_or(Code::NotFound)?;
    if !Status::of(&draft).is_public() && !reader.has_office::<SetsRules>(region) {
        return Err(Code::NotFound.into());
    }
    let frame = rows::frame(on, draft.framework).await?;
    let content = content(&draft)?;
    let rows = rows::of_draft(id, &frame, &content)?;
    Ok(Version {
        set: shown(draft.clone())?,
        rules: rows.into_iter().map(Rule::try_from).collect::<Outcome<_>>()?,
        caps: caps_with(&frame, &content),
        etag: store::etag(draft.revision, is_consulted(&draft, now)),
        draft: Some(draft),
    })
}

fn allowed_actions(
    reader: &Reader,
    region: &RegionCode,
    version: &Version,
    now: Instant,
) -> Vec<String> {
    let Some(draft) = &version.draft else { return Vec::new() };
    let writes = reader.has_office::<SetsRules>(region);
    let wrote = [Some(draft.drafted_by), Some(draft.revised_by), draft.adopted_by];
    let fresh = reader.person().is_some_and(|person| !wrote.contains(&Some(person)));
    let status = version.set.status;
    let open = matches!(status, Status::Draft | Status::Consulting);
    let voted_on = is_consulted(draft, now) && reader.has_office::<Decides>(region);
    let publishes = status == Status::Adopted && fresh && reader.has_office::<Governs>(region);
    let all = [
        ("revise", writes && open),
        ("consult", writes && status == Status::Draft),
        ("adopt", voted_on),
        ("publish", publishes),
        ("withdraw", writes && (open || status == Status::Adopted)),
    ];
    let allowed = all.into_iter().filter(|(_, is)| *is);
    allowed.map(|(action, _)| action.to_owned()).collect()
}
