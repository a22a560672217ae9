//! `weekly_close`: all villages' weeks are closed by the product's own clockwork, beside the same rows
//! written by one SQL statement a table, in one transaction and without caps; and `weekly_close_growth`,
//! ours with ten times the claims beside ours.

use std::time::Instant;

use api::calendar;
use api::kernel::clock::Clock;
use api::kernel::db;
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};

use crate::report::{Goal, Measure, say};
use crate::seed::{self, Size};
use crate::{Bench, Done};

pub const NAME: &str = "weekly_close";
pub const GROWTH: &str = "weekly_close_growth";
const TEMPLATE: &str = "close_template";
const COPY: &str = "close_copy";
/// A week that is not the last of its month, so that closing it is all there is to do.
const WEEK: &str = "2024-W36";
const FLOOR: &str = include_str!("close_floor.sql");
const TABLES: [&str; 7] = [
    "score_lines",
    "journals",
    "postings",
    "balances",
    "category_standings",
    "standings",
    "period_totals",
];

pub async fn measure(bench: &Bench) -> Done<()> {
    if bench.wants(NAME) {
        beside_the_floor(bench).await?;
    }
    if bench.wants(GROWTH) {
        growth(bench).await?;
    }
    Ok(())
}

async fn beside_the_floor(bench: &Bench) -> Done<()> {
    let claims = bench.claims.unwrap_or(if bench.quick { 20_000 } else { 200_000 });
    seed_claims(bench, TEMPLATE, claims).await?;
    let mut measure = Measure::new(NAME, "s", Goal::RatioAtMost(1.5));
    measure.scale = Some((claims, "claims"));
    for _ in 0..bench.pairs() {
        let (ours, written) = ours(bench, TEMPLATE).await?;
        let (floor, same) = floor(bench).await?;
        if written != same {
            return Err(format!("rows differ: {written:?} beside {same:?} in {TABLES:?}").into());
        }
        measure.pair(ours, floor);
    }
    for database in [TEMPLATE, COPY] {
        seed::drop_database(bench, database).await?;
    }
    measure.print()
}

/// Ours with ten times the claims, of as many more households, beside ours.
async fn growth(bench: &Bench) -> Done<()> {
    let (few, many) = if bench.quick { (2_000, 20_000) } else { (100_000, 1_000_000) };
    let templates = ["close_few", "close_many"];
    for (template, claims) in templates.into_iter().zip([few, many]) {
        seed_claims(bench, template, claims).await?;
    }
    let mut measure = Measure::new(GROWTH, "s", Goal::RatioAtMost(12.0));
    measure.scale = Some((many, "claims"));
    for _ in 0..if bench.quick { 1 } else { 2 } {
        let (tenth, _) = ours(bench, "close_few").await?;
        let (whole, _) = ours(bench, "close_many").await?;
        measure.pair(whole, tenth);
    }
    for database in templates.into_iter().chain([COPY]) {
        seed::drop_database(bench, database).await?;
    }
    measure.print()
}

/// A database with so many approved claims, ten of a household.
async fn seed_claims(bench: &Bench, database: &str, claims: usize) -> Done<()> {
    let size = Size { households: claims / seed::CLAIMS_PER_HOUSEHOLD, ..bench.county() };
    seed::create_database(bench, database, "template1").await?;
    let app = seed::connect(bench, database).await?;
    let week = WEEK.parse()?;
    seed::people(&app, size, week).await?;
    seed::approve(&app, week, seed::CLAIMS_PER_HOUSEHOLD).await?;
    seed::tidy(&app).await
}

/// Seconds, and the rows written to each of [`TABLES`].
async fn ours(bench: &Bench, template: &str) -> Done<(f64, Vec<i64>)> {
    seed::create_database(bench, COPY, template).await?;
    let mut app = seed::connect(bench, COPY).await?;
    let week: api::kernel::period::Week = WEEK.parse()?;
    app.clock = Clock::standing_at(week.ends_at());
    let started = Instant::now();
    calendar::settle_all(&app, None).await?;
    let seconds = started.elapsed().as_secs_f64();
    let written = count(app.db.read()).await?;
    app.db.schema().clone().close().await?;
    Ok((seconds, written))
}

async fn floor(bench: &Bench) -> Done<(f64, Vec<i64>)> {
    seed::create_database(bench, COPY, TEMPLATE).await?;
    let app = seed::connect(bench, COPY).await?;
    let started = Instant::now();
    let tx = app.db.schema().begin().await?;
    for sql in FLOOR.split(';').map(str::trim).filter(|sql| !sql.is_empty()) {
        let begun = Instant::now();
        tx.execute_unprepared(sql).await?;
        let what = sql.lines().find(|line| !line.starts_with("--")).unwrap_or_default();
        say(&format!("{NAME}: floor {:.3} s for {what}", begun.elapsed().as_secs_f64()));
    }
    tx.commit().await?;
    let seconds = started.elapsed().as_secs_f64();
    let written = count(app.db.read()).await?;
    app.db.schema().clone().close().await?;
    Ok((seconds, written))
}

async fn count(database: &DatabaseConnection) -> Done<Vec<i64>> {
    let mut counts = Vec::new();
    for table in TABLES {
        counts.push(db::number(database, &format!("SELECT COUNT(*) FROM {table}"), []).await?);
    }
    Ok(counts)
}
