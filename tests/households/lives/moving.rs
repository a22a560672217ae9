use serde_json::json;

use super::{board, file, path, points, township};
use crate::support::{HERE, NEXT, World, at, claim, consent, grid_of, household_id};

#[actix_web::test]
async fn a_move_within_the_village_leaves_past_figures_of_the_grids() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 20).await;
    world.travel(at("2024-09-02 09:00")).await;
    let township = township(&world).await;
    let mut past = Vec::new();
    for period in ["2024-W35", "2024-08"] {
        past.push((period, board(&world, period, "grids").await));
    }
    assert_eq!(past[0].1["items"][0]["points"], 20);
    for grid in [format!("{HERE}001"), format!("{NEXT}001"), HERE.to_owned(), format!("{HERE}999")]
    {
        let body = json!({ "grid": grid });
        township.post(&path(1, "/grid"), body).await.refused(422, "invalid_field");
    }
    let moved = township.post(&path(1, "/grid"), json!({ "grid": format!("{HERE}002") })).await;
    assert_eq!(moved.ok()["grid"], format!("{HERE}002"));
    for (period, before) in past {
        assert_eq!(board(&world, period, "grids").await, before, "{period}");
    }
    let quarter = board(&world, "2024-Q3", "grids").await;
    let rows: Vec<_> = quarter["items"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["region"].clone(), row["points"].clone(), row["households"].clone()))
        .collect();
    let row = |grid, points, households| {
        (json!(format!("{HERE}{grid:03}")), json!(points), json!(households))
    };
    assert_eq!(rows, [row(2, 20, 6), row(1, 0, 4)]);
    // And back at the same instant: the file's version tells which move was first.
    township.post(&path(1, "/grid"), json!({ "grid": format!("{HERE}001") })).await.ok();
    assert_eq!(board(&world, "2024-W35", "grids").await["items"][0]["households"], 5);
    world.verified().await;
}

/// One who moved out on 1 October has until 31 October: longer than the window of 7 to 21 October.
#[actix_web::test]
async fn who_moved_out_spends_in_the_next_window_then_the_rest_expires() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-10-01 09:00")).await;
    let township = township(&world).await;
    let reason = json!({ "reason": "全家迁往县城" });
    let moved = township.post(&path(1, "/move-out"), reason.clone()).await.ok();
    assert_eq!(moved["status"], "moved_out");
    assert_eq!(moved["spend_until"], "2024-10-31T09:00:00.000+08:00");
    let again = township.post(&path(1, "/move-out"), reason).await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "moved_out");
    let zhang = world.head(HERE, 1).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    let deed = claim(1, "ent.coop", json!({ "occurred_on": "2024-09-30" }));
    zhang.post(&claims, deed).await.refused(409, "household_not_active");
    // September's list closes: the points of one that moved out can be spent like any.
    world.travel(at("2024-10-07 09:00")).await;
    assert_eq!(points(&world, 1).await["spendable"], 30);
    let redemptions = format!("/v1/villages/{HERE}/redemptions");
    let redemption = || crate::support::order_of("goods.laundry_liquid", 1);
    let held = zhang.post(&redemptions, redemption()).await.ok();
    let this = format!("{redemptions}/{}", held["id"].as_str().expect("an id"));
    let code = json!({ "pickup_code": held["pickup_code"] });
    let clerk = world.official("clerk", HERE).await;
    clerk.post(&format!("{this}/collection"), code).await.ok();
    world.travel(at("2024-10-31 08:59:59.999")).await;
    assert_eq!(points(&world, 1).await["spendable"], 10);
    assert_eq!(zhang.get("/v1/me").await.ok()["home"]["household"], json!(household_id(HERE, 1)));
    world.travel(at("2024-10-31 09:00")).await;
    let after = points(&world, 1).await;
    assert_eq!(
        (&after["available"], &after["spendable"], &after["redeemed"], &after["expired"]),
        (&json!(0), &json!(0), &json!(20), &json!(10))
    );
    assert!(zhang.get("/v1/me").await.ok().get("home").is_none());
    zhang.post(&redemptions, redemption()).await.refused(404, "not_found");
    let statistics = world.anybody().get(&format!("/v1/regions/{HERE}/statistics")).await.ok();
    assert_eq!((&statistics["expired"], &statistics["balance"]), (&json!(10), &json!(0)));
    assert_eq!(world.count("journals WHERE kind = 'expire'").await, 1);
    world.verified().await;
}

