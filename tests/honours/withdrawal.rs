//! What becomes of an honour's points when it is withdrawn.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Committee, path, village};
use crate::support::{HERE, World, at, household_id, new_id};

fn claim_of(honour: &Value) -> Uuid {
    honour["claim"].as_str().and_then(|id| id.parse().ok()).expect("a claim")
}

/// The claim of an honour takes its way through panel and township.
async fn approve(world: &World, claim: Uuid) {
    world.approve(claim, &["panel"]).await;
    let township = world.official("township", "460205100").await;
    let reviews = village(&format!("/claims/{claim}/reviews"));
    township.post(&reviews, json!({ "decision": "approve" })).await.ok();
}

impl Committee {
    /// Proposed by one, decided by the other.
    async fn withdraw(&self, honour: &Value) -> Value {
        let body = json!({ "reason": "庭院长期堆放杂物", "plaque_returned": true });
        let proposed = self.first.post(&path(honour, "/withdrawal"), body).await.ok();
        assert!(proposed.get("withdrawn_points").is_none());
        let approve = json!({ "decision": "approve" });
        let done = self.second.post(&path(honour, "/decision"), approve).await.ok();
        assert_eq!(done["status"], "withdrawn");
        done
    }
}

async fn cumulative(world: &World) -> Value {
    let path = village(&format!("/households/{}/points", household_id(HERE, 1)));
    world.head(HERE, 1).await.get(&path).await.ok()["cumulative"].clone()
}

#[actix_web::test]
async fn until_they_are_confirmed_the_points_of_a_withdrawn_honour_go_with_it() {
    for (approved, when, fate, status, points) in [
        (false, "2024-08-21 09:00", "retracted", "withdrawn", 0),
        (true, "2024-08-21 09:00", "retracted", "withdrawn", 0),
        (true, "2024-08-26 00:00", "struck", "overturned", 0),
        (true, "2024-09-08 23:59", "struck", "overturned", 0),
        (true, "2024-09-09 00:00", "stand", "confirmed", 5),
    ] {
        let world = World::begins(at("2024-08-21 08:00")).await;
        let committee = Committee::of(&world).await;
        let granted = committee.grant(1, "honour.clean_household", "2024-07").await;
        let claim = claim_of(&granted);
        if approved {
            approve(&world, claim).await;
        }
        world.travel(at(when)).await;
        let done = committee.withdraw(&granted).await;
        assert_eq!(done["withdrawn_points"], fate, "{when}");
        let zhang = world.head(HERE, 1).await;
        let shown = zhang.get(&village(&format!("/claims/{claim}"))).await.ok();
        assert_eq!(shown["status"], status, "{when}");
        let told = zhang.get("/v1/me/inbox").await.ok()["items"][0].clone();
        assert_eq!(told["kind"], "honour_withdrawn");
        assert!(told["detail"].as_str().is_some_and(|it| it.contains("积分")), "{told}");
        assert_eq!(
            zhang.get(&village("/honours")).await.ok()["items"][0]["withdrawn_points"],
            fate
        );
        // Nothing comes after it.
        world.travel(at("2024-09-16 09:00")).await;
        assert_eq!(cumulative(&world).await, points, "{when}");
        world.verified().await;
    }
}

/// The township finds it on its register, with the entry that is to be reversed.
#[actix_web::test]
async fn confirmed_points_of_a_withdrawn_honour_are_put_before_the_township() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    let granted = committee.grant(1, "honour.clean_household", "2024-07").await;
    approve(&world, claim_of(&granted)).await;
    world.travel(at("2024-09-10 09:00")).await;
    assert_eq!(committee.withdraw(&granted).await["withdrawn_points"], "stand");
    let township = world.official("township", "460205100").await;
    let register = "/v1/regions/460205100/register?kind=honour_points_stand";
    let listed = township.get(register).await.ok();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    let line = &listed["items"][0]["subject"];
    assert_eq!(*line, granted["claim"]);
    let reversal = json!({ "id": new_id(), "line": line, "reason": "荣誉已撤销" });
    let proposed = township.post(&village("/reversals"), reversal).await.ok();
    assert_eq!((&proposed["status"], &proposed["points"]), (&json!("proposed"), &json!(5)));
    world.verified().await;
}

