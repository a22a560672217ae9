//! `GET|POST /v1/villages/{village}/grids/{grid}/assignments`: who works in a grid.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::give::{Seat, give};
use super::grants::{Appointment, AppointmentPage, Search, WorkerKind, load};
use super::rules::term;
use super::{Governs, Official, Role, Serves};
use crate::app::App;
use crate::http::{Query, path_part};
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::{Level, RegionCode, Village};
use crate::regions;

/// A grid worker (网格员) for a grid.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAssignment {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// Somebody else who has an account.
    pub person: Uuid,
    pub kind: WorkerKind,
    /// Today or later.
    #[schema(value_type = String, format = Date, example = "2024-09-01")]
    pub starts_on: NaiveDate,
    /// The day before which it ends; without it, it holds until it is ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = Date, example = "2027-09-01")]
    pub ends_on: Option<NaiveDate>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AssignmentQuery {
    /// Only those that have ended, or that hold now or later.
    #[param(nullable = false)]
    ended: Option<bool>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// The grid of the path, if it lies in the village.
fn grid_of(request: &HttpRequest, village: &Village) -> Outcome<RegionCode> {
    let grid: RegionCode = path_part(request, "grid")?;
    match grid.level() == Level::Grid && village.region().contains(grid.as_str()) {
        true => Ok(grid),
        false => Err(Code::NotFound.into()),
    }
}

/// Who works or worked in a grid
#[utoipa::path(tag = "grids", operation_id = "grids_list_assignments", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("grid" = RegionCode, Path, description = "Code of the grid"), AssignmentQuery),
    responses((status = 200, body = AppointmentPage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/grids/{grid}/assignments")]
async fn list_assignments(
    official: Official<Serves>,
    request: HttpRequest,
    query: Query<AssignmentQuery>,
    app: Data<App>,
) -> Outcome<Answer<AppointmentPage>> {
    let grid = regions::find(app.db.read(), &grid_of(&request, &official.village)?).await?.code;
    let AssignmentQuery { ended, cursor, limit } = query.0;
    let filter = format!("assignments {grid} {ended:?}");
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let role = Some(Role::GridWorker);
    let search = Search { region: &grid, role, person: None, ended, now: app.clock.now() };
    let items = search.read(app.db.read(), &start).await?;
    let page = start.page(items, &filter, |item| item.id);
    Ok(Answer::ok(AppointmentPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Assign a grid worker to a grid
#[utoipa::path(tag = "grids", operation_id = "grids_assign", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("grid" = RegionCode, Path, description = "Code of the grid")),
    request_body = NewAssignment, responses((status = 201, body = Appointment)),
    extensions(("x-codes" = json!("role_required conflict_of_interest grant_exists id_taken \
        invalid_field"))))]
#[post("/v1/villages/{village}/grids/{grid}/assignments")]
async fn assign(
    officer: Official<Governs>,
    request: HttpRequest,
    assignment: Command<NewAssignment>,
    app: Data<App>,
) -> Outcome<Answer<Appointment>> {
    let grid = grid_of(&request, &officer.village)?;
    let NewAssignment { id, person, kind, starts_on, ends_on } = assignment.body;
    let done = assignment.once(&app, officer.village.as_str(), officer.account, async |tx| {
        let now = app.clock.now();
        let term = term(Some(starts_on), ends_on, now)?;
        let (role, kind) = (Role::GridWorker, Some(kind));
        let seat = Seat { id, person, role, region: &grid, kind, committee: None, term };
        give(tx, &officer.caller, &seat, now).await?;
        load(tx, &grid, id, now).await
    });
    Ok(done.await?.created())
}
