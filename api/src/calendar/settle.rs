//! Doing what is due, one step a transaction, in the order of their instants.

use std::sync::atomic::Ordering;

use sea_orm::{FromQueryResult, Value};

use super::due::{State, Step, next};
use super::villages_due;
use crate::app::App;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::period::{Month, Week};
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::{claims, households, publicity, rankings, redemption, regions, scoring};

/// Settles every village of a region, or all, that has something due now.
pub async fn settle_all(app: &App, region: Option<&RegionCode>) -> Outcome<()> {
    let mut failed = Ok(());
    for village in villages_due(app, region).await? {
        if let Err(problem) = settle_village(app, &village).await {
            // The others go on; this one is tried again by whoever needs it, and by the next tick.
            tracing::error!(%village, cause = %problem, "could not settle what is due");
            failed = Err(problem);
        }
    }
    failed?;
    // Everything that can become due was agreed a week or more before, so what is known now to be
    // first stays first until the next Monday, whatever other replicas do.
    let sql = "SELECT MIN(next_due_at) FROM villages";
    let first = db::number(app.db.read(), sql, []).await?;
    // The largest seen: a run that began before another ended knows less.
    app.next_due.fetch_max(first, Ordering::AcqRel);
    Ok(())
}

/// Does whatever is due in a village, oldest first; nothing if nothing is.
pub async fn settle_village(app: &App, village: &Village) -> Outcome<()> {
    let sql = "SELECT COUNT(*) FROM villages WHERE village = $1 AND next_due_at <= $2";
    let values: [Value; 2] = [village.into(), app.clock.now().0.into()];
    if db::number(app.db.read(), sql, values).await? == 0 {
        return Ok(());
    }
    while app.db.write(async |tx| settle_one(app, tx, village).await).await? {}
    app.cache.refresh();
    Ok(())
}

#[derive(FromQueryResult)]
struct PolicyRow {
    publicity_weeks: i64,
}

/// Does the first step that is due, under the village's lock; `false` when none is.
async fn settle_one(app: &App, tx: &Tx, village: &Village) -> Outcome<bool> {
    let sql =
        format!("SELECT publicity_weeks FROM villages WHERE village = $1{}", db::exclusively(tx));
    let Some(policy) = db::one::<PolicyRow>(tx, &sql, [village.into()]).await? else {
        return Ok(false);
    };
    let (at, step) = next(&state(tx, village).await?);
    let due = at <= app.clock.now();
    if due {
        perform(app, tx, village, policy.publicity_weeks, at, step).await?;
    }
    let (next_due, _) = next(&state(tx, village).await?);
    let sql = "UPDATE villages SET next_due_at = $2, version = version + $3 WHERE village = $1";
    let values: [Value; 3] = [village.into(), next_due.0.into(), i64::from(due).into()];
    db::run(tx, sql, values).await?;
    Ok(due)
}

async fn perform(
    app: &App,
    tx: &Tx,
    village: &Village,
    publicity_weeks: i64,
    at: Instant,
    step: Step,
) -> Outcome<()> {
    match step {
        Step::StartPolicy => regions::start_policy(tx, village, at).await,
        Step::LapseClaims => claims::lapse(tx, village, at).await,
        Step::ExpireHolds => {
            redemption::expire(tx, village, at).await?;
            households::settle_ended(tx, village, &format!("holds {at}"), at).await
        }
        Step::CloseList(month) => {
            publicity::close_list(tx, village, month, at).await?;
            households::settle_ended(tx, village, &month.to_string(), at).await
        }
        Step::ExpireMovedOut => households::expire_moved_out(tx, village, at).await,
        Step::CloseSheet(week) => {
            scoring::close_sheet(app, tx, village, week).await?;
            rankings::rebuild(tx, village, week).await?;
            if week.is_last_of_month() {
                publicity::open_list(tx, village, week.month(), publicity_weeks).await?;
            }
            Ok(())
        }
    }
}

async fn state(tx: &Tx, village: &Village) -> Outcome<State> {
    #[derive(FromQueryResult)]
    struct ListRow {
        month: String,
        closes_at: i64,
    }
    #[derive(FromQueryResult)]
    struct SheetRow {
        week: String,
    }
    let sql = "SELECT week FROM score_sheets WHERE village = $1 AND status = 'open'";
    let sheet = db::one::<SheetRow>(tx, sql, [village.into()]).await?;
    let week = sheet.and_then(|row| row.week.parse::<Week>().ok());
    let open_week =
        week.ok_or_else(|| Problem::fault(format!("village {village} has no open sheet")))?;
    let sql = "SELECT month, closes_at FROM public_lists WHERE village = $1 AND status <> 'closed'";
    let lists = db::all::<ListRow>(tx, sql, [village.into()]).await?;
    let list = |row: ListRow| Some((row.month.parse::<Month>().ok()?, Instant(row.closes_at)));
    let sql = "SELECT MIN(expires_at) FROM redemptions WHERE village = $1 AND status = 'held'";
    let expiry = db::number(tx, sql, [village.into()]).await?;
    let lapse = claims::first_lapse(tx, village).await?;
    let first_lapse = (lapse > 0).then_some(Instant(lapse));
    let first_expiry = (expiry > 0).then_some(Instant(expiry));
    let sql = "SELECT MIN(spend_until) FROM households \
               WHERE village = $1 AND spend_until IS NOT NULL";
    let term = db::number(tx, sql, [village.into()]).await?;
    let first_term = (term > 0).then_some(Instant(term));
    let lists = lists.into_iter().filter_map(list).collect();
    let next_policy = regions::next_start(tx, village).await?;
    Ok(State { open_week, lists, first_lapse, first_expiry, first_term, next_policy })
}
