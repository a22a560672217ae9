//! `POST …/public-lists/{month}/corrections`: after closing a list is corrected only by another one, which
//! everybody can read for its days before it takes effect (更正公示).

use std::collections::BTreeSet;

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::CORRECTION_DAYS;
use super::correction_list::{Correction, Viewer, one};
use super::proposal::{Proposal, place_on, propose};
use crate::app::App;
use crate::calendar;
use crate::http::path_part;
use crate::identity::{Adjusts, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;

/// One line that is wrong.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCorrectionLine {
    /// Of its reversal; made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// Its number on the closed list.
    #[validate(range(min = 1, max = 1_000_000))]
    #[schema(minimum = 1, maximum = 1_000_000, example = 12)]
    pub number: i64,
    /// How many of its points, without their sign; all that is left, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 1000))]
    #[schema(nullable = false, minimum = 1, maximum = 1000, example = 5)]
    pub points: Option<i64>,
    /// Told to the household, not to the public.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "签到表上没有其签名")]
    pub reason: String,
}

/// What a closed list is to be corrected by.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCorrection {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// Shown in public: it names nobody.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "8月15日清扫签到表核对有误")]
    pub reason: String,
    #[validate(nested, length(min = 1, max = 50))]
    #[schema(min_items = 1, max_items = 50)]
    pub lines: Vec<NewCorrectionLine>,
}

/// Publish a correction of a closed list; its points are frozen, and what a second person approves is taken
/// back after 7 days
#[utoipa::path(tag = "reversals", operation_id = "corrections_publish", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month of the closed list")),
    request_body = NewCorrection, responses((status = 201, body = Correction)),
    extensions(("x-codes" = json!("role_required conflict_of_interest line_not_confirmed \
        reversal_exists already_proposed reversal_exceeds_line wrong_state reason_required id_taken invalid_field"))))]
#[post("/v1/villages/{village}/public-lists/{month}/corrections")]
async fn publish_correction(
    member: Official<Adjusts>,
    request: HttpRequest,
    new: Command<NewCorrection>,
    app: Data<App>,
) -> Outcome<Answer<Correction>> {
    let month = path_part(&request, "month")?;
    let done = new.once(&app, member.village.as_str(), member.account, async |tx| {
        let number = publish(tx, &member, month, &new.body, app.clock.now()).await?;
        one(tx, &member.village, month, number, &Viewer::of(&member)).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn publish(
    tx: &Tx,
    by: &Official<Adjusts>,
    month: Month,
    new: &NewCorrection,
    now: Instant,
) -> Outcome<i64> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    let numbers: BTreeSet<_> = new.lines.iter().map(|line| line.number).collect();
    if numbers.len() != new.lines.len() {
        let refusal = Refusal::from(Code::InvalidField);
        return Err(refusal.at("/lines", "unique", "each line once").into());
    }
    calendar::touch(tx, village, now).await?;
    let number = insert(tx, by, month, new, &reason, now).await?;
    // At most fifty: each is refused for itself.
    for (index, line) in new.lines.iter().enumerate() {
        let at = format!("/lines/{index}/reason");
        let reason = required(&line.reason, &at)?;
        let place = place_on(tx, village, month, line.number).await?;
        let proposal = Proposal {
            id: line.id,
            place,
            points: line.points,
            reason: &reason,
            correction: Some(number),
            due_at: now.plus_days(CORRECTION_DAYS),
        };
        let named = |problem| naming(problem, line.number);
        propose(tx, by, &proposal, now).await.map_err(named)?;
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "correction.publish",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "month": month, "number": number, "lines": numbers }),
    };
    audit::record(tx, now, act).await?;
    Ok(number)
}

/// Says which line a refusal is about.
fn naming(problem: Problem, number: i64) -> Problem {
    match problem {
        Problem::Refused(refusal) => refusal.because(format!("line {number}")).into(),
        other => other,
    }
}

/// The correction itself: the next number of a list that is closed.
async fn insert(
    tx: &Tx,
    by: &Official<Adjusts>,
    month: Month,
    new: &NewCorrection,
    reason: &str,
    now: Instant,
) -> Outcome<i64> {
    let key = || -> [Value; 2] { [(&by.village).into(), month.to_string().into()] };
    let sql = "SELECT COUNT(*) FROM public_lists WHERE village = $1 AND month = $2";
    if db::number(tx, sql, key()).await? == 0 {
        return Err(Code::NotFound.into());
    }
    let sql = format!("{sql} AND status = 'closed'");
    if db::number(tx, &sql, key()).await? == 0 {
        return Err(Refusal::wrong_state("open").into());
    }
    let sql = "SELECT COALESCE(MAX(number), 0) + 1 FROM corrections \
               WHERE village = $1 AND month = $2";
    let number = db::number(tx, sql, key()).await?;
    let sql = "INSERT INTO corrections (village, month, number, id, reason, published_by, \
                 published_at, closes_at, status) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open') ON CONFLICT DO NOTHING";
    let rest: [Value; 6] = [
        number.into(),
        new.id.into(),
        reason.into(),
        by.person.into(),
        now.0.into(),
        now.plus_days(CORRECTION_DAYS).0.into(),
    ];
    match db::run(tx, sql, key().into_iter().chain(rest)).await? {
        0 => Err(Code::IdTaken.into()),
        _ => Ok(number),
    }
}

/// The reversals of a correction, in the order of their lines; `key` is village, month and number.
pub async fn rows_of(tx: &Tx, key: [Value; 3]) -> Outcome<Vec<entity::reversal::Model>> {
    let sql = "SELECT * FROM reversals WHERE village = $1 AND month = $2 AND correction = $3 \
               ORDER BY number";
    Ok(db::all(tx, sql, key).await?)
}
