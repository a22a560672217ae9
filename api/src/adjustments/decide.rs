//! `POST …/adjustments/{adjustment}/decision`: a second person approves, or not.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::propose::adjustable;
use super::read::{Adjustment, load, row};
use super::restore::settled;
use super::terms;
use crate::app::App;
use crate::calendar;
use crate::households::{Notice, holder, tell};
use crate::http::path_id;
use crate::identity::{Corrects, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::{register, scoring};

/// Whether points are given or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentDecision {
    /// They go on this week's sheet.
    Approved,
    Rejected,
}

/// What the second person decides.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAdjustmentDecision {
    pub decision: AdjustmentDecision,
    /// Told to the household.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "台账属实")]
    pub reason: String,
}

/// Approve or reject an adjustment that somebody else proposed
#[utoipa::path(tag = "adjustments", operation_id = "adjustments_decide", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("adjustment" = Uuid, Path, description = "The adjustment's id")),
    request_body = NewAdjustmentDecision, responses((status = 201, body = Adjustment)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state hearing_open \
        household_not_active appeal_decided reason_required invalid_field"))))]
#[post("/v1/villages/{village}/adjustments/{adjustment}/decision")]
async fn decide_adjustment(
    officer: Official<Corrects>,
    request: HttpRequest,
    decision: Command<NewAdjustmentDecision>,
    app: Data<App>,
) -> Outcome<Answer<Adjustment>> {
    let id = path_id(&request, "adjustment")?;
    let done = decision.once(&app, officer.village.as_str(), officer.account, async |tx| {
        decide(tx, &officer, id, &decision.body, app.clock.now()).await?;
        load(tx, &officer, id, app.clock.now()).await
    });
    Ok(done.await?.created())
}

async fn decide(
    tx: &Tx,
    by: &Official<Corrects>,
    id: Uuid,
    new: &NewAdjustmentDecision,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    // The village's lock: decisions follow one another, and no week closes meanwhile.
    calendar::touch(tx, village, now).await?;
    let found = row(tx, village, id).await?;
    if found.proposed_by == Some(by.person)
        || is_concerned(tx, village, by.person, found.household).await?
    {
        return Err(Code::ConflictOfInterest.into());
    }
    let current = terms::status(&found, now);
    if current != "proposed" {
        return Err(Refusal::wrong_state(current).into());
    }
    if new.decision == AdjustmentDecision::Approved {
        approvable(tx, village, &found, now).await?;
    }
    let (status, week) = match new.decision {
        AdjustmentDecision::Approved => {
            ("approved", Some(scoring::open_sheet(tx, village).await?.week.to_string()))
        }
        AdjustmentDecision::Rejected => ("rejected", None),
    };
    let sql = "UPDATE adjustments SET status = $3, decided_by = $4, decided_at = $5, \
                 decided_reason = $6, week = $7 WHERE village = $1 AND id = $2 AND status = 'proposed'";
    let values: [Value; 7] = [
        village.into(),
        id.into(),
        status.into(),
        by.person.into(),
        now.0.into(),
        reason.as_str().into(),
        week.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state(status).into());
    }
    follow(tx, by, &found, status, &reason, now).await
}

/// The household is still one that can be adjusted, and had its days to answer before points are taken.
///
/// # Errors
/// `hearing_open`, `household_not_active`; `wrong_state` and `appeal_decided` as when it was proposed.
async fn approvable(
    tx: &Tx,
    village: &Village,
    row: &entity::adjustment::Model,
    now: Instant,
) -> Outcome<()> {
    if let Some(opens_at) = terms::heard_until(row).filter(|until| now < *until) {
        return Err(Refusal { opens_at: Some(opens_at), ..Code::HearingOpen.into() }.into());
    }
    if let Some(line) = row.restores {
        settled(tx, village, line).await?;
    }
    adjustable(tx, village, row.household, row.restores).await
}

/// An approved one is told to the household and put on the register; either is audited.
async fn follow(
    tx: &Tx,
    by: &Official<Corrects>,
    row: &entity::adjustment::Model,
    status: &str,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    if status == "approved" {
        let points = row.points;
        let note = format!("{points:+}分：{}", row.reason);
        let entry = register::Entry {
            kind: register::Kind::Adjustment,
            subject: row.id.to_string(),
            person: Some(by.person),
            note: note.clone(),
        };
        register::enter(tx, village, now, &[entry]).await?;
        let notice = Notice {
            recipient: holder(tx, village, row.household).await?,
            kind: "points_adjusted",
            subject: row.id,
            detail: format!("委员会调整本户积分{note}。本周记分，随下次公示"),
        };
        tell(tx, village, now, &[notice]).await?;
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "adjustment.decide",
        subject: row.id.to_string(),
        detail: serde_json::json!({ "status": status, "reason": reason }),
    };
    audit::record(tx, now, act).await
}
