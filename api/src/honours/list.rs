//! `GET /v1/villages/{village}/honours`: for the village's officials all, for a household its own.

use actix_web::get;
use actix_web::web::Data;
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::criteria::item;
use super::points::HonourPoints;
use crate::app::App;
use crate::households::may_read;
use crate::http::Query;
use crate::identity::{Confirms, Decides, Neighbour};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Period;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;

/// An honour (荣誉) of a household.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Honour {
    pub id: Uuid,
    pub household: Uuid,
    #[schema(example = "honour.clean_household")]
    pub item: String,
    #[schema(example = "文明卫生户")]
    pub name_zh: String,
    #[schema(example = "Civilised clean household")]
    pub name_en: String,
    #[schema(example = "2024-07")]
    pub period: Period,
    #[schema(example = "庭院整洁，连续四周检查优秀")]
    pub reason: String,
    /// `proposed`, `granted`, `rejected`, `withdrawing` or `withdrawn`.
    #[schema(example = "granted")]
    pub status: String,
    pub proposed_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "材料不齐")]
    pub decided_reason: Option<String>,
    /// The number on its plaque, counted in the village; never used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 62)]
    pub plaque: Option<i64>,
    /// The claim by which the honour earns its points, if its rule is in force in the village.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub claim: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "庭院长期堆放杂物")]
    pub withdrawal_reason: Option<String>,
    /// Whether the plaque came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub plaque_returned: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub withdrawn_at: Option<Instant>,
    /// What became of its points when it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub withdrawn_points: Option<HonourPoints>,
    /// What the caller can do with it: `decide`, `withdraw`.
    #[serde(default)]
    #[schema(example = json!(["withdraw"]))]
    pub allowed_actions: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct HonourPage {
    pub items: Vec<Honour>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HonourQuery {
    /// Only this household's; one's own for a villager.
    #[param(nullable = false)]
    household: Option<Uuid>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Honours of the village, newest first; a villager sees the own household's
#[utoipa::path(tag = "honours", operation_id = "honours_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), HonourQuery),
    responses((status = 200, body = HonourPage)),
    extensions(("x-codes" = json!("other_household role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/honours")]
async fn list_honours(
    caller: Neighbour,
    query: Query<HonourQuery>,
    app: Data<App>,
) -> Outcome<Answer<HonourPage>> {
    let HonourQuery { household, cursor, limit } = query.0;
    let official = may_read(&caller, Uuid::nil()).is_ok();
    let only =
        if official { household } else { Some(household.map_or(caller.own_household(), Ok)?) };
    if let Some(household) = only {
        may_read(&caller, household)?;
    }
    let filter = format!("honours {} {only:?}", caller.village);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let after: Uuid = start.after.unwrap_or(Uuid::max());
    let household = only.map_or("", |_| "AND household = $4");
    let sql = format!(
        "SELECT * FROM honours WHERE village = $1 AND id < $2 {household} ORDER BY id DESC LIMIT $3"
    );
    let values: [Value; 3] = [(&caller.village).into(), after.into(), start.fetch().into()];
    let values = values.into_iter().chain(only.map(Value::from));
    let rows = db::all::<entity::honour::Model>(app.db.read(), &sql, values).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let items = page.items.into_iter().map(|row| show(row, &caller)).collect::<Outcome<_>>()?;
    Ok(Answer::ok(HonourPage { items, next_cursor: page.next_cursor }))
}

/// The honour of this id, as the caller sees it.
///
/// # Errors
/// `not_found`.
pub async fn load(on: &impl ConnectionTrait, caller: &Neighbour, id: Uuid) -> Outcome<Honour> {
    show(row(on, caller, id).await?, caller)
}

/// The row of this id in the caller's village.
///
/// # Errors
/// `not_found`.
pub async fn row(
    on: &impl ConnectionTrait,
    caller: &Neighbour,
    id: Uuid,
) -> Outcome<entity::honour::Model> {
    let sql = "SELECT * FROM honours WHERE village = $1 AND id = $2";
    let values: [Value; 2] = [(&caller.village).into(), id.into()];
    Ok(db::one(on, sql, values).await?.ok_or(Code::NotFound)?)
}

fn show(row: entity::honour::Model, caller: &Neighbour) -> Outcome<Honour> {
    let odd = || Problem::fault(format!("honour {}", row.id));
    let known = item(&row.item)?;
    let own = caller.household_in(&caller.village) == Some(row.household);
    let proposer = match row.status.as_str() {
        "withdrawing" => row.withdrawal_by,
        "proposed" => Some(row.proposed_by),
        _ => None,
    };
    let decides = proposer.is_some_and(|by| by != caller.person) && caller.serves::<Confirms>();
    let withdraws = row.status == "granted" && caller.serves::<Decides>();
    let actions = [(decides, "decide"), (withdraws, "withdraw")];
    let actions = actions.into_iter().filter(|(may, _)| *may && !own);
    let points = row.withdrawn_points.as_deref();
    let points = points.map(|word| HonourPoints::parse(word).ok_or_else(odd));
    let withdrawn_points = points.transpose()?;
    Ok(Honour {
        period: row.period.parse().map_err(|_| odd())?,
        allowed_actions: actions.map(|(_, action)| action.to_owned()).collect(),
        id: row.id,
        household: row.household,
        item: row.item,
        name_zh: known.name_zh,
        name_en: known.name_en,
        reason: row.reason,
        status: row.status,
        proposed_at: Instant(row.proposed_at),
        decided_at: row.decided_at.map(Instant),
        decided_reason: row.decided_reason,
        plaque: row.plaque,
        claim: row.claim,
        withdrawal_reason: row.withdrawal_reason,
        plaque_returned: row.plaque_returned,
        withdrawn_at: row.withdrawn_at.map(Instant),
        withdrawn_points,
    })
}
