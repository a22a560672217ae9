//! `POST /v1/villages/{village}/honours`: the committee proposes, somebody else confirms.

use actix_web::post;
use actix_web::web::Data;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::criteria::{Conduct, Item, fits, item};
use super::list::{Honour, load};
use crate::app::App;
use crate::identity::{Decides, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Period;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::kernel::year::Year;
use crate::{awards, calendar};

/// An honour that the committee proposes.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHonour {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub household: Uuid,
    /// The honour's key in the catalogue.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "honour.clean_household")]
    pub item: String,
    /// The month or the year it is for, as the honour asks.
    #[schema(example = "2024-07")]
    pub period: Period,
    /// Why this household.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "庭院整洁，连续四周检查优秀")]
    pub reason: String,
}

/// Propose an honour for a household
#[utoipa::path(tag = "honours", operation_id = "honours_propose", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewHonour, responses((status = 201, body = Honour)),
    extensions(("x-codes" = json!("role_required conflict_of_interest duplicate_honour \
        honour_criteria_unmet household_not_active reason_required id_taken invalid_field"))))]
#[post("/v1/villages/{village}/honours")]
async fn propose_honour(
    member: Official<Decides>,
    honour: Command<NewHonour>,
    app: Data<App>,
) -> Outcome<Answer<Honour>> {
    let done = honour.once(&app, member.village.as_str(), member.account, async |tx| {
        propose(tx, &member, &honour.body, app.clock.now()).await?;
        load(tx, &member, honour.body.id).await
    });
    Ok(done.await?.created())
}

async fn propose(tx: &Tx, by: &Official<Decides>, new: &NewHonour, now: Instant) -> Outcome<()> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    let item = item(&new.item)?;
    calendar::touch(tx, village, now).await?;
    active(tx, village, new.household).await?;
    if is_concerned(tx, village, by.person, new.household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    fitting(tx, village, new.household, &item, new.period, now).await?;
    let sql = "SELECT id FROM honours WHERE village = $1 AND household = $2 AND item = $3 \
               AND period = $4 AND status <> 'rejected'";
    let key: [Value; 4] = [
        village.into(),
        new.household.into(),
        item.key.as_str().into(),
        new.period.to_string().into(),
    ];
    if let Some(Id { id }) = db::one(tx, sql, key.clone()).await? {
        return Err(Refusal::from(Code::DuplicateHonour).existing(id).into());
    }
    let sql = "INSERT INTO honours (village, household, item, period, id, reason, status, \
               proposed_by, proposed_at) VALUES ($1, $2, $3, $4, $5, $6, 'proposed', $7, $8) \
               ON CONFLICT DO NOTHING";
    let rest: [Value; 4] = [new.id.into(), reason.into(), by.person.into(), now.0.into()];
    if db::run(tx, sql, key.into_iter().chain(rest)).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "honour.propose",
        subject: new.id.to_string(),
        detail: serde_json::json!({
            "household": new.household, "item": item.key, "period": new.period,
        }),
    };
    audit::record(tx, now, act).await
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// # Errors
/// `not_found`, `household_not_active`.
async fn active(tx: &Tx, village: &Village, household: Uuid) -> Outcome<()> {
    let sql = "SELECT CAST(CASE WHEN status = 'active' THEN 2 ELSE 1 END AS BIGINT) FROM households \
               WHERE village = $1 AND id = $2";
    match db::number(tx, sql, [village.into(), household.into()]).await? {
        0 => Err(Code::NotFound.into()),
        1 => Err(Code::HouseholdNotActive.into()),
        _ => Ok(()),
    }
}

/// The household meets what the honour asks for in this period.
///
/// # Errors
/// `invalid_field` for a period that the honour is not for, `honour_criteria_unmet`.
pub async fn fitting(
    tx: &Tx,
    village: &Village,
    household: Uuid,
    item: &Item,
    period: Period,
    now: Instant,
) -> Outcome<()> {
    let year = item.year(period, period.starts_at() <= now)?;
    let year = Year::try_from(year).map_err(|_| Problem::fault(format!("year {year}")))?;
    let conduct = conduct(tx, village, household, period, year).await?;
    Ok(fits(&item.criterion, &conduct)?)
}

async fn conduct(
    on: &impl ConnectionTrait,
    village: &Village,
    household: Uuid,
    period: Period,
    year: Year,
) -> Outcome<Conduct> {
    let sql = "SELECT points FROM standings \
               WHERE village = $1 AND period = $2 AND household = $3";
    let values: [Value; 3] = [village.into(), period.to_string().into(), household.into()];
    let points = db::number(on, sql, values).await?;
    let sql = "SELECT COUNT(*) FROM claims WHERE village = $1 AND household = $2 \
               AND points < 0 AND remedies IS NULL \
               AND status IN ('submitted', 'in_review', 'returned', 'approved')";
    let open_deductions = db::number(on, sql, [village.into(), household.into()]).await?;
    let vetoed = awards::is_vetoed(on, village, household, year).await?;
    Ok(Conduct { points, open_deductions, vetoed })
}
