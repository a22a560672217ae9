use serde_json::{Value, json};

use super::lives::{path, township};
use crate::support::{HERE, World, at, claim, grid_of, new_id};

async fn summary(world: &World, query: &str) -> Value {
    township(world).await.get(&path(1, &format!("/summary{query}"))).await.ok()
}

fn cell(summary: &Value, month: &str, category: &str) -> Value {
    let of = |list: &Value, key: &str, word: &str| {
        let list = list.as_array().expect("a list");
        list.iter().find(|it| it[key] == word).expect("an item").clone()
    };
    of(&of(&summary["months"], "month", month)["categories"], "category", category)["sum"].clone()
}

fn sum(points: i64, bonus: i64, deduction: i64, lines: i64) -> Value {
    json!({ "points": points, "bonus": bonus, "deduction": deduction, "lines": lines })
}

/// A deduction of 3 and a bonus of 3 in August, 30 in September; the August bonus is struck.
async fn a_year() -> World {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    world
        .run(&format!(
            "INSERT INTO warnings (village, id, household, rule, occurred_on, note, given_by, at) \
             SELECT village, id, id, 'env.litter_deduct', '2024-08-01', '勿再倒', id, {} \
             FROM households WHERE village = '{HERE}'",
            at("2024-08-01 08:00").0
        ))
        .await;
    let litter = json!([
        { "kind": "photo", "photo": world.photo(&worker).await }, { "kind": "two_witnesses", "reference": "甲、乙" },
    ]);
    let deduction =
        claim(1, "env.litter_deduct", json!({ "occurred_on": "2024-08-20", "evidence": litter }));
    worker.post(&claims, deduction).await.ok();
    // A deduction needs a hearing; what is summed up is what was scored.
    let approved = at("2024-08-21 08:00").0;
    let sql = format!(
        "UPDATE claims SET status = 'approved', week = '2024-W34', approved_at = {approved}"
    );
    world.run(&sql).await;
    let zhang = world.head(HERE, 1).await;
    let courtyard = claim(
        1,
        "env.courtyard_beautify",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [
                { "kind": "photo_before_after", "photo": world.photo(&zhang).await },
                { "kind": "photo_before_after", "photo": world.photo(&zhang).await },
            ],
        }),
    );
    zhang.post(&claims, courtyard.clone()).await.ok();
    let id: uuid::Uuid = courtyard["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    worker.post(&format!("{claims}/{id}/reviews"), json!({ "decision": "approve" })).await.ok();
    world.approve(id, &["panel"]).await;
    world.travel(at("2024-09-02 09:00")).await;
    world.earn(1, 30).await;
    let lines = format!("/v1/villages/{HERE}/public-lists/2024-08/lines");
    let listed = world.anybody().get(&lines).await.ok();
    let number = listed["items"][0]["number"].as_i64().expect("a number");
    let objection = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
    let objection = world
        .head(HERE, 2)
        .await
        .post(&format!("{lines}/{number}/objections"), objection)
        .await
        .ok();
    let id = objection["id"].as_str().expect("an id");
    let upheld = json!({ "decision": "upheld", "reason": "照片不是本户" });
    let decision = format!("/v1/villages/{HERE}/objections/{id}/decision");
    world.official("committee", HERE).await.post(&decision, upheld).await.ok();
    world.travel(at("2024-09-09 09:00")).await;
    world
}

#[actix_web::test]
async fn a_year_shows_every_month_and_category_net_of_what_was_taken_back() {
    let world = a_year().await;
    let summary = summary(&world, "?year=2024").await;
    assert_eq!(summary["sum"], sum(27, 30, -3, 3));
    assert_eq!(cell(&summary, "2024-08", "living_environment"), sum(-3, 0, -3, 2));
    assert_eq!(cell(&summary, "2024-09", "rural_construction"), sum(30, 30, 0, 1));
    assert_eq!(cell(&summary, "2024-09", "living_environment"), sum(0, 0, 0, 0));
    let months = summary["months"].as_array().expect("months");
    assert_eq!(months.len(), 12);
    assert!(months.iter().all(|it| it["categories"].as_array().is_some_and(|it| it.len() == 8)));
    let totals = summary["categories"].as_array().expect("categories");
    assert_eq!(totals.len(), 8);
    let first = &totals[0];
    assert_eq!(
        (&first["name_zh"], &first["name_en"], &first["sum"]),
        (&json!("人居环境整治"), &json!("Living environment"), &sum(-3, 0, -3, 2))
    );
    let points = township(&world).await.get(&path(1, "/points")).await.ok();
    assert_eq!(points["cumulative"], summary["sum"]["points"], "no sum contradicts another");
}

#[actix_web::test]
async fn the_present_year_is_meant_and_another_is_empty() {
    let world = a_year().await;
    assert_eq!(summary(&world, "").await, summary(&world, "?year=2024").await);
    assert_eq!(summary(&world, "?year=2023").await["sum"], sum(0, 0, 0, 0));
    let township = township(&world).await;
    for odd in ["1999", "2200", "-1", "24.5", "now", "99999999999"] {
        let path = path(1, &format!("/summary?year={odd}"));
        township.get(&path).await.refused(400, "invalid_query");
    }
}

#[actix_web::test]
async fn a_year_is_the_familys_own() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    for part in ["/summary", "/allowances"] {
        world.head(HERE, 1).await.get(&path(1, part)).await.ok();
        world.head(HERE, 2).await.get(&path(1, part)).await.refused(403, "other_household");
        world
            .official("county", "440783")
            .await
            .get(&path(1, part))
            .await
            .refused(404, "not_found");
    }
}
