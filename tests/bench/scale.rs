//! `scale_claim`, `scale_read` and `scale_close`: what one of ours costs with 16,000, 160,000 and a
//! million households, a line a size, beside the smallest.
//!
//! The product founds one county and SQL copies it under other codes and ids, as often as is needed. The
//! load is the same at every size: as many heads file, in all villages there are, and the boards of one
//! county are read. Sizes take turns.

use std::sync::Arc;
use std::time::Instant;

use api::app::App;
use api::calendar;
use api::kernel::clock::Clock;
use api::kernel::db;
use api::kernel::period::Week;
use sea_orm::ConnectionTrait;

use crate::boards::{self, Extent};
use crate::claims::Filers;
use crate::load::{CONNECTIONS, Load};
use crate::process::{Server, get};
use crate::report::{Goal, Measure, say};
use crate::seed::{self, COUNTY};
use crate::{Bench, Done};

pub const CLAIM: &str = "scale_claim";
pub const READ: &str = "scale_read";
pub const CLOSE: &str = "scale_close";
const TEMPLATE: &str = "scale_template";
/// Counties: with 100 villages and 16,000 households each, the last one is a million.
const COUNTIES: [usize; 3] = [1, 10, 63];
/// Approved claims of each household in the week that is closed.
const CLAIMS: usize = 2;
const COPY: &str = include_str!("copy_county.sql");

/// A database of one size, with a week to be closed; and a copy of it in which it was.
struct Place {
    open: String,
    closed: String,
    households: usize,
}

/// A server on a place whose week is closed.
struct Busy {
    server: Server,
    filers: Filers,
    paths: Arc<Vec<Vec<u8>>>,
    app: App,
}

pub async fn measure(bench: &Bench) -> Done<()> {
    if !bench.scale || ![CLAIM, READ, CLOSE].iter().any(|name| bench.wants(name)) {
        return Ok(());
    }
    let week = Week::of(Clock::System.now()).previous();
    seed::create_database(bench, TEMPLATE, "template1").await?;
    let app = seed::connect(bench, TEMPLATE).await?;
    seed::people(&app, bench.county(), week).await?;
    seed::approve(&app, week, CLAIMS).await?;
    seed::tidy(&app).await?;
    let mut places = Vec::new();
    for counties in COUNTIES {
        places.push(multiply(bench, counties).await?);
    }
    // Microseconds of each place, in the order of the places, round by round.
    let (mut closes, mut reads, mut claims) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..2 {
        for place in &places {
            closes.push(close(bench, place, week).await?);
        }
    }
    for place in &places {
        seed::drop_database(bench, &place.open).await?;
    }
    let mut busy = Vec::new();
    for place in &places {
        busy.push(Busy::start(bench, place, week).await?);
    }
    // The first round only fills memories, those of all places.
    for round in 0..=bench.pairs() {
        for it in &busy {
            let (read, claim) = (it.read(bench).await?, it.claim(bench).await?);
            if round > 0 {
                reads.push(read);
                claims.push(claim);
            }
        }
    }
    for it in busy {
        it.server.stop().await?;
        it.app.db.close().await?;
    }
    for database in places.iter().map(|place| place.closed.as_str()).chain([TEMPLATE]) {
        seed::drop_database(bench, database).await?;
    }
    for (name, micros) in [(CLAIM, claims), (READ, reads), (CLOSE, closes)] {
        if bench.wants(name) {
            report(name, &places, &micros)?;
        }
    }
    Ok(())
}

async fn multiply(bench: &Bench, counties: usize) -> Done<Place> {
    let households = counties * bench.county().households;
    let place = Place {
        open: format!("scale_{counties}"),
        closed: format!("scale_{counties}_closed"),
        households,
    };
    let begun = Instant::now();
    seed::create_database(bench, &place.open, TEMPLATE).await?;
    let app = seed::connect(bench, &place.open).await?;
    let sql = COPY.replace("{county}", COUNTY).replace("{more}", &(counties - 1).to_string());
    app.db.schema().execute_unprepared(&sql).await?;
    let there = db::number(app.db.read(), "SELECT COUNT(*) FROM households", []).await?;
    seed::tidy(&app).await?;
    if usize::try_from(there)? != households {
        return Err(format!("{there} households instead of {households}").into());
    }
    let seconds = begun.elapsed().as_secs_f64();
    say(&format!("scale: {households} households after {seconds:.0} s"));
    Ok(place)
}

/// Microseconds a household to close the week of all villages.
async fn close(bench: &Bench, place: &Place, week: Week) -> Done<f64> {
    seed::create_database(bench, &place.closed, &place.open).await?;
    let mut app = seed::connect(bench, &place.closed).await?;
    app.clock = Clock::standing_at(week.ends_at());
    let begun = Instant::now();
    calendar::settle_all(&app, None).await?;
    let seconds = begun.elapsed().as_secs_f64();
    app.db.close().await?;
    say(&format!("scale: {} households closed in {seconds:.1} s", place.households));
    Ok(seconds * 1e6 / f64::from(u32::try_from(place.households)?))
}

impl Busy {
    async fn start(bench: &Bench, place: &Place, week: Week) -> Done<Self> {
        let app = seed::connect(bench, &place.closed).await?;
        // As after the hours in which PostgreSQL does it by itself.
        app.db.schema().execute_unprepared("VACUUM ANALYZE").await?;
        let paths = boards::paths(&app, week, Extent::Totals).await?;
        Ok(Self {
            server: Server::jifen(bench, &bench.database(&place.closed)).await?,
            filers: Filers::of(&app, bench.county().households).await?,
            paths: Arc::new(paths.iter().map(|path| get(path, "")).collect()),
            app,
        })
    }

    /// Microseconds a read.
    async fn read(&self, bench: &Bench) -> Done<f64> {
        let load = Load { address: self.server.address, duration: bench.repeat(), status: 200 };
        Ok(1e6 / load.run(boards::reader(&self.paths)).await?.per_second)
    }

    /// Microseconds a claim.
    async fn claim(&self, bench: &Bench) -> Done<f64> {
        self.app.db.schema().execute_unprepared("CHECKPOINT").await?;
        let load = Load { address: self.server.address, duration: bench.repeat(), status: 201 };
        Ok(1e6 / self.filers.submit(load, CONNECTIONS).await?.per_second)
    }
}

/// A line for each place but the first, which all are beside.
fn report(name: &'static str, places: &[Place], micros: &[f64]) -> Done<()> {
    for (at, place) in places.iter().enumerate().skip(1) {
        let mut measure = Measure::new(name, "µs", Goal::RatioAtMost(1.2));
        measure.scale = Some((place.households, "households"));
        for round in micros.chunks(places.len()) {
            if let (Some(ours), Some(beside)) = (round.get(at), round.first()) {
                measure.pair(*ours, *beside);
            }
        }
        measure.print()?;
    }
    Ok(())
}
