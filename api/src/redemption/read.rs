//! `GET /v1/villages/{village}/redemptions` and `…/{redemption}`.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::code::pickup_code;
use crate::app::App;
use crate::households::may_read;
use crate::http::{Query, path_id};
use crate::identity::Neighbour;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;

/// Points held for, or spent on, a prize.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Redemption {
    pub id: Uuid,
    pub household: Uuid,
    /// The prize's key.
    #[schema(example = "goods.laundry_liquid")]
    pub prize: String,
    #[schema(example = "洗衣液(2kg)")]
    pub prize_name: String,
    #[schema(example = 1)]
    pub quantity: i64,
    /// For all of them; fixed when they were held.
    #[schema(example = 20)]
    pub points: i64,
    /// `held`, `collected`, `refunded`, `cancelled` or `expired`.
    #[schema(example = "held")]
    pub status: String,
    pub held_at: Instant,
    /// When the points are given back if nobody collects.
    pub expires_at: Instant,
    /// When it was collected, cancelled or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed_at: Option<Instant>,
    /// The clerk who handed it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub clerk: Option<Uuid>,
    /// Six digits to show at the counter; only for the household while it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "048213")]
    pub pickup_code: Option<String>,
    #[schema(example = 1)]
    pub version: i64,
}

#[derive(Serialize, ToSchema)]
pub struct RedemptionPage {
    pub items: Vec<Redemption>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RedemptionQuery {
    /// Only this household's; one's own for a villager.
    #[param(nullable = false)]
    household: Option<Uuid>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Redemptions, newest first; a villager sees the own household's
#[utoipa::path(tag = "redemption", operation_id = "redemptions_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), RedemptionQuery),
    responses((status = 200, body = RedemptionPage)),
    extensions(("x-codes" = json!("other_household role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/redemptions")]
async fn list_redemptions(
    caller: Neighbour,
    query: Query<RedemptionQuery>,
    app: Data<App>,
) -> Outcome<Answer<RedemptionPage>> {
    let RedemptionQuery { household, cursor, limit } = query.0;
    let official = may_read(&caller, Uuid::nil()).is_ok();
    let own =
        if official { household } else { Some(household.map_or(caller.own_household(), Ok)?) };
    if let Some(household) = own {
        may_read(&caller, household)?;
    }
    let filter = format!("redemptions {} {own:?}", caller.village);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let rows = rows(&app, &caller.village, own, &start).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let items = page.items.into_iter().map(|row| seen(&app, &caller, row)).collect();
    Ok(Answer::ok(RedemptionPage { items, next_cursor: page.next_cursor }))
}

/// One redemption
#[utoipa::path(tag = "redemption", operation_id = "redemptions_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("redemption" = Uuid, Path, description = "The redemption's id")),
    responses((status = 200, body = Redemption)),
    extensions(("x-codes" = json!("other_household"))))]
#[get("/v1/villages/{village}/redemptions/{redemption}")]
async fn show_redemption(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let found = load(app.db.read(), &caller.village, path_id(&request, "redemption")?).await?;
    may_read(&caller, found.household)?;
    let version = found.version;
    Ok(Answer::ok(seen(&app, &caller, found)).version(version))
}

/// With its pickup code for the household itself, while it is held.
fn seen(app: &App, caller: &Neighbour, found: Redemption) -> Redemption {
    let own = caller.household_in(&caller.village) == Some(found.household);
    if !own || found.status != "held" {
        return found;
    }
    let code = pickup_code(app.config.secrets.pickup(), &caller.village, found.id);
    Redemption { pickup_code: Some(code), ..found }
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    household: Uuid,
    prize_key: String,
    prize_name: String,
    quantity: i64,
    points: i64,
    status: String,
    held_at: i64,
    expires_at: i64,
    closed_at: Option<i64>,
    clerk: Option<Uuid>,
    version: i64,
}

const SELECT: &str = "SELECT r.id, r.household, p.key AS prize_key, p.name_zh AS prize_name, \
    r.quantity, r.points, r.status, r.held_at, r.expires_at, r.closed_at, r.clerk, r.version \
    FROM redemptions r JOIN prizes p ON p.village = r.village AND p.id = r.prize";

fn redemption(row: Row) -> Redemption {
    Redemption {
        id: row.id,
        household: row.household,
        prize: row.prize_key,
        prize_name: row.prize_name,
        quantity: row.quantity,
        points: row.points,
        status: row.status,
        held_at: Instant(row.held_at),
        expires_at: Instant(row.expires_at),
        closed_at: row.closed_at.map(Instant),
        clerk: row.clerk,
        pickup_code: None,
        version: row.version,
    }
}

/// A redemption of the village, without its code.
///
/// # Errors
/// `not_found` if the village has no such redemption.
pub async fn load(on: &impl ConnectionTrait, village: &Village, id: Uuid) -> Outcome<Redemption> {
    let sql = format!("{SELECT} WHERE r.village = $1 AND r.id = $2");
    let row = db::one::<Row>(on, &sql, [village.into(), id.into()]).await?;
    Ok(redemption(row.ok_or(Code::NotFound)?))
}

async fn rows(
    app: &App,
    village: &Village,
    household: Option<Uuid>,
    start: &Start<Uuid>,
) -> Outcome<Vec<Redemption>> {
    let mut values: Vec<Value> =
        vec![village.into(), start.after.unwrap_or(Uuid::max()).into(), start.fetch().into()];
    let mut only = "";
    if let Some(household) = household {
        values.push(household.into());
        only = "AND r.household = $4";
    }
    let sql =
        format!("{SELECT} WHERE r.village = $1 AND r.id < $2 {only} ORDER BY r.id DESC LIMIT $3");
    let rows = db::all::<Row>(app.db.read(), &sql, values).await?;
    Ok(rows.into_iter().map(redemption).collect())
}
