use serde_json::{Value, json};

use super::reversals::{decide, id, points};
use crate::households::lives::declare_kin;
use crate::redemption::redeem::open_shop;
use crate::support::{Actor, Answer, HERE, World, at, head_id, household_id, new_id};

fn path() -> String {
    format!("/v1/villages/{HERE}/public-lists/2024-09/corrections")
}

/// These lines of September's list are wrong.
fn correction(numbers: &[i64]) -> Value {
    let line = |number: &i64| json!({ "id": new_id(), "number": number, "reason": "签到表上没有" });
    let lines: Vec<_> = numbers.iter().map(line).collect();
    json!({ "id": new_id(), "reason": "清扫签到表核对有误", "lines": lines })
}

async fn published(world: &World, numbers: &[i64]) -> Value {
    world.official("committee", HERE).await.post(&path(), correction(numbers)).await.ok()
}

async fn decide_all(by: &Actor, number: i64, decision: &str) -> Answer {
    let body = json!({ "decision": decision, "reason": "属实" });
    by.post(&format!("{}/{number}/decision", path()), body).await
}

#[actix_web::test]
async fn what_is_approved_takes_effect_after_seven_public_days_and_the_rest_lapses() {
    let world = open_shop(&[(1, 30), (2, 20), (3, 10)]).await;
    let seen = published(&world, &[1, 2]).await;
    assert_eq!((&seen["number"], &seen["line_count"]), (&json!(1), &json!(2)));
    assert_eq!(seen["closes_at"], at("2024-10-14 09:00").to_string());
    let public = world.anybody().get(&path()).await.ok();
    let text = public.to_string();
    assert!(
        !text.contains("张守勤") && !text.contains(&household_id(HERE, 1).to_string()),
        "{text}"
    );
    assert!(!text.contains("签到表上没有"), "a line's own reason is the household's");
    assert_eq!(public["items"][0]["lines"][0]["name"], "张*");
    assert_eq!(points(&world, 1).await["frozen"], 30);

    // One line is decided singly, the other is left alone.
    let second = world.official("committee_2", HERE).await;
    let all = second.get(&format!("/v1/villages/{HERE}/reversals")).await.ok();
    let all = all["items"].as_array().expect("items");
    let first = all.iter().find(|it| it["number"] == 1).expect("the first line");
    let approved = decide(&second, first, "carried").await.ok();
    assert_eq!((&approved["status"], &approved["correction"]), (&json!("approved"), &json!(1)));
    assert_eq!(points(&world, 1).await["available"], 30, "not before the window ends");
    world.verified().await;

    world.travel(at("2024-10-14 08:59:59.999")).await;
    assert_eq!(points(&world, 1).await["available"], 30);
    // Late by three days: as if it had been on time.
    world.travel(at("2024-10-17 09:00")).await;
    assert_eq!(points(&world, 1).await["available"], 0);
    assert_eq!(points(&world, 2).await["available"], 20);
    assert_eq!(points(&world, 2).await["frozen"], 0);
    let due = at("2024-10-14 09:00").0;
    for (status, number) in [("carried", 1), ("lapsed", 2)] {
        let rows = format!(
            "reversals WHERE status = '{status}' AND number = {number} AND closed_at = {due}"
        );
        assert_eq!(world.count(&rows).await, 1, "{status}");
    }
    assert_eq!(world.count(&format!("journals WHERE kind = 'reversal' AND at = {due}")).await, 1);
    assert_eq!(world.count("score_lines WHERE kind = 'reversal' AND week = '2024-W42'").await, 1);
    let public = world.anybody().get(&path()).await.ok();
    assert_eq!(public["items"][0]["status"], "closed");
    assert_eq!(world.count("register_entries WHERE kind = 'reversal_lapsed'").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn a_second_person_decides_the_whole_and_one_journal_takes_a_households_lines() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 30).await;
    world.earn(2, 20).await;
    // Of what the committee gave, too, a line can be taken back.
    let given = json!({ "id": new_id(), "household": household_id(HERE, 1), "points": 10,
        "category": "enterprise", "reason": "漏记" });
    let adjustments = format!("/v1/villages/{HERE}/adjustments");
    let proposer = world.official("committee", HERE).await;
    proposer.post(&adjustments, given.clone()).await.ok();
    let approval = json!({ "decision": "approved", "reason": "属实" });
    let township = world.official("township", "460205100").await;
    township.post(&format!("{adjustments}/{}/decision", id(&given)), approval).await.ok();
    world.travel(at("2024-10-07 09:00")).await;
    let committee = world.official("committee", HERE).await;
    let second = world.official("committee_2", HERE).await;
    let third = world.official("committee_3", HERE).await;
    published(&world, &[1, 2, 3]).await;
    declare_kin(&world, second.person().await, head_id(HERE, 2)).await;
    for actor in [&committee, &second, &township] {
        decide_all(actor, 1, "carried").await.refused(403, "conflict_of_interest");
    }
    decide_all(&third, 2, "carried").await.refused(404, "not_found");
    let seen = decide_all(&third, 1, "carried").await.ok();
    assert!(seen["lines"].as_array().expect("lines").iter().all(|it| it["status"] == "approved"));
    let again = decide_all(&third, 1, "dropped").await.refused(409, "wrong_state");
    assert_eq!(again["current"], "approved");
    world.travel(at("2024-10-14 09:00")).await;
    assert_eq!(points(&world, 1).await["available"], 0);
    assert_eq!(points(&world, 2).await["available"], 0);
    assert_eq!(world.count("journals WHERE kind = 'reversal'").await, 2);
    assert_eq!(world.count("score_lines WHERE kind = 'reversal'").await, 3);
    assert_eq!(world.count("claims WHERE status = 'reversed'").await, 2);
    world.verified().await;
}

