//! Two officials together: where a family has no code to show, or its code is locked.

use api::kernel::clock::Instant;
use serde_json::json;

use super::helped::helped;
use super::redeem::{open_shop, path};
use crate::support::{Actor, HERE, World, grid_of};

async fn worker(world: &World, number: usize) -> Actor {
    world.official("grid_worker", &grid_of(HERE, number)).await
}

async fn minutes_pass(world: &World, ms: i64) {
    let now = world.app.clock.now();
    world.travel(Instant(now.0 + ms)).await;
}

#[actix_web::test]
async fn without_a_second_factor_nothing_is_handed_over() {
    let world = open_shop(&[(2, 30)]).await;
    let this = helped(&world).await;
    let (collection, witness) = (format!("{this}/collection"), format!("{this}/witness"));
    let clerk = world.official("clerk", HERE).await;
    clerk.post(&collection, json!({})).await.refused(422, "second_factor_missing");
    // The clerk is no witness of the own hand-over, nor is another clerk.
    clerk.post(&witness, json!({})).await.ok();
    clerk.post(&collection, json!({})).await.refused(422, "second_factor_missing");
    let second = world.official("clerk_2", HERE).await;
    second.post(&witness, json!({})).await.ok();
    clerk.post(&collection, json!({})).await.refused(422, "second_factor_missing");
    worker(&world, 10).await.post(&witness, json!({})).await.refused(403, "role_required");
    worker(&world, 2).await.post(&collection, json!({})).await.refused(403, "role_required");
    assert_eq!(world.count("redemptions WHERE status = 'held'").await, 1);
    let witnessed = worker(&world, 2).await;
    witnessed.post(&witness, json!({})).await.ok();
    let collected = clerk.post(&collection, json!({})).await.ok();
    assert_eq!(collected["proof"], "witness");
    assert_eq!(collected["witness"], json!(witnessed.person().await));
    assert_eq!(collected["clerk"], json!(clerk.person().await));
    witnessed.post(&witness, json!({})).await.refused(409, "wrong_state");
    world.verified().await;
}

#[actix_web::test]
async fn the_second_official_comes_within_fifteen_minutes() {
    let world = open_shop(&[(2, 30)]).await;
    let this = helped(&world).await;
    let (collection, witness) = (format!("{this}/collection"), format!("{this}/witness"));
    let (clerk, worker) = (world.official("clerk", HERE).await, worker(&world, 2).await);
    worker.post(&witness, json!({})).await.ok();
    minutes_pass(&world, 15 * 60_000).await;
    clerk.post(&collection, json!({})).await.refused(422, "second_factor_missing");
    worker.post(&witness, json!({})).await.ok();
    minutes_pass(&world, 15 * 60_000 - 1).await;
    clerk.post(&collection, json!({})).await.ok();
    world.verified().await;
}

#[actix_web::test]
async fn clerk_and_worker_together_hand_over_what_a_locked_code_is_for() {
    let world = open_shop(&[(2, 30)]).await;
    let wang = world.head(HERE, 2).await;
    let order = crate::support::order_of("goods.soap", 1);
    let held = wang.post(&path(), order).await.ok();
    let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
    let (collection, witness) = (format!("{this}/collection"), format!("{this}/witness"));
    let (clerk, worker) = (world.official("clerk", HERE).await, worker(&world, 2).await);
    // As long as the code can be shown it is asked for.
    worker.post(&witness, json!({})).await.refused(409, "wrong_state");
    let right = held["pickup_code"].as_str().expect("a code");
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        let sent = json!({ "pickup_code": wrong });
        clerk.post(&collection, sent).await.refused(422, "pickup_code_wrong");
    }
    let sent = json!({ "pickup_code": right });
    clerk.post(&collection, sent).await.refused(429, "pickup_code_locked");
    assert_eq!(worker.get(&this).await.ok()["allowed_actions"], json!(["witness"]));
    worker.post(&witness, json!({})).await.ok();
    assert_eq!(clerk.post(&collection, json!({})).await.ok()["status"], "collected");
    let register = world.official("township", "460205100").await;
    let register =
        register.get(&format!("/v1/regions/{HERE}/register?kind=lock_override")).await.ok();
    assert_eq!(register["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(register["items"][0]["person"], json!(clerk.person().await));
    world.verified().await;
}
