use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, at, claim, grid_of, household_id, new_id};

fn approve() -> Value {
    json!({ "decision": "approve" })
}

fn said(act: &str, text: &str) -> Value {
    json!({ "id": new_id(), "act": act, "text": text })
}

fn claims() -> String {
    format!("/v1/villages/{HERE}/claims")
}

/// The bench of scenario 8: two witnesses saw it, and the committee proposes −10.
async fn proposed(world: &World) -> String {
    let body = claim(
        1,
        "law.property_deduct",
        json!({
            "occurred_on": "2024-08-25",
            "evidence": [
                { "kind": "photo", "photo": world.photo(&world.official("committee", HERE).await).await },
                { "kind": "two_witnesses", "reference": "李桂香、陈大海" },
            ],
        }),
    );
    let filed = world.official("committee", HERE).await.post(&claims(), body).await.ok();
    assert_eq!((&filed["points"], &filed["step"]["step"]), (&json!(-10), &json!("hearing")));
    format!("{}/{}", claims(), filed["id"].as_str().expect("an id"))
}

async fn spendable(actor: &Actor) -> (Value, Value) {
    let path = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, 1));
    let points = actor.get(&path).await.ok();
    (points["cumulative"].clone(), points["pending"].clone())
}

/// Scenario 8. The proposer does not vote, so three of the other three must.
#[actix_web::test]
async fn a_deduction_is_posted_after_the_head_was_heard_and_the_committee_voted_and_given_back_when_put_right()
 {
    let world = World::begins(at("2024-08-26 08:00")).await;
    world
        .run(&format!(
            "UPDATE grants SET role = 'committee' WHERE role = 'clerk' AND region = '{HERE}'"
        ))
        .await;
    let this = proposed(&world).await;
    let (reviews, hearing) = (format!("{this}/reviews"), format!("{this}/hearing"));
    let mut members = Vec::new();
    for office in ["committee_2", "committee_3", "clerk", "clerk_2"] {
        members.push(world.official(office, HERE).await);
    }
    let early = members[0].post(&reviews, approve()).await.refused(409, "hearing_open");
    assert_eq!(early["opens_at"], "2024-09-03T00:00:00.000+08:00");
    let waived = said("waiver", "没有人在家");
    members[0].post(&hearing, waived.clone()).await.refused(409, "hearing_open");
    let zhang = world.head(HERE, 1).await;
    assert_eq!(world.count("inbox_items WHERE kind = 'hearing'").await, 1);
    world
        .head(HERE, 2)
        .await
        .post(&hearing, said("statement", "是他"))
        .await
        .refused(403, "other_household");
    zhang.post(&hearing, said("statement", " \u{200b}")).await.refused(422, "reason_required");
    let heard = zhang.post(&hearing, said("statement", "长凳是孩子弄坏的，周末就修好")).await.ok();
    assert_eq!((&heard["step"]["step"], &heard["status"]), (&json!("vote"), &json!("in_review")));
    assert_eq!(
        members[0].get(&hearing).await.ok()["items"][0]["text"],
        "长凳是孩子弄坏的，周末就修好"
    );
    world
        .official("panel", HERE)
        .await
        .post(&reviews, approve())
        .await
        .refused(403, "role_required");
    for member in &members[..2] {
        assert_eq!(member.post(&reviews, approve()).await.ok()["status"], "in_review");
    }
    assert_eq!(members[2].post(&reviews, approve()).await.ok()["status"], "approved");
    assert_eq!(spendable(&zhang).await, (json!(0), json!(0)), "nothing is posted before Monday");

    let remediation = format!("{this}/remediation");
    let fixed = json!({ "id": new_id(), "note": "长凳已修好" });
    world
        .head(HERE, 2)
        .await
        .post(&remediation, fixed.clone())
        .await
        .refused(403, "other_household");
    let back = zhang.post(&remediation, fixed.clone()).await.ok();
    assert_eq!((&back["points"], &back["remedies"]), (&json!(10), &json!(this.rsplit('/').next())));
    let twice = json!({ "id": new_id(), "note": "长凳已修好" });
    zhang.post(&remediation, twice).await.refused(409, "duplicate_claim");
    world.travel(at("2024-09-02 09:00")).await;
    assert_eq!(spendable(&zhang).await, (json!(-10), json!(-10)));
    let looks = format!("{}/{}/reviews", claims(), fixed["id"].as_str().expect("an id"));
    members[0].post(&looks, approve()).await.ok();
    world.travel(at("2024-09-09 09:00")).await;
    assert_eq!(spendable(&zhang).await.0, json!(0));
    let standing =
        "score_lines WHERE kind = 'adjustment' AND awarded = 10 AND remedies IS NOT NULL";
    assert_eq!(world.count(standing).await, 1);
    assert_eq!(world.count("standings WHERE deductions <> 0 AND period = '2024-Q3'").await, 0);
    world.verified().await;
}

