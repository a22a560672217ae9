//! The clockwork: what is due at an instant, and who settles it.
//!
//! Closing is a function of time, not of a job having run: whoever first needs a village after a limit
//! has passed settles what is due before anything else; the ticker only makes sure that somebody does.
//! Each step is one transaction under the village's lock and writes nominal instants, so that a late
//! or repeated run ends in the same rows.

mod coming;
mod due;
mod settle;
mod show;
mod windows;

use std::str::FromStr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use sea_orm::FromQueryResult;

pub use due::{Rhythm, Shop, shop};
use settle::settle_as_leader;
pub use settle::{settle_all, settle_village};
pub use show::{Calendar, calendar_of};
pub use windows::{Season, ShopWindow, missed, season, season_of, windows};

use crate::app::App;
use crate::kernel::background;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::idempotency;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::{RegionCode, Village};
use crate::kernel::routes::Routes;
use crate::{photos, sessions};

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes.service(show::show_calendar);
}

/// Settles the village or region of the path before the request is served.
pub async fn settle_first<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    if request.path().contains('%') {
        // No part of our paths needs escaping, and what is settled must be what is routed.
        let refused = HttpResponse::from_error(Problem::from(Code::InvalidPath));
        return Ok(ServiceResponse::new(request.into_parts().0, refused).map_into_right_body());
    }
    if let Some(app) = request.app_data::<Data<App>>().filter(|app| is_due(app)).cloned() {
        let path = request.path().to_owned();
        if let Err(problem) = settle_path(&app, &path).await {
            let refused = HttpResponse::from_error(problem);
            return Ok(ServiceResponse::new(request.into_parts().0, refused).map_into_right_body());
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Whether something waits to be settled before anything is read.
pub fn is_due(app: &App) -> bool {
    app.clock.now().0 >= app.next_due.load(Ordering::Acquire)
}

async fn settle_path(app: &App, path: &str) -> Outcome<()> {
    let mut parts = path.split('/').skip(2);
    match (parts.next(), parts.next()) {
        (Some("villages"), Some(code)) => match Village::from_str(code) {
            Ok(village) => settle_village(app, &village).await.map(|_| ()),
            Err(_) => Ok(()),
        },
        (Some("regions"), Some(code)) => match RegionCode::from_str(code) {
            // One village that cannot be settled is logged and keeps no region from being read.
            Ok(region) => settle_all(app, Some(&region)).await.map(|_| ()).or(Ok(())),
            Err(_) => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Says that what the public reads of this village has changed. Also the village's lock: taken first,
/// before its sheet, lists and lines.
///
/// # Errors
/// `busy` if a limit has passed since the request was let in: the next try finds it settled.
pub async fn touch(tx: &Tx, village: &Village, now: Instant) -> Outcome<()> {
    let sql = "UPDATE villages SET version = version + 1 WHERE village = $1 AND next_due_at > $2";
    match db::run(tx, sql, [village.into(), now.0.into()]).await? {
        0 => Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into()),
        _ => Ok(()),
    }
}

/// Makes sure that nothing is due that would change what the caller is about to do, and holds the village
/// shared: who has it alone may post more than once, and would meet us at the head of its chain.
///
/// # Errors
/// `busy` as for [`touch`].
pub async fn settled(tx: &Tx, village: &Village, now: Instant) -> Outcome<()> {
    let sql = format!(
        "SELECT next_due_at FROM villages WHERE village = $1 AND next_due_at > $2{}",
        db::shared(tx)
    );
    match db::number(tx, &sql, [village.into(), now.0.into()]).await? {
        0 => Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into()),
        _ => Ok(()),
    }
}

/// Settles what is due and forgets old idempotency keys, every second as long as the process runs.
pub fn start_ticker(app: Data<App>) {
    background::start(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut swept_on = None;
        loop {
            ticks.tick().await;
            let now = app.clock.now();
            if now.0 >= app.next_due.load(Ordering::Acquire) {
                // What fails has said so in the log.
                let _ = settle_as_leader(&app).await;
            }
            if swept_on != Some(now.day()) {
                swept_on = Some(now.day());
                if let Err(problem) = idempotency::sweep(&app.db, now).await {
                    tracing::error!(cause = %problem, "could not forget old idempotency keys");
                }
                if let Err(problem) = sessions::sweep(&app.db, app.token_clock.now()).await {
                    tracing::error!(cause = %problem, "could not forget old sessions");
                }
                background::start(sweep_photos(app.clone()));
            }
        }
    });
}

/// By itself: there can be many, and what is due does not wait for them.
async fn sweep_photos(app: Data<App>) {
    if let Err(problem) = photos::sweep(&app).await {
        tracing::error!(cause = %problem, "could not sweep photos");
    }
}

#[derive(FromQueryResult)]
struct VillageRow {
    village: String,
}

/// Villages of a region, or all, with something due at `now`.
async fn villages_due(app: &App, region: Option<&RegionCode>) -> Outcome<Vec<Village>> {
    let [from, to] = region.map_or_else(|| ["".into(), ":".into()], RegionCode::bounds);
    let sql = "SELECT village FROM villages WHERE next_due_at <= $1 \
               AND village >= $2 AND village < $3 ORDER BY village";
    let now = app.clock.now().0.into();
    let rows = db::all::<VillageRow>(app.db.read(), sql, [now, from, to]).await?;
    Ok(rows.into_iter().filter_map(|row| row.village.parse().ok()).collect())
}
