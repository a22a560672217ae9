//! `GET /v1/villages/{village}/changes`: what changed in a grid since a phone last asked.

use actix_web::get;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::http::Query;
use crate::identity::{Follows, Official, Role};
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Level, RegionCode, Village};

/// At most this many items in one answer.
const LIMIT_MAX: u64 = 200;

/// Whether it is a claim or a household that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangedKind {
    Claim,
    Household,
}

/// A household or claim as it is now, or word that it is gone from the grid.
#[derive(Serialize, ToSchema)]
pub struct ChangedItem {
    pub kind: ChangedKind,
    pub id: Uuid,
    /// It left the grid: the household moved, was merged or its file ended. Drop the copy.
    pub gone: bool,
    /// Of the file, or of the claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "active")]
    pub status: Option<String>,
    /// Rises with every change; the ETag of the thing itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1)]
    pub version: Option<i64>,
    /// A household's number on the door or paper.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 17)]
    pub number: Option<i64>,
    /// The name of a household's head.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "张守勤")]
    pub head: Option<String>,
    /// The household of a claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub household: Option<Uuid>,
    /// Whose deed a claim is about, where its rule counts per member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub member: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "env.courtyard_weekly")]
    pub rule: Option<String>,
    /// For the whole claim, before caps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1)]
    pub points: Option<i64>,
    /// The day of a claim's deed, village time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2024-09-24")]
    pub occurred_on: Option<String>,
}

/// What changed, oldest change first; a thing that changed often is told once.
#[derive(Serialize, ToSchema)]
pub struct Changes {
    pub grid: RegionCode,
    pub items: Vec<ChangedItem>,
    /// Send it as `since` next time.
    pub next_since: String,
    /// There is more already: ask again at once.
    pub more: bool,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    /// The last `next_since`; without it all of the grid is told.
    #[param(nullable = false)]
    since: Option<String>,
    /// Needed by whoever does not work in exactly one grid of the village.
    #[param(nullable = false, example = "460205100201001")]
    grid: Option<RegionCode>,
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<u64>,
}

/// Households and claims of a grid that changed since the last call
#[utoipa::path(tag = "claims", operation_id = "changes_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), ChangesQuery),
    responses((status = 200, body = Changes)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/changes")]
async fn list_changes(
    follower: Official<Follows>,
    query: Query<ChangesQuery>,
    app: Data<App>,
) -> Outcome<Answer<Changes>> {
    let ChangesQuery { since, grid, limit } = query.0;
    let grid = followed(&app, &follower, grid).await?;
    let limit = limit.unwrap_or(100);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Code::InvalidQuery.into());
    }
    let filter = format!("changes {grid}");
    let start = match &since {
        None => (-1, 0, Uuid::nil()),
        Some(since) => page::decode(since, &filter).ok_or(Code::InvalidCursor)?,
    };
    Ok(Answer::ok(since_then(&app, &follower.village, grid, start, &filter, limit).await?))
}

/// The grid that is asked for: one's own, or for committee and township any of the village.
///
/// # Errors
/// `not_found` for a grid that the village does not have, `role_required` for one of another worker,
/// `invalid_query` if it is not clear which one is meant.
async fn followed(
    app: &App,
    follower: &Official<Follows>,
    grid: Option<RegionCode>,
) -> Outcome<RegionCode> {
    let here = follower.village.region();
    if let Some(grid) = grid {
        let sql = "SELECT COUNT(*) FROM regions WHERE code = $1 AND parent = $2";
        let values: [Value; 2] = [(&grid).into(), (&follower.village).into()];
        let known = here.contains(grid.as_str()) && grid.level() == Level::Grid;
        if !known || db::number(app.db.read(), sql, values).await? == 0 {
            return Err(Code::NotFound.into());
        }
        let mut roles = [Role::GridWorker, Role::Committee, Role::Township].into_iter();
        return match roles.any(|role| follower.has(role, grid.as_str())) {
            true => Ok(grid),
            false => Err(Code::RoleRequired.into()),
        };
    }
    let own = follower.grants.iter().filter(|grant| {
        let of_grid = grant.region.level() == Level::Grid;
        grant.role == Role::GridWorker && of_grid && here.contains(grant.region.as_str())
    });
    let mut own = own.map(|grant| &grant.region);
    match (own.next(), own.next()) {
        (Some(grid), None) => Ok(grid.clone()),
        _ => Err(Refusal::from(Code::InvalidQuery).because("say which `grid`").into()),
    }
}

