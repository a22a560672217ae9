//! The tree of regions, the villages that take part, their policies and grids.

mod change;
mod grids;
mod opening;
mod parts;
mod policy;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::get;
use actix_web::web::Data;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use change::{FIRST_START, start_policy};
pub use policy::{Mode, Policy};

use crate::app::App;
use crate::http::{Query, path_part};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::{Level, RegionCode, Village};
use crate::kernel::routes::Routes;

/// A village that takes part: its policy, and when something is next due.
pub type VillageRow = entity::village::Model;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(list_regions)
        .service(show_region)
        .service(parts::add_parts)
        .service(opening::open_region)
        .service(policy::show_policy)
        .service(change::put_policy)
        .service(grids::list_grids)
        .service(grids::create_grid);
}

/// A region of the national table.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Region {
    pub code: RegionCode,
    pub level: Level,
    #[schema(example = "梅西村")]
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parent: Option<RegionCode>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct RegionPage {
    pub items: Vec<Region>,
}

#[derive(FromQueryResult)]
struct RegionRow {
    code: String,
    parent: Option<String>,
    name: String,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RegionQuery {
    /// The region whose direct parts to list; without it, the provinces.
    #[param(nullable = false, value_type = String, example = "460205")]
    parent: Option<RegionCode>,
}

/// The parts of a region
#[utoipa::path(tag = "regions", operation_id = "regions_list", params(RegionQuery),
    responses((status = 200, body = RegionPage)))]
#[get("/v1/regions")]
async fn list_regions(query: Query<RegionQuery>, app: Data<App>) -> Outcome<Answer<RegionPage>> {
    let (which, parent) = match query.0.parent {
        Some(parent) => ("parent = $1", vec![(&parent).into()]),
        None => ("parent IS NULL", Vec::new()),
    };
    let sql =
        format!("SELECT code, parent, name FROM regions WHERE {which} ORDER BY code LIMIT 1000");
    let rows = db::all::<RegionRow>(app.db.read(), &sql, parent).await?;
    Ok(Answer::ok(RegionPage { items: rows.into_iter().filter_map(region).collect() }))
}

/// One region
#[utoipa::path(tag = "regions", operation_id = "regions_show",
    params(("region" = RegionCode, Path, description = "Code of a region of any level")),
    responses((status = 200, body = Region)))]
#[get("/v1/regions/{region}")]
async fn show_region(request: actix_web::HttpRequest, app: Data<App>) -> Outcome<Answer<Region>> {
    let code: RegionCode = path_part(&request, "region")?;
    Ok(Answer::ok(find(app.db.read(), &code).await?))
}

/// The region of this code.
///
/// # Errors
/// `not_found` if the table does not have it.
pub async fn find(on: &impl ConnectionTrait, code: &RegionCode) -> Outcome<Region> {
    let sql = "SELECT code, parent, name FROM regions WHERE code = $1";
    let row = db::one::<RegionRow>(on, sql, [code.into()]).await?;
    Ok(row.and_then(region).ok_or(Code::NotFound)?)
}

/// The region of this code, its row kept unchanged by others until the transaction ends: the lock of
/// who holds which office there.
///
/// # Errors
/// `not_found` if the table does not have it.
pub async fn lock(tx: &Tx, code: &RegionCode) -> Outcome<Region> {
    let sql =
        format!("SELECT code, parent, name FROM regions WHERE code = $1{}", db::exclusively(tx));
    let row = db::one::<RegionRow>(tx, &sql, [code.into()]).await?;
    Ok(row.and_then(region).ok_or(Code::NotFound)?)
}

fn region(row: RegionRow) -> Option<Region> {
    let code: RegionCode = row.code.parse().ok()?;
    let parent = row.parent.and_then(|parent| parent.parse().ok());
    Some(Region { level: code.level(), code, name: row.name, parent })
}

/// A village that takes part.
///
/// # Errors
/// `not_found` if it does not.
pub async fn village(on: &impl ConnectionTrait, village: &Village) -> Outcome<VillageRow> {
    let sql = "SELECT * FROM villages WHERE village = $1";
    Ok(db::one(on, sql, [village.into()]).await?.ok_or(Code::NotFound)?)
}

/// Those of these villages that take part, by code.
pub async fn villages(
    on: &impl ConnectionTrait,
    villages: &BTreeSet<&Village>,
) -> Outcome<BTreeMap<String, VillageRow>> {
    if villages.is_empty() {
        return Ok(BTreeMap::new());
    }
    let codes = villages.iter().map(|village| village.to_string()).collect();
    let given = db::given(on, 1, "given", &[Column::Text("village", codes)]);
    let sql =
        format!("SELECT v.* FROM villages v JOIN {} ON given.village = v.village", given.table);
    let rows = db::all::<VillageRow>(on, &sql, given.values).await?;
    Ok(rows.into_iter().map(|row| (row.village.clone(), row)).collect())
}

/// Adds regions to the table, parents before their parts.
pub async fn add(tx: &Tx, regions: &[(RegionCode, String)]) -> Outcome<()> {
    let columns = [
        Column::Text("code", regions.iter().map(|(code, _)| code.to_string()).collect()),
        Column::Text(
            "level",
            regions.iter().map(|(code, _)| code.level().as_str().to_owned()).collect(),
        ),
        Column::MaybeText(
            "parent",
            regions.iter().map(|(code, _)| code.parent().map(|it| it.to_string())).collect(),
        ),
        Column::Text("name", regions.iter().map(|(_, name)| name.clone()).collect()),
    ];
    db::bulk_insert(tx, "regions", &columns, "ON CONFLICT DO NOTHING").await?;
    Ok(())
}

/// Switches a village on: its policy, and the sheet of the week it starts in.
pub async fn open_village(tx: &Tx, village: &Village, policy: Policy, now: Instant) -> Outcome<()> {
    let week = Week::of(now);
    let values: [Value; 8] = [
        village.into(),
        policy.mode.as_str().into(),
        policy.publicity_weeks.into(),
        policy.window_weeks.into(),
        policy.window_points_max.into(),
        now.0.into(),
        week.ends_at().0.into(),
        policy.point_value_fen.into(),
    ];
    let sql = "INSERT INTO villages (village, mode, publicity_weeks, window_weeks, \
               window_points_max, starts_at, next_due_at, version, point_value_fen) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8)";
    db::run(tx, sql, values).await?;
    let sql = "INSERT INTO score_sheets (village, week, status, closes_at, line_count, points) \
               VALUES ($1, $2, 'open', $3, 0, 0)";
    let values: [Value; 3] = [village.into(), week.to_string().into(), week.ends_at().0.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}
