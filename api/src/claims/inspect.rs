//! `POST /v1/villages/{village}/inspections`: a grid worker's round, one rule and many households.

use actix_web::post;
use actix_web::web::Data;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::batch::{BatchResult, filing, results};
use super::submit::{Evidence, NewClaim, submit_all};
use super::weigh::again_if_outrun;
use crate::app::App;
use crate::identity::{Inspects, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::Tx;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::rules::{Source, book, set_in_force};

/// What a grid worker found on a round (网格员巡查评分).
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInspection {
    /// The round's own, made by the client, UUIDv7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(custom(function = "uuid_v7"))]
    #[schema(nullable = false)]
    pub id: Option<Uuid>,
    /// The key of a rule whose claims begin with an inspection.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "env.courtyard_weekly")]
    pub rule: String,
    /// The day of the round, village time; a household is scored once in its week.
    #[schema(value_type = String, format = Date, example = "2024-09-24")]
    pub occurred_on: NaiveDate,
    /// When the phone recorded it, by its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device_at: Option<Instant>,
    /// What holds for all households of the round, such as its record; photos show one household each.
    #[serde(default)]
    #[validate(nested, length(max = 3))]
    #[schema(max_items = 3)]
    pub evidence: Vec<Evidence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 500))]
    #[schema(nullable = false, max_length = 500, example = "雨后复查")]
    pub note: Option<String>,
    #[validate(nested, length(min = 1, max = 200))]
    #[schema(min_items = 1, max_items = 200)]
    pub households: Vec<InspectedHousehold>,
}

/// What was found at one household.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectedHousehold {
    /// The claim's, made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub household: Uuid,
    /// The score, where the rule leaves a choice; else the rule's usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = -1000, max = 1000))]
    #[schema(nullable = false, minimum = -1000, maximum = 1000, example = 2)]
    pub points_each: Option<i64>,
    #[serde(default)]
    #[validate(nested, length(max = 6))]
    #[schema(max_items = 6)]
    pub evidence: Vec<Evidence>,
    /// Instead of the round's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 500))]
    #[schema(nullable = false, max_length = 500, example = "门前柴草堆放整齐")]
    pub note: Option<String>,
}

/// Score the households of a round; each has its own result
#[utoipa::path(tag = "claims", operation_id = "inspections_create", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewInspection, responses((status = 200, body = BatchResult)),
    extensions(("x-codes" = json!("role_required rule_not_in_force invalid_field"))))]
#[post("/v1/villages/{village}/inspections")]
async fn inspect_households(
    worker: Official<Inspects>,
    round: Command<NewInspection>,
    app: Data<App>,
) -> Outcome<Answer<BatchResult>> {
    let done = again_if_outrun(async || {
        let done = round.once(&app, worker.village.as_str(), worker.account, async |tx| {
            inspect(&app, tx, &worker, &round.body).await
        });
        done.await
    });
    done.await
}

async fn inspect(
    app: &App,
    tx: &Tx,
    worker: &Official<Inspects>,
    round: &NewInspection,
) -> Outcome<BatchResult> {
    check(app, tx, &worker.village, round).await?;
    let claims: Vec<_> = round.households.iter().map(|it| claim(round, it)).collect();
    let filed = submit_all(tx, &filing(app, worker), &claims).await?;
    let first = claims.first().map(|claim| claim.id);
    let act = Act {
        region: worker.village.as_str(),
        actor: Some(worker.person),
        action: "claim.inspect",
        subject: round.id.or(first).unwrap_or_default().to_string(),
        detail: serde_json::json!({
            "rule": round.rule,
            "households": claims.len(),
            "filed": filed.iter().filter(|it| it.is_ok()).count(),
        }),
    };
    audit::record(tx, app.clock.now(), act).await?;
    Ok(results(&claims, filed))
}

/// # Errors
/// `rule_not_in_force`; `invalid_field` for a rule of another source, or a photo of the whole round.
async fn check(app: &App, tx: &Tx, village: &Village, round: &NewInspection) -> Outcome<()> {
    let set = set_in_force(tx, village, round.occurred_on).await?;
    let book = book(&app.rule_books, tx, set).await?;
    let rule = book.rule(&round.rule).ok_or(Code::RuleNotInForce)?;
    let refuse = |pointer: &str, why: &str| -> Problem {
        Refusal::from(Code::InvalidField).at(pointer, "invalid", why).into()
    };
    if rule.source != Source::Inspection {
        return Err(refuse("/rule", "not a rule of inspections"));
    }
    match round.evidence.iter().position(|it| it.photo.is_some()) {
        Some(at) => Err(refuse(&format!("/evidence/{at}/photo"), "a photo shows one household")),
        None => Ok(()),
    }
}

fn claim(round: &NewInspection, found: &InspectedHousehold) -> NewClaim {
    NewClaim {
        id: found.id,
        household: found.household,
        rule: round.rule.clone(),
        member: None,
        count: 1,
        points_each: found.points_each,
        level: None,
        occurred_on: round.occurred_on,
        event: None,
        note: found.note.clone().or_else(|| round.note.clone()),
        evidence: round.evidence.iter().chain(&found.evidence).cloned().collect(),
        device_at: round.device_at,
        late_reason: None,
        consent: None,
    }
}
