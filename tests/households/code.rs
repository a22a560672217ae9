use serde_json::json;

use crate::support::{HERE, NEXT, World, at, grid_of, household_id};

fn path(village: &str, number: usize) -> String {
    format!("/v1/villages/{village}/households/{}/code", household_id(village, number))
}

fn find(code: &str) -> String {
    format!("/v1/villages/{HERE}/households?code={code}")
}

#[actix_web::test]
async fn the_family_its_worker_and_the_township_read_the_code_and_nobody_else() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let own = world.head(HERE, 1).await.get(&path(HERE, 1)).await.ok();
    assert_eq!(own["version"], 1);
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let township = world.official("township", "460205100").await;
    for reader in [&worker, &township] {
        assert_eq!(reader.get(&path(HERE, 1)).await.ok(), own);
    }
    let other = world.official("grid_worker", &grid_of(HERE, 10)).await;
    for (reader, status, code) in [
        (world.head(HERE, 2).await, 403, "other_household"),
        (other, 403, "role_required"),
        (world.official("clerk", HERE).await, 403, "role_required"),
        (world.official("panel", HERE).await, 403, "role_required"),
        (world.head(NEXT, 1).await, 404, "not_found"),
        (world.official("township", "440783107").await, 404, "not_found"),
        (world.anybody(), 401, "token_missing"),
    ] {
        reader.get(&path(HERE, 1)).await.refused(status, code);
    }
    let unknown = path(HERE, 1)
        .replace(&household_id(HERE, 1).to_string(), &crate::support::new_id().to_string());
    township.get(&unknown).await.refused(404, "not_found");
}

#[actix_web::test]
async fn the_clerk_finds_a_household_by_its_code_and_old_papers_stop_working() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let clerk = world.official("clerk", HERE).await;
    let code = zhang.get(&path(HERE, 1)).await.ok()["code"].as_str().expect("a code").to_owned();
    let typed = [code.clone(), code.to_lowercase(), code.replace('-', ""), code.replace('-', "+")];
    for typed in &typed {
        let page = clerk.get(&find(typed)).await.ok();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(page["items"][0]["id"], json!(household_id(HERE, 1)));
    }
    clerk.get(&format!("{}&number=1", find(&code))).await.refused(400, "invalid_query");
    zhang.get(&find(&code)).await.refused(403, "role_required");

    let renewal = format!("{}/renewal", path(HERE, 1));
    world.head(HERE, 2).await.post(&renewal, json!({})).await.refused(403, "other_household");
    clerk.post(&renewal, json!({})).await.refused(403, "role_required");
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    worker.post(&renewal, json!({})).await.refused(403, "role_required");
    let renewed = zhang.post_as("k", &renewal, json!({})).await.ok();
    assert_eq!(zhang.post_as("k", &renewal, json!({})).await.ok(), renewed);
    assert_eq!(renewed["version"], 2);
    let new = renewed["code"].as_str().expect("a code");
    clerk.get(&find(&code)).await.refused(404, "not_found");
    assert_eq!(clerk.get(&find(new)).await.ok()["items"][0]["number"], 1);
    let township = world.official("township", "460205100").await;
    assert_eq!(township.post(&renewal, json!({})).await.ok()["version"], 3);
    assert_eq!(world.count("audit_events WHERE action = 'household.renew_code'").await, 2);
    for (table, column) in [("idempotency_keys", "body"), ("audit_events", "detail")] {
        assert_eq!(world.count(&format!("{table} WHERE {column} LIKE '%JF-%'")).await, 0);
    }
}

#[actix_web::test]
async fn a_code_of_another_village_is_as_good_as_none_and_guessing_ends() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let clerk = world.official("clerk", HERE).await;
    let own = world.head(HERE, 1).await.get(&path(HERE, 1)).await.ok();
    let own = own["code"].as_str().expect("a code");
    let foreign = world.head(NEXT, 1).await.get(&path(NEXT, 1)).await.ok();
    let foreign = foreign["code"].as_str().expect("a code");
    let mut bodies = Vec::new();
    for wrong in [foreign, "JF-AAAA-AAAA-AAAA-AAAA", "JF", "%20", "x"] {
        let body = clerk.get(&find(wrong)).await.refused(404, "not_found");
        bodies.push((body["detail"].clone(), body["title"].clone(), body["errors"].clone()));
    }
    assert!(bodies.windows(2).all(|two| two[0] == two[1]), "{bodies:?}");
    for _ in 5..20 {
        // A right one in between is not counted.
        clerk.get(&find(own)).await.ok();
        clerk.get(&find("JF-AAAA-AAAA-AAAA-AAAA")).await.refused(404, "not_found");
    }
    let refused = clerk.get(&find(own)).await;
    assert_eq!(refused.header("retry-after"), Some("901"));
    refused.refused(429, "too_many_tries");
    world.official("clerk_2", HERE).await.get(&find(own)).await.ok();
    world.travel(at("2024-08-21 08:14:59")).await;
    clerk.get(&find(own)).await.refused(429, "too_many_tries");
    world.travel(at("2024-08-21 08:15")).await;
    clerk.get(&find(own)).await.ok();
}
