use api::regions::{Mode, Policy};
use serde_json::json;

use crate::support::{HERE, World, at, claim, grid_of, household_id, new_id};

async fn redeem(world: &World) -> crate::support::Answer {
    let body = crate::support::order_of("goods.soap", 1);
    world.head(HERE, 1).await.post(&format!("/v1/villages/{HERE}/redemptions"), body).await
}

/// Three weeks of publicity, four of shopping.
#[actix_web::test]
async fn weeks_of_publicity_and_of_the_window_are_the_villages_own() {
    let policy = Policy { publicity_weeks: 3, window_weeks: 4, ..Policy::default() };
    let world = World::with_policy(at("2024-09-25 08:00"), policy).await;
    world.earn(1, 30).await;
    world.travel(at("2024-10-20 23:59:59.999")).await;
    let list = format!("/v1/villages/{HERE}/public-lists/2024-09");
    let open = world.anybody().get(&list).await.ok();
    assert_eq!(
        (&open["status"], &open["closes_at"]),
        (&json!("open"), &json!("2024-10-21T00:00:00.000+08:00"))
    );
    let closed = redeem(&world).await.refused(409, "window_closed");
    assert_eq!(closed["opens_at"], "2024-10-21T00:00:00.000+08:00");
    world.travel(at("2024-11-17 23:59:59.999")).await;
    redeem(&world).await.ok();
    world.travel(at("2024-11-18 00:00")).await;
    redeem(&world).await.refused(409, "window_closed");
    world.verified().await;
}

#[actix_web::test]
async fn a_monthly_shop_opens_after_each_months_publicity() {
    let policy = Policy { mode: Mode::Monthly, ..Policy::default() };
    let world = World::with_policy(at("2024-07-31 08:00"), policy).await;
    world.earn(1, 30).await;
    world.travel(at("2024-09-08 12:00")).await;
    redeem(&world).await.refused(409, "window_closed");
    world.travel(at("2024-09-09 00:00")).await;
    redeem(&world).await.ok();
    let calendar = world.anybody().get(&format!("/v1/villages/{HERE}/calendar")).await.ok();
    assert_eq!(calendar["redemption"]["closes_at"], "2024-09-23T00:00:00.000+08:00");
    world.verified().await;
}

/// Scenario 14.
#[actix_web::test]
async fn an_always_open_shop_is_open_on_20_august() {
    let policy = Policy { mode: Mode::AlwaysOpen, ..Policy::default() };
    let world = World::with_policy(at("2024-07-24 08:00"), policy).await;
    world.earn(1, 30).await;
    world.travel(at("2024-08-20 10:00")).await;
    redeem(&world).await.ok();
    world.verified().await;
}

/// A week whose lines come to nothing has no journal; its lines can be struck all the same.
#[actix_web::test]
async fn a_line_of_a_week_that_sums_to_nothing_can_be_struck() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.travel(at("2024-10-30 08:00")).await;
    let body = claim(
        1,
        "pub.donate",
        json!({
            "points_each": 10, "occurred_on": "2024-10-29",
            "evidence": [{ "kind": "certificate", "reference": "收据" }],
        }),
    );
    let claims = format!("/v1/villages/{HERE}/claims");
    let filed = world.head(HERE, 1).await.post(&claims, body).await.ok();
    let id = filed["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    worker.post(&format!("{claims}/{id}/reviews"), json!({ "decision": "approve" })).await.ok();
    world.approve(id, &["panel"]).await;
    world.deduct(1).await;
    world.travel(at("2024-11-05 08:00")).await;
    let lines = format!("/v1/villages/{HERE}/public-lists/2024-10/lines");
    let shown = world.anybody().get(&lines).await.ok();
    assert_eq!(shown["items"].as_array().map(Vec::len), Some(1), "deductions are not itemised");
    let totals = world
        .anybody()
        .get(&format!("/v1/villages/{HERE}/public-lists/2024-10/households"))
        .await
        .ok();
    assert_eq!(totals["items"][0]["points"], 0);
    let objection = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "没有捐款" });
    let path = format!("{lines}/{}/objections", shown["items"][0]["number"]);
    world.head(HERE, 2).await.post(&path, objection.clone()).await.ok();
    let decision = format!(
        "/v1/villages/{HERE}/objections/{}/decision",
        objection["id"].as_str().expect("an id")
    );
    let upheld = json!({ "decision": "upheld", "reason": "收据系伪造" });
    world.official("committee", HERE).await.post(&decision, upheld).await.ok();
    world.travel(at("2024-11-11 08:00")).await;
    let points = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, 1));
    let points = world.head(HERE, 1).await.get(&points).await.ok();
    assert_eq!((&points["available"], &points["spendable"]), (&json!(-10), &json!(0)));
    world.verified().await;
}
