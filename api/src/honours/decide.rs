//! `POST /v1/villages/{village}/honours/{honour}/decision`: the second person grants an honour, or lets its
//! withdrawal take place.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::criteria::{Item, earned_on, item};
use super::list::{Honour, load, row};
use super::points::{claim_of, take_back};
use super::propose::fitting;
use crate::app::App;
use crate::awards::Ruling;
use crate::calendar;
use crate::claims::{Evidence, Filing, NewClaim, submit_all};
use crate::households::{Notice, tell};
use crate::http::path_id;
use crate::identity::{Confirms, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Period;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::rules::Source;

/// The second person's decision on what is proposed: the honour, or its withdrawal.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHonourDecision {
    pub decision: Ruling,
    /// Required to reject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 500))]
    #[schema(nullable = false, min_length = 1, max_length = 500, example = "材料不齐")]
    pub reason: Option<String>,
}

/// Decide on an honour that somebody else proposed, or on its withdrawal
///
/// Granted, it gets the village's next plaque number, and files the claim of the rule that rewards it, which
/// takes that rule's own review: whoever decides here has filed it, and does not vote on it. Withdrawn, it
/// takes that claim with it, or what was scored of it and is not confirmed; the answer says what became of it.
#[utoipa::path(tag = "honours", operation_id = "honours_decide", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("honour" = Uuid, Path, description = "The honour's id")),
    request_body = NewHonourDecision, responses((status = 201, body = Honour)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state \
        honour_criteria_unmet household_not_active reason_required invalid_field"))))]
#[post("/v1/villages/{village}/honours/{honour}/decision")]
async fn decide_honour(
    second: Official<Confirms>,
    request: HttpRequest,
    decision: Command<NewHonourDecision>,
    app: Data<App>,
) -> Outcome<Answer<Honour>> {
    let id = path_id(&request, "honour")?;
    let done = decision.once(&app, second.village.as_str(), second.account, async |tx| {
        decide(&app, tx, &second, id, &decision.body).await?;
        load(tx, &second, id).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn decide(
    app: &App,
    tx: &Tx,
    by: &Official<Confirms>,
    id: Uuid,
    new: &NewHonourDecision,
) -> Outcome<()> {
    let (village, now) = (&by.village, app.clock.now());
    calendar::touch(tx, village, now).await?;
    let honour = row(tx, by, id).await?;
    let proposer = match (honour.status.as_str(), honour.withdrawal_by) {
        ("proposed", _) => honour.proposed_by,
        ("withdrawing", Some(by)) => by,
        _ => return Err(Refusal::wrong_state(honour.status).into()),
    };
    let concerned = is_concerned(tx, village, by.person, honour.household).await?;
    if concerned || proposer == by.person {
        return Err(Code::ConflictOfInterest.into());
    }
    let reason = new.reason.as_deref().and_then(readable);
    if new.decision == Ruling::Reject && reason.is_none() {
        return Err(Refusal::from(Code::ReasonRequired).at("/reason", "required", "").into());
    }
    let item = item(&honour.item)?;
    let told = match (honour.status.as_str(), new.decision) {
        ("proposed", Ruling::Approve) => Some(grant(app, tx, by, &honour, &item, reason).await?),
        ("proposed", Ruling::Reject) => {
            reject(tx, by, id, reason.unwrap_or_default(), now).await?;
            None
        }
        (_, Ruling::Approve) => Some(withdraw(app, tx, by, &honour, &item).await?),
        (_, Ruling::Reject) => {
            keep(tx, by, id).await?;
            None
        }
    };
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: if honour.status == "proposed" {
            "honour.decide"
        } else {
            "honour.decide_withdrawal"
        },
        subject: id.to_string(),
        detail: serde_json::json!({ "decision": new.decision }),
    };
    audit::record(tx, now, act).await?;
    let notices: Vec<_> = told.into_iter().collect();
    tell(tx, village, now, &notices).await
}

async fn grant(
    app: &App,
    tx: &Tx,
    by: &Official<Confirms>,
    honour: &entity::honour::Model,
    item: &Item,
    reason: Option<String>,
) -> Outcome<Notice<'static>> {
    let (village, now) = (&by.village, app.clock.now());
    let odd = || Problem::fault(format!("honour {}", honour.id));
    let period: Period = honour.period.parse().map_err(|_| odd())?;
    fitting(tx, village, honour.household, item, period, now).await?;
    // Rows are never deleted, and the village is locked: the greatest number was given last.
    let sql = "SELECT COALESCE(MAX(plaque), 0) + 1 FROM honours WHERE village = $1";
    let plaque = db::number(tx, sql, [village.into()]).await?;
    let claim = earn(app, tx, by, honour, item, (period, plaque)).await?;
    let sql = "UPDATE honours SET status = 'granted', decided_by = $3, decided_at = $4, \
               decided_reason = $5, plaque = $6, claim = $7 \
               WHERE village = $1 AND id = $2 AND status = 'proposed'";
    let values: [Value; 7] = [
        village.into(),
        honour.id.into(),
        by.person.into(),
        now.0.into(),
        reason.into(),
        plaque.into(),
        claim.into(),
    ];
    db::run(tx, sql, values).await?;
    let points = if claim.is_some() { "；相应积分已提交审核" } else { "" };
    let detail = format!("本户获评{period}{}，标识牌第{plaque}号{points}", item.name_zh);
    let (recipient, subject) = (honour.household, honour.id);
    Ok(Notice { recipient, kind: "honour_granted", subject, detail })
}

/// Files the claim of the rule that rewards the honour: its id, or none where no rule of the village does, or
/// the same deed is claimed already.
async fn earn(
    app: &App,
    tx: &Tx,
    by: &Official<Confirms>,
    honour: &entity::honour::Model,
    item: &Item,
    (period, plaque): (Period, i64),
) -> Outcome<Option<Uuid>> {
    let Some(earns) = item.criterion.earns else { return Ok(None) };
    let record = format!("{}（{period}），标识牌第{plaque}号", item.name_zh);
    let id = claim_of(&by.village, honour.id);
    let claim = NewClaim {
        id,
        household: honour.household,
        rule: earns.rule.to_owned(),
        member: None,
        count: 1,
        points_each: None,
        level: earns.level.map(str::to_owned),
        occurred_on: earned_on(period, app.clock.now().day()),
        event: None,
        note: Some(record.clone()),
        evidence: vec![Evidence {
            kind: earns.evidence.to_owned(),
            reference: Some(record),
            photo: None,
        }],
        device_at: None,
        late_reason: None,
        consent: None,
    };
    // The committee's own: whoever confirmed the honour files, and the rule's chain reviews.
    let list = Some(Source::Committee);
    let (filer, village) = (&by.caller, &by.village);
    let filing = Filing { app, filer, village, list, early_photos: false };
    let filed = submit_all(tx, &filing, std::slice::from_ref(&claim)).await?;
    match filed.into_iter().next() {
        Some(Ok(_)) => Ok(Some(id)),
        Some(Err(refusal)) => match refusal.code {
            Code::RuleNotInForce | Code::ClaimTooLate => Ok(None),
            Code::DuplicateClaim => Ok(refusal.existing),
            _ => Err(refusal.into()),
        },
        None => Ok(None),
    }
}

async fn reject(
    tx: &Tx,
    by: &Official<Confirms>,
    id: Uuid,
    reason: String,
    now: Instant,
) -> Outcome<()> {
    let sql = "UPDATE honours SET status = 'rejected', decided_by = $3, decided_at = $4, \
               decided_reason = $5 WHERE village = $1 AND id = $2 AND status = 'proposed'";
    let values: [Value; 5] =
        [(&by.village).into(), id.into(), by.person.into(), now.0.into(), reason.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// Takes the honour back, and with it what it earned; its number stays taken.
async fn withdraw(
    app: &App,
    tx: &Tx,
    by: &Official<Confirms>,
    honour: &entity::honour::Model,
    item: &Item,
) -> Outcome<Notice<'static>> {
    let now = app.clock.now();
    let name = format!("{}{}", honour.period, item.name_zh);
    let points = take_back(app, tx, by, honour, &format!("{name}已撤销")).await?;
    let sql = "UPDATE honours SET status = 'withdrawn', withdrawn_by = $3, withdrawn_at = $4, \
               withdrawn_points = $5 \
               WHERE village = $1 AND id = $2 AND status = 'withdrawing'";
    let values: [Value; 5] = [
        (&by.village).into(),
        honour.id.into(),
        by.person.into(),
        now.0.into(),
        points.as_str().into(),
    ];
    db::run(tx, sql, values).await?;
    let why = honour.withdrawal_reason.as_deref().unwrap_or_default();
    let returned = match honour.plaque_returned {
        Some(true) => "，标识牌已交回",
        _ => "，请交回标识牌",
    };
    let detail = format!("{name}已撤销{returned}{}。理由：{why}", points.told());
    let (recipient, subject) = (honour.household, honour.id);
    Ok(Notice { recipient, kind: "honour_withdrawn", subject, detail })
}

/// The honour stays in force, as if nothing had been proposed; the audit keeps that it was.
async fn keep(tx: &Tx, by: &Official<Confirms>, id: Uuid) -> Outcome<()> {
    let sql = "UPDATE honours SET status = 'granted', withdrawal_by = NULL, \
               withdrawal_reason = NULL, plaque_returned = NULL \
               WHERE village = $1 AND id = $2 AND status = 'withdrawing'";
    db::run(tx, sql, [(&by.village).into(), id.into()]).await?;
    Ok(())
}
