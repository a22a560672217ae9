use api::regions::{Mode, Policy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, HERE, NEXT, World, at};

fn path() -> String {
    format!("/v1/villages/{HERE}/policy")
}

fn policy(mode: &str, publicity_weeks: i64) -> Value {
    json!({
        "mode": mode, "publicity_weeks": publicity_weeks, "window_weeks": 1,
        "window_points_max": 300, "point_value_fen": 50,
    })
}

async fn put(by: &Actor, etag: &str, body: &Value) -> Answer {
    by.send(Method::PUT, &path(), |it| it.header("If-Match", etag).json(body)).await
}

#[actix_web::test]
async fn a_change_waits_for_the_next_quarter_and_a_second_one_takes_its_place() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let read = township.get(&path()).await;
    assert_eq!(read.header("etag"), Some("\"1\""));
    let now = read.ok();
    assert_eq!((&now["mode"], now.get("next")), (&json!("quarterly"), None));
    assert_eq!((&now["point_value_fen"], &now["version"]), (&json!(100), &json!(1)));
    let changed = put(&township, "\"1\"", &policy("monthly", 2)).await;
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let changed = changed.ok();
    assert_eq!(changed["mode"], "quarterly", "the present quarter stays as it is");
    assert_eq!(changed["next"]["starts_at"], "2024-09-30T00:00:00.000+08:00");
    put(&township, "\"1\"", &policy("always_open", 2)).await.refused(412, "precondition_failed");
    put(&township, "\"2\"", &policy("always_open", 3)).await.ok();
    let seen = world.head(HERE, 1).await.get(&path()).await.ok();
    assert_eq!((&seen["next"]["mode"], &seen["version"]), (&json!("always_open"), &json!(3)));
    assert_eq!(world.count("next_policies").await, 1);
    world.travel(at("2024-09-30 00:00")).await;
    let started = township.get(&path()).await.ok();
    assert_eq!((&started["mode"], &started["publicity_weeks"]), (&json!("always_open"), &json!(3)));
    assert_eq!((started.get("next"), &started["version"]), (None, &json!(4)));
    assert_eq!(world.count("next_policies").await, 0);
    assert_eq!(world.count("audit_events WHERE action LIKE 'policy.%'").await, 3);
}

async fn redeem(world: &World) -> Answer {
    let body = crate::support::order_of("goods.soap", 1);
    world.head(HERE, 1).await.post(&format!("/v1/villages/{HERE}/redemptions"), body).await
}

/// In the middle of the second quarter's window of 2024 (8 to 22 July): it stays open, August has
/// none, and September's list has the new two weeks of publicity from 30 September on.
#[actix_web::test]
async fn a_change_of_mode_leaves_the_present_window_and_takes_effect_at_the_quarter() {
    let world = World::begins(at("2024-06-26 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-07-10 08:00")).await;
    let county = world.official("county", "460205").await;
    put(&county, "\"1\"", &policy("monthly", 2)).await.ok();
    redeem(&world).await.ok();
    let calendar = async || {
        let path = format!("/v1/villages/{HERE}/calendar");
        world.anybody().get(&path).await.ok()["redemption"].clone()
    };
    let window = calendar().await;
    assert_eq!((&window["mode"], &window["open"]), (&json!("quarterly"), &json!(true)));
    assert_eq!(window["closes_at"], "2024-07-22T00:00:00.000+08:00");
    world.travel(at("2024-08-12 08:00")).await;
    let closed = redeem(&world).await.refused(409, "window_closed");
    assert_eq!(closed["opens_at"], "2024-10-07T00:00:00.000+08:00", "as the present policy has it");
    world.travel(at("2024-09-29 23:59:59.999")).await;
    assert_eq!(calendar().await["mode"], "quarterly");
    world.travel(at("2024-09-30 00:00")).await;
    let window = calendar().await;
    assert_eq!((&window["mode"], &window["open"]), (&json!("monthly"), &json!(false)));
    let list = format!("/v1/villages/{HERE}/public-lists/2024-09");
    let list = world.anybody().get(&list).await.ok();
    assert_eq!(list["closes_at"], "2024-10-14T00:00:00.000+08:00", "two weeks");
    world.travel(at("2024-10-14 00:00")).await;
    assert_eq!(calendar().await["closes_at"], "2024-10-21T00:00:00.000+08:00", "one week");
    redeem(&world).await.ok();
    world.verified().await;
}

