use serde_json::json;

use crate::support::{HERE, World, at, claim, household_id, new_id};

/// Scenario 9.
#[actix_web::test]
async fn approved_on_monday_is_on_the_new_weeks_sheet() {
    let world = World::begins(at("2024-08-25 23:50")).await;
    let village = format!("/v1/villages/{HERE}");
    let zhang = world.head(HERE, 1).await;
    let body = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-24",
            "evidence": [{ "kind": "certificate", "reference": "门前" }],
        }),
    );
    let id = zhang.post(&format!("{village}/claims"), body).await.ok()["id"].clone();
    let review = format!("{village}/claims/{}/reviews", id.as_str().expect("an id"));
    let worker = world.official("grid_worker", &format!("{HERE}001")).await;
    worker.post(&review, json!({ "decision": "approve" })).await.ok();
    world.travel(at("2024-08-26 09:00")).await;
    let panel = world.official("panel", HERE).await;
    let approved = panel.post(&review, json!({ "decision": "approve" })).await.ok();
    assert_eq!(approved["week"], "2024-W35");
    let before = zhang.get(&format!("{village}/score-sheets/2024-W34")).await.ok();
    assert_eq!((&before["status"], &before["line_count"]), (&json!("closed"), &json!(0)));
    world.travel(at("2024-09-02 00:00")).await;
    let sheet = zhang.get(&format!("{village}/score-sheets/2024-W35")).await.ok();
    assert_eq!((&sheet["status"], &sheet["line_count"]), (&json!("closed"), &json!(1)));
    world.verified().await;
}

/// Three days of outage, and nobody looked: the same instants, sums and lists as if on time.
#[actix_web::test]
async fn a_week_closed_late_is_the_same_week() {
    let mut seen = Vec::new();
    for looks in [&["2024-09-02 00:00", "2024-09-09 00:00"][..], &[]] {
        let world = World::begins(at("2024-08-28 08:00")).await;
        world.earn(1, 30).await;
        world.earn(2, 17).await;
        let zhang = world.head(HERE, 1).await;
        for instant in looks {
            world.travel(at(instant)).await;
            world.anybody().get(&format!("/v1/regions/{HERE}/rankings/2024-08")).await.ok();
        }
        world.travel(at("2024-09-12 10:00")).await;
        let points = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, 1));
        let list = format!("/v1/villages/{HERE}/public-lists/2024-08");
        let lines = world.anybody().get(&format!("{list}/lines")).await.ok();
        seen.push((
            zhang.get(&points).await.ok(),
            world.anybody().get(&list).await.ok(),
            lines["items"].as_array().map(Vec::len),
            journals(&world).await,
        ));
        world.verified().await;
    }
    assert_eq!(seen[0], seen[1]);
}

/// Kind, meaning and instant of every journal.
async fn journals(world: &World) -> Vec<(String, String, i64)> {
    #[derive(sea_orm::FromQueryResult)]
    struct Row {
        kind: String,
        reference: String,
        at: i64,
    }
    let sql = "SELECT kind, ref AS reference, at FROM journals ORDER BY village, kind, ref";
    let rows = api::kernel::db::all::<Row>(world.app.db.read(), sql, []).await.expect("journals");
    rows.into_iter().map(|row| (row.kind, row.reference, row.at)).collect()
}

#[actix_web::test]
async fn a_week_that_is_not_over_cannot_be_closed() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    let panel = world.official("panel", HERE).await;
    let closure = |week: &str| format!("/v1/villages/{HERE}/score-sheets/{week}/closure");
    panel.post(&closure("2024-W35"), json!({})).await.refused(409, "week_not_over");
    panel.post(&closure("2024-W54"), json!({})).await.refused(400, "invalid_path");
    panel.post(&closure("2027-W53"), json!({})).await.refused(400, "invalid_path");
    world.travel(at("2024-09-02 00:00")).await;
    let first = panel.post(&closure("2024-W35"), json!({})).await.ok();
    let again = panel.post(&closure("2024-W35"), json!({})).await.ok();
    assert_eq!(first, again);
    world.verified().await;
}

#[actix_web::test]
async fn an_empty_month_is_published_too() {
    let world = World::begins(at("2024-08-01 08:00")).await;
    world.travel(at("2024-09-03 08:00")).await;
    let list = world.anybody().get(&format!("/v1/villages/{HERE}/public-lists/2024-08")).await.ok();
    assert_eq!((&list["status"], &list["line_count"]), (&json!("open"), &json!(0)));
}

#[actix_web::test]
async fn a_cap_is_applied_by_the_close_and_not_before() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    // Three projects of 3 points each; the year's cap is twice.
    for day in ["2024-08-20", "2024-08-21", "2024-08-22"] {
        let body = claim(
            1,
            "con.fund_raise",
            json!({
                "id": new_id(), "occurred_on": day, "points_each": 3,
                "evidence": [{ "kind": "certificate", "reference": day }],
            }),
        );
        let filed = zhang.post(&format!("/v1/villages/{HERE}/claims"), body).await.ok();
        let id = filed["id"].as_str().expect("an id");
        let review = format!("/v1/villages/{HERE}/claims/{id}/reviews");
        let worker = world.official("grid_worker", &format!("{HERE}001")).await;
        worker.post(&review, json!({ "decision": "approve" })).await.ok();
        world
            .official("panel", HERE)
            .await
            .post(&review, json!({ "decision": "approve" }))
            .await
            .ok();
    }
    world.travel(at("2024-09-02 00:00")).await;
    let entries = format!("/v1/villages/{HERE}/households/{}/entries", household_id(HERE, 1));
    let entries = zhang.get(&entries).await.ok();
    let mut lines: Vec<_> = entries["items"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|it| (it["occurred_on"].to_string(), it["awarded"].clone(), it["reason"].clone()))
        .collect();
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    let awards: Vec<_> = lines.iter().map(|(_, awarded, _)| awarded.clone()).collect();
    assert_eq!(awards, [3, 3, 0]);
    assert_eq!(lines[2].2, "cap_exhausted");
    world.verified().await;
}
