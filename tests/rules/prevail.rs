use serde_json::{Value, json};

use super::{adopted, points_of, published, sets};
use crate::support::{HERE, NEXT, at, new_id};

/// A framework of the county, changed.
fn framework(day: &str, change: impl FnOnce(&mut Value)) -> Value {
    let catalogue = api::rules::builtin().expect("the catalogue");
    let mut catalogue = serde_json::to_value(catalogue).expect("JSON");
    catalogue["version"] = json!(new_id().to_string());
    change(&mut catalogue);
    json!({ "id": new_id(), "effective_on": day, "catalogue": catalogue })
}

/// Donations are worth at most this much from now on.
fn donations(most: i64) -> impl FnOnce(&mut Value) {
    move |catalogue| {
        let items = catalogue["items"].as_array_mut().expect("items");
        let donate = items.iter_mut().find(|item| item["key"] == "pub.donate").expect("the item");
        donate["points_max"] = json!(most);
    }
}

#[actix_web::test]
async fn a_villages_rules_outlive_a_newer_framework_that_they_fit() {
    let (world, path) = published(|_| ()).await;
    let county = world.official("county", "460205").await;
    county.post(&sets("460205"), framework("2024-12-30", donations(12))).await.ok();
    world.travel(at("2025-01-06 08:00")).await;
    assert_eq!(points_of(&world.anybody(), HERE, "pub.donate").await, Some(6));
    assert_eq!(world.anybody().get(&path).await.ok()["status"], "published");
    assert_eq!(world.count("inbox_items WHERE kind = 'rule_set_ended'").await, 0);
}

#[actix_web::test]
async fn a_newer_framework_prevails_over_rules_that_leave_it_and_the_committee_is_told_where() {
    let (world, path) = published(|_| ()).await;
    let county = world.official("county", "460205").await;
    let newer = framework("2024-12-30", donations(5));
    county.post(&sets("460205"), newer.clone()).await.ok();
    let set = world.anybody().get(&path).await.ok();
    assert_eq!((&set["status"], &set["ends_on"]), (&json!("published"), &json!("2024-12-30")));
    let committee = world.official("committee", HERE).await;
    let inbox = committee.get("/v1/me/inbox").await.ok();
    let notice = &inbox["items"][0];
    assert_eq!(notice["kind"], "rule_set_ended");
    let detail = notice["detail"].as_str().expect("a text");
    assert!(detail.contains("pub.donate default_points"), "{detail}");
    assert_eq!(world.count("inbox_items WHERE kind = 'rule_set_ended'").await, 3);
    assert_eq!(world.count("audit_events WHERE action = 'rule_set.end'").await, 1);
    world.travel(at("2024-12-29 08:00")).await;
    assert_eq!(points_of(&world.anybody(), HERE, "pub.donate").await, Some(6));
    world.travel(at("2024-12-30 00:00")).await;
    assert_eq!(points_of(&world.anybody(), HERE, "pub.donate").await, Some(2));
    let rules = world.anybody().get(&format!("/v1/villages/{HERE}/rules")).await.ok();
    assert_eq!(rules["rule_set"], newer["id"]);
    assert_eq!(world.anybody().get(&path).await.ok()["status"], "superseded");
}

#[actix_web::test]
async fn rules_that_have_not_begun_when_a_framework_ends_them_never_do() {
    let (world, path) = published(|_| ()).await;
    let county = world.official("county", "460205").await;
    county.post(&sets("460205"), framework("2024-09-30", donations(5))).await.ok();
    let set = world.anybody().get(&path).await.ok();
    assert_eq!(set["ends_on"], "2024-09-30");
    world.travel(at("2024-09-30 00:00")).await;
    assert_eq!(points_of(&world.anybody(), HERE, "pub.donate").await, Some(2));
}

