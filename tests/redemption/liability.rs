use serde_json::json;

use super::redeem::{open_shop, path};
use crate::support::HERE;

#[actix_web::test]
async fn what_is_owed_stands_beside_stock_and_budget() {
    let world = open_shop(&[(1, 30), (2, 20)]).await;
    world.earn(3, 10).await;
    world.travel(crate::support::at("2024-10-14 09:00")).await;
    let order = crate::support::order_of("goods.laundry_liquid", 1);
    world.head(HERE, 1).await.post(&path(), order).await.ok();
    let committee = world.official("committee", HERE).await;
    let seen = committee.get(&format!("/v1/regions/{HERE}/liability")).await.ok();
    let here = &seen["items"][0]["owed"];
    assert_eq!(
        (&here["unspent"], &here["held"], &here["pending"]),
        (&json!(50), &json!(20), &json!(10))
    );
    assert_eq!((&here["unspent_fen"], &here["pending_fen"]), (&json!(5_000), &json!(1_000)));
    assert_eq!(here["budget_left_fen"], 0);
    assert_eq!(&seen["total"], here);
    let budget = format!("/v1/villages/{HERE}/budgets/2024-Q3/bank");
    committee.put_at(0, &budget, json!({ "amount_fen": 70_000 })).await.ok();
    // A later quarter's budget is not this window's.
    let later = format!("/v1/villages/{HERE}/budgets/2024-Q4/bank");
    committee.put_at(0, &later, json!({ "amount_fen": 9 })).await.ok();
    let county = world.official("county", "460205").await;
    let all = county.get("/v1/regions/460205/liability?limit=1").await.ok();
    assert_eq!(all["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(all["total"]["budget_left_fen"], 70_000);
    assert_eq!(all["total"]["unspent"], 50);
    let cursor = all["next_cursor"].as_str().expect("a cursor");
    let rest =
        county.get(&format!("/v1/regions/460205/liability?limit=1&cursor={cursor}")).await.ok();
    assert_eq!(rest["items"][0]["village"], "460205100202");
    assert_eq!(rest["total"], all["total"], "the sum is of the region, not of the page");
    let sum =
        |page: &serde_json::Value| page["items"][0]["owed"]["stock_fen"].as_i64().expect("fen");
    assert_eq!(all["total"]["stock_fen"], sum(&all) + sum(&rest));
    world
        .head(HERE, 1)
        .await
        .get("/v1/regions/460205/liability")
        .await
        .refused(403, "role_required");
}
