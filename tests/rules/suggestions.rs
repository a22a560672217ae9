use futures::future::join_all;
use serde_json::{Value, json};

use super::{consulted, draft, drafted, id_of, patrol, sets, vote};
use crate::support::{FAR, HERE, NEXT, World, at, household_id, new_id};

fn path() -> String {
    format!("/v1/villages/{HERE}/suggestions")
}

fn suggestion() -> Value {
    json!({ "id": new_id(), "text": "捐款捐物的分值可以高一些", "item": "pub.donate" })
}

async fn world() -> World {
    World::begins(at("2024-08-01 08:00")).await
}

#[actix_web::test]
async fn a_villager_suggests_and_reads_their_own_the_committee_reads_all() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let body = suggestion();
    let made = zhang.post(&path(), body.clone()).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert_eq!((&made["status"], &made["name"]), (&json!("open"), &json!("张守勤")));
    zhang.post(&path(), body).await.refused(409, "id_taken");
    world.head(HERE, 2).await.post(&path(), suggestion()).await.ok();
    let count = async |who: &crate::support::Actor, query: &str| {
        let listed = who.get(&format!("{}{query}", path())).await.ok();
        listed["items"].as_array().map(Vec::len)
    };
    assert_eq!(count(&zhang, "").await, Some(1));
    let committee = world.official("committee", HERE).await;
    assert_eq!(count(&committee, "").await, Some(2));
    assert_eq!(count(&committee, "?status=adopted").await, Some(0));
    assert_eq!(count(&world.official("panel", HERE).await, "").await, Some(0));
    world.head(NEXT, 1).await.get(&path()).await.refused(404, "not_found");
    committee.get(&format!("{}?status=x", path())).await.refused(400, "invalid_query");
    let page = committee.get(&format!("{}?limit=1", path())).await.ok();
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    assert_eq!(count(&committee, &format!("?limit=1&cursor={cursor}")).await, Some(1));
    zhang.get(&format!("{}?cursor={cursor}", path())).await.refused(400, "invalid_cursor");
}

#[actix_web::test]
async fn what_says_nothing_or_is_about_nothing_is_refused() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    for (name, value) in [
        ("text", json!(" \u{200b}")),
        ("text", json!("长".repeat(501))),
        ("item", json!("pub.none")),
    ] {
        let mut body = suggestion();
        body[name] = value;
        zhang.post(&path(), body).await.refused(422, "invalid_field");
    }
    world.head(FAR, 1).await.post(&path(), suggestion()).await.refused(404, "not_found");
    let township = world.official("township", "460205100").await;
    township.post(&path(), suggestion()).await.refused(403, "role_required");
    assert_eq!(world.count("suggestions").await, 0);
    let mut general = suggestion();
    general.as_object_mut().expect("an object").remove("item");
    zhang.post(&path(), general).await.ok();
}

#[actix_web::test]
async fn a_person_is_heard_ten_times_a_month() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let places = path();
    let sent = join_all((0..14).map(|_| zhang.post(&places, suggestion()))).await;
    assert_eq!(sent.iter().filter(|it| it.status == 201).count(), 10);
    let refused = zhang.post(&path(), suggestion()).await;
    assert!(refused.header("retry-after").is_some());
    refused.refused(429, "suggestion_limit");
    world.head(HERE, 2).await.post(&path(), suggestion()).await.ok();
    // August begins with the week of its first Thursday, September with Monday the second.
    world.travel(at("2024-09-02 00:00")).await;
    zhang.post(&path(), suggestion()).await.ok();
}

#[actix_web::test]
async fn the_committee_answers_once_and_the_author_is_told() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let body = suggestion();
    zhang.post(&path(), body.clone()).await.ok();
    let answer = format!("{}/{}/answer", path(), id_of(&body));
    let declined = json!({ "decision": "declined", "reason": "分值须在镇框架之内" });
    zhang.post(&answer, declined.clone()).await.refused(403, "role_required");
    let committee = world.official("committee", HERE).await;
    let blank = json!({ "decision": "declined", "reason": "\u{200b}" });
    committee.post(&answer, blank).await.refused(422, "reason_required");
    let answered = committee.post(&answer, declined.clone()).await.ok();
    assert_eq!(
        (&answered["status"], &answered["reason"]),
        (&json!("declined"), &declined["reason"])
    );
    let again = committee.post(&answer, declined.clone()).await.refused(409, "wrong_state");
    assert_eq!(again["current"], "declined");
    let inbox = zhang.get("/v1/me/inbox").await.ok();
    assert_eq!(inbox["items"][0]["kind"], "suggestion_declined");
    let unknown = format!("{}/{}/answer", path(), new_id());
    committee.post(&unknown, declined.clone()).await.refused(404, "not_found");
    let next = world.official("committee", NEXT).await;
    let theirs = answer.replace(HERE, NEXT);
    next.post(&theirs, declined).await.refused(404, "not_found");
    assert_eq!(world.count("audit_events WHERE action LIKE 'suggestion.%'").await, 2);
}

