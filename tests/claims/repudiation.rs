use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, at, claim, grid_of, head_id, household_id};

fn disown() -> Value {
    json!({ "reason": "没有人问过我" })
}

fn claims() -> String {
    format!("/v1/villages/{HERE}/claims")
}

/// Scenario 19: an elder without a phone; the grid worker files with recorded consent, another worker
/// prechecks, the panel approves.
async fn filed_for_the_elder(world: &World) -> String {
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let body = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-25",
            "evidence": [{ "kind": "certificate", "reference": "入社证" }],
            "consent": { "by": head_id(HERE, 1), "form": "oral" },
        }),
    );
    let filed = worker.post(&claims(), body).await.ok();
    assert_eq!(filed["on_behalf"], true);
    let this = format!("{}/{}", claims(), filed["id"].as_str().expect("an id"));
    let reviews = format!("{this}/reviews");
    let approve = json!({ "decision": "approve" });
    worker.post(&reviews, approve.clone()).await.refused(403, "conflict_of_interest");
    let other = world.official("grid_worker", &format!("{HERE}002")).await;
    other.post(&reviews, approve.clone()).await.ok();
    world.official("panel", HERE).await.post(&reviews, approve).await.ok();
    this
}

async fn points(actor: &Actor) -> Value {
    let path = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, 1));
    actor.get(&path).await.ok()["cumulative"].clone()
}

#[actix_web::test]
async fn a_household_disowns_a_proxy_claim_at_every_stage_until_its_list_closes() {
    // Before the sheet, after it, and on the list.
    for (when, status, cumulative) in [
        ("2024-08-30 09:00", "withdrawn", 0),
        ("2024-08-26 10:00", "withdrawn", 0),
        ("2024-09-08 23:59:59.999", "overturned", 0),
    ] {
        let world = World::begins(at("2024-08-26 08:00")).await;
        let this = filed_for_the_elder(&world).await;
        world.travel(at(when)).await;
        let zhang = world.head(HERE, 1).await;
        let repudiation = format!("{this}/repudiation");
        world
            .head(HERE, 2)
            .await
            .post(&repudiation, disown())
            .await
            .refused(403, "other_household");
        zhang.post(&repudiation, json!({ "reason": " " })).await.refused(422, "reason_required");
        assert_eq!(zhang.post(&repudiation, disown()).await.ok()["status"], status, "{when}");
        zhang.post(&repudiation, disown()).await.refused(409, "wrong_state");
        assert_eq!(world.count("inbox_items WHERE kind = 'claim_repudiated'").await, 1);
        assert_eq!(world.count("register_entries WHERE kind = 'repudiation'").await, 1);
        world.travel(at("2024-09-10 09:00")).await;
        assert_eq!(points(&zhang).await, json!(cumulative));
        world.verified().await;
    }
}

#[actix_web::test]
async fn scored_in_a_month_that_is_not_over_it_is_struck_before_its_list_opens() {
    let world = World::begins(at("2024-08-19 08:00")).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let body = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-18",
            "evidence": [{ "kind": "certificate", "reference": "入社证" }],
            "consent": { "by": head_id(HERE, 1), "form": "paper" },
        }),
    );
    let filed = worker.post(&claims(), body).await.ok();
    let this = format!("{}/{}", claims(), filed["id"].as_str().expect("an id"));
    let approve = json!({ "decision": "approve" });
    world
        .official("grid_worker", &format!("{HERE}002"))
        .await
        .post(&format!("{this}/reviews"), approve.clone())
        .await
        .ok();
    world.official("panel", HERE).await.post(&format!("{this}/reviews"), approve).await.ok();
    world.travel(at("2024-08-26 09:00")).await;
    let zhang = world.head(HERE, 1).await;
    assert_eq!(points(&zhang).await, json!(3));
    zhang.post(&format!("{this}/repudiation"), disown()).await.ok();
    assert_eq!(points(&zhang).await, json!(0));
    world.travel(at("2024-09-02 09:00")).await;
    assert_eq!(points(&zhang).await, json!(0));
    assert_eq!(world.count("public_list_lines WHERE status = 'struck'").await, 1);
    world.travel(at("2024-09-09 09:00")).await;
    world.verified().await;
}

#[actix_web::test]
async fn what_is_confirmed_or_ones_own_is_not_disowned() {
    let world = World::begins(at("2024-08-26 08:00")).await;
    let this = filed_for_the_elder(&world).await;
    let own = world.earn(1, 10).await;
    let zhang = world.head(HERE, 1).await;
    zhang
        .post(&format!("{}/{own}/repudiation", claims()), disown())
        .await
        .refused(403, "role_required");
    world.travel(at("2024-09-09 00:00")).await;
    zhang.post(&format!("{this}/repudiation"), disown()).await.refused(409, "list_not_open");
    assert_eq!(points(&zhang).await, json!(13));
    world.verified().await;
}
