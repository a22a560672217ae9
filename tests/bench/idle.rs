//! `cold_start` and `idle_rss`: what the embedded default costs a village that has nothing else; and
//! `idle_rss_postgres`. Beside the bare server.

use std::time::Duration;

use api::app;

use crate::process::Server;
use crate::report::{Goal, Measure, say};
use crate::{Bench, Done, seed};

const COLD_START: &str = "cold_start";
const IDLE_RSS: &str = "idle_rss";
const IDLE_RSS_POSTGRES: &str = "idle_rss_postgres";
/// Long enough for the ticker to have looked for what is due.
pub const SETTLED: Duration = Duration::from_millis(1500);

pub async fn measure(bench: &Bench) -> Done<()> {
    embedded(bench).await?;
    on_postgres(bench).await
}

async fn embedded(bench: &Bench) -> Done<()> {
    // One's name begins the other's.
    if !bench.wants(COLD_START) && !bench.wants(IDLE_RSS) {
        return Ok(());
    }
    let file = bench.folder.join("jifen.db");
    say("cold_start: loading the demo county once");
    Server::embedded(bench, &file).await?.stop().await?;
    let mut cold_start = Measure::new(COLD_START, "ms", Goal::AtMost(100.0));
    let mut idle_rss = Measure::new(IDLE_RSS, "MiB", Goal::AtMost(30.0));
    for _ in 0..bench.pairs() {
        let (ours, beside) = (Server::embedded(bench, &file).await?, Server::bare(None).await?);
        let millis = |server: &Server| server.ready_after.as_secs_f64() * 1000.0;
        cold_start.pair(millis(&ours), millis(&beside));
        tokio::time::sleep(SETTLED).await;
        idle_rss.pair(ours.resident_mib()?, beside.resident_mib()?);
        ours.stop().await?;
        beside.stop().await?;
    }
    bench.print_wanted(&[cold_start, idle_rss])
}

async fn on_postgres(bench: &Bench) -> Done<()> {
    if !bench.wants(IDLE_RSS_POSTGRES) {
        return Ok(());
    }
    let database = "idle";
    seed::create_database(bench, database, "template1").await?;
    let app = seed::connect(bench, database).await?;
    app::migrate(&app).await?;
    app.db.schema().clone().close().await?;
    let mut measure = Measure::new(IDLE_RSS_POSTGRES, "MiB", Goal::AtMost(30.0));
    for _ in 0..bench.pairs() {
        let ours = Server::jifen(bench, &bench.database(database)).await?;
        let beside = Server::bare(None).await?;
        tokio::time::sleep(SETTLED).await;
        measure.pair(ours.resident_mib()?, beside.resident_mib()?);
        ours.stop().await?;
        beside.stop().await?;
    }
    measure.print()
}
