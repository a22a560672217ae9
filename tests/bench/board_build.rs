//! `board_build`: the boards of a county and of a province of a million households, built anew by the
//! server as its first reader has them, beside one window query that ranks the same rows.
//!
//! Standings, households and their heads are seeded by SQL. Ours is the time of one request to a server
//! that has nothing in memory: all of a board, its names, its bytes. The floor ranks every household of
//! the region and counts them, so that every row is ranked and none is sent.

use std::time::Instant;

use api::app;
use api::kernel::db;
use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::load::Connection;
use crate::process::{Server, get};
use crate::report::{Goal, Measure, say};
use crate::seed;
use crate::{Bench, Done};

pub const NAME: &str = "board_build";
const PERIOD: &str = "2024-W35";
const CATEGORY: &str = "public_welfare";
/// A province by SQL.
const SEED: &str = include_str!("boards.sql");

/// What is measured: the region, what is ranked, and the table that the floor ranks.
const BOARDS: [(&str, &str, &str, &str); 6] = [
    ("board_build_county", "99", "0001", "households"),
    ("board_build_county_grids", "99", "0001", "grids"),
    ("board_build_county_category", "99", "0001", "households&category=public_welfare"),
    ("board_build_province", "99", "", "households"),
    ("board_build_province_grids", "99", "", "grids"),
    ("board_build_province_category", "99", "", "households&category=public_welfare"),
];

pub async fn measure(bench: &Bench) -> Done<()> {
    let names = BOARDS.map(|(name, ..)| name);
    if !names.iter().any(|name| bench.wants(name)) {
        return Ok(());
    }
    let database = "boards";
    seed::create_database(bench, database, "template1").await?;
    let app = seed::connect(bench, database).await?;
    app::migrate(&app).await?;
    let (counties, villages) = if bench.quick { (2, 10) } else { (60, 100) };
    let households = counties * villages * PER_VILLAGE;
    say(&format!(
        "seeding {counties} counties of {villages} villages with {households} households"
    ));
    seed_rows(app.db.schema(), counties, villages).await?;
    app.db.schema().execute_unprepared("VACUUM ANALYZE").await?;
    for (name, province, county, query) in BOARDS {
        if !bench.wants(name) {
            continue;
        }
        let region = format!("{province}{county}");
        let mut measure = Measure::new(name, "ms", Goal::RatioAtMost(1.5));
        let ranked = if county.is_empty() { households } else { villages * PER_VILLAGE };
        measure.scale = Some((ranked, "households"));
        for round in 0..=bench.pairs() {
            let ours = ours(bench, database, &region, query).await?;
            let floor = floor(app.db.read(), &region, query.contains(CATEGORY)).await?;
            // The first round only fills the database's memory, for both sides.
            if round > 0 {
                measure.pair(ours, floor);
            }
        }
        measure.print()?;
    }
    app.db.schema().clone().close().await?;
    Ok(())
}

/// Households of a village: a million in 60 counties of 100 villages.
const PER_VILLAGE: usize = 167;

async fn seed_rows(on: &DatabaseConnection, counties: usize, villages: usize) -> Done<()> {
    let sql = SEED
        .replace("{counties}", &counties.to_string())
        .replace("{villages}", &villages.to_string())
        .replace("{households}", &PER_VILLAGE.to_string())
        .replace("{period}", PERIOD)
        .replace("{category}", CATEGORY);
    for statement in sql.split(';').map(str::trim).filter(|sql| !sql.is_empty()) {
        let begun = Instant::now();
        on.execute_unprepared(statement).await?;
        let what = statement.lines().find(|line| !line.starts_with("--")).unwrap_or_default();
        say(&format!("{NAME}: {:.1} s for {what}", begun.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// Milliseconds until the first reader has a board, of a server that has none; its version is newer than
/// what Redis may hold.
async fn ours(bench: &Bench, database: &str, region: &str, query: &str) -> Done<f64> {
    let app = seed::connect(bench, database).await?;
    let newer = "UPDATE villages SET version = version + 1 WHERE village LIKE '990001%'";
    app.db.schema().execute_unprepared(newer).await?;
    app.db.schema().clone().close().await?;
    let server = Server::jifen(bench, &bench.database(database)).await?;
    let mut connection = Connection::open(server.address).await?;
    // A connection to the database is there, and what is due has been asked for.
    let elsewhere = format!("/v1/regions/990002001/rankings/{PERIOD}?of={query}");
    connection.exchange(&get(&elsewhere, "")).await?;
    let path = format!("/v1/regions/{region}/rankings/{PERIOD}?of={query}");
    let begun = Instant::now();
    let answer = connection.exchange(&get(&path, "")).await?;
    let millis = begun.elapsed().as_secs_f64() * 1000.0;
    let board: serde_json::Value = serde_json::from_slice(answer.body)?;
    if board["items"].as_array().is_none_or(|items| items.len() < 10) {
        return Err(format!("the board of {region} is not full: {board}").into());
    }
    server.stop().await?;
    Ok(millis)
}

/// Milliseconds of one query that ranks every household of a region in one window.
async fn floor(on: &DatabaseConnection, region: &str, category: bool) -> Done<f64> {
    let (table, of) = match category {
        true => ("category_standings", format!("AND s.category = '{CATEGORY}'")),
        false => ("standings", String::new()),
    };
    let sql = format!(
        "SELECT COUNT(*) FROM (SELECT ROW_NUMBER() OVER (ORDER BY s.points DESC, s.deductions, \
           s.categories DESC, s.reached_at, s.village, h.number) AS rank \
         FROM {table} s JOIN households h ON h.village = s.village AND h.id = s.household \
         WHERE s.period = $1 AND s.village >= $2 AND s.village < $3 {of}) AS ranked WHERE rank > 0"
    );
    let values = [PERIOD.into(), region.into(), format!("{region}:").into()];
    let begun = Instant::now();
    let ranked = db::number(on, &sql, values).await?;
    let millis = begun.elapsed().as_secs_f64() * 1000.0;
    if ranked == 0 {
        return Err("nothing was ranked".into());
    }
    Ok(millis)
}
