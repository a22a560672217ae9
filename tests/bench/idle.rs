//! `cold_start` and `idle_rss`: what the embedded default costs a village that has nothing else,
//! beside the bare server.

use std::time::Duration;

use crate::process::Server;
use crate::report::{Goal, Measure, say};
use crate::{Bench, Done};

const COLD_START: &str = "cold_start";
const IDLE_RSS: &str = "idle_rss";

pub async fn measure(bench: &Bench) -> Done<()> {
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
        // Long enough for the ticker to have looked for what is due.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        idle_rss.pair(ours.resident_mib()?, beside.resident_mib()?);
        ours.stop().await?;
        beside.stop().await?;
    }
    for measure in [cold_start, idle_rss] {
        if bench.wants(measure.name) {
            measure.print()?;
        }
    }
    Ok(())
}
