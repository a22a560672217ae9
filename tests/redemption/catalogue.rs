use serde_json::{Value, json};

use super::redeem::{open_shop, path};
use crate::support::{Actor, HERE, NEXT, World, at, new_id, order_at, order_of};

const TOWNSHIP: &str = "/v1/regions/460205100/prizes";

fn offer(points: i64, offered: bool) -> Value {
    json!({
        "points": points, "household_limit": 2, "funding": "village_collective",
        "offered": offered,
    })
}

fn prize(key: &str) -> String {
    format!("/v1/villages/{HERE}/prizes/{key}")
}

fn order(key: &str) -> Value {
    order_of(key, 1)
}

async fn township(world: &World) -> Actor {
    world.official("township", "460205100").await
}

#[actix_web::test]
async fn a_village_offers_what_its_township_lists_at_its_own_price() {
    let world = open_shop(&[(1, 30)]).await;
    let township = township(&world).await;
    let new = json!({
        "key": "goods.rice_cooker", "name_zh": "电饭煲", "name_en": "Rice cooker",
        "kind": "goods", "value_fen": 15_000, "points": 150,
    });
    assert_eq!(township.post(TOWNSHIP, new.clone()).await.ok()["version"], 1);
    township.post(TOWNSHIP, new).await.refused(409, "id_taken");
    let listed = world.anybody().get(&format!("/v1/regions/{HERE}/prizes?limit=100")).await.ok();
    let found = listed["items"].as_array().expect("prizes").iter();
    assert_eq!(found.filter(|it| it["key"] == "goods.rice_cooker").count(), 1);
    let committee = world.official("committee", HERE).await;
    let cooker = prize("goods.rice_cooker");
    committee.put_at(1, &cooker, offer(25, true)).await.refused(412, "precondition_failed");
    let offered = committee.put_at(0, &cooker, offer(25, true)).await.ok();
    let told = (&offered["points"], &offered["stock"], &offered["value_fen"]);
    assert_eq!(told, (&json!(25), &json!(0), &json!(15_000)));
    let head = world.head(HERE, 1).await;
    head.post(&path(), order_at("goods.rice_cooker", 1, 25)).await.refused(409, "sold_out");
    committee.put_at(0, &prize("goods.gold"), offer(1, true)).await.refused(404, "not_found");
    let clerk = world.official("clerk", HERE).await;
    clerk.put_at(1, &cooker, offer(1, true)).await.refused(403, "role_required");
    let next = world.official("committee", NEXT).await;
    next.put_at(1, &cooker, offer(1, true)).await.refused(404, "not_found");
    assert_eq!(world.count("audit_events WHERE action = 'prize.offer'").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn the_price_is_fixed_when_points_are_held() {
    let world = open_shop(&[(1, 30), (2, 30)]).await;
    let head = world.head(HERE, 1).await;
    let held = head.post(&path(), order("goods.laundry_liquid")).await.ok();
    let committee = world.official("committee", HERE).await;
    committee.put_at(1, &prize("goods.laundry_liquid"), offer(25, true)).await.ok();
    let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
    let code = json!({ "pickup_code": held["pickup_code"] });
    let clerk = world.official("clerk", HERE).await;
    assert_eq!(clerk.post(&format!("{this}/collection"), code).await.ok()["points"], 20);
    let other = world.head(HERE, 2).await;
    let dearer = other.post(&path(), order_at("goods.laundry_liquid", 1, 25)).await;
    assert_eq!(dearer.ok()["points"], 25);
    // The shop is open: a rise is for the auditor to see, a fall is not.
    let register = format!("/v1/regions/{HERE}/register?kind=price_raised");
    let watcher = township(&world).await;
    assert_eq!(watcher.get(&register).await.ok()["items"][0]["subject"], "goods.laundry_liquid");
    committee.put_at(2, &prize("goods.laundry_liquid"), offer(18, true)).await.ok();
    world.travel(at("2024-10-21 09:00")).await;
    committee.put_at(3, &prize("goods.laundry_liquid"), offer(22, true)).await.ok();
    assert_eq!(world.count("register_entries WHERE kind = 'price_raised'").await, 1);
    world.verified().await;
}

/// The family's phone shows last week's price, dearer or cheaper: nothing is held until it has seen the
/// present one.
#[actix_web::test]
async fn an_order_names_the_price_that_the_family_saw() {
    let world = open_shop(&[(1, 30)]).await;
    let head = world.head(HERE, 1).await;
    let committee = world.official("committee", HERE).await;
    let (laundry, soap) = (prize("goods.laundry_liquid"), prize("goods.soap"));
    committee.put_at(1, &laundry, offer(25, true)).await.ok();
    committee.put_at(1, &soap, offer(4, true)).await.ok();
    for (order, now) in [
        (order_at("goods.laundry_liquid", 1, 20), 25),
        (order_at("goods.soap", 2, 10), 8),
        // The price of one, where two are asked for.
        (order_at("goods.soap", 2, 4), 8),
    ] {
        let refused = head.post(&path(), order).await.refused(409, "price_changed");
        assert_eq!(refused["points"], now, "{refused}");
    }
    let mut unseen = order_of("goods.soap", 1);
    unseen.as_object_mut().expect("an object").remove("points");
    head.post(&path(), unseen).await.refused(400, "malformed_json");
    assert_eq!(world.count("redemptions").await, 0);
    assert_eq!(world.count("balances WHERE held <> 0").await, 0);
    // With consent to the present price; and a retry gets its first answer, whatever it costs by then.
    let (key, order) = (new_id().to_string(), order_at("goods.soap", 2, 8));
    let held = head.post_as(&key, &path(), order.clone()).await.ok();
    assert_eq!(held["points"], 8);
    committee.put_at(2, &soap, offer(6, true)).await.ok();
    assert!(head.post_as(&key, &path(), order).await.is_replay());
    world.verified().await;
}

#[actix_web::test]
async fn what_is_no_longer_offered_is_not_held_and_open_holds_are_honoured() {
    let world = open_shop(&[(1, 30), (2, 30)]).await;
    let head = world.head(HERE, 1).await;
    let held = head.post(&path(), order("goods.soap")).await.ok();
    let committee = world.official("committee", HERE).await;
    committee.put_at(1, &prize("goods.soap"), offer(5, false)).await.ok();
    let other = world.head(HERE, 2).await;
    other.post(&path(), order("goods.soap")).await.refused(409, "prize_not_offered");
    let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
    let code = json!({ "pickup_code": held["pickup_code"] });
    let clerk = world.official("clerk", HERE).await;
    clerk.post(&format!("{this}/collection"), code).await.ok();
    committee.put_at(2, &prize("goods.soap"), offer(5, true)).await.ok();
    other.post(&path(), order("goods.soap")).await.ok();
    world.verified().await;
}

#[actix_web::test]
async fn what_the_township_takes_off_its_list_no_village_offers() {
    let world = open_shop(&[(1, 30)]).await;
    let off = json!({
        "name_zh": "肥皂", "name_en": "Soap", "kind": "goods", "value_fen": 500, "points": 5,
        "active": false,
    });
    let soap = format!("{TOWNSHIP}/goods.soap");
    let township = township(&world).await;
    township.put(&soap, off.clone()).await.refused(428, "precondition_required");
    township.put_at(9, &soap, off.clone()).await.refused(412, "precondition_failed");
    township.put_at(1, &soap, off.clone()).await.ok();
    let head = world.head(HERE, 1).await;
    head.post(&path(), order("goods.soap")).await.refused(409, "prize_not_offered");
    let committee = world.official("committee", HERE).await;
    let again = committee.put_at(2, &prize("goods.soap"), offer(5, true)).await;
    again.refused(409, "prize_not_offered");
    assert_eq!(world.count("prizes WHERE key = 'goods.soap' AND NOT offered").await, 2);
    assert_eq!(
        world.count("prizes WHERE key = 'goods.soap' AND offered").await,
        1,
        "another township's"
    );
    // A county and a village have no catalogue of their own; a committee keeps none.
    let county = world.official("county", "460205").await;
    county
        .put_at(1, "/v1/regions/460205/prizes/goods.soap", off.clone())
        .await
        .refused(404, "not_found");
    committee.put_at(1, &soap, off).await.refused(403, "role_required");
    world.anybody().get("/v1/regions/460205/prizes").await.refused(404, "not_found");
}

#[actix_web::test]
async fn stock_and_its_moves_are_for_the_shop_and_those_above_it() {
    let world = open_shop(&[(1, 30)]).await;
    world.head(HERE, 1).await.post(&path(), order("goods.soap")).await.ok();
    let stock = format!("/v1/villages/{HERE}/stock");
    let clerk = world.official("clerk", HERE).await;
    let seen = clerk.get(&stock).await.ok();
    let soap = (&seen["items"][0]["prize"], &seen["items"][0]["stock"], &seen["items"][0]["held"]);
    assert_eq!(soap, (&json!("goods.soap"), &json!(199), &json!(1)));
    let moves = format!("/v1/villages/{HERE}/stock-moves?prize=goods.soap&limit=1");
    let page = world.official("committee", HERE).await.get(&moves).await.ok();
    assert_eq!(page["items"][0]["kind"], "hold");
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let rest = clerk.get(&format!("{moves}&cursor={cursor}")).await.ok();
    assert_eq!(rest["items"][0]["kind"], "delivery");
    assert!(rest.get("next_cursor").is_none());
    let other = format!("/v1/villages/{HERE}/stock-moves?prize=goods.salt&cursor={cursor}");
    clerk.get(&other).await.refused(400, "invalid_cursor");
    for path in [&stock, &moves] {
        world.head(HERE, 1).await.get(path).await.refused(403, "role_required");
        world.official("clerk", NEXT).await.get(path).await.refused(404, "not_found");
    }
}
