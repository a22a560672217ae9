//! `GET /v1/villages/{village}/calendar`: what is open now, and what comes next.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::FromQueryResult;
use serde::Serialize;
use utoipa::ToSchema;

use super::coming::{Coming, coming};
use super::due::{Rhythm, Shop, shop};
use crate::app::App;
use crate::http::path_part;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::period::{Month, Week};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::regions::{self, Mode};

/// Where a village stands in its cycle.
#[derive(Serialize, ToSchema)]
pub struct Calendar {
    pub now: Instant,
    /// The week that approvals count for now.
    pub week: Week,
    pub week_closes_at: Instant,
    /// The months that are in publicity now.
    pub public_lists: Vec<OpenList>,
    pub redemption: RedemptionWindow,
    /// What comes next of each kind, in order.
    pub coming: Vec<Coming>,
}

/// A list that takes objections.
#[derive(Serialize, ToSchema)]
pub struct OpenList {
    pub month: Month,
    pub closes_at: Instant,
}

/// Whether points can be spent.
#[derive(Serialize, ToSchema)]
pub struct RedemptionWindow {
    pub mode: Mode,
    pub open: bool,
    /// When it opened or will open.
    pub opens_at: Instant,
    /// When it closes, if it is open and closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closes_at: Option<Instant>,
}

/// What is open now, and what comes next
#[utoipa::path(tag = "calendar", operation_id = "calendar_show",
    params(("village" = Village, Path, description = "Code of the village")),
    responses((status = 200, body = Calendar)))]
#[get("/v1/villages/{village}/calendar")]
async fn show_calendar(request: HttpRequest, app: Data<App>) -> Outcome<Answer<Calendar>> {
    let village: Village = path_part(&request, "village")?;
    Ok(Answer::ok(calendar_of(&app, &village).await?))
}

/// Where a village stands in its cycle.
///
/// # Errors
/// `not_found` if it does not take part.
pub async fn calendar_of(app: &App, village: &Village) -> Outcome<Calendar> {
    let policy = regions::village(app.db.read(), village).await?;
    let now = app.clock.now();
    let week = Week::of(now);
    let public_lists = open_lists(app, village).await?;
    let open: Vec<_> = public_lists.iter().map(|list| (list.month, list.closes_at)).collect();
    Ok(Calendar {
        now,
        week,
        week_closes_at: week.ends_at(),
        public_lists,
        redemption: window(&policy, now),
        coming: coming(&Rhythm::of(&policy), &open, now),
    })
}

fn window(policy: &regions::VillageRow, now: Instant) -> RedemptionWindow {
    let mode = Mode::of(policy);
    match shop(&Rhythm::of(policy), now) {
        Shop::Open { opened_at, closes_at } => {
            RedemptionWindow { mode, open: true, opens_at: opened_at, closes_at }
        }
        Shop::Closed { opens_at } => {
            RedemptionWindow { mode, open: false, opens_at, closes_at: None }
        }
    }
}

async fn open_lists(app: &App, village: &Village) -> Outcome<Vec<OpenList>> {
    #[derive(FromQueryResult)]
    struct Row {
        month: String,
        closes_at: i64,
    }
    let sql = "SELECT month, closes_at FROM public_lists \
               WHERE village = $1 AND status <> 'closed' ORDER BY month";
    let rows = db::all::<Row>(app.db.read(), sql, [village.into()]).await?;
    let list = |row: Row| {
        let month = row.month.parse().ok()?;
        Some(OpenList { month, closes_at: Instant(row.closes_at) })
    };
    Ok(rows.into_iter().filter_map(list).collect())
}
