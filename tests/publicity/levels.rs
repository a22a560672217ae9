//! Who decides: seven days each, whoever is able, and in the end time itself.

use serde_json::json;

use super::{
    county, decided, declare_kin, has, inbox, look, object, points, published, story, township,
    verdict,
};
use crate::support::{Actor, HERE, World, at};

async fn lies(who: &Actor, objection: &str) -> (String, String) {
    let seen = who.get(objection).await.ok();
    let text = |name: &str| seen[name].as_str().unwrap_or_default().to_owned();
    (text("lies_with"), text("lies_until"))
}

async fn may_decide(who: &Actor, objection: &str) -> bool {
    let seen = who.get(objection).await.ok();
    let actions = seen["allowed_actions"].as_array().expect("actions");
    actions.iter().any(|action| action == "decide")
}

#[actix_web::test]
async fn after_seven_days_it_goes_to_the_township_then_to_the_county() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    let decision = format!("{objection}/decision");
    let committee = world.official("committee", HERE).await;
    let (township, county) = (township(&world).await, county(&world).await);
    let bodies = [(&committee, "committee"), (&township, "township"), (&county, "county")];
    for (now, body, until) in [
        ("2024-09-03 10:00", "committee", "2024-09-10T10:00:00.000+08:00"),
        ("2024-09-10 09:59:59.999", "committee", "2024-09-10T10:00:00.000+08:00"),
        ("2024-09-10 10:00", "township", "2024-09-17T10:00:00.000+08:00"),
        ("2024-09-17 09:59:59.999", "township", "2024-09-17T10:00:00.000+08:00"),
        ("2024-09-17 10:00", "county", "2024-09-24T10:00:00.000+08:00"),
        ("2024-09-24 09:59:59.999", "county", "2024-09-24T10:00:00.000+08:00"),
    ] {
        world.travel(at(now)).await;
        for (who, name) in bodies {
            assert_eq!(lies(who, &objection).await, (body.to_owned(), until.to_owned()), "{now}");
            assert_eq!(may_decide(who, &objection).await, name == body, "{name} at {now}");
            if name != body {
                who.post(&decision, verdict("dismissed")).await.refused(403, "role_required");
            }
        }
    }
    county.post(&decision, verdict("dismissed")).await.ok();
    assert_eq!(points(&world, 1).await, (0, 30));
    world.verified().await;
}

#[actix_web::test]
async fn what_nobody_decides_in_three_weeks_lapses_and_the_line_stands() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    world.travel(at("2024-09-24 09:59:59.999")).await;
    assert_eq!(points(&world, 1).await, (30, 0));
    world.travel(at("2024-09-24 10:00")).await;
    assert_eq!(points(&world, 1).await, (0, 30));
    let seen = county(&world).await.get(&objection).await.ok();
    assert_eq!(seen["status"], "final");
    assert_eq!(seen["lapsed_at"], "2024-09-24T10:00:00.000+08:00");
    assert_eq!((&seen["decision"], &seen["lies_with"]), (&json!(null), &json!(null)));
    for who in [world.official("committee", HERE).await, county(&world).await] {
        let late = who.post(&format!("{objection}/decision"), verdict("upheld")).await;
        let current = late.refused(409, "wrong_state")["current"].clone();
        assert_eq!(current, "final");
    }
    let lines = format!("/v1/villages/{HERE}/public-lists/2024-08/lines");
    let line = world.anybody().get(&lines).await.ok()["items"][0].clone();
    assert_eq!(line["status"], "upheld");
    assert_eq!(line["decided_at"], "2024-09-24T10:00:00.000+08:00");
    let register = format!("/v1/regions/{HERE}/register?kind=lapsed_objection");
    let register = township(&world).await.get(&register).await.ok();
    assert_eq!(register["items"].as_array().map(Vec::len), Some(1));
    assert!(has(&inbox(&world.head(HERE, 3).await).await, "objection_lapsed"));
    assert!(has(&inbox(&world.head(HERE, 1).await).await, "line_decided"));
    world.verified().await;
}

