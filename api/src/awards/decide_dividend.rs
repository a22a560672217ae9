//! `POST /v1/villages/{village}/dividends/{dividend}/decision`: the shares become awards.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::Ruling;
use super::catalogue::builtin;
use super::dividends::{Dividend, distribution, row, show};
use super::grant::{Given, write};
use crate::app::App;
use crate::calendar;
use crate::http::path_id;
use crate::identity::{Confirms, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::kernel::year::Year;

/// The second person's decision.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDividendDecision {
    pub decision: Ruling,
    /// Required to reject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 500))]
    #[schema(nullable = false, min_length = 1, max_length = 500, example = "金额有误")]
    pub reason: Option<String>,
}

/// Approve or reject a dividend that somebody else proposed; approved, its shares become awards
#[utoipa::path(tag = "awards", operation_id = "dividends_decide", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("dividend" = Uuid, Path, description = "The dividend's id")),
    request_body = NewDividendDecision, responses((status = 201, body = Dividend)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state \
        ranking_not_final dividend_without_points reason_required invalid_field"))))]
#[post("/v1/villages/{village}/dividends/{dividend}/decision")]
async fn decide_dividend(
    second: Official<Confirms>,
    request: HttpRequest,
    decision: Command<NewDividendDecision>,
    app: Data<App>,
) -> Outcome<Answer<Dividend>> {
    let id = path_id(&request, "dividend")?;
    let done = decision.once(&app, second.village.as_str(), second.account, async |tx| {
        decide(tx, &second, id, &decision.body, app.clock.now()).await?;
        show(row(tx, &second.village, id).await?, Vec::new())
    });
    Ok(done.await?.created())
}

async fn decide(
    tx: &Tx,
    by: &Official<Confirms>,
    id: Uuid,
    new: &NewDividendDecision,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    calendar::touch(tx, village, now).await?;
    let dividend = row(tx, village, id).await?;
    if dividend.status != "proposed" {
        return Err(Refusal::wrong_state(dividend.status).into());
    }
    if dividend.proposed_by == by.person {
        return Err(Code::ConflictOfInterest.into());
    }
    let reason = new.reason.as_deref().and_then(readable);
    if new.decision == Ruling::Reject && reason.is_none() {
        return Err(Refusal::from(Code::ReasonRequired).at("/reason", "required", "").into());
    }
    let status = match new.decision {
        Ruling::Approve => "approved",
        Ruling::Reject => "rejected",
    };
    let sql = "UPDATE dividends SET status = $3, decided_by = $4, decided_at = $5, \
               decided_reason = $6 WHERE village = $1 AND id = $2 AND status = 'proposed'";
    let values: [Value; 6] =
        [village.into(), id.into(), status.into(), by.person.into(), now.0.into(), reason.into()];
    db::run(tx, sql, values).await?;
    if new.decision == Ruling::Approve {
        distribute(tx, village, &dividend, now).await?;
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "dividend.decide",
        subject: id.to_string(),
        detail: serde_json::json!({ "decision": new.decision, "pool_fen": dividend.pool_fen }),
    };
    audit::record(tx, now, act).await
}

/// A share is an award of its own; whoever has none gets no row.
async fn distribute(
    tx: &Tx,
    village: &Village,
    dividend: &entity::dividend::Model,
    now: Instant,
) -> Outcome<()> {
    let odd = || Problem::fault(format!("dividend {}", dividend.id));
    let year: Year = dividend.year.parse().map_err(|_| odd())?;
    let line = builtin("dividend")?.into_iter().next().ok_or_else(odd)?;
    let shares = distribution(tx, village, year, dividend.pool_fen, now).await?;
    let given = (1..).zip(shares.into_iter().filter(|(_, fen)| *fen > 0));
    let given = given.map(|(place, (it, fen))| Given {
        kind: "dividend",
        place,
        rank: it.rank,
        household: it.household,
        item: line.key.clone(),
        name_zh: line.name_zh.clone(),
        name_en: line.name_en.clone(),
        value_fen: fen,
        funding: line.funding.clone(),
        dividend: Some(dividend.id),
    });
    write(tx, village, year, &given.collect::<Vec<_>>(), now).await
}
