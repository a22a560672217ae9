//! `GET /v1/villages/{village}/claims` and `…/{claim}`.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::submit::{ClaimConsent, ConsentForm, Evidence};
use crate::app::App;
use crate::households::may_read;
use crate::http::{Query, path_id};
use crate::identity::Neighbour;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::rules::{Step, book};

/// A claim, for those who may see it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Claim {
    pub id: Uuid,
    pub household: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub member: Option<Uuid>,
    #[schema(example = "env.courtyard_beautify")]
    pub rule: String,
    #[schema(example = "主动美化绿化庭院")]
    pub rule_name: String,
    #[schema(example = "living_environment")]
    pub category: String,
    /// `claim`, `inspection`, `committee` or `import`.
    #[schema(example = "claim")]
    pub source: String,
    #[schema(example = 1)]
    pub count: i64,
    /// For the whole claim, before caps.
    #[schema(example = 3)]
    pub points: i64,
    #[schema(value_type = String, format = Date, example = "2024-09-24")]
    pub occurred_on: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "9月24日集中清扫")]
    pub event: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "门前种了三角梅")]
    pub note: Option<String>,
    pub evidence: Vec<Evidence>,
    /// The person who filed it.
    pub filed_by: Uuid,
    /// Filed by somebody outside the household.
    pub on_behalf: bool,
    /// Who of the household agreed to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub consent: Option<ClaimConsent>,
    pub submitted_at: Instant,
    /// When the filer's device says it recorded the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device_at: Option<Instant>,
    /// Why the committee admitted it after its term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "住院，出院后补报")]
    pub late_reason: Option<String>,
    /// Which of the rule's levels granted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "county")]
    pub level: Option<String>,
    /// Another claim that may be for the same deed: of another member of the household for the same
    /// event or day, or one that shows a photo which this one named before it was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub possible_duplicate: Option<Uuid>,
    /// How many of the photos it names are still to be uploaded; until then it is not approved.
    #[schema(example = 0)]
    pub photos_awaited: i64,
    /// `submitted`, `in_review`, `returned`, `approved`, `scored`, `confirmed`, `rejected`,
    /// `withdrawn`, `lapsed`, `overturned` or `reversed`.
    #[schema(example = "submitted")]
    pub status: String,
    /// The review step the claim waits at, while it is in review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub step: Option<Step>,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "照片不是本户庭院")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub approved_at: Option<Instant>,
    /// The week whose sheet it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub week: Option<Week>,
    /// What this caller may do next: `correct`, `withdraw`, `review`.
    pub allowed_actions: Vec<String>,
    #[schema(example = 1)]
    pub version: i64,
}

