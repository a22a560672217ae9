use api::regions::{Mode, Policy};
use serde_json::{Value, json};

use crate::support::{HERE, World, at, claim, consent, grid_of, household_id, new_id};

async fn redeem(world: &World) -> crate::support::Answer {
    let body = json!({ "id": new_id(), "prize": "goods.soap", "quantity": 1 });
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
    let mut catalogue =
        serde_json::to_value(api::rules::builtin().expect("the catalogue")).expect("JSON");
    catalogue["version"] = json!("no hearings");
    catalogue["review_chains"]["deduct"] = catalogue["review_chains"]["grid"].clone();
    let set = json!({ "id": new_id(), "effective_on": "2024-09-30", "catalogue": catalogue });
    let county = world.official("county", "460205").await;
    county.post("/v1/regions/460205/rule-sets", set).await.ok();
    world.travel(at("2024-10-30 08:00")).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let file = async |rule: &str, rest: Value| {
        let body = claim(1, rule, rest);
        let filed = worker.post(&format!("/v1/villages/{HERE}/claims"), body).await.ok();
        let id = filed["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        world.approve(id, &["panel"]).await;
    };
    file(
        "pub.donate",
        json!({
            "points_each": 3, "occurred_on": "2024-10-29",
            "consent": consent(1), "evidence": [{ "kind": "certificate", "reference": "收据" }],
        }),
    )
    .await;
    let ditch = world.picture(&worker, "a ditch").await;
    file("env.litter_deduct", json!({
        "occurred_on": "2024-10-29",
        "evidence": [{ "kind": "photo", "photo": ditch }, { "kind": "two_witnesses", "reference": "甲、乙" }],
    })).await;
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
    let objection = json!({ "id": new_id(), "reason": "没有捐款" });
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
    assert_eq!((&points["available"], &points["spendable"]), (&json!(-3), &json!(0)));
    world.verified().await;
}