#[actix_web::test]
async fn a_townships_framework_is_the_nearest_for_its_villages() {
    let (world, path) = published(|_| ()).await;
    let township = world.official("township", "460205100").await;
    township.post(&sets("460205100"), framework("2024-09-30", donations(11))).await.ok();
    // The county's no longer reaches them.
    let county = world.official("county", "460205").await;
    county.post(&sets("460205"), framework("2024-12-30", donations(5))).await.ok();
    world.travel(at("2025-01-06 08:00")).await;
    assert_eq!(points_of(&world.anybody(), HERE, "pub.donate").await, Some(6));
    assert_eq!(world.anybody().get(&path).await.ok().get("ends_on"), None);
    let rules = world.anybody().get(&format!("/v1/villages/{NEXT}/rules")).await.ok();
    let donate = rules["items"]
        .as_array()
        .expect("rules")
        .iter()
        .find(|rule| rule["key"] == "pub.donate")
        .expect("the rule")
        .clone();
    assert_eq!(donate["points_max"], 11);
}

#[actix_web::test]
async fn what_was_adopted_under_another_framework_is_not_published() {
    let (world, path) = adopted(|_| ()).await;
    let county = world.official("county", "460205").await;
    let newer = framework("2024-09-30", donations(9));
    county.post(&sets("460205"), newer.clone()).await.ok();
    let township = world.official("township", "460205100").await;
    let publication = format!("{path}/publication");
    let refused = township.post(&publication, json!({})).await.refused(409, "framework_changed");
    assert_eq!(refused["existing"], newer["id"]);
    assert_eq!(world.count(&format!("rule_sets WHERE region = '{HERE}'")).await, 0);
}

#[actix_web::test]
async fn rules_end_with_the_framework_that_is_already_published_for_a_later_day() {
    let (world, path) = adopted(|_| ()).await;
    let county = world.official("county", "460205").await;
    county.post(&sets("460205"), framework("2024-12-30", donations(5))).await.ok();
    let township = world.official("township", "460205100").await;
    let set = township.post(&format!("{path}/publication"), json!({})).await.ok();
    assert_eq!(set["ends_on"], "2024-12-30");
}

/// Neither looks past the other: whoever comes second sees what the first has published.
#[actix_web::test]
async fn a_framework_and_a_villages_rules_that_are_published_at_once_know_of_each_other() {
    let (world, path) = adopted(|_| ()).await;
    let county = world.official("county", "460205").await;
    let township = world.official("township", "460205100").await;
    let (frameworks, publication) = (sets("460205"), format!("{path}/publication"));
    let (framework, set) = futures::future::join(
        county.post(&frameworks, framework("2024-12-30", donations(5))),
        township.post(&publication, json!({})),
    )
    .await;
    assert_eq!((framework.status, set.status), (201, 201));
    assert_eq!(world.anybody().get(&path).await.ok()["ends_on"], "2024-12-30");
}

#[actix_web::test]
async fn a_framework_with_a_forbidden_item_is_refused_whole() {
    let (world, _) = adopted(|_| ()).await;
    let county = world.official("county", "460205").await;
    let study = framework("2024-09-30", |catalogue| {
        let items = catalogue["items"].as_array_mut().expect("items");
        let study = items.iter_mut().find(|item| item["key"] == "pat.online_study");
        study.expect("the item")["default_enabled"] = json!(true);
    });
    let refused = county.post(&sets("460205"), study).await.refused(422, "item_forbidden");
    let pointer = refused["errors"][0]["pointer"].as_str().expect("a pointer");
    assert!(pointer.ends_with("/default_enabled"), "{pointer}");
    let petition = framework("2024-09-30", |catalogue| {
        catalogue["items"][0]["name_zh"] = json!("无越级上访");
    });
    let refused = county.post(&sets("460205"), petition).await.refused(422, "item_forbidden");
    assert_eq!(refused["errors"][0]["code"], "petition");
    assert_eq!(world.count("rule_sets").await, 2);
}
