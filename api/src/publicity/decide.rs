//! `POST …/objections/{objection}/decision`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::bodies::{BODY_DAYS, Bodies, DecidingBody, Matter};
use super::line::{Cause, Contested, contested, reverse, settle_line};
use super::object::{LineRow, line_of};
use super::objection::{Objection, load};
use super::objection_row::{Row, find};
use super::rules::{Decision, Effect, effect};
use crate::app::App;
use crate::households::{self, Notice, tell};
use crate::http::path_id;
use crate::identity::{HearsObjections, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::{calendar, rankings};

/// A decision on an objection, in the first instance or on appeal.
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

/// Decide on an objection; the body it lies with, by one of its members
#[utoipa::path(tag = "publicity", operation_id = "objections_decide", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("objection" = Uuid, Path, description = "The objection's id")),
    request_body = NewDecision, responses((status = 201, body = Objection)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        outside_range invalid_field"))))]
#[post("/v1/villages/{village}/objections/{objection}/decision")]
async fn decide_objection(
    member: Official<HearsObjections>,
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
    by: &Official<HearsObjections>,
    id: Uuid,
    new: &NewDecision,
) -> Outcome<Objection> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    let now = app.clock.now();
    calendar::touch(tx, village, now).await?;
    let (row, at) = locked(tx, village, id).await?;
    if !row.is_open() {
        return Err(Refusal::wrong_state(row.status).into());
    }
    let line = contested(tx, village, at.line).await?;
    let (bodies, matter) = before(tx, village, &row, now).await?;
    let body = bodies.admit(by, &matter, now)?;
    let worth = line.left();
    // What another objection has struck stays struck.
    let (worth, effect) = match at.status.as_str() {
        "struck" => (0, Effect { status: "struck", reversed: 0 }),
        _ => (worth, effect(new.decision, worth, new.points)?),
    };
    record(tx, by, &row, (new, &reason), (body, worth), now).await?;
    if effect.reversed != 0 {
        let cause = Cause { by: by.person, reference: id };
        reverse(tx, village, cause, at.line, &line, effect.reversed, now).await?;
    }
    let status = status(tx, village, &at, &line, effect).await?;
    settle_line(tx, village, at.line, &line, effect.reversed, status, now).await?;
    households::settle_ended(tx, village, &id.to_string(), now).await?;
    // It may have been the last that the year's ranking waited for.
    rankings::publish(tx, village, now).await?;
    inform(tx, village, &row, new.decision, &reason, now).await?;
    load(tx, by, id, now).await
}

/// The objection and its line, both kept as they are until the transaction ends.
pub async fn locked(tx: &Tx, village: &Village, id: Uuid) -> Outcome<(Row, LineRow)> {
    let row = find(tx, village, id).await?;
    let month = row.month.parse().map_err(|_| Problem::fault(format!("objection {id}")))?;
    let at = line_of(tx, village, month, row.number).await?;
    // Read again now that the line is locked: decisions on one line follow one another.
    Ok((find(tx, village, id).await?, at))
}

/// Who may decide what is open about the objection.
///
/// # Errors
/// `wrong_state` if nothing is.
pub async fn before(
    tx: &Tx,
    village: &Village,
    row: &Row,
    now: Instant,
) -> Outcome<(Bodies, Matter)> {
    let bodies = Bodies::read(tx, village, std::slice::from_ref(row), now).await?;
    let matter = bodies.matter(row).ok_or_else(|| Refusal::wrong_state(&row.status))?;
    Ok((bodies, matter))
}

async fn record(
    tx: &Tx,
    by: &Official<HearsObjections>,
    objection: &Row,
    (new, reason): (&NewDecision, &str),
    (body, worth): (DecidingBody, i64),
    now: Instant,
) -> Outcome<()> {
    let sql = "UPDATE objections SET status = 'decided', decision = $3, decided_by = $4, \
               decided_at = $5, decided_reason = $6, points_after = $7, decided_body = $8, \
               points_before = $9, due_at = $10 \
               WHERE village = $1 AND id = $2 AND status IN ('filed', 'investigating')";
    let values: [Value; 10] = [
        (&by.village).into(),
        objection.id.into(),
        new.decision.as_str().into(),
        by.person.into(),
        now.0.into(),
        reason.into(),
        new.points.into(),
        body.as_str().into(),
        worth.into(),
        now.plus_days(BODY_DAYS).0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state("decided").into());
    }
    let act = Act {
        region: by.village.as_str(),
        actor: Some(by.person),
        action: "objection.decide",
        subject: objection.id.to_string(),
        detail: serde_json::json!({
            "decision": new.decision, "line": objection.number, "body": body,
        }),
    };
    audit::record(tx, now, act).await
}

/// What becomes of the line: while another objection to it is open, it stays contested unless nothing is
/// left of it; and what was lessened before is not as it was.
pub async fn status(
    tx: &Tx,
    village: &Village,
    at: &LineRow,
    line: &Contested,
    effect: Effect,
) -> Outcome<&'static str> {
    // What was put right before it was struck stays, beside the line that gives it back.
    if effect.status == "struck" && line.points == effect.reversed {
        return Ok("struck");
    }
    let sql = "SELECT COUNT(*) FROM objections WHERE village = $1 AND line = $2 \
               AND status IN ('filed', 'investigating')";
    if db::number(tx, sql, [village.into(), at.line.into()]).await? > 0 {
        return Ok("contested");
    }
    let adjusted = effect.status == "struck" || line.points != at.awarded;
    Ok(if adjusted { "adjusted" } else { effect.status })
}

/// Both sides are told; the household's notice does not say who objected.
async fn inform(
    tx: &Tx,
    village: &Village,
    objection: &Row,
    decision: Decision,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let outcome = match decision {
        Decision::Dismissed => "异议不成立，该条有效",
        Decision::Amended => "异议部分成立，该条积分已调整",
        Decision::Upheld => "异议成立，该条已冲正",
    };
    let detail = format!(
        "{}公示第{}条：{outcome}。理由：{reason}。不服的一方可在{BODY_DAYS}天内向上一级申诉一次",
        objection.month, objection.number
    );
    tell_sides(tx, village, objection, ["line_decided", "objection_decided"], &detail, now).await
}

/// Tells the household of the line and the filer the same, each as a notice of its kind.
pub async fn tell_sides(
    tx: &Tx,
    village: &Village,
    objection: &Row,
    [household, filer]: [&str; 2],
    detail: &str,
    now: Instant,
) -> Outcome<()> {
    let told = |recipient, kind| Notice {
        recipient,
        kind,
        subject: objection.id,
        detail: detail.to_owned(),
    };
    let notices = [told(objection.line_holder, household), told(objection.filed_by, filer)];
    tell(tx, village, now, &notices).await
}
