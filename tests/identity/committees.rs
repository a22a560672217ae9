use serde_json::{Value, json};
use uuid::Uuid;

use super::grants::person;
use crate::support::{FAR, HERE, NEXT, World, at, head_id, household_id, new_id};

fn path(region: &str) -> String {
    format!("/v1/regions/{region}/committees")
}

fn body(kind: &str, numbers: &[usize]) -> Value {
    let member = |(index, number): (usize, &usize)| {
        let duty = if index == 0 { "chair" } else { "member" };
        json!({ "person": head_id(HERE, *number), "duty": duty })
    };
    json!({
        "id": new_id(), "kind": kind, "name": "梅西村积分监督管理委员会",
        "starts_on": "2024-08-01", "ends_on": "2025-08-01",
        "members": numbers.iter().enumerate().map(member).collect::<Vec<_>>(),
    })
}

/// Two persons become confirmed kin of each other.
async fn make_kin(world: &World, one: Uuid, other: Uuid) {
    let sql = "INSERT INTO kin (village, person, relative, confirmed_at) VALUES ($1, $2, $3, 0)";
    let done = world.app.db.write(async |tx| {
        let values: [sea_orm::Value; 3] = [HERE.into(), one.into(), other.into()];
        Ok(api::kernel::db::run(tx, sql, values).await?)
    });
    assert_eq!(done.await.expect("a row"), 1);
}

/// A seat is the role, from the founding to the end of the term.
#[actix_web::test]
async fn the_members_of_a_panel_review_for_its_term() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let new = body("panel", &[1, 2, 3]);
    let made = township.post(&path(HERE), new.clone()).await.ok();
    assert_eq!(made["members"].as_array().map(Vec::len), Some(3));
    assert_eq!((&made["state"], &made["starts_on"]), (&json!("in_force"), &json!("2024-08-01")));
    let queue = format!("/v1/regions/{HERE}/review-queue");
    world.head(HERE, 2).await.get(&queue).await.ok();
    let one = format!("{}/{}", path(HERE), made["id"].as_str().expect("an id"));
    let committee = world.official("committee", HERE).await;
    assert_eq!(committee.get(&one).await.ok(), made);
    assert_eq!(committee.get(&path(HERE)).await.ok()["items"], json!([made]));
    let grants = format!("/v1/regions/{HERE}/grants?person={}", head_id(HERE, 2));
    let grants = committee.get(&grants).await.ok();
    assert_eq!(grants["items"][0]["committee"], made["id"]);
    township.post(&path(HERE), new).await.refused(409, "id_taken");
    world.travel(at("2025-07-31 23:59")).await;
    world.head(HERE, 2).await.get(&queue).await.ok();
    world.travel(at("2025-08-01 00:00")).await;
    world.head(HERE, 2).await.get(&queue).await.refused(403, "role_required");
    assert_eq!(committee.get(&one).await.ok()["state"], "ended");
}

#[actix_web::test]
async fn one_may_join_during_the_term_and_leave_and_come_back() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let made = county.post(&path(HERE), body("committee", &[1, 2])).await.ok();
    let members = format!("{}/{}/members", path(HERE), made["id"].as_str().expect("an id"));
    let seat = |duty: &str| json!({ "person": head_id(HERE, 3), "duty": duty });
    county.post(&members, seat("chair")).await.refused(422, "invalid_field");
    let joined = county.post(&members, seat("secretary")).await.ok();
    assert_eq!(joined["members"].as_array().map(Vec::len), Some(3));
    county.post(&members, seat("member")).await.refused(409, "grant_exists");
    let kin = format!("/v1/villages/{HERE}/kin/{}/{}/confirmation", new_id(), new_id());
    let head = world.head(HERE, 3).await;
    head.post(&kin, json!({})).await.refused(404, "not_found");
    let departure = format!("{members}/{}/departure", head_id(HERE, 3));
    let left = county.post(&departure, json!({ "reason": "外出务工" })).await.ok();
    assert_eq!(left["members"][2]["state"], "ended");
    head.post(&kin, json!({})).await.refused(403, "role_required");
    let again = county.post(&departure, json!({ "reason": "外出务工" })).await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "ended");
    world.travel(at("2024-08-23 08:00")).await;
    county.post(&members, seat("member")).await.ok();
    head.post(&kin, json!({})).await.refused(404, "not_found");
    county.post(&departure, json!({ "reason": "外出务工" })).await.ok();
    head.post(&kin, json!({})).await.refused(403, "role_required");
    let unknown = format!("{members}/{}/departure", head_id(HERE, 9));
    county.post(&unknown, json!({ "reason": "不是成员" })).await.refused(404, "not_found");
    world.travel(at("2025-08-02 08:00")).await;
    county.post(&members, seat("member")).await.refused(409, "wrong_state");
}

