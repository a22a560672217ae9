//! `GET …/households/{household}/points`: what a family has, what it may spend, and why the rest is not
//! spendable yet.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::doors::Doors;
use super::may_read;
use super::read::{self, Household};
use super::spend::outlook;
use super::waiting::{self, Waiting, next_window, unconfirmed, unscored, unspendable};
use crate::app::App;
use crate::http::path_id;
use crate::identity::Neighbour;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// A household's points. All figures are whole points, and agree at every moment:
///
/// - `cumulative` = `pending` + `available` + `redeemed` + `expired` − `transferred`
/// - `pending` = what waits `before_publicity`, `in_publicity` and `contested`
/// - `held` = what waits as `held`, one for each redemption
/// - `available` = `held` + what waits `under_reversal` + `spendable`, or with a debt or an ended file +
///   that wait
#[derive(Serialize, ToSchema)]
pub struct Points {
    /// Earned in all: credits, deductions, reversals and adjustments.
    #[schema(example = 39)]
    pub cumulative: i64,
    /// Scored, not yet through publicity.
    #[schema(example = 5)]
    pub pending: i64,
    /// Confirmed and not spent.
    #[schema(example = 34)]
    pub available: i64,
    /// Of the available ones, held for prizes not yet collected.
    #[schema(example = 20)]
    pub held: i64,
    /// Under reversals that are not decided; more than waits `under_reversal` where they are spent.
    #[schema(example = 0)]
    pub frozen: i64,
    /// Available and neither held nor frozen: may be spent when the window is open; 0 when there is a
    /// debt, or the file has ended.
    #[schema(example = 14)]
    pub spendable: i64,
    /// Collected, less refunds.
    #[schema(example = 0)]
    pub redeemed: i64,
    /// Came from or went to another household when one was split or merged; never counts for a rank.
    #[schema(example = 0)]
    pub transferred: i64,
    /// Not spent in time after the household moved out.
    #[schema(example = 0)]
    pub expired: i64,
    /// Until when one that moved out may spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub spend_until: Option<Instant>,
    /// Why claims, pending and available points are not spendable yet, in the order of their way.
    pub waiting: Vec<Waiting>,
}

#[derive(FromQueryResult)]
struct Balance {
    account: String,
    points: i64,
    held: i64,
    frozen: i64,
}

/// A household's points
#[utoipa::path(tag = "households", operation_id = "households_show_points", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    responses((status = 200, body = Points)), extensions(("x-codes" = json!("other_household"))))]
#[get("/v1/villages/{village}/households/{household}/points")]
async fn show_points(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Points>> {
    let id = path_id(&request, "household")?;
    let file = read::load(app.db.read(), &caller.village, id).await?;
    may_read(&caller, id)?;
    Ok(Answer::ok(points(&app, &caller, &file).await?))
}

async fn points(app: &App, caller: &Neighbour, file: &Household) -> Outcome<Points> {
    let household = file.id;
    let on = app.db.read();
    let key = || -> [Value; 2] { [(&caller.village).into(), household.into()] };
    let sql = "SELECT account, points, held, frozen FROM balances \
               WHERE village = $1 AND household = $2";
    let balances = db::all::<Balance>(on, sql, key()).await?;
    let of = |account: &str| balances.iter().find(|it| it.account == account);
    let pending = of("pending").map_or(0, |it| it.points);
    let (available, held, frozen) =
        of("available").map_or((0, 0, 0), |it| (it.points, it.held, it.frozen));
    // Of what is frozen, only what is still there waits; the rest would make a debt.
    let doubted = frozen.min((available - held).max(0));
    let free = available - held - doubted;
    let sql = "SELECT CAST(COALESCE(SUM(awarded), 0) AS BIGINT) FROM score_lines \
               WHERE village = $1 AND household = $2";
    let cumulative = db::number(on, sql, key()).await?;
    let sql = "SELECT CAST(COALESCE(SUM(points / quantity * (quantity - refunded)), 0) AS BIGINT) \
               FROM redemptions WHERE village = $1 AND household = $2 AND status = 'collected'";
    let redeemed = db::number(on, sql, key()).await?;
    let (village, now) = (&caller.village, app.clock.now());
    let outlook = outlook(on, village, &caller.policy, household, now).await?;
    let doors = Doors::of(file, &caller.policy).with_term(outlook.late);
    let mut waiting = unscored(app, village, household).await?;
    waiting.extend(unconfirmed(app, village, household).await?);
    waiting.extend(waiting::held(app, village, household).await?);
    waiting.extend(waiting::under_reversal(doubted));
    // Only what is in the shop's reach is told apart: behind closed doors all of it waits.
    let open = file.status == "active" && doors.open_from(now) == Some(now);
    let later = if open { outlook.waits.min(free).max(0) } else { 0 };
    waiting.extend(next_window(later, &caller.policy, now));
    waiting.extend(unspendable(free - later, &doors, now));
    let spendable = if doors.open_from(now).is_some() { (free - later).max(0) } else { 0 };
    let transferred = moved(app, &caller.village, household, "transfer").await?;
    let expired = -moved(app, &caller.village, household, "expire").await?;
    Ok(Points {
        cumulative,
        pending,
        available,
        held,
        frozen,
        spendable,
        redeemed,
        transferred,
        expired,
        spend_until: file.spend_until,
        waiting,
    })
}

/// What a village's few journals of a kind moved to the household, or, below 0, from it.
async fn moved(app: &App, village: &Village, household: Uuid, kind: &str) -> Outcome<i64> {
    let sql = "SELECT CAST(COALESCE(SUM(p.points), 0) AS BIGINT) FROM journals j \
               JOIN postings p ON p.village = j.village AND p.journal = j.id \
                 AND p.account = 'available' AND p.household = $2 \
               WHERE j.village = $1 AND j.kind = $3";
    let values: [Value; 3] = [village.into(), household.into(), kind.into()];
    Ok(db::number(app.db.read(), sql, values).await?)
}
