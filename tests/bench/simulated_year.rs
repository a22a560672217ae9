//! `simulated_year`: a county's year, every act at its instant, once with the calendar's work on time and
//! once three days late. Not a ratio: it shows that all rows end the same, and how long a year takes.

use std::net::TcpListener;
use std::time::Instant;

use actix_web::web::Data;
use api::app;
use api::kernel::clock::Clock;

use crate::report::{print, say};
use crate::seed::{self, Size};
use crate::year::{Life, Lived, Pace};
use crate::{Bench, Done};

pub const NAME: &str = "simulated_year";
const TEMPLATE: &str = "year_template";
const COPY: &str = "year_copy";
/// From the first week of 2024 until the year's ranking has been contested and its awards fetched.
const FIRST: &str = "2024-W01";
const WEEKS: usize = 58;

pub async fn measure(bench: &Bench) -> Done<()> {
    let households = if bench.quick { 1_590 } else { 15_900 };
    let size = Size { households, ..bench.county() };
    let first = FIRST.parse()?;
    seed::create_database(bench, TEMPLATE, "template1").await?;
    let app = seed::connect_sandbox(bench, TEMPLATE).await?;
    seed::people(&app, size, first).await?;
    seed::tidy(&app).await?;
    let tenth = if bench.quick { 10 } else { 1 };
    let pace = Pace {
        first,
        weeks: WEEKS,
        deeds_per_hundred: 70,
        claims: 200 / tenth,
        objections: 100 / tenth,
        redemptions: 200 / tenth,
        reversals: 20 / tenth,
    };
    let (on_time, seconds) = live(bench, pace, 0).await?;
    let (late, seconds_late) = live(bench, pace, 3).await?;
    if on_time.done != late.done || on_time.digests != late.digests {
        let [before, after] = [on_time, late].map(|it| format!("{:?} {:?}", it.done, it.digests));
        return Err(format!("{NAME}: on time {before}, late {after}").into());
    }
    let line = serde_json::json!({
        "name": NAME,
        "unit": "s",
        "ours": seconds.round(),
        "three_days_late": seconds_late.round(),
        "of_it_closing": [on_time.closing.round(), late.closing.round()],
        "villages": size.villages,
        "grids": size.grids,
        "households": size.households,
        "weeks": WEEKS,
        "same_rows": true,
        "done": on_time.done,
    });
    print(&line)
}

/// A life in a copy of the county, and the seconds it took with its verification.
async fn live(bench: &Bench, pace: Pace, days_late: i64) -> Done<(Lived, f64)> {
    seed::create_database(bench, COPY, TEMPLATE).await?;
    let mut app = seed::connect_sandbox(bench, COPY).await?;
    app.clock = Clock::standing_at(pace.first.starts_at());
    app::migrate(&app).await?;
    let app = Data::new(app);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let base = format!("http://{}", listener.local_addr()?);
    let server = app::serve(app.clone(), listener)?;
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let client = reqwest::Client::builder().tls_certs_only([]).build()?;
    say(&format!("{NAME}: {} weeks, {days_late} days late", pace.weeks));
    let began = Instant::now();
    let lived = Life::of(&app, &base, client, pace).await.live(days_late).await;
    let seconds = began.elapsed().as_secs_f64();
    handle.stop(true).await;
    app.db.schema().clone().close().await?;
    Ok((lived, seconds))
}
