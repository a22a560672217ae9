//! Families without a phone, at the counter with their paper.

use serde_json::{Value, json};

use super::redeem::{open_shop, path};
use crate::support::{Actor, HERE, NEXT, World, grid_of, head_id, household_id, new_id};

/// The code on the paper of household `number`.
pub async fn code(world: &World, number: usize) -> Value {
    let path = format!("/v1/villages/{HERE}/households/{}/code", household_id(HERE, number));
    world.head(HERE, number).await.get(&path).await.ok()["code"].clone()
}

/// What an official sends for household 2, whose head came.
pub async fn request(world: &World) -> Value {
    json!({
        "id": new_id(), "prize": "goods.laundry_liquid", "quantity": 1, "points": 20,
        "household_code": code(world, 2).await, "bearer": head_id(HERE, 2),
    })
}

/// A redemption that the clerk made for household 2; its path.
pub async fn helped(world: &World) -> String {
    let clerk = world.official("clerk", HERE).await;
    let held = clerk.post(&path(), request(world).await).await.ok();
    format!("{}/{}", path(), held["id"].as_str().expect("an id"))
}

pub fn pin_path(number: usize) -> String {
    format!("/v1/villages/{HERE}/households/{}/pin", household_id(HERE, number))
}

pub async fn set_pin(world: &World, by: &Actor, number: usize, pin: &str) {
    let body = json!({ "household_code": code(world, number).await, "pin": pin });
    by.post(&pin_path(number), body).await.ok();
}

/// Scenario 3.
#[actix_web::test]
async fn the_clerk_redeems_by_the_printed_code_and_the_bearer_is_stored() {
    let world = open_shop(&[(2, 30)]).await;
    let clerk = world.official("clerk", HERE).await;
    let body = request(&world).await;
    let answer = clerk.post(&path(), body.clone()).await;
    assert_eq!(answer.status, 201);
    let held = answer.ok();
    assert_eq!(held["household"], json!(household_id(HERE, 2)));
    assert_eq!(held["bearer"], json!(head_id(HERE, 2)));
    assert_eq!(held["filed_by"], json!(clerk.person().await));
    assert!(held.get("pickup_code").is_none(), "who helps does not learn the code: {held}");
    assert_eq!(held["allowed_actions"], json!(["collect", "witness", "deliver", "cancel"]));
    let wang = world.head(HERE, 2).await;
    let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
    let seen = wang.get(&this).await.ok();
    assert!(seen["pickup_code"].is_string() && seen["allowed_actions"] == json!(["cancel"]));
    let told = wang.get("/v1/me/inbox").await.ok();
    assert_eq!(told["items"][0]["kind"], "redemption_made");
    assert!(told["items"][0]["detail"].as_str().expect("a text").contains("洗衣液"));
    // As in scenario 2: 20 held, stock less one; on collection 20 redeemed.
    let points = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, 2));
    assert_eq!(wang.get(&points).await.ok()["held"], 20);
    assert_eq!(world.count("stock_moves WHERE kind = 'hold'").await, 1);
    set_pin(&world, &wang, 2, "2580").await;
    let collection = format!("{this}/collection");
    let collected = clerk.post(&collection, json!({ "pin": "2580" })).await.ok();
    assert_eq!((&collected["status"], &collected["proof"]), (&json!("collected"), &json!("pin")));
    assert_eq!(wang.get(&points).await.ok()["redeemed"], 20);
    assert_eq!(wang.get("/v1/me/inbox").await.ok()["items"][0]["kind"], "redemption_collected");
    assert_eq!(world.count("household_pins WHERE digest LIKE '%2580%'").await, 0);
    assert_eq!(world.count("idempotency_keys WHERE body LIKE '%2580%'").await, 0);
    world.verified().await;
}

