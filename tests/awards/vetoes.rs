use serde_json::{Value, json};
use uuid::Uuid;

use crate::rankings::year::{board, village};
use crate::support::{Actor, HERE, World, at, claim, household_id, new_id};

fn proposal(number: usize) -> Value {
    json!({
        "id": new_id(), "household": household_id(HERE, number), "year": 2024,
        "ground": "gambling", "reason": "参与赌博，已受行政处罚", "reference": "行罚决字〔2024〕12号",
    })
}

fn path(veto: &Value, rest: &str) -> String {
    village(&format!("/vetoes/{}{rest}", veto["id"].as_str().expect("an id")))
}

async fn seen(who: &Actor) -> Vec<Value> {
    let page = who.get(&village("/vetoes")).await.ok();
    page["items"].as_array().expect("items").clone()
}

#[actix_web::test]
async fn a_household_is_told_and_heard_before_a_second_person_decides() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = world.official("committee", HERE).await;
    let second = world.official("committee_2", HERE).await;
    let zhang = world.head(HERE, 1).await;
    let veto = committee.post(&village("/vetoes"), proposal(1)).await.ok();
    committee.post(&village("/vetoes"), proposal(1)).await.refused(409, "veto_exists");
    assert!(zhang.get("/v1/me/inbox").await.ok().to_string().contains("veto_proposed"));
    let approve = json!({ "decision": "approve", "reason": "处罚决定已生效" });
    let early = second.post(&path(&veto, "/decision"), approve.clone()).await;
    assert_eq!(early.refused(409, "hearing_open")["opens_at"], "2024-08-29T00:00:00.000+08:00");
    let said = json!({ "text": "当时不在场" });
    let wang = world.head(HERE, 2).await;
    wang.post(&path(&veto, "/statement"), said.clone()).await.refused(404, "not_found");
    zhang.post(&path(&veto, "/statement"), said.clone()).await.ok();
    zhang.post(&path(&veto, "/statement"), said).await.refused(409, "wrong_state");
    let own = committee.post(&path(&veto, "/decision"), approve.clone()).await;
    own.refused(403, "conflict_of_interest");
    let done = second.post(&path(&veto, "/decision"), approve.clone()).await.ok();
    assert_eq!(done["status"], "approved");
    second.post(&path(&veto, "/decision"), approve).await.refused(409, "wrong_state");
    assert!(zhang.get("/v1/me/inbox").await.ok().to_string().contains("veto_decided"));
    assert_eq!(world.count("audit_events WHERE action LIKE 'veto.%'").await, 3);
}

#[actix_web::test]
async fn without_an_answer_it_is_decided_after_seven_days() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = world.official("committee", HERE).await;
    let veto = committee.post(&village("/vetoes"), proposal(1)).await.ok();
    world.travel(at("2024-08-29 00:00")).await;
    let township = world.official("township", "460205100").await;
    let approve = json!({ "decision": "approve", "reason": "处罚决定已生效" });
    township.post(&path(&veto, "/decision"), approve).await.ok();
    assert_eq!(world.count("vetoes WHERE status = 'approved'").await, 1);
}

/// There is no public black list: who is not concerned sees nothing of it.
#[actix_web::test]
async fn a_veto_is_seen_by_the_household_and_those_who_decide_only() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = world.official("committee", HERE).await;
    committee.post(&village("/vetoes"), proposal(1)).await.ok();
    assert_eq!(seen(&committee).await.len(), 1);
    assert_eq!(seen(&world.official("township", "460205100").await).await.len(), 1);
    let zhang = seen(&world.head(HERE, 1).await).await;
    assert_eq!(zhang[0]["allowed_actions"], json!(["reply"]));
    assert_eq!(seen(&world.head(HERE, 2).await).await.len(), 0);
    for office in ["clerk", "panel"] {
        let who = world.official(office, HERE).await;
        who.get(&village("/vetoes")).await.refused(403, "role_required");
    }
    world.anybody().get(&village("/vetoes")).await.refused(401, "token_missing");
}

/// A confirmed deduction for gambling is a veto by itself, and only once it is confirmed.
#[actix_web::test]
async fn a_confirmed_deduction_whose_rule_says_so_is_a_veto() {
    let world = World::begins(at("2023-12-18 08:00")).await;
    for (number, points) in [(1, 30), (2, 20)] {
        world.earn(number, points).await;
    }
    let evidence = json!([{ "kind": "official_decision", "reference": "行罚决字〔2023〕12号" }]);
    let rest = json!({ "occurred_on": "2023-12-17", "evidence": evidence });
    let deed = claim(1, "law.gamble_deduct", rest);
    let id: Uuid = deed["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    world.official("committee", HERE).await.post(&village("/claims"), deed).await.ok();
    let said = json!({ "id": new_id(), "act": "statement", "text": "认错" });
    let hearing = village(&format!("/claims/{id}/hearing"));
    world.head(HERE, 1).await.post(&hearing, said).await.ok();
    let township = world.official("township", "460205100").await;
    let reviews = village(&format!("/claims/{id}/reviews"));
    township.post(&reviews, json!({ "decision": "approve" })).await.ok();
    world.travel(at("2024-01-15 09:00")).await;
    assert_eq!(board(&world, 2023).await["status"], "final");
    let first = world.uuid(household_id(HERE, 1));
    assert_eq!(world.count("awards WHERE place = 1 AND rank = 1").await, 1);
    assert_eq!(world.count(&format!("awards WHERE household = {first}")).await, 0);
    world.verified().await;
}
