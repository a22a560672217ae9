//! Doing what is due, one step a transaction, in the order of their instants.

use std::sync::atomic::Ordering;

use sea_orm::{FromQueryResult, Value};

use super::due::Step;
use super::villages_due;
use crate::app::App;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::lease::Held;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::{
    awards, claims, households, proof, publicity, rankings, redemption, regions, reversals,
    scoring, statistics,
};

/// Settles every village of a region, or all, that has something due now; returns how many steps there
/// were.
pub async fn settle_all(app: &App, region: Option<&RegionCode>) -> Outcome<u64> {
    let (mut steps, mut failed) = (0, None);
    for village in villages_due(app, region).await? {
        match settle_village(app, &village).await {
            Ok(done) => steps += done,
            Err(problem) => failed = Some(blame(&village, problem)),
        }
    }
    failed.map_or(Ok(()), Err)?;
    learn_next(app).await?;
    Ok(steps)
}

/// Settles all villages if no other process is at it: of many replicas one is enough.
pub async fn settle_as_leader(app: &App) -> Outcome<()> {
    let take = async || app.calendar_lease.take(&app.db, app.token_clock.now()).await;
    let villages = villages_due(app, None).await?;
    let (mut held, mut failed) = (None, None);
    for village in &villages {
        if held.is_none_or(|held: Held| held.is_old(app.token_clock.now())) {
            held = take().await?;
        }
        let Some(held) = &held else {
            // The leader is at it; the next tick looks whether anything is left.
            return Ok(());
        };
        match settle_fenced(app, village, Some(held)).await {
            Ok(_) => {}
            Err(problem) => failed = Some(blame(village, problem)),
        }
    }
    if held.is_some() {
        app.calendar_lease.release(&app.db).await?;
    }
    failed.map_or(Ok(()), Err)?;
    learn_next(app).await
}

/// The others go on; this village is tried again by whoever needs it, and by the next tick.
fn blame(village: &Village, problem: Problem) -> Problem {
    tracing::error!(%village, cause = %problem, "could not settle what is due");
    problem
}

/// Learns when something is next due anywhere.
async fn learn_next(app: &App) -> Outcome<()> {
    // Everything that can become due was agreed a week or more before, so what is known now to be
    // first stays first until the next Monday, whatever other replicas do.
    let sql = "SELECT MIN(next_due_at) FROM villages";
    let first = db::number(app.db.read(), sql, []).await?;
    // The largest seen: a run that began before another ended knows less.
    app.next_due.fetch_max(first, Ordering::AcqRel);
    Ok(())
}

/// Does whatever is due in a village, oldest first; returns how many steps that were.
pub async fn settle_village(app: &App, village: &Village) -> Outcome<u64> {
    settle_fenced(app, village, None).await
}

/// The same for whoever leads, as long as it does.
async fn settle_fenced(app: &App, village: &Village, held: Option<&Held>) -> Outcome<u64> {
    let sql = "SELECT COUNT(*) FROM villages WHERE village = $1 AND next_due_at <= $2";
    let values: [Value; 2] = [village.into(), app.clock.now().0.into()];
    if db::number(app.db.read(), sql, values).await? == 0 {
        return Ok(0);
    }
    let mut steps = 0;
    loop {
        let settled = app.db.write(async |tx| settle_one(app, tx, village, held).await).await?;
        // After each step: whoever finds nothing due any more reads what came of it.
        app.cache.refresh();
        if !settled {
            return Ok(steps);
        }
        steps += 1;
    }
}

#[derive(FromQueryResult)]
struct PolicyRow {
    publicity_weeks: i64,
}

