use serde_json::{Value, json};

use crate::support::{HERE, World, at, new_id};

fn catalogue() -> Value {
    let builtin = api::rules::builtin().expect("the catalogue");
    serde_json::to_value(builtin).expect("JSON")
}

fn rule_set(effective_on: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut catalogue = catalogue();
    catalogue["version"] = json!("2025.2");
    change(&mut catalogue);
    json!({ "id": new_id(), "effective_on": effective_on, "catalogue": catalogue })
}

const PATH: &str = "/v1/regions/460205/rule-sets";

fn default_points(rules: &Value, key: &str) -> Value {
    let rules = rules["items"].as_array().expect("rules");
    rules.iter().find(|rule| rule["key"] == key).expect("the rule")["default_points"].clone()
}

/// The file that comes with Jifen is brought over HTTP, and takes effect with the quarter.
#[actix_web::test]
async fn a_new_set_takes_effect_on_the_quarters_first_monday() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    let rules = format!("/v1/villages/{HERE}/rules");
    let before = world.anybody().get(&rules).await;
    let etag = before.header("etag").expect("an etag").to_owned();
    let before = before.ok();
    assert_eq!(before["items"].as_array().map(Vec::len), Some(66));
    let county = world.official("county", "460205").await;
    let raised = rule_set("2024-09-30", |catalogue| {
        let items = catalogue["items"].as_array_mut().expect("items");
        let donate = items.iter_mut().find(|item| item["key"] == "pub.donate").expect("the item");
        donate["default_points"] = json!(6);
    });
    let set = county.post(PATH, raised).await.ok();
    assert_eq!((&set["rule_count"], &set["status"]), (&json!(66), &json!("published")));
    let same = world
        .anybody()
        .send(reqwest::Method::GET, &rules, |it| it.header("If-None-Match", etag))
        .await;
    assert_eq!(same.status, 304, "the week is not yet over");
    world.travel(at("2024-09-30 00:00")).await;
    let after = world.anybody().get(&rules).await.ok();
    assert_eq!(default_points(&before, "pub.donate"), 2);
    assert_eq!(default_points(&after, "pub.donate"), 6);
}

#[actix_web::test]
async fn a_set_that_does_not_fit_together_is_refused_whole() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    let county = world.official("county", "460205").await;
    let sets = world.count("rule_sets").await;
    for day in ["2024-10-01", "2024-07-01", "2024-10-07", "2024-W40ab", "+12024-7-1"] {
        county.post(PATH, rule_set(day, |_| ())).await.refused(422, "invalid_field");
    }
    let first = |name: &'static str, value: Value| {
        rule_set("2024-09-30", move |catalogue| catalogue["items"][0][name] = value)
    };
    for (name, value) in
        [("points_min", json!(3)), ("points_max", json!(-1)), ("default_points", json!(9))]
    {
        let refused = county.post(PATH, first(name, value)).await.refused(422, "outside_range");
        assert_eq!(refused["errors"][0]["pointer"], "/catalogue/items/0");
    }
    county.post(PATH, first("bonus", json!(1))).await.refused(400, "unknown_field");
    county.post(PATH, first("category", json!("religion"))).await.refused(400, "malformed_json");
    let empty = rule_set("2024-09-30", |catalogue| catalogue["items"] = json!([]));
    county.post(PATH, empty).await.refused(422, "invalid_field");
    let twice = rule_set("2024-09-30", |catalogue| {
        catalogue["items"][1]["key"] = catalogue["items"][0]["key"].clone();
    });
    county.post(PATH, twice).await.refused(422, "invalid_field");
    let boundless = first("points_min", json!(i64::MIN));
    county.post(PATH, boundless).await.refused(422, "invalid_field");
    county
        .post("/v1/regions/460205999/rule-sets", rule_set("2024-09-30", |_| ()))
        .await
        .refused(404, "not_found");
    assert_eq!(world.count("rule_sets").await, sets);
    county.post(PATH, rule_set("2024-09-30", |_| ())).await.ok();
    let other = rule_set("2024-09-30", |catalogue| catalogue["version"] = json!("2025.3"));
    county.post(PATH, other).await.refused(409, "id_taken");
}

#[actix_web::test]
async fn only_who_governs_the_region_publishes_there() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    let body = || rule_set("2024-09-30", |_| ());
    world.anybody().post(PATH, body()).await.refused(401, "token_missing");
    world.official("county", "440783").await.post(PATH, body()).await.refused(404, "not_found");
    world
        .official("township", "460205100")
        .await
        .post(PATH, body())
        .await
        .refused(403, "role_required");
    world.head(HERE, 1).await.post(PATH, body()).await.refused(403, "role_required");
    let township = world.official("township", "460205100").await;
    township.post("/v1/regions/460205100/rule-sets", body()).await.ok();
    township.post("/v1/regions/460205100/rule-sets", body()).await.refused(409, "id_taken");
}
