//! `redis_stopped_*`: 64 connections read boards and 16 file claims while Redis stands still for a while,
//! and a second time while it is killed; beside as long a while before, each time.
//!
//! Boards are moved on once a second, as closes would, so that each has to be built or fetched again and
//! again. The ratios are those of both outages together; every refused claim fails the last one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::boards::{self, Extent};
use crate::claims::Filers;
use crate::load::{CONNECTIONS, Load, Tally};
use crate::outage::{Outage, Redis};
use crate::process::{Server, get};
use crate::report::{Goal, Measure, say};
use crate::seed::{self, County};
use crate::{Bench, Done};

pub const NAMES: [&str; 3] = [GOOD, P99, CLAIMS];
const GOOD: &str = "redis_stopped_good";
const P99: &str = "redis_stopped_p99";
const CLAIMS: &str = "redis_stopped_claims";
/// Connections that file claims meanwhile.
const FILING: usize = 16;

/// A town that reads and files.
struct Town<'a> {
    bench: &'a Bench,
    server: &'a Server,
    filers: Filers,
    paths: Arc<Vec<Vec<u8>>>,
    on: &'a DatabaseConnection,
}

/// What came of a while.
struct While {
    reads: Tally,
    claims: Tally,
}

pub async fn measure(bench: &Bench, county: &County) -> Done<()> {
    if !NAMES.iter().any(|name| bench.wants(name)) {
        return Ok(());
    }
    let app = seed::connect(bench, &county.database).await?;
    let mut redis = Redis::start(bench).await?;
    let database = bench.database(&county.database);
    let server = Server::production(bench, &database, Some(&redis.url())).await?;
    let paths = boards::paths(&app, county.week, Extent::Totals).await?;
    let town = Town {
        bench,
        server: &server,
        filers: Filers::of(&app, county.size.households).await?,
        paths: Arc::new(paths.iter().map(|path| get(path, "")).collect()),
        on: app.db.schema(),
    };
    let mut good = Measure::new(GOOD, "", Goal::AtLeast(0.999));
    let mut p99 = Measure::new(P99, "ms", Goal::RatioAtMost(5.0));
    let mut claims = Measure::new(CLAIMS, "claims/s", Goal::RatioAtLeast(0.8));
    say("redis_stopped: warming up");
    town.live().await?;
    for outage in [Outage::Frozen, Outage::Killed] {
        let before = town.live().await?;
        redis.stop(outage).await?;
        let during = town.live().await?;
        redis.resume(outage).await?;
        good.pair(part(&during.reads), part(&before.reads));
        p99.pair(during.reads.p99_ms, before.reads.p99_ms);
        claims.pair(during.claims.per_second, before.claims.per_second);
        claims.refused = Some(claims.refused.unwrap_or(0) + during.claims.bad);
        town.live().await?;
    }
    if redis.keys().await? == 0 {
        return Err("Redis is back and nobody uses it".into());
    }
    server.stop().await?;
    bench.print_wanted(&[good, p99, claims])
}

/// Good answers of all.
fn part(tally: &Tally) -> f64 {
    let count = |number: usize| u32::try_from(number).map_or(f64::INFINITY, f64::from);
    count(tally.good) / count(tally.good + tally.bad)
}

impl Town<'_> {
    /// Half a minute of reading, filing, and boards that move on.
    async fn live(&self) -> Done<While> {
        let duration = Duration::from_secs(if self.bench.quick { 6 } else { 30 });
        let over = AtomicBool::new(false);
        let both = async {
            let done = futures::future::join(self.read(duration), self.file(duration)).await;
            over.store(true, Ordering::Relaxed);
            Ok(While { reads: done.0?, claims: done.1? })
        };
        let move_on = async {
            while !over.load(Ordering::Relaxed) {
                let moved = "UPDATE villages SET version = version + 1";
                self.on.execute_unprepared(moved).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok::<_, Box<dyn std::error::Error>>(())
        };
        let (lived, moved) = futures::future::join(both, move_on).await;
        moved?;
        lived
    }

    async fn read(&self, duration: Duration) -> Done<Tally> {
        let load = Load { address: self.server.address, duration, status: 200 };
        load.count_by(CONNECTIONS, boards::reader(&self.paths)).await
    }

    async fn file(&self, duration: Duration) -> Done<Tally> {
        let load = Load { address: self.server.address, duration, status: 201 };
        self.filers.count(load, FILING).await
    }
}
