//! `PUT …/rule-sets/{set}` and `POST …/rule-sets/{set}/withdrawal`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post, put};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::create::{Prepared, prepare};
use super::draft::Draft;
use super::import::future_quarter;
use super::store::{RuleSet, Status, draft_in, etag, find_draft, is_consulted, shown};
use super::text_of;
use crate::app::App;
use crate::households::tell_households;
use crate::http::{if_match, path_id};
use crate::identity::{Overseer, SetsRules};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::RegionCode;
use crate::kernel::text::required;

/// A draft as it shall be, whole.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevisedRuleSet {
    /// The Monday that begins a quarter's first week, not in the past.
    #[validate(length(equal = 10))]
    #[schema(min_length = 10, max_length = 10, example = "2024-09-30")]
    pub effective_on: String,
    #[validate(nested)]
    pub draft: Draft,
}

/// Revise a village's draft; one under consultation becomes a draft again
///
/// Nobody votes on what villagers could not read for seven days: a text that changes is consulted on anew.
#[utoipa::path(tag = "rules", operation_id = "rule_sets_put", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the village"),
        ("set" = Uuid, Path, description = "The rule set's id"),
        ("If-Match" = String, Header, description = "The ETag of the draft that was read",
            example = "\"2\"")),
    request_body = RevisedRuleSet, responses((status = 200, body = RuleSet)),
    extensions(("x-codes" = json!("role_required invalid_field id_taken outside_range \
        outside_framework item_forbidden rule_not_in_force wrong_state precondition_required \
        precondition_failed"))))]
#[put("/v1/regions/{region}/rule-sets/{set}")]
async fn put_rule_set(
    officer: Overseer<SetsRules>,
    request: HttpRequest,
    revised: Body<RevisedRuleSet>,
    app: Data<App>,
) -> Outcome<Answer<RuleSet>> {
    let (id, now) = (path_id(&request, "set")?, app.clock.now());
    let (set, version) = app
        .db
        .write(async |tx| {
            let states = [Status::Draft, Status::Consulting];
            let (_, draft) = draft_in(tx, &officer.region, id, &states).await?;
            if_match(&request, etag(draft.revision, is_consulted(&draft, now)))?;
            revise(tx, &officer, id, &revised.0, now).await
        })
        .await?;
    Ok(Answer::ok(set).version(version))
}

async fn revise(
    tx: &Tx,
    officer: &Overseer<SetsRules>,
    id: Uuid,
    revised: &RevisedRuleSet,
    now: Instant,
) -> Outcome<(RuleSet, i64)> {
    let (region, by) = (&officer.region, officer.caller.person);
    let village = region.as_str().parse().map_err(|_| Code::NotFound)?;
    let day = future_quarter(&revised.effective_on, now)?;
    let draft = &revised.draft;
    let Prepared { framework, content, rule_count } = prepare(tx, &village, id, draft, day).await?;
    let named = "SELECT COUNT(*) FROM rule_drafts WHERE village = $1 AND version = $2 \
                 AND id <> $3 AND status <> 'withdrawn'";
    let values: [Value; 3] = [region.into(), draft.version.as_str().into(), id.into()];
    if db::number(tx, named, values).await? > 0 {
        return Err(Code::IdTaken.into());
    }
    let sql = "UPDATE rule_drafts SET version = $3, status = 'draft', framework = $4, \
                 effective_on = $5, content = $6, rule_count = $7, revised_by = $8, \
                 consulting_until = NULL, revision = revision + 1 WHERE village = $1 AND id = $2";
    let values: [Value; 8] = [
        region.into(),
        id.into(),
        draft.version.as_str().into(),
        framework.into(),
        day.to_string().into(),
        content.into(),
        rule_count.into(),
        by.into(),
    ];
    db::run(tx, sql, values).await?;
    let act = Act {
        region: region.as_str(),
        actor: Some(by),
        action: "rule_set.revise",
        subject: id.to_string(),
        detail: serde_json::json!({ "version": draft.version, "framework": framework }),
    };
    audit::record(tx, now, act).await?;
    let row = find_draft(tx, region, id).await?.ok_or(Code::NotFound)?;
    let version = etag(row.revision, false);
    Ok((shown(row)?, version))
}

/// Why a draft is taken back.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRuleSetWithdrawal)]
pub struct NewWithdrawal {
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "征求意见后改为下季度再议")]
    pub reason: String,
}

/// Take back what is not yet published
#[utoipa::path(tag = "rules", operation_id = "rule_sets_withdraw", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the village"),
        ("set" = Uuid, Path, description = "The rule set's id")),
    request_body = NewWithdrawal, responses((status = 200, body = RuleSet)),
    extensions(("x-codes" = json!("role_required wrong_state reason_required invalid_field"))))]
#[post("/v1/regions/{region}/rule-sets/{set}/withdrawal")]
async fn withdraw_rule_set(
    officer: Overseer<SetsRules>,
    request: HttpRequest,
    withdrawal: Command<NewWithdrawal>,
    app: Data<App>,
) -> Outcome<Answer<RuleSet>> {
    let id = path_id(&request, "set")?;
    let (region, caller) = (&officer.region, &officer.caller);
    let done = withdrawal.once(&app, region.as_str(), caller.account, async |tx| {
        withdraw(tx, region, id, &withdrawal.body.reason, caller.person, app.clock.now()).await
    });
    done.await
}

async fn withdraw(
    tx: &Tx,
    region: &RegionCode,
    id: Uuid,
    reason: &str,
    by: Uuid,
    now: Instant,
) -> Outcome<RuleSet> {
    let states = [Status::Draft, Status::Consulting, Status::Adopted];
    let (village, draft) = draft_in(tx, region, id, &states).await?;
    let reason = required(reason, "/reason")?;
    let sql = "UPDATE rule_drafts SET status = 'withdrawn', withdrawn_because = $3, \
               revision = revision + 1 WHERE village = $1 AND id = $2";
    let values: [Value; 3] = [region.into(), id.into(), reason.as_str().into()];
    db::run(tx, sql, values).await?;
    if Status::of(&draft).is_public() {
        let detail = format!("积分细则“{}”已撤回：{reason}", draft.version);
        tell_households(tx, &village, now, "rule_set_withdrawn", id, &detail).await?;
    }
    let act = Act {
        region: region.as_str(),
        actor: Some(by),
        action: "rule_set.withdraw",
        subject: id.to_string(),
        detail: serde_json::json!({ "from": text_of(&Status::of(&draft)), "reason": reason }),
    };
    audit::record(tx, now, act).await?;
    shown(find_draft(tx, region, id).await?.ok_or(Code::NotFound)?)
}
