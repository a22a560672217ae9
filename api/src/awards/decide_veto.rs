//! `POST /v1/villages/{village}/vetoes/{veto}/statement` and `…/decision`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::Ruling;
use super::vetoes::{Veto, open_year, reply_until, row, show};
use crate::app::App;
use crate::calendar;
use crate::households::{Notice, tell};
use crate::http::path_id;
use crate::identity::{Confirms, Neighbour, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::kernel::year::Year;

/// What a household says to a veto that is proposed.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVetoStatement {
    #[validate(length(min = 1, max = 1000))]
    #[schema(min_length = 1, max_length = 1000, example = "当时不在场")]
    pub text: String,
}

/// Answer a veto that is proposed against one's household, once
#[utoipa::path(tag = "awards", operation_id = "vetoes_state", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("veto" = Uuid, Path, description = "The veto's id")),
    request_body = NewVetoStatement, responses((status = 201, body = Veto)),
    extensions(("x-codes" = json!("role_required wrong_state reason_required invalid_field"))))]
#[post("/v1/villages/{village}/vetoes/{veto}/statement")]
async fn state_on_veto(
    caller: Neighbour,
    request: HttpRequest,
    statement: Command<NewVetoStatement>,
    app: Data<App>,
) -> Outcome<Answer<Veto>> {
    let id = path_id(&request, "veto")?;
    let done = statement.once(&app, caller.village.as_str(), caller.account, async |tx| {
        state(tx, &caller, id, &statement.body.text, app.clock.now()).await?;
        show(row(tx, &caller.village, id).await?, Vec::new())
    });
    Ok(done.await?.created())
}

async fn state(tx: &Tx, by: &Neighbour, id: Uuid, text: &str, now: Instant) -> Outcome<()> {
    let village = &by.village;
    let text = required(text, "/text")?;
    calendar::touch(tx, village, now).await?;
    let veto = row(tx, village, id).await?;
    // A neighbour is not to know that there is such a veto.
    if by.own_household()? != veto.household {
        return Err(Code::NotFound.into());
    }
    if veto.status != "proposed" || veto.statement.is_some() {
        let current = if veto.status == "proposed" { "stated" } else { &veto.status };
        return Err(Refusal::wrong_state(current).into());
    }
    let sql = "UPDATE vetoes SET statement = $3, stated_by = $4, stated_at = $5 \
               WHERE village = $1 AND id = $2";
    let values: [Value; 5] =
        [village.into(), id.into(), text.into(), by.person.into(), now.0.into()];
    db::run(tx, sql, values).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "veto.state",
        subject: id.to_string(),
        detail: serde_json::json!({}),
    };
    audit::record(tx, now, act).await?;
    let detail = "被提议一票否决的农户已陈述意见，可以表决".to_owned();
    let notice = Notice { recipient: veto.proposed_by, kind: "veto_stated", subject: id, detail };
    tell(tx, village, now, &[notice]).await
}

/// The second person's decision on a veto.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVetoDecision {
    pub decision: Ruling,
    /// Told to the household.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "处罚决定已生效")]
    pub reason: String,
}

/// Decide on a veto that somebody else proposed, after the household's answer or its seven days
#[utoipa::path(tag = "awards", operation_id = "vetoes_decide", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("veto" = Uuid, Path, description = "The veto's id")),
    request_body = NewVetoDecision, responses((status = 201, body = Veto)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state hearing_open \
        reason_required invalid_field"))))]
#[post("/v1/villages/{village}/vetoes/{veto}/decision")]
async fn decide_veto(
    second: Official<Confirms>,
    request: HttpRequest,
    decision: Command<NewVetoDecision>,
    app: Data<App>,
) -> Outcome<Answer<Veto>> {
    let id = path_id(&request, "veto")?;
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
    new: &NewVetoDecision,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    calendar::touch(tx, village, now).await?;
    let veto = row(tx, village, id).await?;
    if veto.status != "proposed" {
        return Err(Refusal::wrong_state(veto.status).into());
    }
    let concerned = is_concerned(tx, village, by.person, veto.household).await?;
    if concerned || veto.proposed_by == by.person {
        return Err(Code::ConflictOfInterest.into());
    }
    let year: Year = veto.year.parse().map_err(|_| Problem::fault(format!("veto {id}")))?;
    let status = match new.decision {
        Ruling::Approve => "approved",
        Ruling::Reject => "rejected",
    };
    if new.decision == Ruling::Approve {
        // The awards of a final ranking are given already.
        open_year(tx, village, year, now).await?;
        let opens_at = reply_until(veto.proposed_at);
        if veto.statement.is_none() && now < opens_at {
            return Err(Refusal { opens_at: Some(opens_at), ..Code::HearingOpen.into() }.into());
        }
    }
    let sql = "UPDATE vetoes SET status = $3, decided_by = $4, decided_at = $5, \
               decided_reason = $6 WHERE village = $1 AND id = $2 AND status = 'proposed'";
    let values: [Value; 6] = [
        village.into(),
        id.into(),
        status.into(),
        by.person.into(),
        now.0.into(),
        reason.as_str().into(),
    ];
    db::run(tx, sql, values).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "veto.decide",
        subject: id.to_string(),
        detail: serde_json::json!({ "decision": new.decision, "year": year }),
    };
    audit::record(tx, now, act).await?;
    let outcome = match new.decision {
        Ruling::Approve => "一票否决成立：名次保留，当年不发名次奖、不评荣誉",
        Ruling::Reject => "一票否决的提议未通过",
    };
    let detail = format!("{year}年度{outcome}。理由：{reason}");
    let notice = Notice { recipient: veto.household, kind: "veto_decided", subject: id, detail };
    tell(tx, village, now, &[notice]).await
}