/// Ending the grant of a seat ends the seat.
#[actix_web::test]
async fn a_seat_ends_with_its_grant() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let made = county.post(&path(HERE), body("panel", &[1, 2])).await.ok();
    let grants = format!("/v1/regions/{HERE}/grants");
    let held = county.get(&format!("{grants}?person={}", head_id(HERE, 2))).await.ok();
    let id = held["items"][0]["id"].as_str().expect("an id").to_owned();
    let end = format!("{grants}/{id}/termination");
    county.post(&end, json!({ "reason": "辞去" })).await.ok();
    let one = format!("{}/{}", path(HERE), made["id"].as_str().expect("an id"));
    let seen = county.get(&one).await.ok();
    let states: Vec<_> = seen["members"].as_array().expect("members").iter().collect();
    assert!(states.iter().any(|it| it["state"] == "ended"));
    assert!(states.iter().any(|it| it["state"] == "in_force"));
}

#[actix_web::test]
async fn a_committee_that_breaks_a_rule_is_refused_whole() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut new = body("committee", &[1, 2]);
        change(&mut new);
        new
    };
    let me = person(&county).await;
    let before = world.count("grants").await;
    for (new, status, code) in [
        (with(&|it| it["members"] = json!([])), 422, "invalid_field"),
        (with(&|it| it["members"][0]["duty"] = json!("member")), 422, "invalid_field"),
        (with(&|it| it["members"][1]["duty"] = json!("chair")), 422, "invalid_field"),
        (with(&|it| it["members"][1]["duty"] = json!("king")), 400, "malformed_json"),
        (with(&|it| it["members"][1]["person"] = json!(head_id(HERE, 1))), 422, "invalid_field"),
        (with(&|it| it["members"][1]["person"] = json!(me)), 403, "conflict_of_interest"),
        (with(&|it| it["members"][1]["person"] = json!(new_id())), 404, "not_found"),
        (with(&|it| it["ends_on"] = json!("2029-08-02")), 422, "invalid_field"),
        (with(&|it| it["ends_on"] = json!("2024-08-21")), 422, "invalid_field"),
        (with(&|it| it["name"] = json!("\u{200b}")), 422, "invalid_field"),
        (with(&|it| it["kind"] = json!("clerk")), 400, "malformed_json"),
        (body("committee", &[1; 16]), 422, "invalid_field"),
    ] {
        county.post(&path(HERE), new).await.refused(status, code);
    }
    county.post(&path("460205100"), body("panel", &[1])).await.refused(422, "invalid_field");
    county.post(&path(FAR), body("panel", &[1])).await.refused(404, "not_found");
    let clerk = world.official("clerk", HERE).await;
    clerk.post(&path(HERE), body("panel", &[1])).await.refused(403, "role_required");
    clerk.get(&path(HERE)).await.refused(403, "role_required");
    assert_eq!(world.count("grants").await, before);
    assert_eq!(world.count("committees").await + world.count("committee_members").await, 0);
    assert_eq!(world.count("audit_events WHERE action = 'committee.create'").await, 0);
}

