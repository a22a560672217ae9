//! `GET /v1/villages/{village}/redemption-windows`: when the shop was, is and will be open.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::calendar::{Rhythm, ShopWindow, windows};
use crate::http::path_part;
use crate::kernel::command::Answer;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::regions::{self, Mode};

/// The window before, the open one and the next one, oldest first, as the policy stands.
#[derive(Serialize, ToSchema)]
pub struct ShopWindows {
    pub mode: Mode,
    pub items: Vec<ShopWindow>,
}

/// When points could, can and will be redeemed
#[utoipa::path(tag = "redemption", operation_id = "redemption_windows_list",
    params(("village" = Village, Path, description = "Code of the village")),
    responses((status = 200, body = ShopWindows)))]
#[get("/v1/villages/{village}/redemption-windows")]
async fn list_windows(request: HttpRequest, app: Data<App>) -> Outcome<Answer<ShopWindows>> {
    let village: Village = path_part(&request, "village")?;
    let policy = regions::village(app.db.read(), &village).await?;
    let items = windows(&Rhythm::of(&policy), app.clock.now());
    Ok(Answer::ok(ShopWindows { mode: Mode::of(&policy), items }))
}
