mod difference;
mod drafts;
mod frameworks;
mod prevail;
mod publication;
mod suggestions;
mod votes;

use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, at, new_id};

/// Where a village's rule sets are.
fn sets(village: &str) -> String {
    format!("/v1/regions/{village}/rule-sets")
}

/// A village's draft that sets `pub.donate` to 6 points, changed.
fn draft(effective_on: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut body = json!({
        "id": new_id(),
        "effective_on": effective_on,
        "draft": {
            "version": "大罗村 2024-Q4",
            "changes": [{ "key": "pub.donate", "default_points": 6 }],
        },
    });
    change(&mut body["draft"]);
    body
}

/// An item of a village's own.
pub fn patrol() -> Value {
    json!({
        "key": "pub.river_patrol",
        "category": "public_welfare",
        "name_zh": "参加河道巡护",
        "name_en": "Patrols the river",
        "direction": "bonus",
        "points_min": 2, "points_max": 3, "default_points": 2,
        "unit": "per_person_time",
        "counted_per": "household",
        "evidence": ["photo"],
        "cap": { "period": "month", "max_times": 2, "max_points": 6 },
        "source": "claim",
    })
}

fn id_of(body: &Value) -> String {
    body["id"].as_str().expect("an id").to_owned()
}

/// The world on the first of August, with a draft of the committee here.
async fn drafted(change: impl FnOnce(&mut Value)) -> (World, String) {
    let world = World::begins(at("2024-08-01 08:00")).await;
    let body = draft("2024-09-30", change);
    world.official("committee", HERE).await.post(&sets(HERE), body.clone()).await.ok();
    (world, format!("{}/{}", sets(HERE), id_of(&body)))
}

/// As [`drafted`], and the village has read it for seven days.
async fn consulted(change: impl FnOnce(&mut Value)) -> (World, String) {
    let (world, path) = drafted(change).await;
    let committee = world.official("committee", HERE).await;
    committee.post(&format!("{path}/consultation"), json!({ "days": 7 })).await.ok();
    world.travel(at("2024-08-12 08:00")).await;
    (world, path)
}

/// A vote of the ten households' delegates that carries.
fn vote() -> Value {
    json!({
        "id": new_id(), "held_on": "2024-08-10", "electorate": "household_delegates",
        "present": 8, "in_favour": 7, "against": 1, "minutes": "村民会议记录 2024-08-10",
    })
}

/// As [`consulted`], and the village has voted for it.
async fn adopted(change: impl FnOnce(&mut Value)) -> (World, String) {
    let (world, path) = consulted(change).await;
    let committee = world.official("committee", HERE).await;
    let voted = committee.post(&format!("{path}/adoption"), vote()).await.ok();
    assert_eq!(voted["carried"], true);
    (world, path)
}

/// As [`adopted`], and the township has published it for the fourth quarter.
pub async fn published(change: impl FnOnce(&mut Value)) -> (World, String) {
    let (world, path) = adopted(change).await;
    let township = world.official("township", "460205100").await;
    township.post(&format!("{path}/publication"), json!({})).await.ok();
    (world, path)
}

/// The usual points of a rule in the village's list of rules.
async fn points_of(reader: &Actor, village: &str, key: &str) -> Option<i64> {
    let rules = reader.get(&format!("/v1/villages/{village}/rules")).await.ok();
    let rules = rules["items"].as_array().expect("rules").clone();
    rules.iter().find(|rule| rule["key"] == key).and_then(|rule| rule["default_points"].as_i64())
}

/// The places and codes that a refusal names.
fn errors(refused: &Value) -> Vec<(String, String)> {
    let text = |it: &Value, name: &str| it[name].as_str().expect("a text").to_owned();
    let errors = refused["errors"].as_array().expect("errors");
    errors.iter().map(|it| (text(it, "pointer"), text(it, "code"))).collect()
}