#[actix_web::test]
async fn the_worker_of_the_grid_helps_too_and_nobody_else() {
    let world = open_shop(&[(2, 30)]).await;
    let body = request(&world).await;
    for (who, status, refusal) in [
        (world.head(HERE, 3).await, 403, "role_required"),
        (world.official("committee", HERE).await, 403, "role_required"),
        (world.official("grid_worker", &grid_of(HERE, 10)).await, 403, "role_required"),
        (world.official("clerk", NEXT).await, 404, "not_found"),
        (world.anybody(), 401, "token_missing"),
    ] {
        who.post(&path(), body.clone()).await.refused(status, refusal);
    }
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    let with = |name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    let stranger = with("bearer", json!(head_id(HERE, 3)));
    let refused = worker.post(&path(), stranger).await.refused(422, "invalid_field");
    assert_eq!(refused["errors"][0]["pointer"], "/bearer");
    let wrong = with("household_code", json!("JF-AAAA-AAAA-AAAA-AAAA"));
    worker.post(&path(), wrong).await.refused(404, "not_found");
    let mut half = body.clone();
    half.as_object_mut().expect("an object").remove("bearer");
    worker.post(&path(), half).await.refused(422, "invalid_field");
    assert_eq!(world.count("redemptions").await, 0);
    worker.post(&path(), body).await.ok();
    assert_eq!(world.count("redemptions WHERE bearer IS NOT NULL").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn nobody_helps_or_hands_over_to_their_own_kin() {
    let world = open_shop(&[(2, 30)]).await;
    let clerk = world.official("clerk", HERE).await;
    let person = clerk.person().await;
    let sql = format!(
        "INSERT INTO kin (village, person, relative, confirmed_at) VALUES ('{HERE}', {}, {}, 1)",
        world.uuid(person),
        world.uuid(head_id(HERE, 2))
    );
    world.run(&sql).await;
    clerk.post(&path(), request(&world).await).await.refused(403, "conflict_of_interest");
    assert_eq!(world.count("redemptions").await, 0);
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    let held = worker.post(&path(), request(&world).await).await.ok();
    let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
    set_pin(&world, &world.head(HERE, 2).await, 2, "2580").await;
    let pin = json!({ "pin": "2580" });
    let collection = format!("{this}/collection");
    clerk.post(&collection, pin.clone()).await.refused(403, "conflict_of_interest");
    // Nor do they guess: kinship is asked before anything is tried, and nothing is counted.
    for guess in [json!({ "pin": "0000" }), json!({ "pickup_code": "000000" })] {
        clerk.post(&collection, guess).await.refused(403, "conflict_of_interest");
    }
    assert_eq!(world.count("household_pins WHERE wrong > 0").await, 0);
    assert_eq!(world.count("redemptions WHERE wrong_codes > 0").await, 0);
    clerk.post(&format!("{this}/witness"), json!({})).await.refused(403, "conflict_of_interest");
    assert_eq!(clerk.get(&this).await.ok()["allowed_actions"], json!([]));
    world.official("clerk_2", HERE).await.post(&collection, pin).await.ok();
    world.verified().await;
}

#[actix_web::test]
async fn a_witness_counts_only_while_in_office_and_no_kin() {
    let world = open_shop(&[(2, 30)]).await;
    let this = helped(&world).await;
    let clerk = world.official("clerk", HERE).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    let person = world.uuid(worker.person().await);
    worker.post(&format!("{this}/witness"), json!({})).await.ok();
    let collection = format!("{this}/collection");
    let mut left = format!("UPDATE grants SET ends_at = {} ", world.app.clock.now().0);
    left.push_str(&format!("WHERE person = {person} AND role = 'grid_worker'"));
    world.run(&left).await;
    clerk.post(&collection, json!({})).await.refused(422, "second_factor_missing");
    let back = "UPDATE grants SET ends_at = NULL WHERE person = ";
    world.run(&format!("{back}{person}")).await;
    let relative = world.uuid(head_id(HERE, 2));
    let kin = "INSERT INTO kin (village, person, relative, confirmed_at) VALUES";
    world.run(&format!("{kin} ('{HERE}', {person}, {relative}, 1)")).await;
    clerk.post(&collection, json!({})).await.refused(422, "second_factor_missing");
    world.run(&format!("DELETE FROM kin WHERE person = {person}")).await;
    assert_eq!(clerk.post(&collection, json!({})).await.ok()["proof"], "witness");
    world.verified().await;
}

#[actix_web::test]
async fn five_wrong_pins_in_a_row_lock_it_until_a_new_one_is_set() {
    let world = open_shop(&[(2, 30)]).await;
    let this = helped(&world).await;
    let collection = format!("{this}/collection");
    let clerk = world.official("clerk", HERE).await;
    let pin = |pin: &str| json!({ "pin": pin });
    clerk.post(&collection, pin("2580")).await.refused(422, "second_factor_missing");
    let wang = world.head(HERE, 2).await;
    set_pin(&world, &wang, 2, "2580").await;
    for _ in 0..5 {
        clerk.post(&collection, pin("0000")).await.refused(422, "pin_wrong");
    }
    clerk.post(&collection, pin("2580")).await.refused(429, "pin_locked");
    let committee = world.official("committee", HERE).await;
    set_pin(&world, &committee, 2, "14702").await;
    clerk.post(&collection, pin("2580")).await.refused(422, "pin_wrong");
    clerk.post(&collection, pin("14702")).await.ok();
    assert_eq!(world.count("audit_events WHERE action = 'household.set_pin'").await, 2);
    world.verified().await;
}

#[actix_web::test]
async fn a_pin_is_set_with_the_paper_at_hand_by_those_who_may() {
    let world = open_shop(&[(2, 30)]).await;
    let (own, other) = (code(&world, 2).await, code(&world, 3).await);
    let body = |code: &Value, pin: &str| json!({ "household_code": code, "pin": pin });
    let wang = world.head(HERE, 2).await;
    wang.post(&pin_path(2), body(&other, "2580")).await.refused(404, "not_found");
    for pin in ["258", "2580258", "25a0", "２５８０", ""] {
        wang.post(&pin_path(2), body(&own, pin)).await.refused(422, "invalid_field");
    }
    let neighbour = world.head(HERE, 3).await;
    neighbour.post(&pin_path(2), body(&own, "2580")).await.refused(403, "other_household");
    let clerk = world.official("clerk", HERE).await;
    clerk.post(&pin_path(2), body(&own, "2580")).await.refused(403, "role_required");
    assert_eq!(world.count("household_pins").await, 0);
    // The worker sets the first one, knows it, and therefore cannot hand over by it.
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    worker.post(&pin_path(2), body(&own, "2580")).await.ok();
    worker.post(&pin_path(2), body(&own, "1111")).await.refused(403, "role_required");
    let this = helped(&world).await;
    let delivery = json!({ "worker": worker.person().await });
    clerk.post(&format!("{this}/delivery"), delivery).await.ok();
    let pin = json!({ "pin": "2580" });
    let collection = format!("{this}/collection");
    worker.post(&collection, pin.clone()).await.refused(422, "second_factor_missing");
    clerk.post(&format!("{this}/return"), json!({})).await.ok();
    clerk.post(&collection, pin).await.ok();
    world.verified().await;
}

/// Both PIN and pickup code at once, or a PIN for what the family asked for by phone, is no proof.
#[actix_web::test]
async fn a_pin_is_for_those_helped_only() {
    let world = open_shop(&[(2, 30)]).await;
    let wang = world.head(HERE, 2).await;
    set_pin(&world, &wang, 2, "2580").await;
    let order = crate::support::order_of("goods.soap", 1);
    let held = wang.post(&path(), order).await.ok();
    let collection = format!("{}/{}/collection", path(), held["id"].as_str().expect("an id"));
    let clerk = world.official("clerk", HERE).await;
    let pin = json!({ "pin": "2580" });
    clerk.post(&collection, pin).await.refused(422, "second_factor_missing");
    clerk.post(&collection, json!({})).await.refused(422, "second_factor_missing");
    let both = json!({ "pin": "2580", "pickup_code": held["pickup_code"] });
    clerk.post(&collection, both).await.refused(422, "invalid_field");
    let code = json!({ "pickup_code": held["pickup_code"] });
    assert_eq!(clerk.post(&collection, code).await.ok()["proof"], "pickup_code");
    world.verified().await;
}

/// Grandmother wants salt after all: whoever asked in her name takes it back, or the clerk, and says why.
#[actix_web::test]
async fn what_was_asked_for_in_a_familys_name_is_cancelled_by_who_asked_or_by_the_clerk() {
    let world = open_shop(&[(2, 30)]).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    let clerk = world.official("clerk", HERE).await;
    let wang = world.head(HERE, 2).await;
    let why = json!({ "reason": "老人改要食盐" });
    let points = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, 2));
    for (by, office) in [(&worker, "网格员"), (&clerk, "超市管理员")] {
        let held = worker.post(&path(), request(&world).await).await.ok();
        let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
        let cancel = format!("{this}/cancellation");
        let allowed = by.get(&this).await.ok()["allowed_actions"].clone();
        assert!(allowed.as_array().expect("actions").contains(&json!("cancel")), "{allowed}");
        for body in [json!({}), json!({ "reason": "  \u{200b}" })] {
            by.post(&cancel, body).await.refused(422, "reason_required");
        }
        for (who, status, refusal) in [
            (world.head(HERE, 3).await, 403, "other_household"),
            (world.official("committee", HERE).await, 403, "role_required"),
            (world.official("grid_worker", &grid_of(HERE, 10)).await, 403, "role_required"),
            (world.official("clerk", NEXT).await, 404, "not_found"),
        ] {
            who.post(&cancel, why.clone()).await.refused(status, refusal);
        }
        assert_eq!(wang.get(&points).await.ok()["held"], 20);
        let cancelled = by.post(&cancel, why.clone()).await.ok();
        assert_eq!(cancelled["status"], "cancelled");
        by.post(&cancel, why.clone()).await.refused(409, "wrong_state");
        assert_eq!(wang.get(&points).await.ok()["held"], 0);
        let told = wang.get("/v1/me/inbox").await.ok()["items"][0].clone();
        assert_eq!(
            (&told["kind"], &told["subject"]),
            (&json!("redemption_cancelled"), &held["id"])
        );
        let detail = told["detail"].as_str().expect("a text");
        assert!(detail.starts_with(office) && detail.contains("老人改要食盐"), "{detail}");
    }
    let reasons =
        "audit_events WHERE action = 'redemption.cancel' AND detail LIKE '%老人改要食盐%'";
    assert_eq!(world.count(reasons).await, 2);
    world.verified().await;
}

