//! `ranking_read` and `ranking_304`: a county's board of 50 rows through the whole stack, beside a
//! bare handler that serves the same bytes under the same headers; and `p99_read`, from the same runs.
//!
//! The generator is not the limit: beside `wrk -t2 -c64` it asks the bare server as often.

use std::sync::Arc;

use crate::load::{Connection, Load};
use crate::process::{Server, get};
use crate::report::{Goal, Measure, say};
use crate::seed::County;
use crate::{Bench, Done};

pub const NAME: &str = "ranking_read";
pub const NAME_UNCHANGED: &str = "ranking_304";
pub const P99: &str = "p99_read";

pub async fn measure(bench: &Bench, county: &County) -> Done<()> {
    if ![NAME, NAME_UNCHANGED, P99].iter().any(|name| bench.wants(name)) {
        return Ok(());
    }
    let path = format!("/v1/regions/{}/rankings/{}", crate::seed::COUNTY, county.week);
    let jifen = Server::jifen(bench, &bench.database(&county.database)).await?;
    let bare = Server::bare(Some((jifen.address, &path))).await?;
    if bench.wants(NAME) || bench.wants(P99) {
        let goal = Goal::RatioAtLeast(0.75);
        let measures = alternate(bench, NAME, goal, &jifen, &bare, get(&path, ""), 200).await?;
        bench.print_wanted(&measures)?;
    }
    if bench.wants(NAME_UNCHANGED) {
        let goal = Goal::RatioAtLeast(0.85);
        let request = get(&path, &format!("If-None-Match: {}\r\n", etag(&jifen, &path).await?));
        let [rates, _] =
            alternate(bench, NAME_UNCHANGED, goal, &jifen, &bare, request, 304).await?;
        rates.print()?;
    }
    bare.stop().await?;
    jifen.stop().await
}

/// Rates, and what 99 of a hundred answers took at most.
async fn alternate(
    bench: &Bench,
    name: &'static str,
    goal: Goal,
    jifen: &Server,
    bare: &Server,
    request: Vec<u8>,
    status: u16,
) -> Done<[Measure; 2]> {
    let request: Arc<[u8]> = request.into();
    let rate = async |server: &Server| {
        let load = Load { address: server.address, duration: bench.repeat(), status };
        let request = request.clone();
        load.run(move |_| {
            let request = request.clone();
            move |next: &mut Vec<u8>| next.extend_from_slice(&request)
        })
        .await
    };
    say(&format!("{name}: warming up"));
    rate(jifen).await?;
    rate(bare).await?;
    let mut measure = Measure::new(name, "requests/s", goal);
    let mut p99 = Measure::new(P99, "ms", Goal::AtMost(10.0));
    for _ in 0..bench.pairs() {
        let (ours, beside) = (rate(jifen).await?, rate(bare).await?);
        measure.p99(ours.p99_ms);
        measure.pair(ours.per_second, beside.per_second);
        p99.pair(ours.p99_ms, beside.p99_ms);
    }
    Ok([measure, p99])
}

/// The board's ETag; also makes sure that the board has its rows.
async fn etag(server: &Server, path: &str) -> Done<String> {
    let mut connection = Connection::open(server.address).await?;
    let answer = connection.exchange(&get(path, "")).await?;
    let board: serde_json::Value = serde_json::from_slice(answer.body)?;
    if board["items"].as_array().map(Vec::len) != Some(50) {
        return Err("the board is not full".into());
    }
    let head = std::str::from_utf8(answer.head)?;
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: "));
    Ok(etag.ok_or("the board has no ETag")?.to_owned())
}
