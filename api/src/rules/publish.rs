//! `POST …/rule-sets/{set}/publication`: the township checks what the village adopted, and publishes it.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use entity::rule_draft::Model as DraftRow;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::check::check;
use super::consult::still_stands;
use super::rows::{self, NewSet};
use super::store::{self, RuleSet, Status, draft_in};
use super::succession::{above_village, follow, outlived};
use crate::app::App;
use crate::households::tell_households;
use crate::http::path_id;
use crate::identity::{Governs, Overseer};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{RegionCode, Village};
use crate::{regions, suggestions};

/// When what was adopted takes effect.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPublication {
    /// The Monday that begins a quarter's first week, not in the past; no earlier than the day that was voted
    /// on, which it is by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(equal = 10))]
    #[schema(nullable = false, min_length = 10, max_length = 10, example = "2024-09-30")]
    pub effective_on: Option<String>,
}

/// Publish what a village adopted; by somebody who neither wrote it nor recorded the vote
#[utoipa::path(tag = "rules", operation_id = "rule_sets_publish", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the village"),
        ("set" = Uuid, Path, description = "The rule set's id")),
    request_body = NewPublication, responses((status = 201, body = RuleSet)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state id_taken \
        framework_changed rule_not_in_force outside_framework outside_range item_forbidden \
        invalid_field"))))]
#[post("/v1/regions/{region}/rule-sets/{set}/publication")]
async fn publish_rule_set(
    officer: Overseer<Governs>,
    request: HttpRequest,
    publication: Command<NewPublication>,
    app: Data<App>,
) -> Outcome<Answer<RuleSet>> {
    let id = path_id(&request, "set")?;
    let (region, caller) = (&officer.region, &officer.caller);
    let done = publication.once(&app, region.as_str(), caller.account, async |tx| {
        let day = publication.body.effective_on.as_deref();
        publish(tx, region, id, day, caller.person, app.clock.now()).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn publish(
    tx: &Tx,
    region: &RegionCode,
    id: Uuid,
    day: Option<&str>,
    by: Uuid,
    now: Instant,
) -> Outcome<RuleSet> {
    let (village, draft) = draft_in(tx, region, id, &[Status::Adopted]).await?;
    if [Some(draft.drafted_by), Some(draft.revised_by), draft.adopted_by].contains(&Some(by)) {
        return Err(Code::ConflictOfInterest.into());
    }
    // Also whoever wrote on it before the last who did.
    let sql = "SELECT COUNT(*) FROM audit_events WHERE region = $1 AND subject = $2 AND actor = $3 \
               AND action LIKE 'rule_set.%'";
    let values: [Value; 3] = [region.into(), id.to_string().into(), by.into()];
    if db::number(tx, sql, values).await? > 0 {
        return Err(Code::ConflictOfInterest.into());
    }
    keep_frameworks(tx, &village).await?;
    let day = day.unwrap_or(&draft.effective_on).to_owned();
    still_stands(tx, &village, &draft, &day, now).await?;
    if day < draft.effective_on {
        let what = format!("{} was voted on", draft.effective_on);
        return Err(Refusal::from(Code::InvalidField).at("/effective_on", "range", what).into());
    }
    write(tx, &village, &draft, &day, by, now).await?;
    let content = store::content(&draft)?;
    suggestions::adopt(tx, &village, &content.suggestions, id, by, now).await?;
    let detail = format!("新积分细则“{}”已公布，自{day}起施行", draft.version);
    tell_households(tx, &village, now, "rule_set_published", id, &detail).await?;
    let act = Act {
        region: region.as_str(),
        actor: Some(by),
        action: "rule_set.publish",
        subject: id.to_string(),
        detail: serde_json::json!({ "version": draft.version, "effective_on": day }),
    };
    audit::record(tx, now, act).await?;
    store::published(tx, region, id, now).await
}

/// Keeps other versions of the village, and frameworks above it, from being published meanwhile.
async fn keep_frameworks(tx: &Tx, village: &Village) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        #[expect(dead_code, reason = "only the lock is wanted")]
        code: String,
    }
    let lock = db::shared(tx);
    let sql =
        format!("SELECT code FROM regions WHERE code IN ($1, $2, $3, $4) ORDER BY code{lock}");
    db::all::<Row>(tx, &sql, above_village(village)).await?;
    regions::lock(tx, &village.region()).await?;
    Ok(())
}

/// Writes the whole set, and what follows what.
async fn write(
    tx: &Tx,
    village: &Village,
    draft: &DraftRow,
    day: &str,
    by: Uuid,
    now: Instant,
) -> Outcome<()> {
    let content = store::content(draft)?;
    let frame = rows::frame(tx, draft.framework).await?;
    let rules = check(draft.id, &frame, &content)?;
    let caps = rows::caps_with(&frame, &content);
    let set = NewSet {
        id: draft.id,
        region: village.as_str(),
        version: &draft.version,
        effective_on: day.to_owned(),
        caps,
        chains: &frame.chains,
        framework: Some(frame.id),
        by: Some(by),
        at: now.0,
    };
    if !rows::insert(tx, &set, &rules).await? {
        return Err(Code::IdTaken.into());
    }
    follow(tx, &village.region(), draft.id, day).await?;
    let last = outlived(tx, village, &frame, day, (&rules, &caps)).await?;
    let sql = "UPDATE rule_sets SET ends_on = $2 WHERE id = $1 \
               AND (ends_on IS NULL OR ends_on > $2)";
    if let Some(last) = last {
        db::run(tx, sql, [draft.id.into(), last.into()]).await?;
    }
    let sql = "UPDATE rule_drafts SET status = 'published', published_by = $3, \
               effective_on = $4, revision = revision + 1 WHERE village = $1 AND id = $2";
    let values: [Value; 4] = [village.into(), draft.id.into(), by.into(), day.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}
