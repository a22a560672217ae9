use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Actor, FAR, HERE, NEXT, World, at, head_id, new_id};

pub async fn person(actor: &Actor) -> Uuid {
    let me = actor.get("/v1/me").await.ok();
    me["person"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

fn grants(region: &str) -> String {
    format!("/v1/regions/{region}/grants")
}

fn grant(person: Uuid, role: &str) -> Value {
    json!({ "id": new_id(), "person": person, "role": role })
}

fn termination(region: &str, grant: &Value) -> String {
    let id = grant["id"].as_str().expect("an id");
    format!("{}/{id}/termination", grants(region))
}

fn reason() -> Value {
    json!({ "reason": "工作调动" })
}

/// The grant by which somebody holds a role.
async fn held(by: &Actor, region: &str, person: Uuid) -> Value {
    let page = by.get(&format!("{}?person={person}", grants(region))).await.ok();
    page["items"][0].clone()
}

/// Roles are read fresh: in with the next request, and out with the next request.
#[actix_web::test]
async fn a_panel_member_reviews_from_the_appointment_to_its_end() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let head = world.head(HERE, 3).await;
    let queue = format!("/v1/regions/{HERE}/review-queue");
    head.get(&queue).await.refused(403, "role_required");
    let given = township.post(&grants(HERE), grant(head_id(HERE, 3), "panel")).await.ok();
    assert_eq!((&given["state"], &given["starts_on"]), (&json!("in_force"), &json!("2024-08-21")));
    head.get(&queue).await.ok();
    assert_eq!(head.get("/v1/me").await.ok()["grants"][0]["role"], "panel");
    let ended = township.post(&termination(HERE, &given), reason()).await.ok();
    assert_eq!(ended["state"], "ended");
    head.get(&queue).await.refused(403, "role_required");
    let again = township.post(&termination(HERE, &given), reason()).await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "ended");
    assert_eq!(world.count("audit_events WHERE action LIKE 'grant.%'").await, 2);
}

#[actix_web::test]
async fn a_grant_for_later_begins_and_ends_on_its_days() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let mut body = grant(head_id(HERE, 3), "clerk");
    body["starts_on"] = json!("2024-09-02");
    body["ends_on"] = json!("2024-09-05");
    assert_eq!(county.post(&grants(HERE), body).await.ok()["state"], "coming");
    let roles = async |now: &str| {
        world.travel(at(now)).await;
        let me = world.head(HERE, 3).await.get("/v1/me").await.ok();
        me["grants"].as_array().map(Vec::len).unwrap_or_default()
    };
    assert_eq!(roles("2024-09-01 23:59:59.999").await, 0);
    assert_eq!(roles("2024-09-02 00:00").await, 1);
    assert_eq!(roles("2024-09-04 23:59:59.999").await, 1);
    assert_eq!(roles("2024-09-05 00:00").await, 0);
}

/// C103: a role above one's own, oneself, the last administrator, and an unknown role.
#[actix_web::test]
async fn nobody_grants_above_themself_or_to_themself_or_ends_the_last_administrator() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let township = world.official("township", "460205100").await;
    let (county_person, township_person) = (person(&county).await, person(&township).await);
    let before = world.count("grants").await;
    let head = head_id(HERE, 3);
    let t = "460205100";
    for (by, region, body, status, code) in [
        (&township, t, grant(head, "county"), 403, "role_above_own"),
        (&township, "460205", grant(head, "county"), 403, "role_required"),
        (&township, HERE, grant(township_person, "panel"), 403, "conflict_of_interest"),
        (&county, "460205", grant(county_person, "county"), 403, "conflict_of_interest"),
        (&county, t, grant(head, "root"), 400, "malformed_json"),
        (&county, t, grant(head, "panel"), 422, "invalid_field"),
        (&county, HERE, grant(head, "township"), 422, "invalid_field"),
        (&county, HERE, grant(head, "grid_worker"), 422, "invalid_field"),
        (&county, HERE, grant(new_id(), "panel"), 404, "not_found"),
        (&county, "460205999", grant(head, "township"), 404, "not_found"),
        (&county, FAR, grant(head, "panel"), 404, "not_found"),
        (&township, FAR, grant(head, "panel"), 404, "not_found"),
    ] {
        by.post(&grants(region), body).await.refused(status, code);
    }
    let last = held(&county, "460205", county_person).await;
    let refused = county.post(&termination("460205", &last), reason()).await;
    refused.refused(409, "last_admin");
    let township_held = held(&county, "460205", township_person).await;
    township.post(&termination("460205", &last), reason()).await.refused(403, "role_required");
    township.post(&termination(t, &last), reason()).await.refused(404, "not_found");
    assert_eq!(township_held["role"], "township");
    assert_eq!(world.count("grants").await, before);
    assert_eq!(world.count("grants WHERE ends_at IS NOT NULL").await, 0);
    assert_eq!(world.count("audit_events WHERE action LIKE 'grant.%'").await, 0);
}

