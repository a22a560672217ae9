//! `POST …/public-lists/{month}/corrections/{number}/decision`: a second person decides a correction as a
//! whole.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use uuid::Uuid;

use super::carry::{release, settle};
use super::correct::rows_of;
use super::correction_list::{Correction, Viewer, one};
use super::decide::{NewReversalDecision, unconcerned};
use crate::app::App;
use crate::calendar;
use crate::http::path_part;
use crate::identity::{Corrects, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// Decide all lines of a correction that are not decided yet
#[utoipa::path(tag = "reversals", operation_id = "corrections_decide", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month of the list"),
        ("number" = i64, Path, description = "The correction's number", minimum = 1)),
    request_body = NewReversalDecision, responses((status = 201, body = Correction)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        invalid_field"))))]
#[post("/v1/villages/{village}/public-lists/{month}/corrections/{number}/decision")]
async fn decide_correction(
    officer: Official<Corrects>,
    request: HttpRequest,
    decision: Command<NewReversalDecision>,
    app: Data<App>,
) -> Outcome<Answer<Correction>> {
    let (month, number) = (path_part(&request, "month")?, path_part(&request, "number")?);
    let done = decision.once(&app, officer.village.as_str(), officer.account, async |tx| {
        decide(tx, &officer, (month, number), &decision.body, app.clock.now()).await?;
        one(tx, &officer.village, month, number, &Viewer::of(&officer)).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn decide(
    tx: &Tx,
    by: &Official<Corrects>,
    (month, number): (Month, i64),
    new: &NewReversalDecision,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let reason = new.readable()?;
    calendar::touch(tx, village, now).await?;
    let key = || -> [Value; 3] { [village.into(), month.to_string().into(), number.into()] };
    let rows = rows_of(tx, key()).await?;
    let Some(first) = rows.first() else { return Err(Code::NotFound.into()) };
    let current = first.status.clone();
    let waiting: Vec<_> = rows.into_iter().filter(|row| row.status == "proposed").collect();
    // Whoever is concerned by one line leaves the whole to somebody else, or decides the others singly.
    for row in &waiting {
        unconcerned(tx, by, row).await?;
    }
    if waiting.is_empty() {
        return Err(Refusal::wrong_state(current).into());
    }
    let status = new.status();
    let closed_at = (status == "dropped").then_some(now.0);
    let sql = "UPDATE reversals SET status = $4, decided_by = $5, decided_at = $6, \
                 decided_reason = $7, closed_at = $8 \
               WHERE village = $1 AND month = $2 AND correction = $3 AND status = 'proposed'";
    let decided: [Value; 5] =
        [status.into(), by.person.into(), now.0.into(), reason.as_str().into(), closed_at.into()];
    db::run(tx, sql, key().into_iter().chain(decided)).await?;
    if closed_at.is_some() {
        let outcome = "不予冲正，积分已解冻";
        release(tx, village, &waiting, "reversal_decided", outcome, now).await?;
        let ids: Vec<Uuid> = waiting.iter().map(|row| row.id).collect();
        let cause = ids.first().map_or(String::new(), Uuid::to_string);
        settle(tx, village, &cause, now).await?;
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "correction.decide",
        subject: format!("{month}:{number}"),
        detail: serde_json::json!({ "status": status, "lines": waiting.len() }),
    };
    audit::record(tx, now, act).await
}