/// August's window is open from 23 September; the quarterly policy that starts on 30 September leaves it
/// open to its end.
#[actix_web::test]
async fn a_window_that_is_open_when_a_policy_starts_closes_when_it_said() {
    let monthly =
        Policy { mode: Mode::Monthly, publicity_weeks: 3, window_weeks: 3, ..Policy::default() };
    let world = World::with_policy(at("2024-08-28 08:00"), monthly).await;
    world.earn(1, 30).await;
    world.travel(at("2024-09-24 08:00")).await;
    let county = world.official("county", "460205").await;
    put(&county, "\"1\"", &policy("quarterly", 4)).await.ok();
    world.travel(at("2024-10-13 23:59:59.999")).await;
    assert_eq!(county.get(&path()).await.ok()["mode"], "quarterly");
    redeem(&world).await.ok();
    world.travel(at("2024-10-14 00:00")).await;
    let closed = redeem(&world).await.refused(409, "window_closed");
    assert_eq!(closed["opens_at"], "2024-10-28T00:00:00.000+08:00");
    world.verified().await;
}

/// The boundary is the close of a week anyway: also what was changed a minute before is seen.
#[actix_web::test]
async fn a_change_in_the_last_minute_of_a_quarter_takes_effect() {
    let world = World::begins(at("2024-09-29 23:59")).await;
    let county = world.official("county", "460205").await;
    put(&county, "\"1\"", &policy("quarterly", 4)).await.ok();
    // Months later, in one go.
    world.travel(at("2024-12-04 08:00")).await;
    let seen = county.get(&path()).await.ok();
    assert_eq!((&seen["publicity_weeks"], &seen["version"]), (&json!(4), &json!(3)));
    let list = format!("/v1/villages/{HERE}/public-lists/2024-09");
    let list = world.anybody().get(&list).await.ok();
    assert_eq!(list["closes_at"], "2024-10-28T00:00:00.000+08:00");
    world.verified().await;
}

/// C121 and its neighbours.
#[actix_web::test]
async fn a_policy_out_of_bounds_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let with = |name: &str, value: Value| {
        let mut body = policy("monthly", 1);
        body[name] = value;
        body
    };
    for (body, status, code) in [
        (with("publicity_weeks", json!(0)), 422, "invalid_field"),
        (with("publicity_weeks", json!(5)), 422, "invalid_field"),
        (with("window_weeks", json!(0)), 422, "invalid_field"),
        (with("window_weeks", json!(5)), 422, "invalid_field"),
        (with("window_points_max", json!(0)), 422, "invalid_field"),
        (with("window_points_max", json!(100_001)), 422, "invalid_field"),
        (with("point_value_fen", json!(-1)), 422, "invalid_field"),
        (with("point_value_fen", json!(100_001)), 422, "invalid_field"),
        (with("publicity_weeks", json!(1.5)), 400, "malformed_json"),
        (with("mode", json!("weekly")), 400, "malformed_json"),
        (with("next", json!({})), 400, "unknown_field"),
        (json!({ "mode": "monthly" }), 400, "malformed_json"),
    ] {
        put(&county, "\"1\"", &body).await.refused(status, code);
        let opening = format!("/v1/regions/{HERE}/opening");
        county.post(&opening, body).await.refused(status, code);
    }
    let body = policy("monthly", 2);
    county.put(&path(), body.clone()).await.refused(428, "precondition_required");
    for etag in ["\"0\"", "W/\"1\"", "1", "\"11\""] {
        put(&county, etag, &body).await.refused(412, "precondition_failed");
    }
    for other in [world.head(HERE, 1).await, world.official("committee", HERE).await] {
        put(&other, "\"1\"", &body).await.refused(403, "role_required");
    }
    let elsewhere =
        [world.official("county", "440783").await, world.official("committee", NEXT).await];
    for other in elsewhere {
        put(&other, "\"1\"", &body).await.refused(404, "not_found");
        other.get(&path()).await.refused(404, "not_found");
    }
    assert_eq!(world.count("next_policies").await, 0);
    assert_eq!(world.count("villages WHERE policy_version <> 1").await, 0);
    put(&county, "\"7\", \"1\"", &body).await.ok();
}

#[actix_web::test]
async fn of_two_who_change_what_they_read_at_once_one_does() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let township = world.official("township", "460205100").await;
    let (one, two) = (policy("monthly", 1), policy("always_open", 1));
    let (one, two) = futures::join!(put(&county, "\"1\"", &one), put(&township, "\"1\"", &two));
    let mut found = [one.status, two.status];
    found.sort_unstable();
    assert_eq!(found, [200, 412]);
    assert_eq!(world.count("villages WHERE policy_version = 2").await, 1);
}

#[actix_web::test]
async fn what_was_read_is_not_sent_again() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let head = world.head(HERE, 1).await;
    let fresh = async |etag: &str| {
        head.send(Method::GET, &path(), |it| it.header("If-None-Match", etag)).await.status
    };
    assert_eq!(fresh("\"1\"").await, 304);
    assert_eq!(fresh("\"2\"").await, 200);
}