#[actix_web::test]
async fn nobody_answers_their_own_household() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let body = suggestion();
    zhang.post(&path(), body.clone()).await.ok();
    let answer = format!("{}/{}/answer", path(), id_of(&body));
    // A committee member turns out to belong to the household.
    let household = household_id(HERE, 1).simple().to_string();
    let household = match world.is_postgres() {
        true => format!("'{household}'"),
        false => format!("X'{household}'"),
    };
    let member = "SELECT person FROM accounts WHERE persona = 'committee 460205100201'";
    world
        .run(&format!(
            "INSERT INTO members (village, household, person, name, is_head, initials) \
             SELECT '{HERE}', {household}, ({member}), '官', FALSE, ''"
        ))
        .await;
    let committee = world.official("committee", HERE).await;
    let adopted = json!({ "decision": "adopted", "reason": "很好" });
    committee.post(&answer, adopted.clone()).await.refused(403, "conflict_of_interest");
    world.official("committee_2", HERE).await.post(&answer, adopted).await.ok();
}

#[actix_web::test]
async fn the_version_that_a_suggestion_brought_about_is_linked_to_it() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let (first, second) = (suggestion(), suggestion());
    zhang.post(&path(), first.clone()).await.ok();
    zhang.post(&path(), second.clone()).await.ok();
    let body = draft("2024-09-30", |it| it["suggestions"] = json!([first["id"], second["id"]]));
    let committee = world.official("committee", HERE).await;
    committee.post(&sets(HERE), body.clone()).await.ok();
    let set = format!("{}/{}", sets(HERE), id_of(&body));
    committee.post(&format!("{set}/consultation"), json!({ "days": 7 })).await.ok();
    // What is answered meanwhile stays as it was answered.
    let answer = format!("{}/{}/answer", path(), id_of(&second));
    let declined = json!({ "decision": "declined", "reason": "与上一条重复" });
    committee.post(&answer, declined).await.ok();
    world.travel(at("2024-08-12 08:00")).await;
    committee.post(&format!("{set}/adoption"), vote()).await.ok();
    let township = world.official("township", "460205100").await;
    township.post(&format!("{set}/publication"), json!({})).await.ok();
    let listed = zhang.get(&path()).await.ok();
    let of = |id: &Value| {
        let items = listed["items"].as_array().expect("suggestions");
        items.iter().find(|it| it["id"] == *id).expect("the suggestion").clone()
    };
    let adopted = of(&first["id"]);
    assert_eq!((&adopted["status"], &adopted["rule_set"]), (&json!("adopted"), &body["id"]));
    assert_eq!(of(&second["id"])["status"], "declined");
    assert_eq!(world.count("inbox_items WHERE kind = 'suggestion_adopted'").await, 1);
    // A suggestion that was answered is no reason for another draft.
    let again = draft("2024-12-30", |it| {
        it["version"] = json!("又一版");
        it["suggestions"] = json!([first["id"]]);
    });
    let refused = committee.post(&sets(HERE), again).await.refused(422, "invalid_field");
    assert_eq!(refused["errors"][0]["pointer"], "/draft/suggestions/0");
}

#[actix_web::test]
async fn villagers_speak_about_the_items_of_a_draft_that_they_are_asked_about() {
    let about = || {
        let mut body = suggestion();
        body["item"] = json!("pub.river_patrol");
        body
    };
    let (before, _) = drafted(|draft| draft["new_items"] = json!([patrol()])).await;
    let zhang = before.head(HERE, 1).await;
    zhang.post(&path(), about()).await.refused(422, "invalid_field");
    let (world, _) = consulted(|draft| draft["new_items"] = json!([patrol()])).await;
    world.head(HERE, 1).await.post(&path(), about()).await.ok();
}

#[actix_web::test]
async fn what_one_suggested_is_exported_and_forgotten() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    zhang.post(&path(), suggestion()).await.ok();
    let export = zhang.get("/v1/me/export").await.ok();
    assert_eq!(export["suggestions"][0]["text"], "捐款捐物的分值可以高一些");
    zhang.send(reqwest::Method::DELETE, "/v1/me", |it| it).await.ok();
    assert_eq!(world.count("suggestions WHERE text <> ''").await, 0);
}
