use serde_json::json;

use super::{adopted, patrol, points_of, published, sets};
use crate::support::{HERE, NEXT, World, at, claim};

/// C44 and scenario 15: nothing changes within a quarter that has begun.
#[actix_web::test]
async fn an_adopted_set_takes_effect_with_the_quarter_for_its_village_alone() {
    let (world, path) = adopted(|draft| draft["new_items"] = json!([patrol()])).await;
    let township = world.official("township", "460205100").await;
    let publication = format!("{path}/publication");
    let set = township.post(&publication, json!({})).await.ok();
    assert_eq!(
        (&set["status"], &set["rule_count"], &set["effective_on"]),
        (&json!("published"), &json!(67), &json!("2024-09-30"))
    );
    let reader = world.anybody();
    world.travel(at("2024-09-29 23:59:59.999")).await;
    assert_eq!(points_of(&reader, HERE, "pub.donate").await, Some(2));
    assert_eq!(points_of(&reader, HERE, "pub.river_patrol").await, None);
    world.travel(at("2024-09-30 00:00")).await;
    assert_eq!(points_of(&reader, HERE, "pub.donate").await, Some(6));
    assert_eq!(points_of(&reader, HERE, "pub.river_patrol").await, Some(2));
    assert_eq!(points_of(&reader, NEXT, "pub.donate").await, Some(2));
    assert_eq!(world.count("inbox_items WHERE kind = 'rule_set_published'").await, 10);
    township.post(&publication, json!({})).await.refused(409, "wrong_state");
    world.verified().await;
}

/// Scenario 16.
#[actix_web::test]
async fn a_deed_counts_by_the_rules_of_its_day_whenever_it_is_approved() {
    let (world, _) = published(|_| ()).await;
    world.travel(at("2024-09-30 09:00")).await;
    let zhang = world.head(HERE, 1).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    let donation = |day: &str| {
        let evidence = json!([{ "kind": "certificate", "reference": "收据" }]);
        claim(1, "pub.donate", json!({ "occurred_on": day, "evidence": evidence }))
    };
    for (day, points) in [("2024-09-29", 2), ("2024-09-30", 6)] {
        let body = donation(day);
        assert_eq!(zhang.post(&claims, body.clone()).await.ok()["points"], points, "{day}");
        let id = body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        let worker = world.official("grid_worker", &format!("{HERE}001")).await;
        let reviews = format!("{claims}/{id}/reviews");
        worker.post(&reviews, json!({ "decision": "approve" })).await.ok();
        world.approve(id, &["panel"]).await;
    }
    world.travel(at("2024-10-07 00:00")).await;
    let entries = format!(
        "/v1/villages/{HERE}/households/{}/entries",
        claim(1, "", json!({}))["household"].as_str().expect("an id")
    );
    let entries = zhang.get(&entries).await.ok();
    let mut awarded: Vec<_> = entries["items"]
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|entry| entry["awarded"].as_i64())
        .collect();
    awarded.sort_unstable();
    assert_eq!(awarded, [2, 6]);
    world.verified().await;
}

/// C22: a rule that is switched off, one of another village, one that a newer version retired.
#[actix_web::test]
async fn a_rule_that_does_not_hold_here_today_is_refused() {
    let (world, _) = published(|draft| {
        draft["changes"] = json!([{ "key": "env.straw_pesticide", "enabled": false }]);
        draft["new_items"] = json!([patrol()]);
    })
    .await;
    let zhang = world.head(HERE, 1).await;
    let neighbour = world.head(NEXT, 1).await;
    let deed = async |rule: &str, day: &str| {
        let photo = world.photo(&zhang).await;
        let evidence = json!([{ "kind": "photo", "photo": photo }]);
        claim(1, rule, json!({ "occurred_on": day, "evidence": evidence }))
    };
    let claims = format!("/v1/villages/{HERE}/claims");
    let early = deed("pub.river_patrol", "2024-08-12").await;
    zhang.post(&claims, early).await.refused(422, "rule_not_in_force");
    world.travel(at("2024-10-01 09:00")).await;
    let off = deed("env.straw_pesticide", "2024-09-30").await;
    zhang.post(&claims, off).await.refused(422, "rule_not_in_force");
    zhang.post(&claims, deed("env.straw_pesticide", "2024-09-29").await).await.ok();
    zhang.post(&claims, deed("pub.river_patrol", "2024-09-30").await).await.ok();
    let mut theirs = deed("pub.river_patrol", "2024-09-30").await;
    theirs["household"] = json!(crate::support::household_id(NEXT, 1));
    let next = format!("/v1/villages/{NEXT}/claims");
    neighbour.post(&next, theirs).await.refused(422, "rule_not_in_force");
    // A version without the item retires it.
    world
        .run(&format!("UPDATE rule_sets SET ends_on = '2024-10-01' WHERE region = '{HERE}'"))
        .await;
    let retired = deed("pub.river_patrol", "2024-10-01").await;
    zhang.post(&claims, retired).await.refused(422, "rule_not_in_force");
}

