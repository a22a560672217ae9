//! `GET /v1/regions/{region}/review-queue`: the claims that wait for this reviewer, oldest first.

use std::collections::BTreeMap;

use actix_web::get;
use actix_web::web::Data;
use sea_orm::Value;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::decisions::{place, step_of};
use super::officials::Of;
use super::seats::Officials;
use crate::app::App;
use crate::identity::{Caller, Overseer, Reviews};
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
    /// How many of them wait at each step.
    pub steps: Vec<StepCount>,
    /// The first hundred of them.
    pub items: Vec<QueuedClaim>,
}

/// How many claims wait at a step.
#[derive(Serialize, ToSchema)]
pub struct StepCount {
    #[schema(example = "precheck")]
    pub step: String,
    #[schema(example = 3)]
    pub count: usize,
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
    /// The step it waits at, of `hearing` that the household has not answered in time.
    pub step: Step,
    /// Since when it waits there; after 14 days it is another office's.
    pub since: Instant,
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
    let now = app.clock.now();
    let rows = waiting(app, caller, region).await?;
    let officials = Officials::read(app.db.read(), region, Of::Waiting, now).await?;
    let mut items = Vec::new();
    let mut steps = BTreeMap::<String, usize>::new();
    for row in rows {
        if let Some(item) = queued(app, caller, &officials, row, now).await? {
            *steps.entry(item.step.step.clone()).or_default() += 1;
            items.push(item);
        }
    }
    let count = items.len();
    items.truncate(SHOWN);
    let steps = steps.into_iter().map(|(step, count)| StepCount { step, count }).collect();
    Ok(ReviewQueue { count, steps, items })
}

/// How many claims wait for the caller in all regions they review in, of the oldest thousand of each.
pub async fn waiting_for(app: &App, caller: &Caller) -> Outcome<i64> {
    let mut count = 0;
    for region in caller.regions::<Reviews>() {
        count += queue(app, caller, region).await?.count;
    }
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Claims in review that the caller did not file.
async fn waiting(
    app: &App,
    caller: &Caller,
    region: &RegionCode,
) -> Outcome<Vec<entity::claim::Model>> {
    let sql = "SELECT * FROM claims c WHERE c.status IN ('submitted', 'in_review') \
               AND c.village >= $1 AND c.village < $2 AND c.grid >= $3 AND c.grid < $4 \
               AND c.filed_by <> $5 ORDER BY c.submitted_at, c.id LIMIT $6";
    let [from, to] = region.bounds();
    let village: Value = region.as_str().chars().take(12).collect::<String>().into();
    let values = [village, to.clone(), from, to, caller.person.into(), LOOKED_THROUGH.into()];
    Ok(db::all(app.db.read(), sql, values).await?)
}

/// The claim, if it waits at a step where the caller acts.
async fn queued(
    app: &App,
    caller: &Caller,
    officials: &Officials,
    row: entity::claim::Model,
    now: Instant,
) -> Outcome<Option<QueuedClaim>> {
    let odd = || Problem::fault(format!("claim {} in {}", row.id, row.village));
    let village: Village = row.village.parse().map_err(|_| odd())?;
    let book = book(&app.rule_books, app.db.read(), row.rule_set).await?;
    let rule = book.rule(&row.rule).ok_or_else(odd)?;
    let acts = step_of(rule, &row).filter(|step| officials.acts(caller, &place(&row), step, now));
    Ok(acts.map(|step| QueuedClaim {
        village,
        id: row.id,
        household: row.household,
        rule_name: rule.name_zh.clone(),
        step: step.clone(),
        since: place(&row).since,
        rule: row.rule,
        points: row.points,
        occurred_on: row.occurred_on,
        submitted_at: Instant(row.submitted_at),
        possible_duplicate: row.possible_duplicate,
    }))
}
