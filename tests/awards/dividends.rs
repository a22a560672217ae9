use serde_json::{Value, json};

use crate::rankings::year::village;
use crate::support::{HERE, World, at, household_id, new_id};

/// 2023 is final with these points; a number below 0 is a deduction.
async fn year_of(points: &[i64]) -> World {
    let world = World::begins(at("2023-12-18 08:00")).await;
    for (number, points) in (1..).zip(points) {
        match *points {
            points if points > 0 => drop(world.earn(number, points).await),
            0 => {
                world.earn(number, 10).await;
                world.deduct(number).await;
            }
            _ => drop(world.deduct(number).await),
        }
    }
    world.travel(at("2024-01-15 09:00")).await;
    world
}

fn dividend(pool_fen: i64) -> Value {
    json!({ "id": new_id(), "year": 2023, "pool_fen": pool_fen, "note": "村民代表会议决议" })
}

fn decision(dividend: &Value) -> String {
    village(&format!("/dividends/{}/decision", dividend["id"].as_str().expect("an id")))
}

/// Proposes and approves; the shares in order of rank.
async fn distribute(world: &World, pool_fen: i64) -> Vec<i64> {
    let committee = world.official("committee", HERE).await;
    let proposed = committee.post(&village("/dividends"), dividend(pool_fen)).await.ok();
    assert_eq!(proposed["status"], "proposed");
    let approve = json!({ "decision": "approve" });
    committee
        .post(&decision(&proposed), approve.clone())
        .await
        .refused(403, "conflict_of_interest");
    let second = world.official("committee_2", HERE).await;
    assert_eq!(second.post(&decision(&proposed), approve).await.ok()["status"], "approved");
    let shares = second.get(&village("/awards?kind=dividend&limit=100")).await.ok();
    let shares = shares["items"].as_array().expect("items").iter();
    shares.map(|it| it["value_fen"].as_i64().expect("fen")).collect()
}

/// Scenario 7.
#[actix_web::test]
async fn a_pool_is_distributed_to_the_fen_by_the_final_ranking() {
    let world = year_of(&[30, 20, 0, -10]).await;
    assert_eq!(distribute(&world, 1_000_000).await, [600_000, 400_000]);
    let committee = world.official("committee", HERE).await;
    committee.post(&village("/dividends"), dividend(1)).await.refused(409, "dividend_exists");
    let query = format!("/awards?household={}", household_id(HERE, 1));
    let awards = world.head(HERE, 1).await.get(&village(&query)).await.ok();
    let kinds: Vec<_> =
        awards["items"].as_array().expect("items").iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["rank_award", "dividend"]);
    let share = &awards["items"][1];
    let path = village(&format!("/awards/{}/collection", share["id"].as_str().expect("an id")));
    let code = json!({ "pickup_code": share["pickup_code"] });
    world.official("clerk", HERE).await.post(&path, code).await.ok();
    world.verified().await;
    let three = year_of(&[20, 20, 20]).await;
    assert_eq!(distribute(&three, 10_000).await, [3_334, 3_333, 3_333]);
    three.verified().await;
}

#[actix_web::test]
async fn a_veto_does_not_touch_a_dividend() {
    let world = World::begins(at("2023-12-18 08:00")).await;
    for number in [1, 2] {
        world.earn(number, 20).await;
    }
    super::rank_awards::veto(&world, 1).await;
    world.travel(at("2024-01-15 09:00")).await;
    assert_eq!(distribute(&world, 10_000).await, [5_000, 5_000]);
    assert_eq!(world.count("awards WHERE kind = 'rank_award'").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn nothing_is_distributed_before_the_ranking_is_final_or_where_nobody_has_points() {
    let world = World::begins(at("2023-12-18 08:00")).await;
    world.deduct(1).await;
    let committee = world.official("committee", HERE).await;
    let path = village("/dividends");
    committee.post(&path, dividend(100)).await.refused(409, "ranking_not_final");
    world.travel(at("2024-01-14 09:00")).await;
    committee.post(&path, dividend(100)).await.refused(409, "ranking_not_final");
    world.travel(at("2024-01-15 09:00")).await;
    committee.post(&path, dividend(100)).await.refused(422, "dividend_without_points");
    committee.post(&path, dividend(0)).await.refused(422, "invalid_field");
    assert_eq!(world.count("dividends").await, 0);
}

#[actix_web::test]
async fn a_rejected_dividend_leaves_room_for_another() {
    let world = year_of(&[20]).await;
    let committee = world.official("committee", HERE).await;
    let first = committee.post(&village("/dividends"), dividend(100)).await.ok();
    let township = world.official("township", "460205100").await;
    let reject = json!({ "decision": "reject" });
    township.post(&decision(&first), reject).await.refused(422, "reason_required");
    let reject = json!({ "decision": "reject", "reason": "金额有误" });
    township.post(&decision(&first), reject).await.ok();
    assert_eq!(world.count("awards WHERE kind = 'dividend'").await, 0);
    assert_eq!(distribute(&world, 200).await, [200]);
    world.verified().await;
}