#[derive(Serialize, ToSchema)]
pub struct ClaimPage {
    pub items: Vec<Claim>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClaimQuery {
    /// Only claims in this state.
    #[param(nullable = false, example = "submitted")]
    status: Option<String>,
    /// Only this household's claims; one's own for a villager.
    #[param(nullable = false)]
    household: Option<Uuid>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Claims of the village, newest first; a villager sees the own household's
#[utoipa::path(tag = "claims", operation_id = "claims_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), ClaimQuery),
    responses((status = 200, body = ClaimPage)),
    extensions(("x-codes" = json!("other_household role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/claims")]
async fn list_claims(
    caller: Neighbour,
    query: Query<ClaimQuery>,
    app: Data<App>,
) -> Outcome<Answer<ClaimPage>> {
    let ClaimQuery { status, household, cursor, limit } = query.0;
    let household = visible(&caller, household)?;
    let filter = format!("claims {} {status:?} {household:?}", caller.village);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let rows = rows(&app, &caller.village, status, household, &start).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let mut items = Vec::with_capacity(page.items.len());
    for row in page.items {
        items.push(claim(&app, app.db.read(), &caller, row).await?);
    }
    Ok(Answer::ok(ClaimPage { items, next_cursor: page.next_cursor }))
}

/// The household to filter by: officials may see all, a villager the own one.
fn visible(caller: &Neighbour, asked: Option<Uuid>) -> Outcome<Option<Uuid>> {
    // No household has the nil id: only an official may read it.
    if may_read(caller, Uuid::nil()).is_ok() {
        return Ok(asked);
    }
    let own = caller.own_household()?;
    may_read(caller, asked.unwrap_or(own))?;
    Ok(Some(own))
}

async fn rows(
    app: &App,
    village: &Village,
    status: Option<String>,
    household: Option<Uuid>,
    start: &Start<Uuid>,
) -> Outcome<Vec<entity::claim::Model>> {
    let mut sql = "SELECT * FROM claims WHERE village = $1 AND id < $2".to_owned();
    let mut values: Vec<Value> = vec![village.into(), start.after.unwrap_or(Uuid::max()).into()];
    for (column, value) in
        [("status", status.map(Value::from)), ("household", household.map(Value::from))]
    {
        if let Some(value) = value {
            values.push(value);
            sql += &format!(" AND {column} = ${}", values.len());
        }
    }
    values.push(start.fetch().into());
    sql += &format!(" ORDER BY id DESC LIMIT ${}", values.len());
    Ok(db::all(app.db.read(), &sql, values).await?)
}

/// One claim
#[utoipa::path(tag = "claims", operation_id = "claims_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("claim" = Uuid, Path, description = "The claim's id")),
    responses((status = 200, body = Claim)), extensions(("x-codes" = json!("other_household"))))]
#[get("/v1/villages/{village}/claims/{claim}")]
async fn show_claim(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    let claim = load(&app, app.db.read(), &caller, path_id(&request, "claim")?).await?;
    may_read(&caller, claim.household)?;
    let version = claim.version;
    Ok(Answer::ok(claim).version(version))
}

/// A claim of the caller's village.
///
/// # Errors
/// `not_found` if the village has no such claim.
pub async fn load(
    app: &App,
    on: &impl ConnectionTrait,
    caller: &Neighbour,
    id: Uuid,
) -> Outcome<Claim> {
    let sql = "SELECT * FROM claims WHERE village = $1 AND id = $2";
    let values: [Value; 2] = [(&caller.village).into(), id.into()];
    let row = db::one::<entity::claim::Model>(on, sql, values).await?;
    claim(app, on, caller, row.ok_or(Code::NotFound)?).await
}

/// A household takes back what it or somebody for it claimed; what was proposed against it, or by the
/// village, only whoever filed it.
pub fn may_withdraw(
    caller: &Neighbour,
    household: Uuid,
    filed_by: Uuid,
    source: &str,
    points: i64,
) -> bool {
    let own = caller.household_in(&caller.village) == Some(household);
    caller.person == filed_by || (own && source == "claim" && points > 0)
}

/// The row as the API shows it; the rule's book is in memory after the first one.
async fn claim(
    app: &App,
    on: &impl ConnectionTrait,
    caller: &Neighbour,
    row: entity::claim::Model,
) -> Outcome<Claim> {
    let id = row.id;
    let odd = |what: &str| Problem::fault(format!("claim {id}: {what}"));
    let book = book(&app.rule_books, on, row.rule_set).await?;
    let rule = book.rule(&row.rule).ok_or_else(|| odd("its rule is gone"))?;
    let pending = matches!(row.status.as_str(), "submitted" | "in_review");
    let step = usize::try_from(row.step).ok().and_then(|step| rule.chain.get(step));
    let own = caller.household_in(&caller.village) == Some(row.household);
    let form = row.consent_form.as_deref().and_then(ConsentForm::parse);
    let mut allowed_actions = Vec::new();
    if super::correct::may_correct(caller, &row).is_ok() {
        allowed_actions.push("correct".to_owned());
    }
    if pending && may_withdraw(caller, row.household, row.filed_by, &row.source, row.points) {
        allowed_actions.push("withdraw".to_owned());
    }
    let acts =
        step.is_some_and(|step| super::review::acts_at(caller, &caller.village, &row.grid, step));
    if pending && acts && !own && caller.person != row.filed_by {
        allowed_actions.push("review".to_owned());
    }
    Ok(Claim {
        occurred_on: row.occurred_on.parse().map_err(|_| odd("its day"))?,
        evidence: serde_json::from_str(&row.evidence).map_err(|_| odd("its evidence"))?,
        week: row.week.map(|week| week.parse()).transpose().map_err(|_| odd("its week"))?,
        rule_name: rule.name_zh.clone(),
        step: step.filter(|_| pending).cloned(),
        id: row.id,
        household: row.household,
        member: row.member,
        rule: row.rule,
        category: row.category,
        source: row.source,
        count: row.count,
        points: row.points,
        event: row.event,
        note: row.note,
        filed_by: row.filed_by,
        on_behalf: row.on_behalf,
        consent: row.consent_by.zip(form).map(|(by, form)| ClaimConsent { by, form }),
        submitted_at: Instant(row.submitted_at),
        device_at: row.device_at.map(Instant),
        late_reason: row.late_reason,
        level: row.level,
        possible_duplicate: row.possible_duplicate,
        photos_awaited: row.photos_awaited,
        status: row.status,
        reason: row.decided_reason,
        approved_at: row.approved_at.map(Instant),
        allowed_actions,
        version: row.version,
    })
}
