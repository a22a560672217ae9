//! `POST …/objections/{objection}/appeal/decision`: one level up decides, by somebody else, for good.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use uuid::Uuid;

use super::bodies::DecidingBody;
use super::decide::{NewDecision, before, locked, status, tell_sides};
use super::line::{Cause, Contested, contested, reverse, settle_line};
use super::object::LineRow;
use super::objection::{Objection, load};
use super::objection_row::{Made, Row};
use super::rules::{Effect, Revision, left, revise};
use crate::adjustments::{self, Restoration};
use crate::app::App;
use crate::http::path_id;
use crate::identity::{HearsObjections, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::{calendar, households, scoring};

/// Decide on the appeal: what is right about the objection after all; this is final
#[utoipa::path(tag = "publicity", operation_id = "objections_decide_appeal",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("objection" = Uuid, Path, description = "The objection's id")),
    request_body = NewDecision, responses((status = 201, body = Objection)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        outside_range invalid_field"))))]
#[post("/v1/villages/{village}/objections/{objection}/appeal/decision")]
async fn decide_appeal(
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
    // What is given back goes on the open sheet, which is locked before the line.
    scoring::open_sheet(tx, village).await?;
    let (row, at) = locked(tx, village, id).await?;
    let appeal = row.appeal().filter(|_| row.status == "appealed");
    let appeal = appeal.ok_or_else(|| Refusal::wrong_state(&row.status))?;
    let (bodies, matter) = before(tx, village, &row, now).await?;
    let body = bodies.admit(by, &matter, now)?;
    let line = contested(tx, village, at.line).await?;
    let revision = revision(&row, new)?;
    record(tx, by, &row, (new, &reason), body, now).await?;
    let restored = at_most(revision.restored, lost(tx, village, at.line).await?);
    if restored != 0 {
        restore(tx, village, by, (&appeal, &at), (restored, &reason), now).await?;
    }
    let reversed = at_most(revision.reversed, line.left());
    if reversed != 0 {
        let cause = Cause { by: by.person, reference: appeal.id };
        take_back(tx, village, cause, &at, &line, reversed, now).await?;
    }
    inform(tx, village, &row, Revision { reversed, restored }, &reason, now).await?;
    load(tx, by, id, now).await
}

/// What the decision changes of what the first one left.
fn revision(row: &Row, new: &NewDecision) -> Outcome<Revision> {
    let odd = || Problem::fault(format!("objection {} has no decision", row.id));
    let (first, worth) = row.decided().zip(row.points_before).ok_or_else(odd)?;
    let after = left(first, worth, row.points_after);
    Ok(revise(new.decision, worth, after, new.points)?)
}

/// No more than is left: other decisions may have taken some meanwhile.
fn at_most(points: i64, worth: i64) -> i64 {
    let limit = if points.signum() == worth.signum() { worth.abs() } else { 0 };
    points.signum() * points.abs().min(limit)
}

/// The points go back, from *available* if they had got there, and the line says so.
async fn take_back(
    tx: &Tx,
    village: &Village,
    cause: Cause,
    at: &LineRow,
    line: &Contested,
    reversed: i64,
    now: Instant,
) -> Outcome<()> {
    let appeal = cause.reference;
    reverse(tx, village, cause, at.line, line, reversed, now).await?;
    let left = line.left() - reversed;
    let effect = match left {
        0 => Effect { status: "struck", reversed },
        _ => Effect { status: "adjusted", reversed },
    };
    let status = status(tx, village, at, line, effect).await?;
    settle_line(tx, village, at.line, line, reversed, status, now).await?;
    households::settle_ended(tx, village, &appeal.to_string(), now).await
}

/// What was taken of a line and is not made good yet, nor to be.
async fn lost(tx: &Tx, village: &Village, line: Uuid) -> Outcome<i64> {
    let sql = "SELECT CAST(COALESCE((SELECT -SUM(r.awarded) FROM score_lines r \
                 WHERE r.village = $1 AND r.reverses = $2), 0) \
               - COALESCE((SELECT SUM(a.points) FROM adjustments a \
                 WHERE a.village = $1 AND a.restores = $2 AND a.status IN ('approved', 'scored')), 0) \
               AS BIGINT)";
    Ok(db::number(tx, sql, [village.into(), line.into()]).await?)
}

/// What was struck is made good by a new entry on this week's sheet: it passes publicity again.
async fn restore(
    tx: &Tx,
    village: &Village,
    by: &Official<HearsObjections>,
    (appeal, at): (&Made, &LineRow),
    (points, reason): (i64, &str),
    now: Instant,
) -> Outcome<()> {
    let new = Restoration {
        id: Uuid::now_v7(),
        line: at.line,
        points: Some(points),
        by: by.person,
        reason,
    };
    adjustments::restore(tx, village, &new, now).await?;
    let sql = "UPDATE appeals SET restored = $3, adjustment = $4 WHERE village = $1 AND id = $2";
    let values: [Value; 4] = [village.into(), appeal.id.into(), points.into(), new.id.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

async fn record(
    tx: &Tx,
    by: &Official<HearsObjections>,
    objection: &Row,
    (new, reason): (&NewDecision, &str),
    body: DecidingBody,
    now: Instant,
) -> Outcome<()> {
    let sql = "UPDATE appeals SET decision = $3, decided_body = $4, decided_by = $5, \
               decided_at = $6, decided_reason = $7, points_after = $8 \
               WHERE village = $1 AND objection = $2 AND decided_at IS NULL";
    let values: [Value; 8] = [
        (&by.village).into(),
        objection.id.into(),
        new.decision.as_str().into(),
        body.as_str().into(),
        by.person.into(),
        now.0.into(),
        reason.into(),
        new.points.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state("final").into());
    }
    let sql = "UPDATE objections SET status = 'final', final_at = $3, due_at = NULL \
               WHERE village = $1 AND id = $2 AND status = 'appealed'";
    let values: [Value; 3] = [(&by.village).into(), objection.id.into(), now.0.into()];
    db::run(tx, sql, values).await?;
    let act = Act {
        region: by.village.as_str(),
        actor: Some(by.person),
        action: "objection.decide_appeal",
        subject: objection.id.to_string(),
        detail: serde_json::json!({
            "decision": new.decision, "line": objection.number, "body": body,
        }),
    };
    audit::record(tx, now, act).await
}

async fn inform(
    tx: &Tx,
    village: &Village,
    objection: &Row,
    Revision { reversed, restored }: Revision,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let outcome = match (reversed, restored) {
        (0, 0) => "维持原决定".to_owned(),
        (_, 0) => "改变原决定，该条积分再予冲正".to_owned(),
        _ => format!("改变原决定，补记{restored}分，随本周评分表重新公示"),
    };
    let detail = format!(
        "{}公示第{}条：申诉已办结，{outcome}。理由：{reason}",
        objection.month, objection.number
    );
    let kinds = ["line_appeal_decided", "appeal_decided"];
    tell_sides(tx, village, objection, kinds, &detail, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_is_left() {
        assert_eq!(at_most(5, 5), 5);
        assert_eq!(at_most(5, 3), 3);
        assert_eq!(at_most(5, 0), 0);
        assert_eq!(at_most(-10, -4), -4);
        assert_eq!(at_most(0, 9), 0);
    }
}
