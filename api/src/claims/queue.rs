//! `GET /v1/regions/{region}/review-queue`: the claims that wait for this reviewer, oldest first.

use std::collections::BTreeSet;

use actix_web::get;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::review::acts_at;
use crate::app::App;
use crate::identity::{Caller, Grant, Office, Overseer, Reviews};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::rules::{Step, book};

/// How many waiting claims are looked through, oldest first.
const LOOKED_THROUGH: i64 = 1000;
/// How many are shown.
const SHOWN: usize = 100;

/// What waits for a reviewer in a region.
#[derive(Serialize, ToSchema)]
pub struct ReviewQueue {
    /// How many of the oldest thousand waiting claims are this reviewer's to decide.
    #[schema(example = 3)]
    pub count: usize,
    /// The first hundred of them.
    pub items: Vec<QueuedClaim>,
}

#[derive(Serialize, ToSchema)]
pub struct QueuedClaim {
    pub village: Village,
    pub id: Uuid,
    pub household: Uuid,
    #[schema(example = "env.courtyard_beautify")]
    pub rule: String,
    #[schema(example = "主动美化绿化庭院")]
    pub rule_name: String,
    #[schema(example = 3)]
    pub points: i64,
    #[schema(example = "2024-09-24")]
    pub occurred_on: String,
    pub submitted_at: Instant,
    /// Another claim that may be for the same deed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub possible_duplicate: Option<Uuid>,
    /// The step it waits at.
    pub step: Step,
}

#[derive(FromQueryResult)]
struct Row {
    village: String,
    id: Uuid,
    household: Uuid,
    grid: String,
    rule_set: Uuid,
    rule: String,
    points: i64,
    occurred_on: String,
    submitted_at: i64,
    possible_duplicate: Option<Uuid>,
    step: i64,
}

/// The claims that wait for me in a region
#[utoipa::path(tag = "claims", operation_id = "review_queue_show", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a region the caller reviews in")),
    responses((status = 200, body = ReviewQueue)),
    extensions(("x-codes" = json!("role_required"))))]
#[get("/v1/regions/{region}/review-queue")]
async fn show_review_queue(
    reviewer: Overseer<Reviews>,
    app: Data<App>,
) -> Outcome<Answer<ReviewQueue>> {
    Ok(Answer::ok(queue(&app, &reviewer.caller, &reviewer.region).await?))
}

async fn queue(app: &App, caller: &Caller, region: &RegionCode) -> Outcome<ReviewQueue> {
    let mut items = Vec::new();
    for row in waiting(app, caller, region).await? {
        items.extend(queued(app, caller, row).await?);
    }
    let count = items.len();
    items.truncate(SHOWN);
    Ok(ReviewQueue { count, items })
}

/// How many claims wait for the caller in all regions they review in, of the oldest thousand of each.
pub async fn waiting_for(app: &App, caller: &Caller) -> Outcome<i64> {
    let reviews = |grant: &&Grant| Reviews::ROLES.contains(&grant.role);
    let regions: BTreeSet<_> = caller.grants.iter().filter(reviews).map(|it| &it.region).collect();
    let nested = |inner: &&&RegionCode| {
        regions.iter().any(|outer| outer != *inner && outer.contains(inner.as_str()))
    };
    let mut count = 0;
    for region in regions.iter().filter(|region| !nested(region)) {
        count += queue(app, caller, region).await?.count;
    }
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Claims in review that the caller neither filed nor is concerned by.
async fn waiting(app: &App, caller: &Caller, region: &RegionCode) -> Outcome<Vec<Row>> {
    let sql = "SELECT c.village, c.id, c.household, c.grid, c.rule_set, c.rule, c.points, \
                 c.occurred_on, c.submitted_at, c.possible_duplicate, c.step \
               FROM claims c WHERE c.status IN ('submitted', 'in_review') \
               AND c.village >= $1 AND c.village < $2 AND c.grid >= $3 AND c.grid < $4 \
               AND c.filed_by <> $5 AND NOT EXISTS (SELECT 1 FROM members m \
                 WHERE m.village = c.village AND m.household = c.household AND (m.person = $5 \
                 OR EXISTS (SELECT 1 FROM kin k WHERE k.village = m.village \
                   AND k.confirmed_at IS NOT NULL AND ((k.person = $5 AND k.relative = m.person) \
                     OR (k.relative = $5 AND k.person = m.person))))) \
               ORDER BY c.submitted_at, c.id LIMIT $6";
    let [from, to] = region.bounds();
    let village: Value = region.as_str().chars().take(12).collect::<String>().into();
    let values = [village, to.clone(), from, to, caller.person.into(), LOOKED_THROUGH.into()];
    Ok(db::all(app.db.read(), sql, values).await?)
}

/// The claim, if it waits at a step where the caller acts.
async fn queued(app: &App, caller: &Caller, row: Row) -> Outcome<Option<QueuedClaim>> {
    let odd = || Problem::fault(format!("claim {} in {}", row.id, row.village));
    let village: Village = row.village.parse().map_err(|_| odd())?;
    let book = book(&app.rule_books, app.db.read(), row.rule_set).await?;
    let rule = book.rule(&row.rule).ok_or_else(odd)?;
    let step = usize::try_from(row.step).ok().and_then(|step| rule.chain.get(step));
    let acts = step.filter(|step| acts_at(caller, &village, &row.grid, step));
    Ok(acts.map(|step| QueuedClaim {
        village,
        id: row.id,
        household: row.household,
        rule_name: rule.name_zh.clone(),
        step: step.clone(),
        rule: row.rule,
        points: row.points,
        occurred_on: row.occurred_on,
        submitted_at: Instant(row.submitted_at),
        possible_duplicate: row.possible_duplicate,
    }))
}