#[actix_web::test]
async fn a_dropped_correction_gives_all_free_at_once() {
    let world = open_shop(&[(1, 30), (2, 20)]).await;
    published(&world, &[1, 2]).await;
    decide_all(&world.official("township", "460205100").await, 1, "dropped").await.ok();
    assert_eq!(points(&world, 1).await["spendable"], 30);
    world
        .official("committee", HERE)
        .await
        .post(&path(), correction(&[1]))
        .await
        .refused(409, "already_proposed");
    let second = world.official("committee_2", HERE).await;
    second.post(&path(), correction(&[1])).await.ok();
    let numbers = world.anybody().get(&path()).await.ok();
    let numbers: Vec<_> =
        numbers["items"].as_array().expect("items").iter().map(|it| it["number"].clone()).collect();
    assert_eq!(numbers, [1, 2]);
    world.travel(at("2024-10-21 09:00")).await;
    assert_eq!(points(&world, 1).await["available"], 30);
    world.verified().await;
}

#[actix_web::test]
async fn a_correction_is_refused_whole_and_deductions_are_not_named_in_it() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 30).await;
    world.deduct(2).await;
    let committee = world.official("committee_2", HERE).await;
    committee.post(&path(), correction(&[1])).await.refused(404, "not_found");
    world.travel(at("2024-10-01 09:00")).await;
    committee.post(&path(), correction(&[1])).await.refused(409, "wrong_state");
    world.travel(at("2024-10-07 09:00")).await;
    let missing = committee.post(&path(), correction(&[1, 99])).await;
    assert_eq!(missing.status, 404);
    committee.post(&path(), correction(&[1, 1])).await.refused(422, "invalid_field");
    committee.post(&path(), correction(&[])).await.refused(422, "invalid_field");
    let mut blank = correction(&[1]);
    blank["lines"][0]["reason"] = json!(" ");
    committee.post(&path(), blank).await.refused(422, "reason_required");
    let mut much = correction(&[2, 1]);
    much["lines"][1]["points"] = json!(31);
    let refused = committee.post(&path(), much).await.refused(409, "reversal_exceeds_line");
    assert_eq!(refused["detail"], "line 1");
    let township = world.official("township", "460205100").await;
    township.post(&path(), correction(&[1])).await.refused(403, "role_required");
    assert_eq!(world.count("corrections").await, 0);
    assert_eq!(world.count("reversals").await, 0);

    let seen = committee.post(&path(), correction(&[1, 2])).await.ok();
    assert_eq!((&seen["line_count"], seen["lines"].as_array().map(Vec::len)), (&json!(2), Some(1)));
    assert!(id(&seen).len() == 36);
    world.verified().await;
}
