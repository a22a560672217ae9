use serde_json::{Value, json};

use super::redeem::{open_shop, path};
use crate::support::{Actor, HERE, World, at, grid_of, household_id, new_id};

/// Household 2 has asked for washing liquid by phone, and it is on its way: its path and its code.
async fn on_its_way(world: &World) -> (String, Value) {
    let wang = world.head(HERE, 2).await;
    let order = crate::support::order_of("goods.laundry_liquid", 1);
    let held = wang.post(&path(), order).await.ok();
    let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
    let clerk = world.official("clerk", HERE).await;
    let worker = worker(world).await.person().await;
    let given = clerk.post(&format!("{this}/delivery"), json!({ "worker": worker })).await.ok();
    assert_eq!((&given["status"], &given["carrier"]), (&json!("held"), &json!(worker)));
    (this, json!({ "pickup_code": held["pickup_code"] }))
}

async fn worker(world: &World) -> Actor {
    world.official("grid_worker", &grid_of(HERE, 2)).await
}

async fn stock(world: &World) -> i64 {
    let sql = "SELECT stock FROM prizes WHERE village = '460205100201' \
               AND key = 'goods.laundry_liquid'";
    api::kernel::db::number(world.app.db.read(), sql, []).await.expect("a number")
}

#[actix_web::test]
async fn the_worker_completes_the_collection_at_the_door() {
    let world = open_shop(&[(2, 30)]).await;
    let (this, code) = on_its_way(&world).await;
    let (collection, worker) = (format!("{this}/collection"), worker(&world).await);
    let clerk = world.official("clerk", HERE).await;
    let refused = clerk.post(&collection, code.clone()).await.refused(409, "wrong_state");
    assert_eq!(refused["current"], "on_delivery");
    let other = world.official("grid_worker", &grid_of(HERE, 10)).await;
    other.post(&collection, code.clone()).await.refused(403, "role_required");
    let wang = world.head(HERE, 2).await;
    let cancel = wang.post(&format!("{this}/cancellation"), json!({})).await;
    assert_eq!(cancel.refused(409, "wrong_state")["current"], "on_delivery");
    let told = wang.get("/v1/me/inbox").await.ok();
    assert_eq!(told["items"][0]["kind"], "redemption_on_delivery");
    let told = worker.get("/v1/me/inbox").await.ok();
    assert_eq!(told["items"][0]["kind"], "redemption_to_deliver");
    assert_eq!(worker.get(&this).await.ok()["allowed_actions"], json!(["collect"]));
    // Nine days later: longer than a hold, not longer than a delivery.
    world.travel(at("2024-10-16 10:00")).await;
    let collected = worker.post(&collection, code).await.ok();
    assert_eq!(collected["status"], "collected");
    assert_eq!(collected["clerk"], json!(worker.person().await));
    world.verified().await;
}

#[actix_web::test]
async fn what_is_not_delivered_in_seven_more_days_expires_at_its_instant() {
    let world = open_shop(&[(2, 30)]).await;
    let before = stock(&world).await;
    let (this, code) = on_its_way(&world).await;
    let wang = world.head(HERE, 2).await;
    assert_eq!(wang.get(&this).await.ok()["expires_at"], "2024-10-21T09:00:00.000+08:00");
    world.travel(at("2024-10-21 08:59:59.999")).await;
    assert_eq!(wang.get(&this).await.ok()["status"], "held");
    // Three days' outage: the row says the nominal instant all the same.
    world.travel(at("2024-10-24 12:00")).await;
    let expired = wang.get(&this).await.ok();
    assert_eq!(expired["status"], "expired");
    assert_eq!(expired["closed_at"], "2024-10-21T09:00:00.000+08:00");
    let worker = worker(&world).await;
    worker.post(&format!("{this}/collection"), code).await.refused(409, "wrong_state");
    let told = worker.get("/v1/me/inbox").await.ok();
    assert_eq!(told["items"][0]["kind"], "redemption_expired");
    assert_eq!(stock(&world).await, before);
    let points = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, 2));
    let points = wang.get(&points).await.ok();
    assert_eq!((&points["held"], &points["available"]), (&json!(0), &json!(30)));
    world.verified().await;
}

