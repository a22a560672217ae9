use serde_json::json;

use super::{board, path, points, township};
use crate::support::{HERE, World, at, new_id};

#[actix_web::test]
async fn a_final_board_keeps_a_household_that_ends_later() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    for (number, points) in [(1, 30), (2, 20), (6, 10)] {
        world.earn(number, points).await;
    }
    world.travel(at("2024-09-09 09:00")).await;
    let mut past = Vec::new();
    for of in ["households", "grids", "villages"] {
        let month = board(&world, "2024-08", of).await;
        assert_eq!(month["status"], "final");
        past.push((of, month));
    }
    let township = township(&world).await;
    township.post(&path(1, "/move-out"), json!({ "reason": "迁出" })).await.ok();
    let into = json!({ "into": crate::support::household_id(HERE, 3) });
    township.post(&path(2, "/merge"), into).await.ok();
    township.post(&path(6, "/closure"), json!({ "reason": "销户" })).await.ok();
    for (of, before) in past {
        assert_eq!(board(&world, "2024-08", of).await, before, "{of}");
    }
    assert_eq!(board(&world, "2024-Q3", "households").await["items"], json!([]));
    let villages = board(&world, "2024-Q3", "villages").await;
    assert_eq!(villages["items"][0]["households"], 7);
    world.verified().await;
}

#[actix_web::test]
async fn a_new_file_does_not_change_the_figures_of_what_was_over() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-09-09 09:00")).await;
    let before = board(&world, "2024-08", "grids").await;
    let wife = super::spouse(&world, 1).await;
    let split = json!({ "id": new_id(), "number": 77, "members": [wife], "head": wife });
    township(&world).await.post(&path(1, "/split"), split).await.ok();
    assert_eq!(board(&world, "2024-08", "grids").await, before);
    let now = board(&world, "2024-Q3", "grids").await;
    assert_eq!(now["items"][0]["households"], 6);
}

#[actix_web::test]
async fn a_closed_file_keeps_its_points_and_nobody_spends_them() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-10-07 09:00")).await;
    let (zhang, township) = (world.head(HERE, 1).await, township(&world).await);
    let redemptions = format!("/v1/villages/{HERE}/redemptions");
    let redemption = || crate::support::order_of("goods.laundry_liquid", 1);
    let held = zhang.post(&redemptions, redemption()).await.ok();
    let closure = path(1, "/closure");
    township.post(&closure, json!({ "reason": " " })).await.refused(422, "reason_required");
    township.post(&closure, json!({ "reason": "销户" })).await.refused(409, "open_holds");
    let this = format!("{redemptions}/{}", held["id"].as_str().expect("an id"));
    zhang.post(&format!("{this}/cancellation"), json!({})).await.ok();
    let closed = township.post(&closure, json!({ "reason": "销户" })).await.ok();
    assert_eq!(closed["status"], "closed");
    let after = points(&world, 1).await;
    assert_eq!((&after["available"], &after["spendable"]), (&json!(30), &json!(0)));
    zhang.post(&redemptions, redemption()).await.refused(404, "not_found");
    township.post(&closure, json!({ "reason": "销户" })).await.refused(409, "wrong_state");
    assert_eq!(world.count("audit_events WHERE action = 'household.close'").await, 1);
    world.verified().await;
}
