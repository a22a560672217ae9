//! `POST …/adjustments`: the committee proposes to give or take points.

use actix_web::post;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::read::{Adjustment, load};
use super::restore::{lost, settled};
use super::terms::{heard_from, lapsed_before, month_began};
use crate::app::App;
use crate::calendar;
use crate::households::{Notice, tell};
use crate::identity::{Adjusts, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::rules::{Category, book, set_in_force};

/// The most that an adjustment which restores nothing gives or takes.
const POINTS_MAX: i64 = 50;
/// The most that a household is given and taken together, without sign, by what was proposed in one
/// calendar month. Restored lines do not count.
const MONTH_MAX: i64 = 50;

/// Points for a household that no claim brings.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAdjustment {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub household: Uuid,
    /// What it counts for; needed without `rule` and `restores`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, inline)]
    pub category: Option<Category>,
    /// The key of the rule that it corrects, if it corrects one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 60))]
    #[schema(nullable = false, min_length = 1, max_length = 60, example = "env.courtyard_model")]
    pub rule: Option<String>,
    /// A struck or reversed line that it makes good: the household's own, at most what was taken of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub restores: Option<Uuid>,
    /// Given, or below 0 taken: at most 50 either way and 50 a household and month in all, unless it
    /// restores a line. What takes is approved after 7 days at the earliest.
    #[validate(range(min = -1000, max = 1000))]
    #[schema(minimum = -1000, maximum = 1000, example = 5)]
    pub points: i64,
    /// Told to the household, and kept on the register.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "上月漏记一次义务清扫")]
    pub reason: String,
}

/// Propose to give or take points
#[utoipa::path(tag = "adjustments", operation_id = "adjustments_propose", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewAdjustment, responses((status = 201, body = Adjustment)),
    extensions(("x-codes" = json!("role_required conflict_of_interest household_not_active \
        outside_range reason_required rule_not_in_force adjustment_exceeds_loss appeal_decided wrong_state \
        id_taken invalid_field"))))]
#[post("/v1/villages/{village}/adjustments")]
async fn propose_adjustment(
    member: Official<Adjusts>,
    new: Command<NewAdjustment>,
    app: Data<App>,
) -> Outcome<Answer<Adjustment>> {
    let done = new.once(&app, member.village.as_str(), member.account, async |tx| {
        propose(&app, tx, &member, &new.body).await?;
        load(tx, &member, new.body.id, app.clock.now()).await
    });
    Ok(done.await?.created())
}

async fn propose(app: &App, tx: &Tx, by: &Official<Adjusts>, new: &NewAdjustment) -> Outcome<()> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    let most = if new.restores.is_some() { i64::MAX } else { POINTS_MAX };
    if new.points == 0 || new.points.abs() > most {
        let range = format!("-{POINTS_MAX} to {POINTS_MAX}, not 0");
        return Err(Refusal::from(Code::OutsideRange).at("/points", "range", range).into());
    }
    let now = app.clock.now();
    // The village's lock: proposals that restore one line follow one another.
    calendar::touch(tx, village, now).await?;
    if is_concerned(tx, village, by.person, new.household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    adjustable(tx, village, new.household, new.restores).await?;
    let (category, rule) = match new.restores {
        Some(line) => {
            let lost = lost(tx, village, line, lapsed_before(now)).await?;
            if lost.household != new.household {
                return Err(Code::NotFound.into());
            }
            lost.covers(new.points)?;
            settled(tx, village, line).await?;
            (lost.category, Some(lost.rule))
        }
        None => {
            within_month(tx, village, new, now).await?;
            subject(app, tx, by, new, now).await?
        }
    };
    let row = Row {
        id: new.id,
        household: new.household,
        category: &category,
        rule: rule.as_deref(),
        restores: new.restores,
        points: new.points,
        reason: &reason,
        approval: None,
    };
    insert(tx, village, &row, Some(by.person), now).await?;
    if new.points < 0 {
        announce(tx, village, new, &reason, now).await?;
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "adjustment.propose",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "household": new.household, "points": new.points }),
    };
    audit::record(tx, now, act).await
}

/// The household is one that points can be given to and taken from.
///
/// # Errors
/// `not_found`; `household_not_active` unless a line is restored.
pub async fn adjustable(
    tx: &Tx,
    village: &Village,
    household: Uuid,
    restores: Option<Uuid>,
) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct File {
        status: String,
    }
    let sql = "SELECT status FROM households WHERE village = $1 AND id = $2";
    let values: [Value; 2] = [village.into(), household.into()];
    let file = db::one::<File>(tx, sql, values).await?.ok_or(Code::NotFound)?;
    if file.status != "active" && restores.is_none() {
        return Err(Code::HouseholdNotActive.into());
    }
    Ok(())
}