/// A list that has closed changes no more, also where one of its lines is not decided.
#[actix_web::test]
async fn a_contested_line_of_a_closed_list_is_left_to_who_decides_it() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    let granted = committee.grant(1, "honour.clean_household", "2024-07").await;
    approve(&world, claim_of(&granted)).await;
    world.travel(at("2024-09-08 09:00")).await;
    let objections = village("/public-lists/2024-08/lines/1/objections");
    let body = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
    world.head(HERE, 2).await.post(&objections, body).await.ok();
    world.travel(at("2024-09-10 09:00")).await;
    assert_eq!(committee.withdraw(&granted).await["withdrawn_points"], "stand");
    assert_eq!(world.count("claims WHERE status = 'scored'").await, 1);
    assert_eq!(world.count("register_entries WHERE kind = 'honour_points_stand'").await, 1);
    world.verified().await;
}

/// Struck on an objection, and given back on appeal by a line of its own.
#[actix_web::test]
async fn points_that_an_appeal_gave_back_stand_too() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    let granted = committee.grant(1, "honour.clean_household", "2024-07").await;
    approve(&world, claim_of(&granted)).await;
    world.travel(at("2024-09-03 09:00")).await;
    let objections = village("/public-lists/2024-08/lines/1/objections");
    let body = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
    let filed = world.head(HERE, 2).await.post(&objections, body).await.ok();
    let this = village(&format!("/objections/{}", filed["id"].as_str().expect("an id")));
    // Whoever granted the honour has filed its claim.
    let upheld = json!({ "decision": "upheld", "reason": "查过庭院" });
    committee.first.post(&format!("{this}/decision"), upheld).await.ok();
    assert_eq!(cumulative(&world).await, 0);
    let appeal = json!({ "id": new_id(), "reason": "请再看一次" });
    world.head(HERE, 1).await.post(&format!("{this}/appeal"), appeal).await.ok();
    // The township's official has reviewed the claim.
    let county = world.official("county", "460205").await;
    let dismissed = json!({ "decision": "dismissed", "reason": "庭院整洁" });
    county.post(&format!("{this}/appeal/decision"), dismissed).await.ok();
    assert_eq!(committee.withdraw(&granted).await["withdrawn_points"], "stand");
    assert_eq!(world.count("register_entries WHERE kind = 'honour_points_stand'").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn what_another_honour_in_force_earns_stays_until_that_is_withdrawn_too() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    world.earn(1, 30).await;
    world.travel(at("2024-08-26 08:00")).await;
    let first = committee.grant(1, "honour.civilised_family", "2024").await;
    let second = committee.grant(1, "honour.most_beautiful_family", "2024").await;
    assert_eq!(claim_of(&first), claim_of(&second));
    assert_eq!(committee.withdraw(&first).await["withdrawn_points"], "kept");
    assert_eq!(committee.withdraw(&second).await["withdrawn_points"], "retracted");
    let plain = committee.grant(1, "honour.beautiful_home", "2024").await;
    assert_eq!(committee.withdraw(&plain).await["withdrawn_points"], "nothing");
    world.verified().await;
}

/// `jifen verify` sees a claim that came back.
#[actix_web::test]
async fn a_claim_that_lives_on_after_its_honour_is_found() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    let granted = committee.grant(1, "honour.clean_household", "2024-07").await;
    assert_eq!(committee.withdraw(&granted).await["withdrawn_points"], "retracted");
    world.verified().await;
    world.run("UPDATE claims SET status = 'submitted' WHERE status = 'withdrawn'").await;
    let report = api::verify::verify(&world.app.db).await.expect("a report").to_string();
    assert!(report.contains("what a withdrawn honour earned went with it"), "{report}");
}