#[actix_web::test]
async fn who_wrote_it_or_recorded_the_vote_does_not_publish_it() {
    let world = World::begins(at("2024-08-01 08:00")).await;
    let township = world.official("township", "460205100").await;
    let body = super::draft("2024-09-30", |_| ());
    township.post(&sets(HERE), body.clone()).await.ok();
    let path = format!("{}/{}", sets(HERE), super::id_of(&body));
    township.post(&format!("{path}/consultation"), json!({ "days": 7 })).await.ok();
    world.travel(at("2024-08-12 08:00")).await;
    let committee = world.official("committee", HERE).await;
    committee.post(&format!("{path}/adoption"), super::vote()).await.ok();
    let publication = format!("{path}/publication");
    township.post(&publication, json!({})).await.refused(403, "conflict_of_interest");
    assert_eq!(township.get(&path).await.ok()["allowed_actions"], json!(["withdraw"]));
    committee.post(&publication, json!({})).await.refused(403, "role_required");
    assert_eq!(world.count("rule_sets").await, 2);
    let sql = "UPDATE rule_drafts SET status = 'published', published_by = drafted_by";
    let written = world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, []).await?)).await;
    assert!(written.is_err(), "the database has four eyes too");
    let county = world.official("county", "460205").await;
    assert_eq!(county.get(&path).await.ok()["allowed_actions"], json!(["publish", "withdraw"]));
    county.post(&publication, json!({})).await.ok();
}

#[actix_web::test]
async fn it_takes_effect_no_earlier_than_was_voted_and_never_in_the_past() {
    let (world, path) = adopted(|_| ()).await;
    let township = world.official("township", "460205100").await;
    let publication = format!("{path}/publication");
    for day in ["2024-07-01", "2024-10-01", "2024-10-07"] {
        let body = json!({ "effective_on": day });
        township.post(&publication, body).await.refused(422, "invalid_field");
    }
    world.travel(at("2024-10-08 08:00")).await;
    township.post(&publication, json!({})).await.refused(422, "invalid_field");
    let set = township.post(&publication, json!({ "effective_on": "2024-12-30" })).await.ok();
    assert_eq!(set["effective_on"], "2024-12-30");
    assert_eq!(world.count("audit_events WHERE action = 'rule_set.publish'").await, 3);
}

#[actix_web::test]
async fn a_published_version_is_never_edited() {
    let (world, path) = published(|_| ()).await;
    for sql in [
        "UPDATE rules SET default_points = 9 WHERE key = 'pub.donate'",
        "DELETE FROM rules WHERE key = 'pub.donate'",
        "UPDATE rule_sets SET effective_on = '2024-07-01'",
        "UPDATE rule_sets SET entry_max = 1000",
        "UPDATE rule_drafts SET content = '{}'",
    ] {
        let written =
            world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, []).await?)).await;
        assert!(written.is_err(), "{sql}");
    }
    let committee = world.official("committee", HERE).await;
    let withdrawal = json!({ "reason": "不要了" });
    let late = committee.post(&format!("{path}/withdrawal"), withdrawal).await;
    assert_eq!(late.refused(409, "wrong_state")["current"], "published");
}

#[actix_web::test]
async fn a_version_is_superseded_when_the_next_takes_effect() {
    let (world, path) = published(|_| ()).await;
    let reader = world.anybody();
    let tag = reader.get(&path).await.header("etag").expect("an etag").to_owned();
    let second = super::draft("2024-12-30", |it| {
        it["version"] = json!("大罗村 2025-Q1");
        it["changes"][0]["default_points"] = json!(7);
    });
    let committee = world.official("committee", HERE).await;
    committee.post(&sets(HERE), second.clone()).await.ok();
    let next = format!("{}/{}", sets(HERE), super::id_of(&second));
    committee.post(&format!("{next}/consultation"), json!({ "days": 7 })).await.ok();
    world.travel(at("2024-08-21 08:00")).await;
    let mut vote = super::vote();
    vote["held_on"] = json!("2024-08-20");
    committee.post(&format!("{next}/adoption"), vote).await.ok();
    let township = world.official("township", "460205100").await;
    township.post(&format!("{next}/publication"), json!({})).await.ok();
    let first = reader.get(&path).await;
    assert_ne!(first.header("etag"), Some(tag.as_str()));
    let first = first.ok();
    assert_eq!((&first["status"], &first["ends_on"]), (&json!("published"), &json!("2024-12-30")));
    world.travel(at("2024-12-29 23:00")).await;
    assert_eq!(points_of(&reader, HERE, "pub.donate").await, Some(6));
    world.travel(at("2024-12-30 00:00")).await;
    assert_eq!(points_of(&reader, HERE, "pub.donate").await, Some(7));
    let listed = reader.get(&sets(HERE)).await.ok();
    let statuses: Vec<_> = listed["items"]
        .as_array()
        .expect("sets")
        .iter()
        .map(|set| (set["version"].as_str().unwrap_or(""), set["status"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(statuses, [("大罗村 2025-Q1", "published"), ("大罗村 2024-Q4", "superseded")]);
    let page = reader.get(&format!("{}?limit=1", sets(HERE))).await.ok();
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let rest = reader.get(&format!("{}?limit=1&cursor={cursor}", sets(HERE))).await.ok();
    assert_eq!(rest["items"][0]["version"], "大罗村 2024-Q4");
    let foreign = format!("{}?cursor={cursor}", sets(NEXT));
    reader.get(&foreign).await.refused(400, "invalid_cursor");
}

#[actix_web::test]
async fn two_who_publish_at_once_publish_once() {
    let (world, path) = adopted(|_| ()).await;
    let township = world.official("township", "460205100").await;
    let county = world.official("county", "460205").await;
    let publication = format!("{path}/publication");
    let (one, other) = futures::future::join(
        township.post(&publication, json!({})),
        county.post(&publication, json!({})),
    )
    .await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(world.count(&format!("rule_sets WHERE region = '{HERE}'")).await, 1);
    assert_eq!(world.count("rules").await, 66 * 3);
}