/// What was put right counts once, also when an objection to the deduction is upheld afterwards.
#[actix_web::test]
async fn a_deduction_put_right_and_then_struck_leaves_nothing_over() {
    let world = World::begins(at("2024-08-26 08:00")).await;
    let this = proposed(&world).await;
    let zhang = world.head(HERE, 1).await;
    zhang.post(&format!("{this}/hearing"), said("statement", "周末就修好")).await.ok();
    let township = world.official("township", "460205100").await;
    township.post(&format!("{this}/reviews"), approve()).await.ok();
    world.travel(at("2024-09-03 09:00")).await;
    let lines = format!("/v1/villages/{HERE}/public-lists/2024-08/lines/1/objections");
    let objection = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "早已修好" });
    let filed = zhang.post(&lines, objection).await.ok();
    let fixed = json!({ "id": new_id(), "note": "长凳已修好" });
    let back = zhang.post(&format!("{this}/remediation"), fixed).await.ok();
    let reviews = format!("{}/{}/reviews", claims(), back["id"].as_str().expect("an id"));
    world.official("committee_2", HERE).await.post(&reviews, approve()).await.ok();
    world.travel(at("2024-09-09 09:00")).await;
    let id = filed["id"].as_str().expect("an id");
    let upheld = json!({ "decision": "upheld", "reason": "查实已修好" });
    let decision = format!("/v1/villages/{HERE}/objections/{id}/decision");
    let committee = world.official("committee_3", HERE).await.post(&decision, upheld.clone()).await;
    if committee.status == 403 {
        world.official("county", "460205").await.post(&decision, upheld).await.ok();
    }
    world.verified().await;
    world.travel(at("2024-10-08 09:00")).await;
    let path = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, 1));
    let points = zhang.get(&path).await.ok();
    let of = |name: &str| points[name].as_i64().expect("points");
    assert_eq!(["cumulative", "pending", "available"].map(of), [0, 0, 0]);
    world.verified().await;
}

#[actix_web::test]
async fn what_is_put_right_too_late_is_not_given_back() {
    let world = World::begins(at("2024-08-26 08:00")).await;
    let this = proposed(&world).await;
    let zhang = world.head(HERE, 1).await;
    zhang.post(&format!("{this}/hearing"), said("statement", "不是我家")).await.ok();
    // The committee of three has lost its quorum by the proposal: the township decides.
    world
        .official("township", "460205100")
        .await
        .post(&format!("{this}/reviews"), approve())
        .await
        .ok();
    let fixed = || json!({ "id": new_id(), "note": "长凳已修好" });
    let remediation = format!("{this}/remediation");
    world.travel(at("2024-09-10 23:59")).await;
    let seen = zhang.get(&this).await.ok();
    assert!(seen["allowed_actions"].as_array().is_some_and(|all| all.contains(&json!("remedy"))));
    world.travel(at("2024-09-11 00:00")).await;
    zhang.post(&remediation, fixed()).await.refused(422, "claim_too_late");
    assert_eq!(world.count("claims").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn a_household_that_does_not_answer_is_decided_after_seven_days_and_the_register_says_so() {
    let world = World::begins(at("2024-08-26 08:00")).await;
    let this = proposed(&world).await;
    let hearing = format!("{this}/hearing");
    let member = world.official("committee_2", HERE).await;
    world.travel(at("2024-09-03 00:00")).await;
    world
        .official("committee", HERE)
        .await
        .post(&hearing, said("waiver", "无人应答"))
        .await
        .refused(403, "conflict_of_interest");
    world
        .official("panel", HERE)
        .await
        .post(&hearing, said("waiver", "无人应答"))
        .await
        .refused(403, "role_required");
    let gone_on = member.post(&hearing, said("waiver", "两次上门无人应答")).await.ok();
    assert_eq!(gone_on["step"]["step"], "vote");
    let register = world
        .official("township", "460205100")
        .await
        .get("/v1/regions/460205100/register?kind=hearing_waived")
        .await
        .ok();
    assert_eq!(register["items"][0]["note"], "两次上门无人应答");
    // The family may still speak while the vote is open.
    let zhang = world.head(HERE, 1).await;
    zhang.post(&hearing, said("statement", "我在外打工，刚看到")).await.ok();
    assert_eq!(zhang.get(&hearing).await.ok()["items"].as_array().map(Vec::len), Some(2));
    world
        .head(HERE, 1)
        .await
        .post(&hearing, said("waiver", "算了"))
        .await
        .refused(403, "role_required");
}

/// The database itself refuses what the rules refuse.
#[actix_web::test]
async fn no_row_approves_a_deduction_that_was_not_heard() {
    let world = World::begins(at("2024-08-26 08:00")).await;
    proposed(&world).await;
    let sql = "INSERT INTO reviews (village, claim, round, step, person, role, decision, at) \
               SELECT village, id, 1, 1, household, 'committee', 'approve', 0 FROM claims";
    let done = world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, []).await?)).await;
    assert!(done.is_err());
    world
        .run(
            "INSERT INTO hearings (village, claim, id, round, act, text, recorded_by, at) \
               SELECT village, id, id, 1, 'statement', '…', household, 0 FROM claims",
        )
        .await;
    assert_eq!(world.run(sql).await, 1);
}

