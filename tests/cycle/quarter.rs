use serde_json::{Value, json};

use crate::support::{HERE, World, at, claim, household_id, new_id};

/// Scenarios 2, 10, 11, 12 and 13 in one village's third quarter of 2024, in their order.
#[actix_web::test]
async fn a_claim_becomes_a_prize() {
    let world = World::begins(at("2024-08-19 08:00")).await;
    let village = format!("/v1/villages/{HERE}");
    let zhang = world.head(HERE, 1).await;

    // August: three families earn; the deed of the third will be contested.
    for (number, points) in [(1, 30), (2, 20), (3, 10)] {
        world.earn(number, points).await;
    }
    let courtyard = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-19",
            "evidence": [{ "kind": "certificate", "reference": "门前三角梅" }],
        }),
    );
    let filed = zhang.post(&format!("{village}/claims"), courtyard).await.ok();
    let courtyard = filed["id"].as_str().expect("an id").parse().expect("an id");
    world
        .official("grid_worker", &format!("{HERE}001"))
        .await
        .post(&format!("{village}/claims/{courtyard}/reviews"), json!({ "decision": "approve" }))
        .await
        .ok();
    world.approve(courtyard, &["panel"]).await;

    // Monday: the sheet is closed and the points are pending.
    world.travel(at("2024-08-26 00:00")).await;
    let sheet = zhang.get(&format!("{village}/score-sheets/2024-W34")).await.ok();
    assert_eq!(
        (&sheet["status"], &sheet["line_count"], &sheet["points"]),
        (&json!("closed"), &json!(4), &json!(63))
    );
    let points = points_of(&zhang, &village, 1).await;
    assert_eq!((&points["pending"], &points["available"]), (&json!(33), &json!(0)));
    assert_eq!(points["waiting"][0]["reason"], "before_publicity");

    // Scenario 10: the list opens on 2 September with masked names and without evidence.
    world.anybody().get(&format!("{village}/public-lists/2024-08")).await.refused(404, "not_found");
    world.travel(at("2024-09-02 00:00")).await;
    let list = world.anybody().get(&format!("{village}/public-lists/2024-08")).await.ok();
    assert_eq!(list["status"], "open");
    assert_eq!(list["opens_at"], "2024-09-02T00:00:00.000+08:00");
    assert_eq!(list["closes_at"], "2024-09-09T00:00:00.000+08:00");
    let lines = world.anybody().get(&format!("{village}/public-lists/2024-08/lines")).await.ok();
    let lines = lines["items"].as_array().expect("lines").clone();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["name"], "张*");
    assert!(
        lines.iter().all(|line| line.get("evidence").is_none() && line.get("household").is_none())
    );
    let contested =
        lines.iter().find(|line| line["points"] == 10).expect("the third family's line");

    // Scenario 11: an objection in the last millisecond holds one line, never the neighbours'.
    world.travel(at("2024-09-08 23:59:59.999")).await;
    let neighbour = world.head(HERE, 2).await;
    let objections =
        format!("{village}/public-lists/2024-08/lines/{}/objections", contested["number"]);
    let objection =
        json!({ "id": new_id(), "ground": "did_not_happen", "reason": "那块地不是他家的" });
    neighbour.post(&objections, objection.clone()).await.ok();
    world.travel(at("2024-09-09 00:00")).await;
    let late = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "我也觉得不对" });
    world.head(HERE, 4).await.post(&objections, late).await.refused(409, "list_not_open");
    assert_eq!(points_of(&zhang, &village, 1).await["spendable"], 33);
    let third = world.head(HERE, 3).await;
    let points = points_of(&third, &village, 3).await;
    assert_eq!((&points["spendable"], &points["pending"]), (&json!(0), &json!(10)));
    assert_eq!(points["waiting"][0]["reason"], "contested");
    world.verified().await;

    // Scenario 12: the committee upholds it.
    let id = objection["id"].as_str().expect("an id");
    let decision = json!({ "decision": "upheld", "reason": "土地台账上属于集体" });
    let committee = world.official("committee", HERE).await;
    committee.post(&format!("{village}/objections/{id}/decision"), decision).await.ok();
    let entries =
        third.get(&format!("{village}/households/{}/entries", household_id(HERE, 3))).await.ok();
    let awarded: Vec<_> =
        entries["items"].as_array().expect("entries").iter().map(|it| &it["awarded"]).collect();
    assert_eq!(awarded, [-10, 10], "the original stays visible beside its reversal");
    assert_eq!(points_of(&third, &village, 3).await["pending"], 0);
    let told = inbox(&third).await;
    assert!(told.iter().any(|item| item["kind"] == "line_decided"));
    assert!(
        told.iter().all(|item| !item.to_string().contains("王明娜")),
        "the objector is not named"
    );
    assert!(inbox(&neighbour).await.iter().any(|item| item["kind"] == "objection_decided"));

    // Scenario 13: the window opens on Monday 7 October.
    world.travel(at("2024-10-06 12:00")).await;
    let redemption = crate::support::order_of("goods.laundry_liquid", 1);
    let redemptions = format!("{village}/redemptions");
    let closed = zhang.post(&redemptions, redemption.clone()).await.refused(409, "window_closed");
    assert_eq!(closed["opens_at"], "2024-10-07T00:00:00.000+08:00");
    world.travel(at("2024-10-07 00:00")).await;

    // Scenario 2: 20 held, stock −1, a pickup code; on collection redeemed +20.
    let stock = stock_of(&world, "goods.laundry_liquid").await;
    let held = zhang.post(&redemptions, redemption).await.ok();
    assert_eq!(held["status"], "held");
    let code = held["pickup_code"].as_str().expect("a code");
    let points = points_of(&zhang, &village, 1).await;
    assert_eq!(
        (&points["held"], &points["spendable"], &points["redeemed"]),
        (&json!(20), &json!(13), &json!(0))
    );
    assert_eq!(stock_of(&world, "goods.laundry_liquid").await, stock - 1);
    let collection = format!("{redemptions}/{}/collection", held["id"].as_str().expect("an id"));
    let clerk = world.official("clerk", HERE).await;
    clerk.post(&collection, json!({ "pickup_code": code })).await.ok();
    let points = points_of(&zhang, &village, 1).await;
    assert_eq!(
        (&points["held"], &points["available"], &points["redeemed"]),
        (&json!(0), &json!(13), &json!(20))
    );

    // Spending never lowers a rank; the struck points are gone from the board.
    for period in ["2024-W34", "2024-08", "2024-Q3", "2024"] {
        let board =
            world.anybody().get(&format!("/v1/regions/{HERE}/rankings/{period}")).await.ok();
        let points: Vec<_> =
            board["items"].as_array().expect("rows").iter().map(|row| &row["points"]).collect();
        assert_eq!(points, [33, 20, 0], "{period}");
        let finality = if period == "2024" { "provisional" } else { "final" };
        assert_eq!(board["status"], finality, "{period}");
    }
    let statistics =
        world.anybody().get("/v1/regions/460205100/statistics?period=2024-Q3").await.ok();
    assert_eq!((&statistics["cumulative"], &statistics["redeemed"]), (&json!(53), &json!(0)));
    assert_eq!(statistics["participation_rate"]["numerator"], 2);
    world.verified().await;
}

async fn points_of(actor: &crate::support::Actor, village: &str, number: usize) -> Value {
    actor.get(&format!("{village}/households/{}/points", household_id(HERE, number))).await.ok()
}

async fn inbox(actor: &crate::support::Actor) -> Vec<Value> {
    actor.get("/v1/me/inbox").await.ok()["items"].as_array().expect("items").clone()
}

async fn stock_of(world: &World, key: &str) -> i64 {
    let prizes = world.anybody().get(&format!("/v1/villages/{HERE}/prizes")).await.ok();
    let prizes = prizes["items"].as_array().expect("prizes").clone();
    prizes.iter().find(|prize| prize["key"] == key).expect("the prize")["stock"]
        .as_i64()
        .expect("a number")
}