/// No near relatives on the supervising body, nor of those it watches.
#[actix_web::test]
async fn near_relatives_do_not_supervise_each_other() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    make_kin(&world, head_id(HERE, 2), head_id(HERE, 1)).await;
    let grants = format!("/v1/regions/{HERE}/grants");
    let grant = |number: usize, role: &str| json!({ "id": new_id(), "person": head_id(HERE, number), "role": role });
    county.post(&path(HERE), body("committee", &[1, 2])).await.refused(422, "near_relatives");
    assert_eq!(world.count("committees").await, 0, "nobody has a seat of a refused committee");
    // Of one household.
    let sql = "UPDATE members SET person = $1 WHERE household = $2 AND NOT is_head";
    let values: [sea_orm::Value; 2] = [head_id(HERE, 4).into(), household_id(HERE, 3).into()];
    let done =
        world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, values.clone()).await?));
    assert_eq!(done.await.expect("a change"), 1);
    county.post(&path(HERE), body("committee", &[3, 4])).await.refused(422, "near_relatives");
    // A panel may hold relatives; whoever supervises it may not be one of theirs, nor one of it.
    county.post(&path(HERE), body("panel", &[1, 2])).await.ok();
    county.post(&grants, grant(4, "clerk")).await.ok();
    for (number, role) in [(1, "committee"), (3, "committee"), (4, "committee")] {
        county.post(&grants, grant(number, role)).await.refused(422, "near_relatives");
    }
    county.post(&path(HERE), body("committee", &[5, 3])).await.refused(422, "near_relatives");
    let made = county.post(&path(HERE), body("committee", &[5, 6])).await.ok();
    make_kin(&world, head_id(HERE, 7), head_id(HERE, 5)).await;
    for role in ["panel", "clerk"] {
        county.post(&grants, grant(7, role)).await.refused(422, "near_relatives");
    }
    let members = format!("{}/{}/members", path(HERE), made["id"].as_str().expect("an id"));
    let seat = json!({ "person": head_id(HERE, 7), "duty": "member" });
    county.post(&members, seat).await.refused(422, "near_relatives");
    let worker = json!({ "id": new_id(), "person": head_id(HERE, 7), "role": "grid_worker" });
    county.post(&format!("/v1/regions/{HERE}001/grants"), worker).await.ok();
}

/// An official gives nothing to their own kin.
#[actix_web::test]
async fn nobody_appoints_a_near_relative() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    make_kin(&world, person(&township).await, head_id(HERE, 1)).await;
    let grant = json!({ "id": new_id(), "person": head_id(HERE, 1), "role": "clerk" });
    let path = format!("/v1/regions/{HERE}/grants");
    township.post(&path, grant.clone()).await.refused(403, "conflict_of_interest");
    world.official("county", "460205").await.post(&path, grant).await.ok();
}

#[actix_web::test]
async fn committees_of_elsewhere_are_not_there() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let far = world.official("county", "440783").await;
    let mut foreign = body("panel", &[1]);
    foreign["members"][0]["person"] = json!(head_id(FAR, 1));
    let foreign = far.post(&path(FAR), foreign).await.ok();
    let county = world.official("county", "460205").await;
    let mut details = Vec::new();
    for id in [foreign["id"].as_str().expect("an id").to_owned(), new_id().to_string()] {
        let one = format!("{}/{id}", path(HERE));
        let seat = json!({ "person": head_id(HERE, 1), "duty": "member" });
        let departure = format!("{one}/members/{}/departure", head_id(FAR, 1));
        details.push([
            county.get(&one).await.refused(404, "not_found")["detail"].clone(),
            county.post(&format!("{one}/members"), seat).await.refused(404, "not_found")["detail"]
                .clone(),
            county.post(&departure, json!({ "reason": "无" })).await.refused(404, "not_found")
                ["detail"]
                .clone(),
        ]);
    }
    assert_eq!(details[0], details[1]);
    // The same id in two regions is two committees.
    let mut same = body("panel", &[1]);
    same["id"] = foreign["id"].clone();
    let same = county.post(&path(HERE), same).await.ok();
    assert_eq!(same["members"].as_array().map(Vec::len), Some(1));
    county.get(&path(NEXT)).await.ok();
    world.official("committee", HERE).await.get(&path(NEXT)).await.refused(404, "not_found");
}
