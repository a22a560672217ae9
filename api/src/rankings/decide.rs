//! `POST /v1/villages/{village}/rankings/{year}/objections/{objection}/decision`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::decider::Decider;
use super::object::{RankingDecision, RankingObjection, row, show};
use super::year::{finish, revise, year_ranking};
use crate::app::App;
use crate::calendar;
use crate::households::{Notice, tell};
use crate::http::{path_id, path_part};
use crate::identity::{Governs, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::kernel::year::Year;

/// The decision on an objection to a ranking.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRankingDecision {
    pub decision: RankingDecision,
    /// Told to whoever objected.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "该笔积分已冲正")]
    pub reason: String,
}

/// Decide on an objection to a ranking: the township, after seven days also the county
///
/// A ranking is corrected through its points alone: an error that was found is first reversed or adjusted;
/// upholding the objection then makes the ranking anew.
#[utoipa::path(tag = "rankings", operation_id = "rankings_decide_objection",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("year" = Year, Path, description = "The year"),
        ("objection" = Uuid, Path, description = "The objection's id")),
    request_body = NewRankingDecision, responses((status = 201, body = RankingObjection)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        invalid_field"))))]
#[post("/v1/villages/{village}/rankings/{year}/objections/{objection}/decision")]
async fn decide_ranking_objection(
    officer: Official<Governs>,
    request: HttpRequest,
    decision: Command<NewRankingDecision>,
    app: Data<App>,
) -> Outcome<Answer<RankingObjection>> {
    let year: Year = path_part(&request, "year")?;
    let id = path_id(&request, "objection")?;
    let done = decision.once(&app, officer.village.as_str(), officer.account, async |tx| {
        decide(&app, tx, &officer, year, id, &decision.body).await?;
        show(row(tx, &officer.village, year, id).await?, true, Vec::new())
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn decide(
    app: &App,
    tx: &Tx,
    by: &Official<Governs>,
    year: Year,
    id: Uuid,
    new: &NewRankingDecision,
) -> Outcome<()> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    let now = app.clock.now();
    calendar::touch(tx, village, now).await?;
    let objection = row(tx, village, year, id).await?;
    Decider::of(tx, by, &by.village, year).await?.admit(&objection, now)?;
    record(tx, by, &objection, new.decision, &reason, now).await?;
    let mut revised = false;
    if new.decision == RankingDecision::Upheld
        && let Some(ranking) = year_ranking(tx, village, year).await?
    {
        revised = revise(tx, village, &ranking).await?;
    }
    inform(tx, village, &objection, new.decision, revised, &reason, now).await?;
    finish(tx, village, year, now).await
}

async fn record(
    tx: &Tx,
    by: &Official<Governs>,
    objection: &entity::ranking_objection::Model,
    decision: RankingDecision,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let word = match decision {
        RankingDecision::Dismissed => "dismissed",
        RankingDecision::Upheld => "upheld",
    };
    let sql = "UPDATE ranking_objections SET status = 'decided', decision = $3, decided_by = $4, \
               decided_at = $5, decided_reason = $6 \
               WHERE village = $1 AND id = $2 AND status = 'filed'";
    let values: [Value; 6] = [
        (&by.village).into(),
        objection.id.into(),
        word.into(),
        by.person.into(),
        now.0.into(),
        reason.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state("decided").into());
    }
    let act = Act {
        region: by.village.as_str(),
        actor: Some(by.person),
        action: "ranking_objection.decide",
        subject: objection.id.to_string(),
        detail: serde_json::json!({ "year": objection.year, "decision": word }),
    };
    audit::record(tx, now, act).await
}

async fn inform(
    tx: &Tx,
    village: &Village,
    objection: &entity::ranking_objection::Model,
    decision: RankingDecision,
    revised: bool,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let outcome = match (decision, revised) {
        (RankingDecision::Dismissed, _) => "异议不成立，排名维持",
        (RankingDecision::Upheld, true) => "异议成立，已按更正后的积分重新排名",
        (RankingDecision::Upheld, false) => "异议成立，核对后名次没有变化",
    };
    let detail = format!("{}年度排名：{outcome}。理由：{reason}", objection.year);
    let kind = "ranking_objection_decided";
    let notice = Notice { recipient: objection.filed_by, kind, subject: objection.id, detail };
    tell(tx, village, now, &[notice]).await
}
