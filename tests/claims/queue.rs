use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, at, claim, grid_of};

async fn waiting(reviewer: &Actor, region: &str) -> Vec<Value> {
    let queue = reviewer.get(&format!("/v1/regions/{region}/review-queue")).await.ok();
    let items = queue["items"].as_array().expect("items").clone();
    assert_eq!(queue["count"], items.len());
    items
}

#[actix_web::test]
async fn a_claim_waits_for_whoever_acts_at_its_step_and_for_nobody_else() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let body = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "门前" }],
        }),
    );
    let zhang = world.head(HERE, 1).await;
    zhang.post(&format!("/v1/villages/{HERE}/claims"), body.clone()).await.ok();
    let grid = grid_of(HERE, 1);
    let worker = world.official("grid_worker", &grid).await;
    let panel = world.official("panel", HERE).await;
    let first = waiting(&worker, &grid).await;
    assert_eq!((&first[0]["id"], &first[0]["step"]["step"]), (&body["id"], &json!("precheck")));
    assert!(waiting(&panel, HERE).await.is_empty());
    let id = body["id"].as_str().expect("an id");
    let reviews = format!("/v1/villages/{HERE}/claims/{id}/reviews");
    worker.post(&reviews, json!({ "decision": "approve" })).await.ok();
    assert!(waiting(&worker, &grid).await.is_empty());
    assert_eq!(waiting(&panel, HERE).await[0]["id"], body["id"]);
    let queue = |region: &str| format!("/v1/regions/{region}/review-queue");
    zhang.get(&queue(HERE)).await.refused(403, "role_required");
    worker.get(&queue(HERE)).await.refused(403, "role_required");
    panel.get(&queue("440783107201")).await.refused(404, "not_found");
}
