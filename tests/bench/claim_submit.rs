//! `claim_submit`: claims over HTTP — authenticated, validated, idempotent, audited, durable when
//! answered — beside pgbench writing the same rows; and `p99_claim`, from the same runs.
//!
//! The generator is not the limit: while it ran, its process took 2% of one processor by
//! `/proc/PID/stat`, the server 70% and PostgreSQL the rest; on the bare server of `ranking_read` it
//! reaches 60,000 to 100,000 requests/s.

use sea_orm::ConnectionTrait;

use crate::claims::Filers;
use crate::load::{CONNECTIONS, Load};
use crate::process::Server;
use crate::report::{Goal, Measure, say};
use crate::seed::{self, County};
use crate::{Bench, Done, claim_floor};

pub const NAME: &str = "claim_submit";
pub const P99: &str = "p99_claim";

pub async fn measure(bench: &Bench, county: &County) -> Done<()> {
    if !bench.wants(NAME) && !bench.wants(P99) {
        return Ok(());
    }
    let app = seed::connect(bench, &county.database).await?;
    let on = app.db.read();
    let filers = Filers::of(&app, county.size.households).await?;
    let jifen = Server::jifen(bench, &bench.database(&county.database)).await?;
    let load = Load { address: jifen.address, duration: bench.repeat(), status: 201 };
    let claims = async || {
        on.execute_unprepared("CHECKPOINT").await?;
        filers.submit(load, CONNECTIONS).await
    };
    say("claim_submit: warming up");
    claims().await?;
    let script = claim_floor::script(bench, county, on).await?;
    let mut measure = Measure::new(NAME, "claims/s", Goal::RatioAtLeast(1.5));
    let mut p99 = Measure::new(P99, "ms", Goal::AtMost(25.0));
    for _ in 0..bench.pairs() {
        let ours = claims().await?;
        on.execute_unprepared("CHECKPOINT").await?;
        measure.p99(ours.p99_ms);
        p99.alone(ours.p99_ms);
        measure.pair(ours.per_second, claim_floor::run(bench, county, &script).await?);
    }
    jifen.stop().await?;
    bench.print_wanted(&[measure, p99])
}