/// Where a reader stands: a change's number, 0 for a claim and 1 for a household, and its id.
type Mark = (i64, i64, Uuid);

#[derive(FromQueryResult)]
struct Row {
    changed: i64,
    kind: i64,
    id: Uuid,
    gone: i64,
    status: Option<String>,
    version: Option<i64>,
    number: Option<i64>,
    head: Option<String>,
    household: Option<Uuid>,
    member: Option<Uuid>,
    rule: Option<String>,
    points: Option<i64>,
    occurred_on: Option<String>,
}

/// One statement, and so one moment: what moves between two would be missed or told as it never was.
fn statement(postgres: bool) -> String {
    let uuid = if postgres { "UUID" } else { "BLOB" };
    let none = |ty: &str| format!("CAST(NULL AS {ty})");
    let (text, number, id) = (none("TEXT"), none("BIGINT"), none(uuid));
    let after = |alias: &str, kind: &str| {
        format!(
            "{alias}.changed >= $3 AND ({alias}.changed > $3 OR {kind} > $4 \
             OR ({kind} = $4 AND {alias}.id > $5))"
        )
    };
    let gone_kind = "CASE d.kind WHEN 'claim' THEN 0 ELSE 1 END";
    let claims = format!(
        "SELECT c.changed, CAST(0 AS BIGINT) AS kind, c.id, CAST(0 AS BIGINT) AS gone, c.status, \
           c.version, {number} AS number, {text} AS head, c.household, c.member, c.rule, c.points, \
           c.occurred_on FROM claims c \
         WHERE c.village = $1 AND c.field_grid = $2 AND {} ORDER BY c.changed, c.id LIMIT $6",
        after("c", "0")
    );
    let households = format!(
        "SELECT h.changed, CAST(1 AS BIGINT) AS kind, h.id, CAST(0 AS BIGINT) AS gone, h.status, \
           h.version, h.number, m.name AS head, {id} AS household, {id} AS member, {text} AS rule, \
           {number} AS points, {text} AS occurred_on FROM households h \
         LEFT JOIN members m ON m.village = h.village AND m.household = h.id AND m.is_head \
         WHERE h.village = $1 AND h.grid = $2 AND h.status = 'active' AND {} \
         ORDER BY h.changed, h.id LIMIT $6",
        after("h", "1")
    );
    let gone = format!(
        "SELECT d.changed, CAST({gone_kind} AS BIGINT) AS kind, d.id, CAST(1 AS BIGINT) AS gone, \
           {text} AS status, {number} AS version, {number} AS number, {text} AS head, \
           {id} AS household, {id} AS member, {text} AS rule, {number} AS points, \
           {text} AS occurred_on FROM grid_departures d \
         WHERE d.village = $1 AND d.grid = $2 AND {} ORDER BY d.changed, d.kind, d.id LIMIT $6",
        after("d", gone_kind)
    );
    format!(
        "SELECT * FROM ({claims}) AS a UNION ALL SELECT * FROM ({households}) AS b \
         UNION ALL SELECT * FROM ({gone}) AS g ORDER BY changed, kind, id LIMIT $6"
    )
}

async fn since_then(
    app: &App,
    village: &Village,
    grid: RegionCode,
    start: Mark,
    filter: &str,
    limit: u64,
) -> Outcome<Changes> {
    let fetch = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let (changed, kind, id) = start;
    let values: [Value; 6] =
        [village.into(), (&grid).into(), changed.into(), kind.into(), id.into(), fetch.into()];
    let sql = statement(app.db.backend() == sea_orm::DbBackend::Postgres);
    let mut rows = db::all::<Row>(app.db.read(), &sql, values).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().map_or(start, |row| (row.changed, row.kind, row.id));
    let next_since = page::encode(&last, filter);
    Ok(Changes { grid, items: rows.into_iter().map(item).collect(), next_since, more })
}

fn item(row: Row) -> ChangedItem {
    ChangedItem {
        kind: if row.kind == 0 { ChangedKind::Claim } else { ChangedKind::Household },
        id: row.id,
        gone: row.gone == 1,
        status: row.status,
        version: row.version,
        number: row.number,
        head: row.head.filter(|name| !name.is_empty()),
        household: row.household,
        member: row.member,
        rule: row.rule,
        points: row.points,
        occurred_on: row.occurred_on,
    }
}
