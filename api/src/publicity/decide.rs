//! `POST …/objections/{objection}/decision`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::line::{Cause, Contested, contested, reverse, settle_line};
use super::object::{Objection, line_of, load};
use super::rules::{Decision, Effect, effect};
use crate::adjustments;
use crate::app::App;
use crate::calendar;
use crate::households::{self, Notice, tell};
use crate::http::path_id;
use crate::identity::{Decides, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;

/// The committee's decision on an objection.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    pub decision: Decision,
    /// What the line is worth from now on; only to amend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = -1000, max = 1000))]
    #[schema(nullable = false, minimum = -1000, maximum = 1000, example = 2)]
    pub points: Option<i64>,
    /// Told to both sides.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "签到表上没有其签名")]
    pub reason: String,
}

/// Decide on an objection
#[utoipa::path(tag = "publicity", operation_id = "objections_decide", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("objection" = Uuid, Path, description = "The objection's id")),
    request_body = NewDecision, responses((status = 201, body = Objection)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        outside_range invalid_field"))))]
#[post("/v1/villages/{village}/objections/{objection}/decision")]
async fn decide_objection(
    member: Official<Decides>,
    request: HttpRequest,
    decision: Command<NewDecision>,
    app: Data<App>,
) -> Outcome<Answer<Objection>> {
    let id = path_id(&request, "objection")?;
    let done = decision.once(&app, member.village.as_str(), member.account, async |tx| {
        decide(&app, tx, &member, id, &decision.body).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn decide(
    app: &App,
    tx: &Tx,
    by: &Official<Decides>,
    id: Uuid,
    new: &NewDecision,
) -> Outcome<Objection> {
    let village = &by.village;
    let reason = readable(&new.reason)
        .ok_or_else(|| Refusal::from(Code::ReasonRequired).at("/reason", "required", ""))?;
    let now = app.clock.now();
    calendar::touch(tx, village, now).await?;
    let objection = load(tx, village, id, None).await?;
    let at = line_of(tx, village, objection.month, objection.line).await?;
    // Read again now that the line is locked: decisions on one line follow one another.
    let row = row(tx, village, id).await?;
    if !matches!(row.status.as_str(), "filed" | "investigating") {
        return Err(Refusal::wrong_state(row.status).into());
    }
    let line = contested(tx, village, at.line).await?;
    refuse_concerned(tx, by, &line, &row).await?;
    // What another objection has struck stays struck.
    let effect = match at.status.as_str() {
        "struck" => Effect { status: "struck", reversed: 0 },
        _ => effect(new.decision, line.points + line.remedied, new.points)?,
    };
    record(tx, by, &row, new, &reason, now).await?;
    let others = others_open(tx, village, at.line).await?;
    if effect.reversed != 0 {
        let cause = Cause { by: by.person, reference: id };
        reverse(tx, village, cause, at.line, &line, effect.reversed, now).await?;
    }
    // While another objection to the line is open, it stays contested unless nothing is left of it.
    let status = if others > 0 && effect.status != "struck" { "contested" } else { effect.status };
    settle_line(tx, village, at.line, &line, effect.reversed, status, now).await?;
    households::settle_ended(tx, village, &id.to_string(), now).await?;
    inform(tx, village, &row, &line, new.decision, &reason, now).await?;
    load(tx, village, id, Some(row.filed_by)).await
}

async fn row(tx: &Tx, village: &Village, id: Uuid) -> Outcome<entity::objection::Model> {
    let sql = "SELECT * FROM objections WHERE village = $1 AND id = $2";
    let values: [Value; 2] = [village.into(), id.into()];
    Ok(db::one(tx, sql, values).await?.ok_or(Code::NotFound)?)
}

/// Nobody decides about their own household or kin, on an objection of them, or on a claim they filed
/// or reviewed.
async fn refuse_concerned(
    tx: &Tx,
    by: &Official<Decides>,
    line: &Contested,
    objection: &entity::objection::Model,
) -> Outcome<()> {
    // Whoever filed or reviewed the claim has had their say.
    let sql = "SELECT COUNT(*) FROM claims c WHERE c.village = $1 AND c.id = $2 \
               AND (c.filed_by = $3 OR EXISTS (SELECT 1 FROM reviews v \
                 WHERE v.village = c.village AND v.claim = c.id AND v.person = $3))";
    let values: [Value; 3] = [(&by.village).into(), objection.line.into(), by.person.into()];
    if db::number(tx, sql, values).await? > 0
        || adjustments::had_a_say(tx, &by.village, objection.line, by.person).await?
    {
        return Err(Code::ConflictOfInterest.into());
    }
    for household in [line.household, objection.filer_household] {
        if is_concerned(tx, &by.village, by.person, household).await? {
            return Err(Code::ConflictOfInterest.into());
        }
    }
    Ok(())
}

async fn record(
    tx: &Tx,
    by: &Official<Decides>,
    objection: &entity::objection::Model,
    new: &NewDecision,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let word = serde_json::to_value(new.decision).unwrap_or_default();
    let word = word.as_str().unwrap_or_default();
    let sql = "UPDATE objections SET status = 'decided', decision = $3, decided_by = $4, \
               decided_at = $5, decided_reason = $6, points_after = $7 \
               WHERE village = $1 AND id = $2 AND status IN ('filed', 'investigating')";
    let values: [Value; 7] = [
        (&by.village).into(),
        objection.id.into(),
        word.into(),
        by.person.into(),
        now.0.into(),
        reason.into(),
        new.points.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state("decided").into());
    }
    let act = Act {
        region: by.village.as_str(),
        actor: Some(by.person),
        action: "objection.decide",
        subject: objection.id.to_string(),
        detail: serde_json::json!({ "decision": word, "line": objection.number }),
    };
    audit::record(tx, now, act).await
}

async fn others_open(tx: &Tx, village: &Village, line: Uuid) -> Outcome<i64> {
    let sql = "SELECT COUNT(*) FROM objections WHERE village = $1 AND line = $2 \
               AND status IN ('filed', 'investigating')";
    Ok(db::number(tx, sql, [village.into(), line.into()]).await?)
}

/// Both sides are told; the claimant's notice does not say who objected.
async fn inform(
    tx: &Tx,
    village: &Village,
    objection: &entity::objection::Model,
    line: &Contested,
    decision: Decision,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let outcome = match decision {
        Decision::Dismissed => "异议不成立，该条有效",
        Decision::Amended => "异议部分成立，该条积分已调整",
        Decision::Upheld => "异议成立，该条已冲正",
    };
    let detail =
        format!("{}公示第{}条：{outcome}。理由：{reason}", objection.month, objection.number);
    let told =
        |recipient, kind| Notice { recipient, kind, subject: objection.id, detail: detail.clone() };
    let notices =
        [told(line.household, "line_decided"), told(objection.filed_by, "objection_decided")];
    tell(tx, village, now, &notices).await
}