#[actix_web::test]
async fn a_grant_whose_days_kind_or_reason_do_not_fit_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let before = world.count("grants").await;
    let with = |name: &str, value: Value| {
        let mut body = grant(head_id(HERE, 3), "panel");
        body[name] = value;
        body
    };
    for (body, status, code) in [
        (with("starts_on", json!("2024-08-20")), 422, "invalid_field"),
        (with("ends_on", json!("2024-08-21")), 422, "invalid_field"),
        (with("ends_on", json!("2200-01-01")), 422, "invalid_field"),
        (with("starts_on", json!("2024-02-30")), 400, "malformed_json"),
        (with("kind", json!("full_time")), 422, "invalid_field"),
        (with("kind", json!("casual")), 400, "malformed_json"),
        (with("id", json!(Uuid::nil())), 422, "invalid_field"),
        (with("region", json!(HERE)), 400, "unknown_field"),
    ] {
        county.post(&grants(HERE), body).await.refused(status, code);
    }
    assert_eq!(world.count("grants").await, before);
    let given = county.post(&grants(HERE), grant(head_id(HERE, 3), "panel")).await.ok();
    for (body, status, code) in [
        (json!({ "reason": "" }), 422, "invalid_field"),
        (json!({ "reason": "\u{200b}" }), 422, "reason_required"),
        (json!({}), 400, "malformed_json"),
    ] {
        county.post(&termination(HERE, &given), body).await.refused(status, code);
    }
    let twice = county.post(&grants(HERE), grant(head_id(HERE, 3), "panel")).await;
    assert_eq!(twice.refused(409, "grant_exists")["existing"], given["id"]);
    let mut taken = grant(head_id(HERE, 4), "panel");
    taken["id"] = given["id"].clone();
    county.post(&grants(HERE), taken).await.refused(409, "id_taken");
    assert_eq!(world.count("grants").await, before + 1);
    assert_eq!(world.count("grants WHERE ends_at IS NOT NULL").await, 0);
}

#[actix_web::test]
async fn a_grant_sent_twice_is_given_once() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let body = grant(head_id(HERE, 3), "panel");
    let first = county.post_as("k", &grants(HERE), body.clone()).await;
    let second = county.post_as("k", &grants(HERE), body).await;
    assert!(!first.is_replay() && second.is_replay());
    assert_eq!(first.ok(), second.ok());
    assert_eq!(world.count("grants WHERE granted_by IS NOT NULL").await, 1);
}

#[actix_web::test]
async fn of_two_who_appoint_the_same_person_at_once_one_does() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let township = world.official("township", "460205100").await;
    let path = grants(HERE);
    let one = county.post(&path, grant(head_id(HERE, 3), "panel"));
    let two = township.post(&path, grant(head_id(HERE, 3), "panel"));
    let (one, two) = futures::join!(one, two);
    let mut found = [one.status, two.status];
    found.sort_unstable();
    assert_eq!(found, [201, 409]);
    assert_eq!(world.count("grants WHERE granted_by IS NOT NULL").await, 1);
}

/// Two administrators of one county, each with the other's grant.
async fn two_administrators(world: &World) -> [(Actor, Value); 2] {
    let first = world.official("county", "460205").await;
    let second = world.head(HERE, 3).await;
    let given = first.post(&grants("460205"), grant(head_id(HERE, 3), "county")).await.ok();
    let other = held(&second, "460205", person(&first).await).await;
    [(first, given), (second, other)]
}

