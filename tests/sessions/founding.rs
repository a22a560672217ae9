use std::path::PathBuf;

use api::founding::{First, appoint, load_regions};
use api::identity::Role;
use serde_json::json;
use totp_rs::Totp;

use super::{device, holder};
use crate::support::World;

fn file(name: &str, text: &str) -> PathBuf {
    let folder =
        std::env::var("JIFEN_TEST_DIR").map_or_else(|_| std::env::temp_dir(), PathBuf::from);
    let path = folder.join(format!("{name}-{}.csv", uuid::Uuid::now_v7()));
    std::fs::write(&path, text).expect("the file is written");
    path
}

fn first(role: Role, region: &str, login: &str) -> First {
    First {
        role,
        region: region.parse().expect("a code"),
        name: "黎光明".to_owned(),
        login: login.to_owned(),
    }
}

/// An empty production server, from the table of regions to the first village.
#[actix_web::test]
async fn the_first_official_logs_in_and_opens_a_village() {
    let world = World::production().await;
    let regions =
        "460205,崖州区\n46,海南省\n4602,三亚市\n460205100,崖州区直辖\n460205100201,梅西村\n";
    let count = load_regions(&world.app, &file("regions", regions)).await.expect("regions");
    assert_eq!((count, world.count("regions").await), (5, 5));
    let shown = appoint(&world.app, first(Role::County, "460205", "li.guangming")).await;
    let shown = shown.expect("an official").to_string();
    let line = |name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
        line.trim().to_owned()
    };
    let totp = Totp::from_url(line("scan:")).expect("a second factor");
    let now = u64::try_from(world.app.token_clock.now().seconds()).expect("a time");
    let body = json!({
        "login": "li.guangming", "password": line("password:"),
        "totp": totp.generate(now).to_string(), "device": device(),
    });
    let session = world.anybody().send_json("/v1/staff-sessions", &body).await.ok();
    let county = holder(&world, &session);
    assert_eq!(county.get("/v1/me").await.ok()["grants"][0]["role"], "county");
    let policy = json!({
        "mode": "quarterly", "publicity_weeks": 1, "window_weeks": 2, "window_points_max": 200,
        "point_value_fen": 100,
    });
    county.post("/v1/regions/460205100201/opening", policy).await.ok();
    world.anybody().get("/v1/villages/460205100201/calendar").await.ok();
}

#[actix_web::test]
async fn what_does_not_fit_is_refused_whole() {
    let world = World::production().await;
    for odd in ["46,海南省\n4602\n", "46,海南省\nabc,三亚\n", "46,\u{200b}\n", "46020,三亚\n"]
    {
        assert!(load_regions(&world.app, &file("odd", odd)).await.is_err(), "{odd}");
    }
    // A part without its whole.
    assert!(load_regions(&world.app, &file("orphan", "46,海南省\n460205,崖州区\n")).await.is_err());
    assert_eq!(world.count("regions").await, 0);
    load_regions(&world.app, &file("regions", "46,海南省\n4602,三亚市\n460205,崖州区\n"))
        .await
        .expect("regions");
    for odd in [
        first(Role::Panel, "460205", "li.guangming"),
        first(Role::Township, "460205", "li.guangming"),
        first(Role::County, "440783", "li.guangming"),
        first(Role::County, "460205", "Li"),
    ] {
        assert!(appoint(&world.app, odd).await.is_err());
    }
    assert_eq!(world.count("persons").await, 0);
    appoint(&world.app, first(Role::County, "460205", "li.guangming")).await.expect("an official");
    assert!(appoint(&world.app, first(Role::County, "460205", "li.guangming")).await.is_err());
    assert_eq!(world.count("persons").await, 1);
}