/// Does the first step that is due, under the village's lock; `false` when none is.
async fn settle_one(app: &App, tx: &Tx, village: &Village, held: Option<&Held>) -> Outcome<bool> {
    let sql =
        format!("SELECT publicity_weeks FROM villages WHERE village = $1{}", db::exclusively(tx));
    let Some(policy) = db::one::<PolicyRow>(tx, &sql, [village.into()]).await? else {
        return Ok(false);
    };
    // Asked under the village's lock, for which a stopped process may have waited past its term.
    if let Some(held) = held
        && !held.is_ours(tx).await?
    {
        tracing::warn!(%village, "another process has taken the calendar over");
        return Ok(false);
    }
    let (at, step) = next(tx, village).await?;
    let due = at <= app.clock.now();
    if due {
        perform(app, tx, village, policy.publicity_weeks, at, step).await?;
    }
    let (next_due, _) = next(tx, village).await?;
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
        Step::LapseReversals => reversals::lapse(tx, village, at).await,
        Step::CloseCorrections => reversals::close_corrections(tx, village, at).await,
        Step::ExpireHolds => {
            redemption::expire(tx, village, at).await?;
            households::settle_ended(tx, village, &format!("holds {at}"), at).await
        }
        Step::FinishObjections => publicity::finish_objections(tx, village, at).await,
        Step::CloseList(month) => {
            publicity::close_list(tx, village, month, at).await?;
            households::settle_ended(tx, village, &month.to_string(), at).await
        }
        Step::PublishRanking => rankings::publish(tx, village, at).await,
        Step::LapseRankingObjections => rankings::lapse(tx, village, at).await,
        Step::EndRankingPublicity => rankings::end_publicity(tx, village, at).await,
        Step::LapseAwards => awards::lapse(tx, village, at).await,
        Step::ExpireMovedOut => households::expire_moved_out(tx, village, at).await,
        Step::CloseSheet(week) => {
            scoring::close_sheet(app, tx, village, week).await?;
            rankings::rebuild(tx, village, week).await?;
            statistics::keep(tx, village, week, at).await?;
            if week.is_last_of_month() {
                publicity::open_list(tx, village, week.month(), publicity_weeks).await?;
                proof::seal_list(app, tx, village, week.month()).await?;
            }
            Ok(())
        }
    }
}

/// Steps of which a village has one at a time, and when each is next due: a query of one number, or of
/// none, in which `$1` is the village. What a slice makes due lies a week ahead at least.
const FIRSTS: &[(Step, &str)] = &[
    (Step::StartPolicy, regions::FIRST_START),
    (Step::LapseClaims, claims::FIRST_LAPSE),
    (Step::LapseReversals, reversals::FIRST_LAPSE),
    (Step::CloseCorrections, reversals::FIRST_CORRECTION),
    (Step::ExpireHolds, redemption::FIRST_EXPIRY),
    (Step::FinishObjections, publicity::FIRST_END),
    (Step::PublishRanking, rankings::FIRST_PUBLICATION),
    (Step::LapseRankingObjections, rankings::FIRST_LAPSE),
    (Step::EndRankingPublicity, rankings::FIRST_END),
    (Step::LapseAwards, awards::FIRST_LAPSE),
    (Step::ExpireMovedOut, households::FIRST_TERM),
];

/// The next step of a village and its instant, by one statement.
async fn next(tx: &Tx, village: &Village) -> Outcome<(Instant, Step)> {
    #[derive(FromQueryResult)]
    struct Row {
        /// Which of [`FIRSTS`]; -1 for a list, -2 for the sheet.
        step: i64,
        at: Option<i64>,
        period: String,
    }
    let mut sql = "SELECT CAST(-1 AS BIGINT) AS step, closes_at AS at, month AS period \
                   FROM public_lists WHERE village = $1 AND status <> 'closed' \
                   UNION ALL SELECT -2, closes_at, week FROM score_sheets \
                   WHERE village = $1 AND status = 'open'"
        .to_owned();
    for (index, (_, first)) in FIRSTS.iter().enumerate() {
        sql.push_str(&format!(" UNION ALL SELECT {index}, ({first}), ''"));
    }
    let odd = |row: &Row| Problem::fault(format!("village {village}: step {}", row.period));
    let mut due = Vec::new();
    for row in db::all::<Row>(tx, &sql, [village.into()]).await? {
        let Some(at) = row.at.map(Instant) else { continue };
        let step = match row.step {
            -1 => Step::CloseList(row.period.parse().map_err(|_| odd(&row))?),
            -2 => Step::CloseSheet(row.period.parse().map_err(|_| odd(&row))?),
            index => {
                usize::try_from(index)
                    .ok()
                    .and_then(|at| FIRSTS.get(at))
                    .ok_or_else(|| odd(&row))?
                    .0
            }
        };
        due.push((at, step));
    }
    let no_sheet = || Problem::fault(format!("village {village} has no open sheet"));
    due.into_iter().min().ok_or_else(no_sheet)
}
