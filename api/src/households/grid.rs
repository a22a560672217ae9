//! `POST …/households/{household}/grid`: a household moves within its village.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::file::{changed, known_grid, open};
use super::head::unfit;
use super::read::Household;
use crate::app::App;
use crate::changes;
use crate::http::path_id;
use crate::identity::{Governs, Official};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::{RegionCode, Village};

/// Where a household lives from now on.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrid {
    /// Another grid of the village.
    pub grid: RegionCode,
}

/// Move a household to another grid of its village; past figures of the grids stay as they are
#[utoipa::path(tag = "households", operation_id = "households_change_grid", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    request_body = NewGrid, responses((status = 200, body = Household)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state invalid_field"))))]
#[post("/v1/villages/{village}/households/{household}/grid")]
async fn change_grid(
    officer: Official<Governs>,
    request: HttpRequest,
    grid: Command<NewGrid>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let id = path_id(&request, "household")?;
    let done = grid.once(&app, officer.village.as_str(), officer.account, async |tx| {
        change(tx, &officer, id, &grid.body.grid, app.clock.now()).await
    });
    let done = done.await?;
    app.cache.refresh();
    Ok(done)
}

async fn change(
    tx: &Tx,
    by: &Official<Governs>,
    id: Uuid,
    grid: &RegionCode,
    now: Instant,
) -> Outcome<Household> {
    let village = &by.village;
    let file = open(tx, by, id, now).await?;
    known_grid(tx, village, grid).await?;
    if file.grid == grid.as_str() {
        return Err(unfit("/grid", "lives there already").into());
    }
    let sql = "INSERT INTO grid_moves (village, household, version, from_grid, to_grid, at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values: [Value; 6] = [
        village.into(),
        id.into(),
        (file.version + 1).into(),
        file.grid.as_str().into(),
        grid.into(),
        now.0.into(),
    ];
    db::run(tx, sql, values).await?;
    changes::depart(tx, village, id, Some(grid.as_str())).await?;
    let sql = "UPDATE households SET grid = $3 WHERE village = $1 AND id = $2";
    db::run(tx, sql, [village.into(), id.into(), grid.into()]).await?;
    let detail = serde_json::json!({ "from": file.grid, "to": grid });
    changed(tx, by, id, "household.change_grid", detail, now).await
}