/// What was proposed for the household in this calendar month leaves room for it; what was rejected or
/// lapsed takes none. The caller holds the village's lock.
///
/// # Errors
/// `outside_range`.
async fn within_month(
    tx: &Tx,
    village: &Village,
    new: &NewAdjustment,
    now: Instant,
) -> Outcome<()> {
    let sql = "SELECT CAST(COALESCE(SUM(ABS(points)), 0) AS BIGINT) FROM adjustments \
               WHERE village = $1 AND household = $2 AND restores IS NULL AND proposed_at >= $3 \
                 AND status <> 'rejected' AND (status <> 'proposed' OR proposed_at > $4)";
    let values: [Value; 4] = [
        village.into(),
        new.household.into(),
        month_began(now).0.into(),
        lapsed_before(now).0.into(),
    ];
    let left = MONTH_MAX - db::number(tx, sql, values).await?;
    if new.points.abs() <= left {
        return Ok(());
    }
    let range = format!("{left} more points for this household in this month");
    Err(Refusal::from(Code::OutsideRange).at("/points", "range", range).into())
}

/// The household is told before anything is taken from it, and until when it is heard.
async fn announce(
    tx: &Tx,
    village: &Village,
    new: &NewAdjustment,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let (points, last) = (-new.points, heard_from(now).day());
    let notice = Notice {
        recipient: new.household,
        kind: "adjustment_proposed",
        subject: new.id,
        detail: format!(
            "村里拟扣本户{points}分。理由：{reason}。{last}之前不会作出决定，有不同意见请在此之前向村委会说明"
        ),
    };
    tell(tx, village, now, &[notice]).await
}

/// The category that the points count for, and the rule that they correct, which is in force today.
async fn subject(
    app: &App,
    tx: &Tx,
    by: &Official<Adjusts>,
    new: &NewAdjustment,
    now: Instant,
) -> Outcome<(String, Option<String>)> {
    let unfit = |why: &str| Refusal::from(Code::InvalidField).at("/category", "required", why);
    match (&new.rule, new.category) {
        (Some(key), given) => {
            let set = set_in_force(tx, &by.village, now.day()).await?;
            let book = book(&app.rule_books, tx, set).await?;
            let rule = book.rule(key).ok_or(Code::RuleNotInForce)?;
            if given.is_some_and(|given| given.as_str() != rule.category) {
                return Err(unfit("the rule's category, or none").into());
            }
            Ok((rule.category.clone(), Some(key.clone())))
        }
        (None, Some(category)) => Ok((category.as_str().to_owned(), None)),
        (None, None) => Err(unfit("a category or a rule").into()),
    }
}

/// What is written when an adjustment is made.
pub struct Row<'a> {
    pub id: Uuid,
    pub household: Uuid,
    pub category: &'a str,
    pub rule: Option<&'a str>,
    pub restores: Option<Uuid>,
    pub points: i64,
    pub reason: &'a str,
    /// Who has approved it already, and the week on whose sheet it goes.
    pub approval: Option<(Uuid, &'a str)>,
}

/// # Errors
/// `id_taken`.
pub async fn insert(
    tx: &Tx,
    village: &Village,
    row: &Row<'_>,
    proposed_by: Option<Uuid>,
    now: Instant,
) -> Outcome<()> {
    let approved = row.approval.is_some();
    let sql = "INSERT INTO adjustments (village, id, household, category, rule, restores, points, \
                 reason, status, proposed_by, proposed_at, decided_by, decided_at, decided_reason, \
                 week) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
               ON CONFLICT DO NOTHING";
    let values: [Value; 15] = [
        village.into(),
        row.id.into(),
        row.household.into(),
        row.category.into(),
        row.rule.into(),
        row.restores.into(),
        row.points.into(),
        row.reason.into(),
        if approved { "approved" } else { "proposed" }.into(),
        proposed_by.into(),
        now.0.into(),
        row.approval.map(|(person, _)| person).into(),
        approved.then_some(now.0).into(),
        approved.then_some(row.reason).into(),
        row.approval.map(|(_, week)| week).into(),
    ];
    match db::run(tx, sql, values).await? {
        0 => Err(Code::IdTaken.into()),
        _ => Ok(()),
    }
}
