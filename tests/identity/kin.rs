use serde_json::{Value, json};
use uuid::Uuid;

use super::grants::person;
use crate::support::{FAR, HERE, NEXT, World, at, grid_of, head_id, household_id, new_id};

fn path() -> String {
    format!("/v1/villages/{HERE}/kin")
}

fn kin(person: Uuid, relative: Uuid, relation: &str) -> Value {
    json!({ "person": person, "relative": relative, "relation": relation })
}

fn confirmation(person: Uuid, relative: Uuid) -> String {
    format!("{}/{person}/{relative}/confirmation", path())
}

/// The other member of household `number` here.
async fn spouse(world: &World, number: usize) -> Uuid {
    let file = format!("/v1/villages/{HERE}/households/{}", household_id(HERE, number));
    let file = world.head(HERE, number).await.get(&file).await.ok();
    file["members"][1]["person"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

/// Declared by a villager, it counts once a member of the committee has confirmed it.
#[actix_web::test]
async fn kin_keep_out_of_each_others_matters_once_it_is_confirmed() {
    let world = World::begins(at("2024-08-27 08:00")).await;
    let county = world.official("county", "460205").await;
    let grant = json!({ "id": new_id(), "person": head_id(HERE, 3), "role": "panel" });
    county.post(&format!("/v1/regions/{HERE}/grants"), grant).await.ok();
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let claim = crate::support::claim(
        1,
        "con.land_give",
        json!({ "points_each": 10, "occurred_on": "2024-08-27",
            "consent": crate::support::consent(1), "evidence": [
            { "kind": "committee_record", "reference": "会议记录" },
            { "kind": "certificate", "reference": "让地协议" },
        ] }),
    );
    let claims = format!("/v1/villages/{HERE}/claims");
    world.head(HERE, 1).await.post(&claims, claim.clone()).await.ok();
    let reviews = format!("{claims}/{}/reviews", claim["id"].as_str().expect("an id"));
    worker.post(&reviews, json!({ "decision": "approve" })).await.ok();
    let declared = world
        .head(HERE, 1)
        .await
        .post(&path(), kin(head_id(HERE, 1), head_id(HERE, 3), "sibling"))
        .await
        .ok();
    assert_eq!(
        (&declared["confirmed"], &declared["relative_name"]),
        (&json!(false), &json!("董建国"))
    );
    let queue = format!("/v1/regions/{HERE}/review-queue");
    let panel = world.head(HERE, 3).await;
    assert_eq!(panel.get(&queue).await.ok()["count"], 1);
    let member = world.official("committee", HERE).await;
    // In either order of the two.
    let path = confirmation(head_id(HERE, 3), head_id(HERE, 1));
    let confirmed = member.post(&path, json!({})).await.ok();
    assert_eq!(confirmed["confirmed"], true);
    assert_eq!(panel.get(&queue).await.ok()["count"], 0);
    let reviews =
        format!("/v1/villages/{HERE}/claims/{}/reviews", claim["id"].as_str().expect("an id"));
    let review = json!({ "decision": "approve" });
    panel.post(&reviews, review).await.refused(403, "conflict_of_interest");
    let again = member.post(&path, json!({})).await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "confirmed");
    assert_eq!(world.count("audit_events WHERE action LIKE 'kin.%'").await, 2);
}

#[actix_web::test]
async fn a_relation_is_one_in_either_order() {
    let world = World::begins(at("2024-08-27 08:00")).await;
    let (one, two) = (head_id(HERE, 1), head_id(HERE, 2));
    let first = world.head(HERE, 1).await.post(&path(), kin(one, two, "parent")).await.ok();
    assert_eq!((&first["person"], &first["relation"]), (&json!(one), &json!("parent")));
    let other = world.head(HERE, 2).await;
    let second = other.post(&path(), kin(two, one, "child")).await.ok();
    assert_eq!((&second["person"], &second["relation"]), (&json!(two), &json!("child")));
    world.head(HERE, 1).await.post(&path(), kin(one, two, "parent")).await.ok();
    other.post(&path(), kin(two, one, "parent")).await.refused(409, "wrong_state");
    assert_eq!(world.count("kin").await, 1);
}

#[actix_web::test]
async fn a_villager_declares_for_their_own_household_only() {
    let world = World::begins(at("2024-08-27 08:00")).await;
    let head = world.head(HERE, 1).await;
    let (own, wife) = (head_id(HERE, 1), spouse(&world, 1).await);
    let neighbour = head_id(HERE, 2);
    head.post(&path(), kin(wife, neighbour, "sibling")).await.ok();
    for (body, status, code) in [
        (kin(neighbour, own, "sibling"), 403, "other_household"),
        (kin(own, own, "sibling"), 422, "invalid_field"),
        (kin(own, neighbour, "cousin"), 400, "malformed_json"),
        (kin(own, new_id(), "sibling"), 404, "not_found"),
        (kin(own, head_id(NEXT, 1), "sibling"), 404, "not_found"),
        (kin(own, head_id(FAR, 1), "sibling"), 404, "not_found"),
        (kin(head_id(NEXT, 1), own, "sibling"), 404, "not_found"),
    ] {
        head.post(&path(), body).await.refused(status, code);
    }
    let panel = world.official("panel", HERE).await;
    panel.post(&path(), kin(own, neighbour, "sibling")).await.refused(403, "role_required");
    let stranger = world.head(NEXT, 1).await;
    stranger.post(&path(), kin(own, neighbour, "sibling")).await.refused(404, "not_found");
    assert_eq!(world.count("kin").await, 1);
    assert_eq!(world.count("audit_events WHERE action LIKE 'kin.%'").await, 1);
}

/// Keeping out of a matter needs nobody's leave.
#[actix_web::test]
async fn what_an_official_declares_of_themself_counts_at_once() {
    let world = World::begins(at("2024-08-27 08:00")).await;
    let township = world.official("township", "460205100").await;
    let me = person(&township).await;
    let first = world.head(HERE, 2).await;
    // A waiting declaration of the other side becomes confirmed by the official's own.
    first.post(&path(), kin(head_id(HERE, 2), me, "child")).await.ok();
    for number in [1, 2] {
        let declared = township.post(&path(), kin(me, head_id(HERE, number), "parent")).await.ok();
        assert_eq!(declared["confirmed"], true);
    }
    assert_eq!(world.count("kin WHERE confirmed_by IS NOT NULL").await, 2);
}

#[actix_web::test]
async fn whoever_is_concerned_does_not_confirm() {
    let world = World::begins(at("2024-08-27 08:00")).await;
    let member = world.official("committee", HERE).await;
    let me = person(&member).await;
    let (one, two) = (head_id(HERE, 1), head_id(HERE, 2));
    let wife = spouse(&world, 1).await;
    world.head(HERE, 1).await.post(&path(), kin(one, two, "sibling")).await.ok();
    world.head(HERE, 3).await.post(&path(), kin(head_id(HERE, 3), me, "sibling")).await.ok();
    // One of the two.
    let own = confirmation(head_id(HERE, 3), me);
    member.post(&own, json!({})).await.refused(403, "conflict_of_interest");
    // Kin of somebody in the household of one of the two.
    member.post(&path(), kin(me, wife, "sibling")).await.ok();
    let path = confirmation(one, two);
    member.post(&path, json!({})).await.refused(403, "conflict_of_interest");
    for other in
        [world.official("panel", HERE).await, world.official("township", "460205100").await]
    {
        other.post(&path, json!({})).await.refused(403, "role_required");
    }
    assert_eq!(world.count("kin WHERE confirmed_at IS NOT NULL").await, 1);
    world.official("committee_2", HERE).await.post(&path, json!({})).await.ok();
    // A relation of nobody answers like one of elsewhere.
    let unknown = member.post(&confirmation(one, new_id()), json!({})).await;
    let foreign = member.post(&confirmation(one, head_id(FAR, 1)), json!({})).await;
    assert_eq!(
        unknown.refused(404, "not_found")["detail"],
        foreign.refused(404, "not_found")["detail"]
    );
}

#[actix_web::test]
async fn a_villager_reads_the_relatives_of_their_household_and_the_committee_all() {
    let world = World::begins(at("2024-08-27 08:00")).await;
    let ids = [1, 2, 3, 4].map(|number| head_id(HERE, number));
    world.head(HERE, 1).await.post(&path(), kin(ids[0], ids[1], "sibling")).await.ok();
    world.head(HERE, 3).await.post(&path(), kin(ids[2], ids[3], "parent")).await.ok();
    let seen = async |persona: &str, query: &str| {
        let page = world.persona(persona).await.get(&format!("{}{query}", path())).await.ok();
        page["items"].as_array().map(Vec::len).unwrap_or_default()
    };
    assert_eq!(seen(&format!("head {HERE} 1"), "").await, 1);
    assert_eq!(seen(&format!("head {HERE} 4"), "").await, 1);
    assert_eq!(seen(&format!("head {HERE} 5"), "").await, 0);
    assert_eq!(seen(&format!("panel {HERE}"), "").await, 0);
    assert_eq!(seen(&format!("committee {HERE}"), "").await, 2);
    assert_eq!(seen("county 460205", "?confirmed=false").await, 2);
    assert_eq!(seen("township 460205100", "?confirmed=true").await, 0);
    let committee = world.official("committee", HERE).await;
    let first = committee.get(&format!("{}?limit=1", path())).await.ok();
    let next = first["next_cursor"].as_str().expect("a cursor");
    let rest = committee.get(&format!("{}?limit=1&cursor={next}", path())).await.ok();
    assert_ne!(first["items"], rest["items"]);
    assert_eq!(rest.get("next_cursor"), None);
    let odd = format!("{}?limit=1&confirmed=true&cursor={next}", path());
    committee.get(&odd).await.refused(400, "invalid_cursor");
    world.head(NEXT, 1).await.get(&path()).await.refused(404, "not_found");
}
