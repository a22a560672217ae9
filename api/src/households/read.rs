//! `GET /v1/villages/{village}/households` and `…/{household}`.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::code::household_by_code;
use super::may_read;
use super::search::{FOUND, Wanted};
use crate::app::App;
use crate::http::{Query, path_id};
use crate::identity::{Governs, Neighbour, Official, Reviews, Serves};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::{RegionCode, Village};

/// A household's file, for those who may see it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Household {
    pub id: Uuid,
    /// The number on the door or paper.
    #[schema(example = 17)]
    pub number: i64,
    pub grid: RegionCode,
    /// `active`, `merged`, `split`, `moved_out` or `closed`.
    #[schema(example = "active")]
    pub status: String,
    /// Has agreed to take part, in the app or on paper.
    pub registered: bool,
    /// Has used the app, or was helped to.
    pub activated: bool,
    pub members: Vec<Member>,
    pub created_at: Instant,
    /// When it ended, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<Instant>,
    /// The household that goes on, of a merged one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub successor: Option<Uuid>,
    /// Until when one that moved out may still spend its points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub spend_until: Option<Instant>,
    /// Rises with every change of the file.
    #[schema(example = 1)]
    pub version: i64,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = HouseholdMember)]
pub struct Member {
    pub person: Uuid,
    #[schema(example = "张守勤")]
    pub name: String,
    pub is_head: bool,
}

#[derive(Serialize, ToSchema)]
pub struct HouseholdPage {
    pub items: Vec<Household>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HouseholdQuery {
    /// Only this number.
    #[param(nullable = false)]
    number: Option<i64>,
    /// Part of a member's name, or how it begins in pinyin (`zsq`, `zhang`): 1 to 50 characters.
    #[param(nullable = false, min_length = 1, max_length = 50)]
    search: Option<String>,
    /// Only the household whose paper shows this code; alone.
    #[param(nullable = false, min_length = 1, max_length = 40)]
    code: Option<String>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// The village's households, by number
#[utoipa::path(tag = "households", operation_id = "households_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), HouseholdQuery),
    responses((status = 200, body = HouseholdPage)),
    extensions(("x-codes" = json!("role_required invalid_cursor too_many_tries"))))]
#[get("/v1/villages/{village}/households")]
async fn list_households(
    official: Official<Serves>,
    query: Query<HouseholdQuery>,
    app: Data<App>,
) -> Outcome<Answer<HouseholdPage>> {
    match query.0.code.as_deref() {
        Some(code) => by_code(&app, &official, code, &query.0).await.map(Answer::ok),
        None => by_number(&app, &official, query.0).await.map(Answer::ok),
    }
}

/// The one household of a code, for the counter of the shop.
async fn by_code(
    app: &App,
    official: &Neighbour,
    code: &str,
    query: &HouseholdQuery,
) -> Outcome<HouseholdPage> {
    if query.number.is_some() || query.search.is_some() || query.cursor.is_some() {
        return Err(Refusal::from(Code::InvalidQuery).because("`code` goes alone").into());
    }
    Start::<i64>::parse(None, query.limit, "")?;
    let (on, village) = (app.db.read(), &official.village);
    let id = household_by_code(app, on, village, official.account, code).await?;
    Ok(HouseholdPage { items: vec![load(on, village, id).await?], next_cursor: None })
}

/// The clerk finds by code only: all others read the village's list.
async fn by_number(
    app: &App,
    official: &Neighbour,
    query: HouseholdQuery,
) -> Outcome<HouseholdPage> {
    if !official.serves::<Reviews>() && !official.serves::<Governs>() {
        return Err(Code::RoleRequired.into());
    }
    let HouseholdQuery { number, cursor, limit, .. } = query;
    let wanted = query.search.as_deref().map(Wanted::parse).transpose()?.unwrap_or_default();
    let filter = format!("households {} {number:?} {:?}", official.village, wanted.name);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let after = start.after.unwrap_or(0);
    let (from, to) =
        number.map_or((after, i64::MAX), |number| (number.saturating_sub(1).max(after), number));
    let sql = format!(
        "SELECT h.* FROM households h WHERE h.village = $1 AND h.number > $2 AND h.number <= $3 \
         {} ORDER BY h.number LIMIT $4",
        if query.search.is_some() { FOUND } else { "" }
    );
    let mut values: Vec<Value> =
        vec![(&official.village).into(), from.into(), to.into(), start.fetch().into()];
    if query.search.is_some() {
        values.extend([wanted.name.into(), wanted.lower.into(), wanted.sound.into()]);
    }
    let rows = db::all::<entity::household::Model>(app.db.read(), &sql, values).await?;
    let page = start.page(rows, &filter, |row| row.number);
    let items = with_members(app.db.read(), &official.village, page.items).await?;
    Ok(HouseholdPage { items, next_cursor: page.next_cursor })
}

/// One household's file
#[utoipa::path(tag = "households", operation_id = "households_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    responses((status = 200, body = Household)),
    extensions(("x-codes" = json!("other_household"))))]
#[get("/v1/villages/{village}/households/{household}")]
async fn show_household(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let id = path_id(&request, "household")?;
    let household = load(app.db.read(), &caller.village, id).await?;
    may_read(&caller, id)?;
    let version = household.version;
    Ok(Answer::ok(household).version(version))
}

/// The household of this id in this village.
///
/// # Errors
/// `not_found` if the village has no such household.
pub async fn load(on: &impl ConnectionTrait, village: &Village, id: Uuid) -> Outcome<Household> {
    let sql = "SELECT * FROM households WHERE village = $1 AND id = $2";
    let values: [Value; 2] = [village.into(), id.into()];
    let row = db::one::<entity::household::Model>(on, sql, values).await?;
    let rows = with_members(on, village, row.into_iter().collect()).await?;
    Ok(rows.into_iter().next().ok_or(Code::NotFound)?)
}

/// Adds their members to households, in one more statement for all of them.
async fn with_members(
    on: &impl ConnectionTrait,
    village: &Village,
    rows: Vec<entity::household::Model>,
) -> Outcome<Vec<Household>> {
    #[derive(FromQueryResult)]
    struct Row {
        household: Uuid,
        person: Uuid,
        name: String,
        is_head: bool,
    }
    let places: Vec<_> = (2..rows.len() + 2).map(|at| format!("${at}")).collect();
    let sql = format!(
        "SELECT household, person, name, is_head FROM members \
         WHERE village = $1 AND household IN ({}) AND left_at IS NULL ORDER BY is_head DESC, person",
        if places.is_empty() { "NULL".to_owned() } else { places.join(", ") }
    );
    let ids = rows.iter().map(|row| row.id.into());
    let found = db::all::<Row>(on, &sql, std::iter::once(village.into()).chain(ids)).await?;
    let mut members = BTreeMap::<Uuid, Vec<Member>>::new();
    for Row { household, person, name, is_head } in found {
        members.entry(household).or_default().push(Member { person, name, is_head });
    }
    let household = |row: entity::household::Model| {
        let grid = row.grid.parse();
        Ok(Household {
            id: row.id,
            number: row.number,
            grid: grid.map_err(|_| Problem::fault(format!("grid {}", row.grid)))?,
            status: row.status,
            registered: row.registered_at.is_some(),
            activated: row.activated_at.is_some(),
            members: members.remove(&row.id).unwrap_or_default(),
            created_at: Instant(row.created_at),
            ended_at: row.ended_at.map(Instant),
            successor: row.successor,
            spend_until: row.spend_until.map(Instant),
            version: row.version,
        })
    };
    rows.into_iter().map(household).collect()
}