#[actix_web::test]
async fn a_first_time_is_only_warned_of() {
    let world = World::begins(at("2024-08-26 08:00")).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let pile = |photo: Value, day: &str| {
        claim(
            1,
            "env.pile_deduct",
            json!({
                "occurred_on": day,
                "evidence": [
                    { "kind": "photo", "photo": photo }, { "kind": "inspection_record", "reference": "巡查" },
                ],
            }),
        )
    };
    let photo = json!(world.photo(&worker).await);
    worker.post(&claims(), pile(photo.clone(), "2024-08-25")).await.refused(422, "warning_needed");
    let warning = |number: usize, rule: &str| {
        json!({
            "id": new_id(), "household": household_id(HERE, number), "rule": rule,
            "occurred_on": "2024-08-20", "note": "门前堆放砖块",
        })
    };
    let warnings = format!("/v1/villages/{HERE}/warnings");
    worker.post(&warnings, warning(9, "env.pile_deduct")).await.refused(403, "role_required");
    worker.post(&warnings, warning(1, "pub.donate")).await.refused(422, "rule_not_in_force");
    worker.post(&warnings, warning(1, "env.pile_deduct")).await.ok();
    // A warning of today does not reach back, whatever day it names.
    worker.post(&claims(), pile(photo.clone(), "2024-08-25")).await.refused(422, "warning_needed");
    worker.post(&claims(), pile(photo.clone(), "2024-08-26")).await.refused(422, "warning_needed");
    let zhang = world.head(HERE, 1).await;
    assert_eq!(zhang.get(&warnings).await.ok()["items"][0]["note"], "门前堆放砖块");
    world
        .head(HERE, 2)
        .await
        .get(&format!("{warnings}?household={}", household_id(HERE, 1)))
        .await
        .refused(403, "other_household");
    world.travel(at("2024-08-27 08:00")).await;
    let filed = worker.post(&claims(), pile(photo, "2024-08-27")).await.ok();
    assert_eq!(filed["step"]["step"], "hearing");
}

/// An official's word that the family was heard does not shorten its time, and its writer does not vote.
#[actix_web::test]
async fn nobody_is_heard_by_hearsay() {
    let world = World::begins(at("2024-08-26 08:00")).await;
    let this = proposed(&world).await;
    let (reviews, hearing) = (format!("{this}/reviews"), format!("{this}/hearing"));
    let member = world.official("committee_2", HERE).await;
    let told = member.post(&hearing, said("statement", "该户表示没有意见")).await.ok();
    assert_eq!(told["step"]["step"], "hearing");
    member.post(&reviews, approve()).await.refused(409, "already_reviewed");
    let township = world.official("township", "460205100").await;
    township.post(&reviews, approve()).await.refused(409, "hearing_open");
    world.head(HERE, 1).await.post(&hearing, said("statement", "有意见")).await.ok();
    assert_eq!(township.post(&reviews, approve()).await.ok()["status"], "approved");
}

/// What a household was told of does not change under its hands, and is not dropped without a trace.
#[actix_web::test]
async fn a_proposed_deduction_is_not_rewritten_and_not_dropped_in_silence() {
    let world = World::begins(at("2024-08-26 08:00")).await;
    let this = proposed(&world).await;
    let committee = world.official("committee", HERE).await;
    let worse = json!({ "count": 2, "occurred_on": "2024-08-20", "evidence": [] });
    let put = committee
        .send(reqwest::Method::PUT, &this, |it| it.header("If-Match", "\"1\"").json(&worse))
        .await;
    put.refused(409, "wrong_state");
    committee.post(&format!("{this}/withdrawal"), json!({})).await.ok();
    assert_eq!(world.count("inbox_items WHERE kind = 'deduction_withdrawn'").await, 1);
    assert_eq!(world.count("register_entries WHERE kind = 'deduction_withdrawn'").await, 1);
    assert_eq!(world.count("audit_events WHERE action = 'claim.withdraw'").await, 1);
    let other = proposed(&world).await;
    world
        .head(HERE, 1)
        .await
        .post(&format!("{other}/hearing"), said("statement", "…不是"))
        .await
        .ok();
    committee.post(&format!("{other}/withdrawal"), json!({})).await.refused(409, "wrong_state");
}

/// A remedy that was struck no longer makes up for its deduction, and nobody else objects to what the
/// list does not show.
#[actix_web::test]
async fn what_the_list_does_not_show_nobody_else_objects_to() {
    let world = World::begins(at("2024-08-26 08:00")).await;
    world.deduct(1).await;
    world.travel(at("2024-09-03 09:00")).await;
    let objections = format!("/v1/villages/{HERE}/public-lists/2024-08/lines/1/objections");
    let objection = || json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
    world.head(HERE, 2).await.post(&objections, objection()).await.refused(404, "not_found");
    world.head(HERE, 1).await.post(&objections, objection()).await.ok();
}