/// The last day of a window is no fair term: thirty days are, whether the shop is open or not.
#[actix_web::test]
async fn the_shop_is_open_for_thirty_days_to_one_who_moved_out() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    for number in [1, 2] {
        world.earn(number, 30).await;
    }
    world.travel(at("2024-10-20 09:00")).await;
    township(&world).await.post(&path(1, "/move-out"), json!({ "reason": "迁出" })).await.ok();
    world.travel(at("2024-11-18 09:00")).await;
    let redemptions = format!("/v1/villages/{HERE}/redemptions");
    let redemption = || crate::support::order_of("goods.laundry_liquid", 1);
    let neighbour = world.head(HERE, 2).await;
    neighbour.post(&redemptions, redemption()).await.refused(409, "window_closed");
    world.head(HERE, 1).await.post(&redemptions, redemption()).await.ok();
    // A hold outlives the term; what nobody collects then expires with the rest.
    world.travel(at("2024-11-19 09:00")).await;
    let during = points(&world, 1).await;
    assert_eq!((&during["available"], &during["held"]), (&json!(20), &json!(20)));
    world.verified().await;
    world.travel(at("2024-11-25 09:00")).await;
    let after = points(&world, 1).await;
    assert_eq!((&after["available"], &after["expired"]), (&json!(0), &json!(30)));
    world.verified().await;
}

#[actix_web::test]
async fn what_is_confirmed_after_the_term_expires_when_its_list_closes() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let deed = claim(
        1,
        "con.land_give",
        json!({
            "points_each": 30, "occurred_on": "2024-09-24", "consent": consent(1),
            "evidence": [
                { "kind": "committee_record", "reference": "会议记录" },
                { "kind": "certificate", "reference": "让地协议" },
            ],
        }),
    );
    let claims = format!("/v1/villages/{HERE}/claims");
    world.head(HERE, 1).await.post(&claims, deed.clone()).await.ok();
    let reviews = format!("{claims}/{}/reviews", deed["id"].as_str().expect("an id"));
    worker.post(&reviews, json!({ "decision": "approve" })).await.ok();
    township(&world).await.post(&path(1, "/move-out"), json!({ "reason": "迁出" })).await.ok();
    world.travel(at("2024-10-20 09:00")).await;
    // The panel has left it alone for a fortnight.
    township(&world).await.post(&reviews, json!({ "decision": "approve" })).await.ok();
    world.travel(at("2024-10-26 09:00")).await;
    assert!(file(&world, 1).await.get("spend_until").is_none());
    world.travel(at("2024-11-11 00:00")).await;
    let after = points(&world, 1).await;
    assert_eq!((&after["pending"], &after["available"]), (&json!(0), &json!(0)));
    assert_eq!((&after["cumulative"], &after["expired"]), (&json!(30), &json!(30)));
    world.verified().await;
}

#[actix_web::test]
async fn a_member_of_one_that_moved_out_joins_another_household() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = township(&world).await;
    let wife = super::spouse(&world, 1).await;
    township.post(&path(1, "/move-out"), json!({ "reason": "迁出" })).await.ok();
    let joins = json!({ "person": wife, "name": "配偶" });
    let after = township.post(&path(2, "/members"), joins).await.ok();
    assert_eq!(after["members"].as_array().map(Vec::len), Some(3));
    let left = file(&world, 1).await;
    assert_eq!(left["members"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.count("bindings WHERE ended_at IS NOT NULL").await, 1);
    world.verified().await;
}
