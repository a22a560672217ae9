//! `POST` and `GET …/warnings`: a first time is only warned of (首次提醒).

use actix_web::web::Data;
use actix_web::{get, post};
use chrono::{Days, NaiveDate};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::app::App;
use crate::households::{Notice, may_read, tell};
use crate::http::Query;
use crate::identity::{Files, Neighbour, Official, Role, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::rules::{book, set_in_force};

/// So many days a warning stands: what happens again within them can cost points.
pub const STANDS_DAYS: u64 = 365;

/// A warning to a household.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWarning {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub household: Uuid,
    /// The key of a deduction that is only warned of the first time.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "env.pile_deduct")]
    pub rule: String,
    /// The day of the deed, village time.
    #[schema(value_type = String, format = Date, example = "2024-09-10")]
    pub occurred_on: NaiveDate,
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "门前堆放砖块，请一周内清理")]
    pub note: String,
}

/// A warning that was given.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Warning {
    pub id: Uuid,
    pub household: Uuid,
    #[schema(example = "env.pile_deduct")]
    pub rule: String,
    #[schema(example = "2024-09-10")]
    pub occurred_on: String,
    #[schema(example = "门前堆放砖块，请一周内清理")]
    pub note: String,
    pub given_by: Uuid,
    pub at: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct WarningPage {
    pub items: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// Warn a household
#[utoipa::path(tag = "claims", operation_id = "warnings_give", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewWarning, responses((status = 201, body = Warning)),
    extensions(("x-codes" = json!("role_required conflict_of_interest rule_not_in_force \
        claim_in_future household_not_active id_taken reason_required invalid_field"))))]
#[post("/v1/villages/{village}/warnings")]
async fn give_warning(
    official: Official<Files>,
    warning: Command<NewWarning>,
    app: Data<App>,
) -> Outcome<Answer<Warning>> {
    let done = warning.once(&app, official.village.as_str(), official.account, async |tx| {
        give(&app, tx, &official, &warning.body).await
    });
    Ok(done.await?.created())
}

async fn give(app: &App, tx: &Tx, by: &Neighbour, new: &NewWarning) -> Outcome<Warning> {
    let village = &by.village;
    let now = app.clock.now();
    refuse_stranger(tx, by, new.household).await?;
    if new.occurred_on > now.day() {
        return Err(Code::ClaimInFuture.into());
    }
    let set = set_in_force(tx, village, new.occurred_on).await?;
    let book = book(&app.rule_books, tx, set).await?;
    let rule = book.rule(&new.rule).filter(|rule| rule.enabled && rule.warn_first);
    let rule = rule.ok_or(Code::RuleNotInForce)?;
    let note = required(&new.note, "/note")?;
    let sql = "INSERT INTO warnings (village, id, household, rule, occurred_on, note, given_by, at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let values: [Value; 8] = [
        village.into(),
        new.id.into(),
        new.household.into(),
        new.rule.as_str().into(),
        new.occurred_on.to_string().into(),
        note.as_str().into(),
        by.person.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let notice = Notice {
        recipient: new.household,
        kind: "warning",
        subject: new.id,
        detail: format!("提醒：{}。{note} 再次发生将按细则扣分。", rule.name_zh),
    };
    tell(tx, village, now, &[notice]).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "warning.give",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "household": new.household, "rule": new.rule }),
    };
    audit::record(tx, now, act).await?;
    Ok(Warning {
        id: new.id,
        household: new.household,
        rule: new.rule.clone(),
        occurred_on: new.occurred_on.to_string(),
        note,
        given_by: by.person,
        at: now,
    })
}

/// A grid worker warns in the own grid, the panel and the committee in the village, nobody their kin.
async fn refuse_stranger(tx: &Tx, by: &Neighbour, household: Uuid) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        grid: String,
        status: String,
    }
    let sql = "SELECT grid, status FROM households WHERE village = $1 AND id = $2";
    let values: [Value; 2] = [(&by.village).into(), household.into()];
    let row = db::one::<Row>(tx, sql, values).await?.ok_or(Code::NotFound)?;
    let here = by.village.as_str();
    let office = by.has(Role::GridWorker, &row.grid)
        || by.has(Role::Panel, here)
        || by.has(Role::Committee, here);
    if !office {
        return Err(Code::RoleRequired.into());
    }
    if row.status != "active" {
        return Err(Code::HouseholdNotActive.into());
    }
    if is_concerned(tx, &by.village, by.person, household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    Ok(())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WarningQuery {
    /// Whose warnings; one's own household for a villager.
    #[param(nullable = false)]
    household: Option<Uuid>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// A household's warnings, newest first
#[utoipa::path(tag = "claims", operation_id = "warnings_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), WarningQuery),
    responses((status = 200, body = WarningPage)),
    extensions(("x-codes" = json!("other_household role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/warnings")]
async fn list_warnings(
    caller: Neighbour,
    query: Query<WarningQuery>,
    app: Data<App>,
) -> Outcome<Answer<WarningPage>> {
    let WarningQuery { household, cursor, limit } = query.0;
    let household = household.map_or_else(|| caller.own_household(), Ok)?;
    may_read(&caller, household)?;
    let filter = format!("warnings {} {household}", caller.village);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let sql = "SELECT * FROM warnings WHERE village = $1 AND household = $2 AND id < $3 \
               ORDER BY id DESC LIMIT $4";
    let after: Uuid = start.after.unwrap_or(Uuid::max());
    let values: [Value; 4] =
        [(&caller.village).into(), household.into(), after.into(), start.fetch().into()];
    let rows = db::all::<entity::warning::Model>(app.db.read(), sql, values).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let items = page.items.into_iter().map(warning).collect();
    Ok(Answer::ok(WarningPage { items, next_cursor: page.next_cursor }))
}

fn warning(row: entity::warning::Model) -> Warning {
    let entity::warning::Model { id, household, rule, occurred_on, note, given_by, at, .. } = row;
    Warning { id, household, rule, occurred_on, note, given_by, at: Instant(at) }
}

/// A deed that needs an earlier warning: its household, rule and day.
pub type Repeated = (Uuid, String, NaiveDate);

/// Which of these deeds follow a warning that the household was given for the same rule on an earlier
/// day, at most [`STANDS_DAYS`] before.
pub async fn warned(tx: &Tx, village: &Village, deeds: &[Repeated]) -> Outcome<Vec<bool>> {
    #[derive(FromQueryResult)]
    struct Row {
        household: Uuid,
        rule: String,
        at: i64,
    }
    if deeds.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<_> = (2..deeds.len() + 2).map(|at| format!("${at}")).collect();
    let sql = format!(
        "SELECT household, rule, at FROM warnings WHERE village = $1 AND household IN ({})",
        places.join(", ")
    );
    let ids = deeds.iter().map(|(household, ..)| Value::from(*household));
    let given = db::all::<Row>(tx, &sql, std::iter::once(village.into()).chain(ids)).await?;
    // What counts is when the household was told, not the day that the warning names.
    let stands = |(household, rule, day): &Repeated| {
        given.iter().any(|it| {
            let told = Instant(it.at).day();
            it.household == *household
                && it.rule == *rule
                && told < *day
                && *day <= told + Days::new(STANDS_DAYS)
        })
    };
    Ok(deeds.iter().map(stands).collect())
}
