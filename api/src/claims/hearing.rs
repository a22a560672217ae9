//! `GET` and `POST …/claims/{claim}/hearing`: what a household says to a deduction before it is decided
//! (听取陈述), or why it was not heard.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::decisions::{locked, place, step_of};
use super::read::{Claim, load};
use super::seats::reply_until;
use crate::app::App;
use crate::changes;
use crate::households::{Notice, may_read, tell};
use crate::http::path_id;
use crate::identity::{Files, Neighbour, Role, WeighsEvidence, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::register;
use crate::rules::{StepRole, book};

/// So many whole days a household has to answer before it can be decided without it.
pub const REPLY_DAYS: u64 = 7;

/// What is said for the household, or why nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HearingAct {
    /// 陈述: the household's own words, written by a member, which opens the vote at once, or taken down
    /// by an official, which does not: the household keeps its seven days.
    Statement,
    /// The committee goes on without one, after seven days, and says why.
    Waiver,
}

/// A word at a hearing.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHearing {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub act: HearingAct,
    #[validate(length(min = 1, max = 1000))]
    #[schema(min_length = 1, max_length = 1000, example = "长凳是孩子弄坏的，周末就修好")]
    pub text: String,
}

/// What was said at a hearing.
#[derive(Serialize, ToSchema)]
pub struct Hearing {
    pub id: Uuid,
    pub act: HearingAct,
    #[schema(example = "长凳是孩子弄坏的，周末就修好")]
    pub text: String,
    /// Who wrote it down: a member of the household, or an official.
    pub recorded_by: Uuid,
    pub at: Instant,
}

/// What was said, oldest first.
#[derive(Serialize, ToSchema)]
pub struct HearingPage {
    pub items: Vec<Hearing>,
}

/// Say something to a proposed deduction
#[utoipa::path(tag = "claims", operation_id = "claims_record_hearing", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("claim" = Uuid, Path, description = "The deduction's id")),
    request_body = NewHearing, responses((status = 201, body = Claim)),
    extensions(("x-codes" = json!("other_household role_required conflict_of_interest wrong_state \
        reason_required hearing_open id_taken invalid_field"))))]
#[post("/v1/villages/{village}/claims/{claim}/hearing")]
async fn record_hearing(
    caller: Neighbour,
    request: HttpRequest,
    hearing: Command<NewHearing>,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    let id = path_id(&request, "claim")?;
    let done = hearing.once(&app, caller.village.as_str(), caller.account, async |tx| {
        record(&app, tx, &caller, id, &hearing.body).await?;
        load(&app, tx, &caller, id).await
    });
    Ok(done.await?.created())
}

async fn record(app: &App, tx: &Tx, by: &Neighbour, id: Uuid, new: &NewHearing) -> Outcome<()> {
    let village = &by.village;
    let now = app.clock.now();
    let claim = locked(tx, village, &[id]).await?.remove(&id).ok_or(Code::NotFound)?;
    let own = by.household_in(village) == Some(claim.household);
    may_speak(tx, by, &claim, own, new.act).await?;
    let book = book(&app.rule_books, tx, claim.rule_set).await?;
    let rule = book.rule(&claim.rule);
    let rule = rule.ok_or_else(|| Problem::fault(format!("rule {} is gone", claim.rule)))?;
    let step = step_of(rule, &claim).ok_or_else(|| Refusal::wrong_state(&claim.status))?;
    if !rule.requires_hearing || claim.remedies.is_some() {
        return Err(Refusal::wrong_state(&claim.status).into());
    }
    let open = step.role == StepRole::HouseholdHead;
    if new.act == HearingAct::Waiver {
        if !open {
            return Err(Refusal::wrong_state(&claim.status).into());
        }
        waivable(place(&claim).since, now)?;
    }
    let text = required(&new.text, "/text")?;
    insert(tx, by, &claim, new, &text, now).await?;
    // An official's word that the household was heard does not shorten its time to answer.
    if open && (own || new.act == HearingAct::Waiver) {
        // On to those who decide.
        let sql = "UPDATE claims SET status = 'in_review', step = step + 1, step_since = $3, \
                   version = version + 1 WHERE village = $1 AND id = $2";
        let values: [Value; 3] = [village.into(), id.into(), now.0.into()];
        db::run(tx, sql, values).await?;
        changes::stamp_claims(tx, village, &[id]).await?;
    }
    if own {
        return Ok(());
    }
    let detail = match new.act {
        HearingAct::Statement => format!("对扣分事项的陈述已代为记录：{text}"),
        HearingAct::Waiver => format!("逾期未陈述，扣分事项转入表决：{text}"),
    };
    let notice =
        Notice { recipient: claim.household, kind: "hearing_recorded", subject: id, detail };
    tell(tx, village, now, &[notice]).await
}