/// One after the other, in either order.
#[actix_web::test]
async fn of_two_administrators_the_one_who_is_left_stays() {
    for turned in [false, true] {
        let world = World::begins(at("2024-08-21 08:00")).await;
        let mut both = two_administrators(&world).await;
        if turned {
            both.reverse();
        }
        let [(first, others), (second, firsts)] = &both;
        first.post(&termination("460205", others), reason()).await.ok();
        let out = second.post(&termination("460205", firsts), reason()).await;
        out.refused(
            if turned { 404 } else { 403 },
            if turned { "not_found" } else { "role_required" },
        );
        first.post(&termination("460205", firsts), reason()).await.refused(409, "last_admin");
        let left = "grants WHERE role = 'county' AND region = '460205' AND ends_at IS NULL";
        assert_eq!(world.count(left).await, 1);
    }
}

/// Whatever interleaving, the county keeps one.
#[actix_web::test]
async fn two_administrators_cannot_end_each_other_at_once() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    for _ in 0..5 {
        let [(first, others), (second, firsts)] = two_administrators(&world).await;
        let (first_path, second_path) =
            (termination("460205", &others), termination("460205", &firsts));
        let (one, two) =
            futures::join!(first.post(&first_path, reason()), second.post(&second_path, reason()));
        assert!(one.status == 200 || two.status == 200, "{one:?} {two:?}");
        let left = "grants WHERE role = 'county' AND region = '460205' AND ends_at IS NULL";
        assert_eq!(world.count(left).await, 1);
        if one.status != 200 {
            break;
        }
    }
}

#[actix_web::test]
async fn those_above_and_the_committee_see_who_holds_what() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = world.official("committee", HERE).await;
    let seen = committee.get(&grants(HERE)).await.ok();
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(9), "seven offices, two grids");
    let panel = committee.get(&format!("{}?role=panel", grants(HERE))).await.ok();
    assert_eq!(panel["items"].as_array().map(Vec::len), Some(2));
    let all = world.official("county", "460205").await.get(&grants("460205")).await.ok();
    assert_eq!(all["items"].as_array().map(Vec::len), Some(20), "two villages and two above");
    let ended = committee.get(&format!("{}?ended=true", grants(HERE))).await.ok();
    assert_eq!(ended["items"], json!([]));
    let (mut ids, mut next) = (Vec::new(), String::new());
    loop {
        let page = committee.get(&format!("{}?limit=4{next}", grants(HERE))).await.ok();
        ids.extend(page["items"].as_array().expect("items").iter().map(|it| it["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    let expected = seen["items"].as_array().expect("items").iter().map(|it| it["id"].clone());
    assert_eq!(ids, expected.collect::<Vec<_>>());
    committee
        .get(&format!("{}?limit=4&role=panel{next}", grants(HERE)))
        .await
        .refused(400, "invalid_cursor");
    committee.get(&format!("{}?role=root", grants(HERE))).await.refused(400, "invalid_query");
    committee.get(&format!("{}?ended=maybe", grants(HERE))).await.refused(400, "invalid_query");
    committee.get(&grants(NEXT)).await.refused(404, "not_found");
    for other in [world.head(HERE, 1).await, world.official("clerk", HERE).await] {
        other.get(&grants(HERE)).await.refused(403, "role_required");
        let body = grant(head_id(HERE, 3), "panel");
        other.post(&grants(HERE), body).await.refused(403, "role_required");
    }
}

/// C101, and ids of elsewhere: a grant of another county answers as one that does not exist.
#[actix_web::test]
async fn grants_of_elsewhere_are_not_there() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let far = world.official("county", "440783").await;
    let far_person = person(&far).await;
    let foreign = held(&far, "440783", far_person).await;
    let unknown = json!({ "id": new_id() });
    let one =
        county.post(&termination("460205", &foreign), reason()).await.refused(404, "not_found");
    let two =
        county.post(&termination("460205", &unknown), reason()).await.refused(404, "not_found");
    assert_eq!((&one["detail"], &one["title"]), (&two["detail"], &two["title"]));
    let seen = county.get(&format!("{}?person={far_person}", grants("460205"))).await.ok();
    assert_eq!(seen["items"], json!([]));
    county.get(&grants("440783")).await.refused(404, "not_found");
    county.get(&grants("460999")).await.refused(404, "not_found");
}