/// Of two objections one lessens the line and the other lapses: what is left stands.
#[actix_web::test]
async fn a_lapse_gives_nothing_back_that_another_decision_took() {
    let world = published().await;
    let (first, _second) = (object(&world, 3, 1).await, object(&world, 4, 1).await);
    let committee = world.official("committee", HERE).await;
    let amended = json!({ "decision": "amended", "points": 12, "reason": "核减" });
    committee.post(&format!("{first}/decision"), amended).await.ok();
    world.travel(at("2024-09-24 10:00")).await;
    assert_eq!(points(&world, 1).await, (0, 12));
    let lines = format!("/v1/villages/{HERE}/public-lists/2024-08/lines");
    let line = world.anybody().get(&lines).await.ok()["items"][0].clone();
    assert_eq!((&line["status"], &line["points_left"]), (&json!("adjusted"), &json!(12)));
    world.verified().await;
}

/// A village of one clan is the normal case.
#[actix_web::test]
async fn a_committee_below_its_quorum_is_passed_by_at_once() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    let decision = format!("{objection}/decision");
    let third = world.official("committee_3", HERE).await;
    declare_kin(&world, "committee", 1).await;
    assert_eq!(lies(&third, &objection).await.0, "committee");
    declare_kin(&world, "committee_2", 3).await;
    let until = "2024-09-10T10:00:00.000+08:00".to_owned();
    assert_eq!(lies(&third, &objection).await, ("township".to_owned(), until));
    for (office, code) in [
        ("committee", "conflict_of_interest"),
        ("committee_2", "conflict_of_interest"),
        ("committee_3", "role_required"),
    ] {
        let member = world.official(office, HERE).await;
        assert!(!may_decide(&member, &objection).await, "{office}");
        member.post(&decision, verdict("dismissed")).await.refused(403, code);
    }
    // The committee's days are not waited for: after seven it is the county's.
    world.travel(at("2024-09-10 10:00")).await;
    assert_eq!(lies(&third, &objection).await.0, "county");
    township(&world).await.post(&decision, verdict("upheld")).await.refused(403, "role_required");
    county(&world).await.post(&decision, verdict("upheld")).await.ok();
    world.verified().await;
}

#[actix_web::test]
async fn a_decision_nobody_appeals_against_is_final_after_seven_days() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    let done = decided(&world, &objection, "dismissed").await;
    assert_eq!(done["decided_body"], "committee");
    assert_eq!(done["appeal_until"], "2024-09-10T10:00:00.000+08:00");
    world.travel(at("2024-09-10 09:59:59.999")).await;
    let committee = world.official("committee", HERE).await;
    assert_eq!(committee.get(&objection).await.ok()["status"], "decided");
    world.travel(at("2024-09-10 10:00")).await;
    let seen = committee.get(&objection).await.ok();
    assert_eq!((&seen["status"], &seen["decision"]), (&json!("final"), &json!("dismissed")));
    assert_eq!(world.count("objections WHERE final_at IS NOT NULL AND due_at IS NULL").await, 1);
    world.verified().await;
}

/// Three weeks of outage, or somebody who looks every day: the same rows at the same instants.
#[actix_web::test]
async fn what_time_decides_is_the_same_however_late_it_is_settled() {
    let mut stories = Vec::new();
    for daily in [true, false] {
        let world = World::begins(at("2024-08-28 08:00")).await;
        for number in [1, 2, 4, 5] {
            world.earn(number, 10).await;
        }
        world.travel(at("2024-09-03 10:00")).await;
        let dismissed = object(&world, 3, 1).await;
        decided(&world, &dismissed, "dismissed").await;
        let contested = object(&world, 3, 2).await;
        decided(&world, &contested, "dismissed").await;
        super::appealed(&world.head(HERE, 3).await, &contested).await.ok();
        object(&world, 3, 3).await;
        object(&world, 6, 3).await;
        for day in 4..=29 {
            world.travel(at(&format!("2024-09-{day:02} 12:34"))).await;
            if daily {
                look(&world).await;
            }
        }
        look(&world).await;
        world.verified().await;
        stories.push(story(&world).await);
    }
    assert_eq!(stories[0], stories[1]);
    assert!(stories[0].iter().any(|line| line.contains("lapsed_objection")));
}