#[actix_web::test]
async fn what_comes_back_waits_at_the_counter_and_is_extended_once() {
    let world = open_shop(&[(2, 30)]).await;
    let (this, code) = on_its_way(&world).await;
    let clerk = world.official("clerk", HERE).await;
    let worker = worker(&world).await;
    let back = format!("{this}/return");
    worker.post(&back, json!({})).await.refused(403, "role_required");
    assert!(clerk.post(&back, json!({})).await.ok().get("carrier").is_none());
    clerk.post(&back, json!({})).await.refused(409, "wrong_state");
    let delivery = json!({ "worker": worker.person().await });
    let again = clerk.post(&format!("{this}/delivery"), delivery).await.ok();
    assert_eq!(again["expires_at"], "2024-10-21T09:00:00.000+08:00");
    clerk.post(&back, json!({})).await.ok();
    worker.post(&format!("{this}/collection"), code.clone()).await.refused(403, "role_required");
    clerk.post(&format!("{this}/collection"), code).await.ok();
    clerk.post(&back, json!({})).await.refused(409, "wrong_state");
    world.verified().await;
}

#[actix_web::test]
async fn goods_go_to_a_worker_of_the_grid_who_is_nobodys_kin() {
    let world = open_shop(&[(2, 30)]).await;
    let wang = world.head(HERE, 2).await;
    let order = crate::support::order_of("goods.soap", 1);
    let held = wang.post(&path(), order).await.ok();
    let delivery = format!("{}/{}/delivery", path(), held["id"].as_str().expect("an id"));
    let clerk = world.official("clerk", HERE).await;
    let elsewhere = world.official("grid_worker", &grid_of(HERE, 10)).await.person().await;
    for worker in [elsewhere, clerk.person().await, new_id()] {
        let refused = clerk.post(&delivery, json!({ "worker": worker })).await;
        assert_eq!(refused.refused(422, "invalid_field")["errors"][0]["pointer"], "/worker");
    }
    let worker = worker(&world).await;
    let person = worker.person().await;
    worker.post(&delivery, json!({ "worker": person })).await.refused(403, "role_required");
    let sql = format!(
        "INSERT INTO kin (village, person, relative, confirmed_at) VALUES ('{HERE}', {}, {}, 1)",
        world.uuid(person),
        world.uuid(crate::support::head_id(HERE, 2))
    );
    world.run(&sql).await;
    let kin = clerk.post(&delivery, json!({ "worker": person })).await;
    kin.refused(403, "conflict_of_interest");
    assert_eq!(world.count("redemptions WHERE carrier IS NOT NULL").await, 0);
}

/// Holds of two households on two prizes end at one instant: each has its move, each prize its stock.
#[actix_web::test]
async fn holds_that_expire_together_give_all_back_with_a_move_each() {
    let world = open_shop(&[(1, 30), (2, 30)]).await;
    let total = || async {
        let sql = "SELECT CAST(SUM(stock) AS BIGINT) FROM prizes WHERE village = '460205100201'";
        api::kernel::db::number(world.app.db.read(), sql, []).await.expect("a number")
    };
    let before = total().await;
    for (number, prizes) in [(2, ["goods.soap", "goods.salt"]), (1, ["goods.salt", "goods.soap"])] {
        for prize in prizes {
            let order = crate::support::order_of(prize, 1);
            world.head(HERE, number).await.post(&path(), order).await.ok();
        }
    }
    assert_eq!(total().await, before - 4);
    world.travel(at("2024-10-14 09:00")).await;
    world.anybody().get(&format!("/v1/villages/{HERE}/redemption-windows")).await.ok();
    assert_eq!(world.count("redemptions WHERE status = 'expired'").await, 4);
    assert_eq!(world.count("stock_moves WHERE kind = 'release' AND quantity = 1").await, 4);
    assert_eq!(world.count("balances WHERE held <> 0").await, 0);
    assert_eq!(total().await, before);
    world.verified().await;
}
