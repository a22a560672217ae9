use std::process::Output;

use api::kernel::clock::{Clock, Instant};
use api::kernel::db;
use api::kernel::period::Week;

use crate::support::{FAR, HERE, World, jifen};

async fn closed(world: &World, village: &str) -> i64 {
    let sql = format!(
        "SELECT COUNT(*) FROM score_sheets WHERE village = '{village}' AND status = 'closed'"
    );
    db::number(world.app.db.read(), &sql, []).await.expect("a count")
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

fn close(world: &World, as_of: Instant, region: &str) -> Output {
    let as_of = as_of.to_string();
    jifen(&world.database, &["close", "--as-of", &as_of, "--region", region])
}

/// An operator after an outage, without serving anybody: week by week, a county in one command.
#[actix_web::test]
async fn a_county_is_closed_by_one_command_up_to_an_instant() {
    let begins = Clock::System.now().plus_days(-60);
    let world = World::begins(begins).await;
    world.earn(1, 10).await;
    let second = Week::of(begins).next().ends_at();
    let done = close(&world, second, "460205");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(said(&done).ends_with(&format!("as of {second}")), "{}", said(&done));
    assert_eq!((closed(&world, HERE).await, closed(&world, FAR).await), (2, 0));
    assert_eq!(world.count("score_lines").await, 1);
    // A second run finds nothing to do.
    assert_eq!(said(&close(&world, second, "460205")), format!("0 steps, as of {second}"));
    let before = Instant(second.0 + 7 * api::kernel::clock::DAY_MS - 1);
    assert_eq!(said(&close(&world, before, "460205")), format!("0 steps, as of {before}"));
    world.verified().await;
}

/// Whoever may start it could otherwise cut publicity short.
#[actix_web::test]
async fn nothing_is_closed_before_its_time() {
    let now = Clock::System.now();
    let world = World::begins(now).await;
    let done = close(&world, now.plus_days(8), HERE);
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("is to come"));
    assert_eq!(closed(&world, HERE).await, 0);
}
