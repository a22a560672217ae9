use serde_json::{Value, json};

use super::redeem::{open_shop, path};
use crate::support::{HERE, World, household_id, new_id};

fn refund(quantity: i64, restocked: bool) -> Value {
    json!({ "id": new_id(), "quantity": quantity, "reason": "瓶身破损", "restocked": restocked })
}

/// Household `number` has collected so many towels (8 points each) from the first clerk; the path.
pub async fn collected(world: &World, number: usize, quantity: i64) -> String {
    let head = world.head(HERE, number).await;
    let order = crate::support::order_of("goods.towel", quantity);
    let held = head.post(&path(), order).await.ok();
    let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
    let code = json!({ "pickup_code": held["pickup_code"] });
    world.official("clerk", HERE).await.post(&format!("{this}/collection"), code).await.ok();
    this
}

async fn points(world: &World, number: usize) -> Value {
    let points = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, number));
    world.official("township", "460205100").await.get(&points).await.ok()
}

async fn towels(world: &World) -> i64 {
    let sql = "SELECT stock FROM prizes WHERE village = '460205100201' AND key = 'goods.towel'";
    api::kernel::db::number(world.app.db.read(), sql, []).await.expect("a number")
}

#[actix_web::test]
async fn a_part_and_then_the_rest_is_given_back() {
    let world = open_shop(&[(1, 30)]).await;
    let this = collected(&world, 1, 3).await;
    let (path, second) = (format!("{this}/refund"), world.official("clerk_2", HERE).await);
    let stock = towels(&world).await;
    let part = second.post(&path, refund(1, false)).await.ok();
    assert_eq!((&part["status"], &part["refunded"]), (&json!("collected"), &json!(1)));
    assert_eq!(towels(&world).await, stock, "broken goods are not restocked");
    let seen = points(&world, 1).await;
    assert_eq!((&seen["redeemed"], &seen["available"]), (&json!(16), &json!(14)));
    let statistics = format!("/v1/regions/{HERE}/statistics");
    assert_eq!(world.anybody().get(&statistics).await.ok()["redeemed"], 16);
    world.verified().await;
    second.post(&path, refund(3, true)).await.refused(422, "invalid_field");
    let whole = second.post(&path, refund(2, true)).await.ok();
    assert_eq!((&whole["status"], &whole["refunded"]), (&json!("refunded"), &json!(3)));
    assert_eq!(whole["allowed_actions"], json!([]));
    assert_eq!(towels(&world).await, stock + 2);
    assert_eq!(points(&world, 1).await["redeemed"], 0);
    assert_eq!(world.anybody().get(&statistics).await.ok()["redeemed"], 0);
    let again = second.post(&path, refund(1, true)).await.refused(409, "wrong_state");
    assert_eq!(again["current"], "refunded");
    assert_eq!(world.count("journals WHERE kind = 'refund' AND reverses IS NOT NULL").await, 2);
    assert_eq!(world.count("register_entries WHERE kind = 'refund'").await, 2);
    assert_eq!(world.count("audit_events WHERE action = 'redemption.refund'").await, 2);
    let told = world.head(HERE, 1).await.get("/v1/me/inbox").await.ok();
    assert_eq!(told["items"][0]["kind"], "redemption_refunded");
    world.verified().await;
}

#[actix_web::test]
async fn what_was_given_back_counts_back_in_the_households_limits() {
    let world = open_shop(&[(1, 30)]).await;
    let this = collected(&world, 1, 3).await;
    let head = world.head(HERE, 1).await;
    let order = || crate::support::order_of("goods.towel", 1);
    head.post(&path(), order()).await.refused(422, "insufficient_points");
    let second = world.official("clerk_2", HERE).await;
    second.post(&format!("{this}/refund"), refund(1, true)).await.ok();
    head.post(&path(), order()).await.ok();
    head.post(&path(), order()).await.refused(422, "insufficient_points");
    second.post(&format!("{this}/refund"), refund(1, true)).await.ok();
    head.post(&path(), order()).await.ok();
    second.post(&format!("{this}/refund"), refund(1, true)).await.ok();
    head.post(&path(), crate::support::order_of("goods.towel", 2))
        .await
        .refused(422, "insufficient_points");
    world.verified().await;
}

#[actix_web::test]
async fn nobody_refunds_what_they_handed_over_nor_what_is_not_collected() {
    let world = open_shop(&[(1, 30), (2, 30)]).await;
    let this = collected(&world, 1, 1).await;
    let path_of = format!("{this}/refund");
    let clerk = world.official("clerk", HERE).await;
    clerk.post(&path_of, refund(1, true)).await.refused(403, "conflict_of_interest");
    world.head(HERE, 1).await.post(&path_of, refund(1, true)).await.refused(403, "role_required");
    let second = world.official("clerk_2", HERE).await;
    let mut blank = refund(1, true);
    blank["reason"] = json!("  \u{200b}");
    second.post(&path_of, blank).await.refused(422, "reason_required");
    for quantity in [0, -1, 101] {
        second.post(&path_of, refund(quantity, true)).await.refused(422, "invalid_field");
    }
    let order = crate::support::order_of("goods.towel", 1);
    let held = world.head(HERE, 2).await.post(&path(), order).await.ok();
    let held = format!("{}/{}/refund", path(), held["id"].as_str().expect("an id"));
    assert_eq!(
        second.post(&held, refund(1, true)).await.refused(409, "wrong_state")["current"],
        "held"
    );
    assert_eq!(world.count("refunds").await, 0);
    // The database itself refuses whoever handed it over.
    let sql = format!(
        "INSERT INTO refunds (village, id, redemption, quantity, points, reason, restocked, \
         person, at) SELECT village, id, id, 1, 8, 'x', FALSE, clerk, 1 FROM redemptions \
         WHERE village = '{HERE}' AND status = 'collected'"
    );
    let by_hand =
        world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, &sql, []).await?)).await;
    assert!(by_hand.is_err());
    world.verified().await;
}

#[actix_web::test]
async fn a_refund_to_a_merged_household_reaches_the_one_that_goes_on() {
    let world = open_shop(&[(1, 30), (2, 20)]).await;
    let this = collected(&world, 1, 2).await;
    let township = world.official("township", "460205100").await;
    let merge = format!("/v1/villages/{HERE}/households/{}/merge", household_id(HERE, 1));
    township.post(&merge, json!({ "into": household_id(HERE, 2) })).await.ok();
    assert_eq!(points(&world, 2).await["available"], 34);
    let second = world.official("clerk_2", HERE).await;
    second.post(&format!("{this}/refund"), refund(2, true)).await.ok();
    assert_eq!(points(&world, 2).await["available"], 50);
    assert_eq!(points(&world, 1).await["available"], 0);
    world.verified().await;
}
