//! `GET|POST /v1/villages/{village}/grids`: the village's grids, and whether each has its worker.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{get, post};
use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::RegionRow;
use super::parts::{NewPart, extend};
use crate::app::App;
use crate::calendar;
use crate::identity::{Appointment, Governs, Official, Serves, WorkerKind, grid_workers};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::{RegionCode, Village};
use crate::kernel::text::readable;

/// A worker looks after about this many households; more are shown as too many (虎林's report).
const HOUSEHOLDS_MAX: i64 = 70;

/// A grid, its households and its workers.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Grid {
    pub code: RegionCode,
    #[schema(example = "第一网格")]
    pub name: String,
    /// Active households.
    #[schema(example = 42)]
    pub households: i64,
    /// More than 70 households.
    pub over_limit: bool,
    /// Somebody works here now.
    pub covered: bool,
    /// Those in force now.
    pub workers: Vec<GridWorker>,
}

/// A grid worker (网格员) in force.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AssignedGridWorker)]
pub struct GridWorker {
    /// The grant.
    pub id: Uuid,
    pub person: Uuid,
    #[schema(example = "符国华")]
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<WorkerKind>,
    #[schema(value_type = String, format = Date, example = "2024-09-01")]
    pub starts_on: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = Date, example = "2027-09-01")]
    pub ends_on: Option<NaiveDate>,
}

/// All grids of a village, by code.
#[derive(Serialize, ToSchema)]
pub struct GridPage {
    pub items: Vec<Grid>,
    pub totals: GridTotals,
}

/// Whether the grids cover the village.
#[derive(Serialize, ToSchema)]
pub struct GridTotals {
    #[schema(example = 5)]
    pub grids: usize,
    /// Grids that nobody works in.
    #[schema(example = 1)]
    pub uncovered: usize,
    /// Active households of those grids.
    #[schema(example = 38)]
    pub households_uncovered: i64,
}

/// The grids of a village and who works in them
#[utoipa::path(tag = "grids", operation_id = "grids_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    responses((status = 200, body = GridPage)),
    extensions(("x-codes" = json!("role_required"))))]
#[get("/v1/villages/{village}/grids")]
async fn list_grids(official: Official<Serves>, app: Data<App>) -> Outcome<Answer<GridPage>> {
    let items = read(app.db.read(), &official.village, app.clock.now()).await?;
    let totals = totals(&items);
    Ok(Answer::ok(GridPage { items, totals }))
}

fn totals(grids: &[Grid]) -> GridTotals {
    let uncovered: Vec<_> = grids.iter().filter(|grid| !grid.covered).collect();
    GridTotals {
        grids: grids.len(),
        uncovered: uncovered.len(),
        households_uncovered: uncovered.iter().map(|grid| grid.households).sum(),
    }
}

async fn read(on: &impl ConnectionTrait, village: &Village, now: Instant) -> Outcome<Vec<Grid>> {
    #[derive(FromQueryResult)]
    struct Count {
        grid: String,
        households: i64,
    }
    let sql = "SELECT code, parent, name FROM regions WHERE parent = $1 ORDER BY code";
    let rows = db::all::<RegionRow>(on, sql, [village.into()]).await?;
    let sql = "SELECT grid, CAST(COUNT(*) AS BIGINT) AS households FROM households \
               WHERE village = $1 AND status = 'active' GROUP BY grid";
    let counts = db::all::<Count>(on, sql, [village.into()]).await?;
    let counts: BTreeMap<_, _> = counts.into_iter().map(|it| (it.grid, it.households)).collect();
    let mut workers = BTreeMap::<String, Vec<GridWorker>>::new();
    for grant in grid_workers(on, village, now).await? {
        workers.entry(grant.region.to_string()).or_default().push(worker(grant));
    }
    let grid = |row: RegionRow| {
        let households = counts.get(&row.code).copied().unwrap_or_default();
        let workers = workers.remove(&row.code).unwrap_or_default();
        let code = row.code.parse();
        Ok(Grid {
            code: code.map_err(|_| Problem::fault(format!("grid {}", row.code)))?,
            name: row.name,
            households,
            over_limit: households > HOUSEHOLDS_MAX,
            covered: !workers.is_empty(),
            workers,
        })
    };
    rows.into_iter().map(grid).collect()
}

fn worker(grant: Appointment) -> GridWorker {
    let Appointment { id, person, name, kind, starts_on, ends_on, .. } = grant;
    GridWorker { id, person, name, kind, starts_on, ends_on }
}

/// Add a grid to the village
#[utoipa::path(tag = "grids", operation_id = "grids_create", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewPart, responses((status = 201, body = Grid)),
    extensions(("x-codes" = json!("role_required invalid_field id_taken"))))]
#[post("/v1/villages/{village}/grids")]
async fn create_grid(
    officer: Official<Governs>,
    grid: Command<NewPart>,
    app: Data<App>,
) -> Outcome<Answer<Grid>> {
    let village = &officer.village;
    let done = grid.once(&app, village.as_str(), officer.account, async |tx| {
        create(tx, village, &grid.body, officer.person, app.clock.now()).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn create(
    tx: &Tx,
    village: &Village,
    new: &NewPart,
    by: Uuid,
    now: Instant,
) -> Outcome<Grid> {
    let odd = |pointer, what| Refusal::from(Code::InvalidField).at(pointer, "invalid", what);
    if new.code.parent() != Some(village.region()) {
        return Err(odd("/code", "15 digits that begin with the village's").into());
    }
    if readable(&new.name).is_none() {
        return Err(odd("/name", "not readable").into());
    }
    calendar::touch(tx, village, now).await?;
    extend(tx, &village.region(), std::slice::from_ref(new), by, now).await?;
    let grids = read(tx, village, now).await?;
    let created = grids.into_iter().find(|grid| grid.code == new.code);
    created.ok_or_else(|| Problem::fault("a grid that was added is gone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn households_without_a_worker_are_those_of_uncovered_grids() {
        let grid = |code: &str, households, covered| Grid {
            code: code.parse().expect("a code"),
            name: String::new(),
            households,
            over_limit: households > HOUSEHOLDS_MAX,
            covered,
            workers: Vec::new(),
        };
        let grids = [
            grid("460205100201001", 30, true),
            grid("460205100201002", 71, false),
            grid("460205100201003", 0, false),
        ];
        let GridTotals { grids, uncovered, households_uncovered } = totals(&grids);
        assert_eq!((grids, uncovered, households_uncovered), (3, 2, 71));
    }
}