/// The household speaks for itself; whoever files or decides for the village may take down its words,
/// and only the committee goes on without them: nobody on a matter they brought or are concerned by.
async fn may_speak(
    tx: &Tx,
    by: &Neighbour,
    claim: &entity::claim::Model,
    own: bool,
    act: HearingAct,
) -> Outcome<()> {
    if own && act == HearingAct::Statement {
        return Ok(());
    }
    may_read(by, claim.household)?;
    let office = match act {
        HearingAct::Statement => by.serves::<Files>(),
        HearingAct::Waiver => [Role::Committee, Role::Township, Role::County]
            .into_iter()
            .any(|role| by.has(role, by.village.as_str())),
    };
    if !office {
        return Err(Code::RoleRequired.into());
    }
    if claim.filed_by == by.person
        || is_concerned(tx, &by.village, by.person, claim.household).await?
    {
        return Err(Code::ConflictOfInterest.into());
    }
    Ok(())
}

/// # Errors
/// `hearing_open` until the household has had its seven days.
fn waivable(told: Instant, now: Instant) -> Result<(), Refusal> {
    let until = reply_until(told);
    if now >= until {
        return Ok(());
    }
    let mut refusal = Refusal::from(Code::HearingOpen);
    refusal.opens_at = Some(until);
    Err(refusal)
}

async fn insert(
    tx: &Tx,
    by: &Neighbour,
    claim: &entity::claim::Model,
    new: &NewHearing,
    text: &str,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let (word, waived) = match new.act {
        HearingAct::Statement => ("statement", false),
        HearingAct::Waiver => ("waiver", true),
    };
    let sql = "INSERT INTO hearings (village, claim, id, act, text, recorded_by, at, round) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let values: [Value; 8] = [
        village.into(),
        claim.id.into(),
        new.id.into(),
        word.into(),
        text.into(),
        by.person.into(),
        now.0.into(),
        claim.round.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    if waived {
        let entry = register::Entry {
            kind: register::Kind::HearingWaived,
            subject: claim.id.to_string(),
            person: Some(by.person),
            note: text.to_owned(),
        };
        register::enter(tx, village, now, &[entry]).await?;
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "claim.hearing",
        subject: claim.id.to_string(),
        detail: serde_json::json!({ "act": word }),
    };
    audit::record(tx, now, act).await
}

/// Tells households what is proposed against them, and until when they can answer.
pub async fn announce(
    tx: &Tx,
    village: &Village,
    deductions: &[(Uuid, Uuid)],
    now: Instant,
) -> Outcome<()> {
    let until = reply_until(now).day().pred_opt().unwrap_or_default();
    let detail = format!("有一项扣分拟对本户作出，请在{until}前陈述意见，或指出不实之处");
    let notices: Vec<_> = deductions
        .iter()
        .map(|(claim, household)| Notice {
            recipient: *household,
            kind: "hearing",
            subject: *claim,
            detail: detail.clone(),
        })
        .collect();
    tell(tx, village, now, &notices).await
}

/// What was said at a deduction's hearing, oldest first
#[utoipa::path(tag = "claims", operation_id = "claims_list_hearing", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("claim" = Uuid, Path, description = "The deduction's id")),
    responses((status = 200, body = HearingPage)), extensions(("x-codes" = json!("other_household"))))]
#[get("/v1/villages/{village}/claims/{claim}/hearing")]
async fn list_hearing(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<HearingPage>> {
    let claim = load(&app, app.db.read(), &caller, path_id(&request, "claim")?).await?;
    let own = caller.household_in(&caller.village) == Some(claim.household);
    if !own && !caller.serves::<WeighsEvidence>() {
        return Err(Code::OtherHousehold.into());
    }
    Ok(Answer::ok(HearingPage { items: said(&app, &caller.village, claim.id).await? }))
}

async fn said(app: &App, village: &Village, claim: Uuid) -> Outcome<Vec<Hearing>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        act: String,
        text: String,
        recorded_by: Uuid,
        at: i64,
    }
    let sql = "SELECT id, act, text, recorded_by, at FROM hearings \
               WHERE village = $1 AND claim = $2 ORDER BY at, id LIMIT 100";
    let rows = db::all::<Row>(app.db.read(), sql, [village.into(), claim.into()]).await?;
    let hearing = |row: Row| {
        let waived = row.act == "waiver";
        let act = if waived { HearingAct::Waiver } else { HearingAct::Statement };
        let Row { id, text, recorded_by, at, .. } = row;
        Hearing { id, act, text, recorded_by, at: Instant(at) }
    };
    Ok(rows.into_iter().map(hearing).collect())
}