#[actix_web::test]
async fn what_a_family_asked_for_itself_no_official_cancels_nor_what_has_left() {
    let world = open_shop(&[(2, 30)]).await;
    let (clerk, wang) = (world.official("clerk", HERE).await, world.head(HERE, 2).await);
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    let why = json!({ "reason": "缺货" });
    let own = wang.post(&path(), crate::support::order_of("goods.salt", 1)).await.ok();
    let own = format!("{}/{}/cancellation", path(), own["id"].as_str().expect("an id"));
    for official in [&clerk, &worker] {
        official.post(&own, why.clone()).await.refused(403, "role_required");
    }
    // The family may say why, and need not.
    wang.post(&own, why.clone()).await.ok();
    let this = helped(&world).await;
    let cancel = format!("{this}/cancellation");
    let given = json!({ "worker": worker.person().await });
    clerk.post(&format!("{this}/delivery"), given).await.ok();
    let refused = clerk.post(&cancel, why.clone()).await.refused(409, "wrong_state");
    assert_eq!(refused["current"], "on_delivery");
    clerk.post(&format!("{this}/return"), json!({})).await.ok();
    // Kin keep out of it, in either direction.
    let (person, relative) = (world.uuid(clerk.person().await), world.uuid(head_id(HERE, 2)));
    let kin = "INSERT INTO kin (village, person, relative, confirmed_at) VALUES";
    world.run(&format!("{kin} ('{HERE}', {person}, {relative}, 1)")).await;
    clerk.post(&cancel, why.clone()).await.refused(403, "conflict_of_interest");
    world.run(&format!("DELETE FROM kin WHERE person = {person}")).await;
    set_pin(&world, &wang, 2, "2580").await;
    clerk.post(&format!("{this}/collection"), json!({ "pin": "2580" })).await.ok();
    let refused = clerk.post(&cancel, why).await.refused(409, "wrong_state");
    assert_eq!(refused["current"], "collected");
    world.verified().await;
}
