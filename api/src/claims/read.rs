//! `GET /v1/villages/{village}/claims/{claim}`.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::correct::may_correct;
use super::decisions::{place, step_of, waits};
use super::officials::Of;
use super::seats::Officials;
use super::submit::{ClaimConsent, ConsentForm, Evidence};
use super::verdict::remedied_until;
use crate::app::App;
use crate::households::may_read;
use crate::http::path_id;
use crate::identity::{Neighbour, Reviews};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db::{self, Column, Given};
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::rules::{Rule, Step, StepRole, book};

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
    /// Raised each time a returned claim is handed in again.
    #[schema(example = 1)]
    pub round: i64,
    /// The deduction that this claim gives back, because it was put right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub remedies: Option<Uuid>,
    /// Why it was rejected, returned or disowned.
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
    /// What this caller may do next: `withdraw`, `correct`, `resubmit`, `review`, `reply`,
    /// `waive_hearing`, `repudiate` or `remedy`.
    pub allowed_actions: Vec<String>,
    #[schema(example = 1)]
    pub version: i64,
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
    let shown = shown(app, on, caller, vec![row.ok_or(Code::NotFound)?]).await?;
    shown.into_iter().next().ok_or_else(|| Problem::fault(format!("claim {id} is not shown")))
}

/// Claims as the API shows each to its own caller, who holds no office; those that are not there are left
/// out.
pub async fn load_each(
    app: &App,
    on: &impl ConnectionTrait,
    wanted: &[(&Neighbour, Uuid)],
) -> Outcome<BTreeMap<(String, Uuid), Claim>> {
    let columns = [
        Column::Text("village", wanted.iter().map(|(it, _)| it.village.to_string()).collect()),
        Column::Uuid("id", wanted.iter().map(|(_, id)| *id).collect()),
    ];
    let Given { table, values } = db::given(on, 1, "given", &columns);
    let sql = format!(
        "SELECT c.* FROM claims c JOIN {table} ON c.village = given.village AND c.id = given.id"
    );
    let rows = db::all::<entity::claim::Model>(on, &sql, values).await?;
    let mut rows: BTreeMap<_, _> =
        rows.into_iter().map(|row| ((row.village.clone(), row.id), row)).collect();
    let mut claims = BTreeMap::new();
    for (caller, id) in wanted {
        let place = (caller.village.to_string(), *id);
        let Some(row) = rows.remove(&place) else { continue };
        let shown = shown(app, on, caller, vec![row]).await?;
        claims.extend(shown.into_iter().map(|claim| (place.clone(), claim)));
    }
    Ok(claims)
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

/// Rows as the API shows them to this caller; the rules' books are in memory after the first one.
pub async fn shown(
    app: &App,
    on: &impl ConnectionTrait,
    caller: &Neighbour,
    rows: Vec<entity::claim::Model>,
) -> Outcome<Vec<Claim>> {
    let now = app.clock.now();
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    // Only who reviews has a step to act at.
    let officials = match caller.serves::<Reviews>() {
        true => Officials::read(on, &caller.village.region(), Of::Claims(&ids), now).await?,
        false => Officials::default(),
    };
    let mut claims = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.id;
        let book = book(&app.rule_books, on, row.rule_set).await?;
        let rule = book.rule(&row.rule);
        let rule = rule.ok_or_else(|| Problem::fault(format!("claim {id}: its rule is gone")))?;
        let actions = actions(caller, &officials, rule, &row, now);
        claims.push(claim(rule, row, actions)?);
    }
    Ok(claims)
}

/// What the caller may do with a claim next.
fn actions(
    caller: &Neighbour,
    officials: &Officials,
    rule: &Rule,
    row: &entity::claim::Model,
    now: Instant,
) -> Vec<&'static str> {
    let own = caller.household_in(&caller.village) == Some(row.household);
    let status = row.status.as_str();
    let takes_back = may_withdraw(caller, row.household, row.filed_by, &row.source, row.points);
    let step = step_of(rule, row);
    let heard = step.is_some_and(|step| step.role == StepRole::HouseholdHead);
    let acts = step.is_some_and(|step| officials.acts(caller, &place(row), step, now));
    let deduction = rule.requires_hearing && row.remedies.is_none();
    let disowned = ["submitted", "in_review", "returned", "approved", "scored"].contains(&status);
    let approved = row.approved_at.filter(|_| row.points < 0).map(Instant);
    let term = approved.and_then(|approved| remedied_until(rule, approved));
    let all = [
        ("withdraw", takes_back && (status == "submitted" || (waits(status) && row.points > 0))),
        ("correct", may_correct(caller, row).is_ok()),
        ("resubmit", status == "returned" && takes_back),
        ("review", acts && !heard),
        ("reply", own && deduction && step.is_some()),
        ("waive_hearing", acts && heard),
        (
            "repudiate",
            own && row.on_behalf
                && row.source == "claim"
                && disowned
                && caller.person != row.filed_by,
        ),
        ("remedy", own && waits_for_remedy(status) && term.is_some_and(|until| now < until)),
    ];
    all.into_iter().filter(|(_, may)| *may).map(|(action, _)| action).collect()
}

/// Whether a deduction in this state has been decided, so that it can be put right.
fn waits_for_remedy(status: &str) -> bool {
    matches!(status, "approved" | "scored" | "confirmed")
}

fn claim(rule: &Rule, row: entity::claim::Model, actions: Vec<&str>) -> Outcome<Claim> {
    let id = row.id;
    let odd = |what: &str| Problem::fault(format!("claim {id}: {what}"));
    let form = row.consent_form.as_deref().and_then(ConsentForm::parse);
    Ok(Claim {
        occurred_on: row.occurred_on.parse().map_err(|_| odd("its day"))?,
        evidence: serde_json::from_str(&row.evidence).map_err(|_| odd("its evidence"))?,
        week: row.week.as_deref().map(str::parse).transpose().map_err(|_| odd("its week"))?,
        rule_name: rule.name_zh.clone(),
        step: step_of(rule, &row).cloned(),
        round: row.round,
        remedies: row.remedies,
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
        allowed_actions: actions.into_iter().map(str::to_owned).collect(),
        version: row.version,
    })
}
