//! `GET /v1/villages/{village}/rules`: what can be earned here today.

use actix_web::get;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Cap, CountedPer, Direction, LevelPoints, Rule, Source, Step, book, set_in_force};
use crate::app::App;
use crate::http::{path_part, public_json};
use crate::kernel::cache::Shared;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;
use crate::regions;

/// A rule in force.
#[derive(Serialize, ToSchema)]
#[schema(as = Rule)]
pub struct PublicRule {
    #[schema(example = "pub.volunteer")]
    pub key: String,
    #[schema(example = "public_welfare")]
    pub category: String,
    #[schema(example = "参加志愿服务")]
    pub name_zh: String,
    #[schema(example = "Volunteering")]
    pub name_en: String,
    pub direction: Direction,
    #[schema(example = 2)]
    pub points_min: i64,
    #[schema(example = 2)]
    pub points_max: i64,
    #[schema(example = 2)]
    pub default_points: i64,
    #[schema(example = "per_person_time")]
    pub unit: String,
    pub counted_per: CountedPer,
    pub evidence: Vec<String>,
    pub cap: Cap,
    pub source: Source,
    pub review_chain: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 30)]
    pub claim_within_days: Option<i64>,
    pub requires_hearing: bool,
    pub warn_first: bool,
    /// Days in which a deduction can be put right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 15)]
    pub remediation_days: Option<i64>,
    /// Points for each, by the level that granted it.
    pub level_points: Vec<LevelPoints>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "封顶防止以钱换分")]
    pub note: Option<String>,
    pub enabled: bool,
}

/// The rules of a village today.
#[derive(Serialize, ToSchema)]
pub struct RuleList {
    pub rule_set: Uuid,
    pub items: Vec<PublicRule>,
}

/// The rules in force in a village today
#[utoipa::path(tag = "rules", operation_id = "rules_list",
    params(("village" = Village, Path, description = "Code of the village")),
    responses((status = 200, body = RuleList)),
    extensions(("x-codes" = json!("rule_not_in_force"))))]
#[get("/v1/villages/{village}/rules")]
async fn list_rules(request: HttpRequest, app: Data<App>) -> Outcome<HttpResponse> {
    let village: Village = path_part(&request, "village")?;
    regions::village(app.db.read(), &village).await?;
    let day = app.clock.now().day();
    let rule_set = set_in_force(app.db.read(), &village, day).await?;
    // A published set never changes: its id is its version.
    let version = async { Ok(rule_set.to_string()) };
    let build = async {
        let book = book(&app.rule_books, app.db.read(), rule_set).await?;
        let items = book.rules.iter().cloned().map(public).collect();
        let list = RuleList { rule_set, items };
        serde_json::to_vec(&list).map_err(|error| Problem::fault(error.to_string()))
    };
    let key = format!("rules:{village}:{rule_set}");
    let ready = app.cache.ready(Shared { key: &key, of: &key }, version, build).await?;
    Ok(public_json(&request, &ready))
}

/// A rule as everybody reads it.
pub fn public(rule: Rule) -> PublicRule {
    PublicRule {
        key: rule.key,
        category: rule.category,
        name_zh: rule.name_zh,
        name_en: rule.name_en,
        direction: rule.direction,
        points_min: rule.points_min,
        points_max: rule.points_max,
        default_points: rule.default_points,
        unit: rule.unit,
        counted_per: rule.counted_per,
        evidence: rule.evidence,
        cap: rule.cap,
        source: rule.source,
        review_chain: rule.chain,
        claim_within_days: rule.claim_within_days,
        requires_hearing: rule.requires_hearing,
        warn_first: rule.warn_first,
        remediation_days: rule.remediation_days,
        level_points: rule.level_points,
        note: rule.note,
        enabled: rule.enabled,
    }
}
