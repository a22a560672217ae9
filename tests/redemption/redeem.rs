use serde_json::{Value, json};

use crate::support::{Actor, HERE, NEXT, World, at, household_id, new_id};

pub fn path() -> String {
    format!("/v1/villages/{HERE}/redemptions")
}

/// The third quarter's window of 2024 is open, and these households have these points.
pub async fn open_shop(earned: &[(usize, i64)]) -> World {
    let world = World::begins(at("2024-09-25 08:00")).await;
    for (number, points) in earned {
        world.earn(*number, *points).await;
    }
    world.travel(at("2024-10-07 09:00")).await;
    world
}

fn redeem(prize: &str, quantity: i64) -> Value {
    crate::support::order_of(prize, quantity)
}

async fn held(head: &Actor) -> (String, Value) {
    let held = head.post(&path(), redeem("goods.laundry_liquid", 1)).await.ok();
    (format!("{}/{}", path(), held["id"].as_str().expect("an id")), held)
}

async fn points(head: &Actor, number: usize) -> Value {
    head.get(&format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, number)))
        .await
        .ok()
}

#[actix_web::test]
async fn exactly_equal_is_enough_and_one_short_is_not() {
    let world = open_shop(&[(1, 20), (2, 19)]).await;
    let short = world.head(HERE, 2).await;
    short
        .post(&path(), redeem("goods.laundry_liquid", 1))
        .await
        .refused(422, "insufficient_points");
    let zhang = world.head(HERE, 1).await;
    zhang.post(&path(), redeem("goods.laundry_liquid", 1)).await.ok();
    assert_eq!(points(&zhang, 1).await["spendable"], 0);
    assert_eq!(world.count("redemptions").await, 1);
    assert_eq!(world.count("stock_moves WHERE kind = 'hold'").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn limits_of_the_household_hold() {
    let world = open_shop(&[(1, 30)]).await;
    let zhang = world.head(HERE, 1).await;
    zhang.post(&path(), redeem("goods.towel", 3)).await.ok();
    zhang.post(&path(), redeem("goods.soap", 5)).await.refused(422, "insufficient_points");
    zhang.post(&path(), redeem("goods.towel", 1)).await.refused(422, "insufficient_points");
    zhang.post(&path(), redeem("goods.salt", 0)).await.refused(422, "invalid_field");
    zhang.post(&path(), redeem("goods.nothing", 1)).await.refused(404, "not_found");
    let second = open_shop(&[(1, 30)]).await;
    let zhang = second.head(HERE, 1).await;
    zhang.post(&path(), redeem("goods.salt", 4)).await.ok();
    zhang.post(&path(), redeem("goods.salt", 1)).await.refused(422, "household_limit");
    second.verified().await;
}

#[actix_web::test]
async fn a_code_collects_once_and_a_retry_is_a_replay() {
    let world = open_shop(&[(1, 30)]).await;
    let zhang = world.head(HERE, 1).await;
    let (this, held) = held(&zhang).await;
    let clerk = world.official("clerk", HERE).await;
    let body = json!({ "pickup_code": held["pickup_code"] });
    let key = new_id().to_string();
    let collection = format!("{this}/collection");
    assert_eq!(clerk.post_as(&key, &collection, body.clone()).await.ok()["status"], "collected");
    assert!(clerk.post_as(&key, &collection, body.clone()).await.is_replay());
    let other = world.official("clerk_2", HERE).await.post(&collection, body).await;
    assert_eq!(other.refused(409, "wrong_state")["current"], "collected");
    zhang.post(&format!("{this}/cancellation"), json!({})).await.refused(409, "wrong_state");
    assert_eq!(world.count("journals WHERE kind = 'redemption'").await, 1);
    assert!(zhang.get(&this).await.ok().get("pickup_code").is_none());
    world.verified().await;
}

#[actix_web::test]
async fn five_wrong_codes_lock_the_code() {
    let world = open_shop(&[(1, 30)]).await;
    let zhang = world.head(HERE, 1).await;
    let (this, held) = held(&zhang).await;
    let clerk = world.official("clerk", HERE).await;
    let right = held["pickup_code"].as_str().expect("a code");
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let collection = format!("{this}/collection");
    for _ in 0..5 {
        clerk
            .post(&collection, json!({ "pickup_code": wrong }))
            .await
            .refused(422, "pickup_code_wrong");
    }
    clerk
        .post(&collection, json!({ "pickup_code": right }))
        .await
        .refused(429, "pickup_code_locked");
    zhang.post(&format!("{this}/cancellation"), json!({})).await.ok();
    assert_eq!(points(&zhang, 1).await["spendable"], 30);
    world.verified().await;
}

#[actix_web::test]
async fn a_hold_that_nobody_collects_gives_everything_back_after_seven_days() {
    let world = open_shop(&[(1, 30)]).await;
    let zhang = world.head(HERE, 1).await;
    let (this, _) = held(&zhang).await;
    world.travel(at("2024-10-14 08:59:59.999")).await;
    assert_eq!(zhang.get(&this).await.ok()["status"], "held");
    world.travel(at("2024-10-14 09:00")).await;
    assert_eq!(zhang.get(&this).await.ok()["status"], "expired");
    assert_eq!(points(&zhang, 1).await["spendable"], 30);
    let told = zhang.get("/v1/me/inbox").await.ok();
    assert_eq!(told["items"][0]["kind"], "redemption_expired");
    world.verified().await;
}

#[actix_web::test]
async fn strangers_neither_redeem_nor_collect_nor_cancel() {
    let world = open_shop(&[(1, 30)]).await;
    let zhang = world.head(HERE, 1).await;
    let (this, held) = held(&zhang).await;
    let code = json!({ "pickup_code": held["pickup_code"] });
    let collection = format!("{this}/collection");
    zhang.post(&collection, code.clone()).await.refused(403, "role_required");
    world.official("clerk", NEXT).await.post(&collection, code).await.refused(404, "not_found");
    let neighbour = world.head(HERE, 2).await;
    neighbour
        .post(&format!("{this}/cancellation"), json!({}))
        .await
        .refused(403, "other_household");
    neighbour.get(&this).await.refused(403, "other_household");
    world.head(NEXT, 1).await.get(&this).await.refused(404, "not_found");
    let panel = world.official("panel", HERE).await;
    panel.post(&path(), redeem("goods.soap", 1)).await.refused(403, "role_required");
    assert_eq!(world.count("redemptions").await, 1);
}

#[actix_web::test]
async fn a_replay_shows_the_same_pickup_code_which_is_stored_nowhere() {
    let world = open_shop(&[(1, 30)]).await;
    let zhang = world.head(HERE, 1).await;
    let body = redeem("goods.laundry_liquid", 1);
    let key = new_id().to_string();
    let first = zhang.post_as(&key, &path(), body.clone()).await.ok();
    let again = zhang.post_as(&key, &path(), body).await;
    assert!(again.is_replay());
    assert_eq!(again.ok(), first);
    let code = first["pickup_code"].as_str().expect("a code");
    assert_eq!(world.count(&format!("idempotency_keys WHERE body LIKE '%{code}%'")).await, 0);
}
