//! The one appeal: by the side that lost, one level up, by somebody else, for good.

use serde_json::{Value, json};

use super::{
    appeal, appealed, county, decided, has, id_of, inbox, object, points, published, township,
    verdict,
};
use crate::support::{HERE, World, at, household_id};

async fn revised(world: &World, objection: &str, body: Value) -> Value {
    township(world).await.post(&format!("{objection}/appeal/decision"), body).await.ok()
}

async fn first_line(world: &World, month: &str) -> Value {
    let lines = format!("/v1/villages/{HERE}/public-lists/{month}/lines");
    world.anybody().get(&lines).await.ok()["items"][0].clone()
}

#[actix_web::test]
async fn an_objector_who_wins_before_the_close_has_the_line_struck() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    decided(&world, &objection, "dismissed").await;
    let filed = appealed(&world.head(HERE, 3).await, &objection).await.ok();
    assert_eq!((&filed["status"], &filed["appeal"]["side"]), (&json!("appealed"), &json!("filer")));
    assert_eq!(filed["lies_with"], "township");
    assert_eq!(filed["lies_until"], "2024-09-10T10:00:00.000+08:00");
    let done = revised(&world, &objection, verdict("upheld")).await;
    assert_eq!((&done["status"], &done["appeal"]["decision"]), (&json!("final"), &json!("upheld")));
    assert_eq!(points(&world, 1).await, (0, 0));
    assert_eq!(first_line(&world, "2024-08").await["status"], "struck");
    assert_eq!(world.count("claims WHERE status = 'overturned'").await, 1);
    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(points(&world, 1).await, (0, 0));
    world.verified().await;
}

#[actix_web::test]
async fn an_objector_who_wins_after_the_close_takes_confirmed_points_back() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    decided(&world, &objection, "dismissed").await;
    appealed(&world.head(HERE, 3).await, &objection).await.ok();
    // The first decision confirms: what is appealed against is no longer contested.
    world.travel(at("2024-09-09 08:00")).await;
    assert_eq!(points(&world, 1).await, (0, 30));
    let part = json!({ "decision": "amended", "points": 12, "reason": "核减" });
    revised(&world, &objection, part).await;
    assert_eq!(points(&world, 1).await, (0, 12));
    assert_eq!(first_line(&world, "2024-08").await["status"], "adjusted");
    assert_eq!(world.count("claims WHERE status = 'confirmed'").await, 2);
    world.verified().await;

    // Of another line all of it, when its board is final: the reversal stands in the open week.
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    world.travel(at("2024-09-09 08:00")).await;
    decided(&world, &objection, "dismissed").await;
    assert_eq!(points(&world, 1).await, (0, 30));
    appealed(&world.head(HERE, 3).await, &objection).await.ok();
    revised(&world, &objection, verdict("upheld")).await;
    assert_eq!(points(&world, 1).await, (0, 0));
    assert_eq!(world.count("claims WHERE status = 'reversed'").await, 1);
    assert_eq!(world.count("score_lines WHERE kind = 'reversal' AND week = '2024-W37'").await, 1);
    let told = inbox(&world.head(HERE, 1).await).await;
    assert!(has(&told, "line_appealed") && has(&told, "line_appeal_decided"));
    world.verified().await;
}

/// Never un-reversed: a new entry that goes through sheet and publicity like any other.
#[actix_web::test]
async fn a_household_that_wins_gets_a_new_entry_that_passes_publicity_again() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    let done = decided(&world, &objection, "upheld").await;
    assert_eq!(done["allowed_actions"], json!([]));
    assert_eq!(points(&world, 1).await, (0, 0));
    let zhang = world.head(HERE, 1).await;
    assert_eq!(zhang.get(&objection).await.ok()["allowed_actions"], json!(["appeal"]));
    let filed = appealed(&zhang, &objection).await.ok();
    assert_eq!(filed["appeal"]["side"], "household");
    let done = revised(&world, &objection, verdict("dismissed")).await;
    assert_eq!(done["appeal"]["restored"], 30);
    assert_eq!(points(&world, 1).await, (0, 0), "on the open sheet");
    assert_eq!(first_line(&world, "2024-08").await["status"], "struck", "what was, stays");
    world.verified().await;
    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(points(&world, 1).await, (30, 0));
    let sheet = zhang.get(&format!("/v1/villages/{HERE}/score-sheets/2024-W36")).await.ok();
    assert_eq!((&sheet["line_count"], &sheet["points"]), (&json!(1), &json!(30)));
    let entries = format!("/v1/villages/{HERE}/households/{}/entries", household_id(HERE, 1));
    let entries = zhang.get(&entries).await.ok();
    let kinds: Vec<_> =
        entries["items"].as_array().expect("entries").iter().map(|it| it["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "adjustment").count(), 1, "{kinds:?}");
    assert_eq!(
        world.count("adjustments WHERE status = 'scored' AND restores IS NOT NULL").await,
        1
    );
    let board = world.anybody().get(&format!("/v1/regions/{HERE}/rankings/2024-09")).await.ok();
    assert_eq!(board["items"][0]["points"], 30);
    world.verified().await;
    // September's list shows it, and anybody may contest it again; who gave it back does not decide.
    world.travel(at("2024-09-30 09:00")).await;
    assert_eq!(first_line(&world, "2024-09").await["points"], 30);
    world.travel(at("2024-10-07 00:00")).await;
    assert_eq!(points(&world, 1).await, (0, 30));
    world.verified().await;
}

#[actix_web::test]
async fn whoever_gave_a_line_back_does_not_decide_about_it() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    decided(&world, &objection, "upheld").await;
    appealed(&world.head(HERE, 1).await, &objection).await.ok();
    let part = json!({ "decision": "amended", "points": 18, "reason": "部分有效" });
    let done = revised(&world, &objection, part).await;
    assert_eq!(done["appeal"]["restored"], 18);
    world.travel(at("2024-09-30 09:00")).await;
    let line = format!("/v1/villages/{HERE}/public-lists/2024-09/lines/1/objections");
    let again = super::objection();
    world.head(HERE, 3).await.post(&line, again.clone()).await.ok();
    world.travel(at("2024-10-07 09:00")).await;
    let id = again["id"].as_str().expect("an id");
    let decision = format!("/v1/villages/{HERE}/objections/{id}/decision");
    let township = township(&world).await;
    township.post(&decision, verdict("upheld")).await.refused(403, "conflict_of_interest");
    county(&world).await.post(&decision, verdict("upheld")).await.ok();
    assert_eq!(points(&world, 1).await, (0, 0));
    world.verified().await;
}

#[actix_web::test]
async fn an_amendment_can_be_appealed_against_by_either_side_but_once() {
    for (appellant, to, expected) in [(3, 4, (4, 0)), (1, 25, (12, 13))] {
        let world = published().await;
        let objection = object(&world, 3, 1).await;
        let committee = world.official("committee", HERE).await;
        let amended = json!({ "decision": "amended", "points": 12, "reason": "核减" });
        committee.post(&format!("{objection}/decision"), amended).await.ok();
        appealed(&world.head(HERE, appellant).await, &objection).await.ok();
        for other in [1, 3] {
            let again = appealed(&world.head(HERE, other).await, &objection).await;
            assert_eq!(again.refused(409, "wrong_state")["current"], "appealed");
        }
        let amended = json!({ "decision": "amended", "points": to, "reason": "再核" });
        revised(&world, &objection, amended).await;
        let (pending, restored) = expected;
        assert_eq!(points(&world, 1).await, (pending, 0), "{to}");
        world.travel(at("2024-09-09 00:00")).await;
        assert_eq!(points(&world, 1).await, (restored, pending), "{to}");
        world.verified().await;
    }
}

#[actix_web::test]
async fn the_last_millisecond_of_the_seventh_day_is_in_time() {
    for (now, in_time) in [("2024-09-10 09:59:59.999", true), ("2024-09-10 10:00", false)] {
        let world = published().await;
        let objection = object(&world, 3, 1).await;
        decided(&world, &objection, "dismissed").await;
        world.travel(at(now)).await;
        let answer = appealed(&world.head(HERE, 3).await, &objection).await;
        match in_time {
            true => assert_eq!(answer.ok()["status"], "appealed"),
            false => assert_eq!(answer.refused(409, "wrong_state")["current"], "final"),
        }
        world.verified().await;
    }
}

#[actix_web::test]
async fn an_appeal_nobody_decides_in_seven_days_leaves_the_first_decision() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    decided(&world, &objection, "dismissed").await;
    let filer = world.head(HERE, 3).await;
    world.travel(at("2024-09-05 10:00")).await;
    appealed(&filer, &objection).await.ok();
    world.travel(at("2024-09-12 09:59:59.999")).await;
    assert_eq!(filer.get(&objection).await.ok()["status"], "appealed");
    world.travel(at("2024-09-12 10:00")).await;
    let seen = filer.get(&objection).await.ok();
    assert_eq!((&seen["status"], &seen["decision"]), (&json!("final"), &json!("dismissed")));
    assert_eq!(seen["appeal"]["decision"], json!(null));
    let late = township(&world).await;
    let late = late.post(&format!("{objection}/appeal/decision"), verdict("upheld")).await;
    assert_eq!(late.refused(409, "wrong_state")["current"], "final");
    assert_eq!(world.count("register_entries WHERE kind = 'lapsed_objection'").await, 1);
    assert!(has(&inbox(&filer).await, "appeal_lapsed"));
    assert_eq!(points(&world, 1).await, (0, 30));
    world.verified().await;
}

#[actix_web::test]
async fn only_the_side_that_lost_appeals_and_the_level_above_decides() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    let filer = world.head(HERE, 3).await;
    let early = appealed(&filer, &objection).await.refused(409, "wrong_state");
    assert_eq!(early["current"], "filed");
    decided(&world, &objection, "dismissed").await;
    let zhang = world.head(HERE, 1).await;
    appealed(&zhang, &objection).await.refused(409, "nothing_to_appeal");
    appealed(&world.head(HERE, 4).await, &objection).await.refused(404, "not_found");
    let committee = world.official("committee", HERE).await;
    appealed(&committee, &objection).await.refused(403, "role_required");
    let decision = format!("{objection}/appeal/decision");
    let township = township(&world).await;
    let early = township.post(&decision, verdict("upheld")).await.refused(409, "wrong_state");
    assert_eq!(early["current"], "decided");
    let mut taken = appeal();
    taken["id"] = json!(id_of(&objection));
    appealed(&filer, &objection).await.ok();
    committee.post(&decision, verdict("upheld")).await.refused(403, "conflict_of_interest");
    let second = world.official("committee_2", HERE).await;
    second.post(&decision, verdict("upheld")).await.refused(403, "role_required");
    county(&world).await.post(&decision, verdict("upheld")).await.refused(403, "role_required");
    filer.post(&decision, verdict("upheld")).await.refused(403, "role_required");
    township.post(&decision, verdict("dismissed")).await.ok();
    let again = township.post(&decision, verdict("upheld")).await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "final");
    assert_eq!(points(&world, 1).await, (30, 0));
    world.verified().await;
}

#[actix_web::test]
async fn nobody_decides_first_and_again_on_appeal() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    world.travel(at("2024-09-18 09:00")).await;
    let county = county(&world).await;
    county.post(&format!("{objection}/decision"), verdict("dismissed")).await.ok();
    appealed(&world.head(HERE, 3).await, &objection).await.ok();
    let decision = format!("{objection}/appeal/decision");
    county.post(&decision, verdict("upheld")).await.refused(403, "conflict_of_interest");
    township(&world).await.post(&decision, verdict("upheld")).await.refused(403, "role_required");
    let sql = "UPDATE appeals SET decided_by = (SELECT decided_by FROM objections LIMIT 1)";
    let done = world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, []).await?)).await;
    assert!(done.is_err(), "the database itself refuses");
    // There is nobody else: the first decision stands.
    world.travel(at("2024-09-25 09:00")).await;
    let seen = county.get(&objection).await.ok();
    assert_eq!((&seen["status"], &seen["decision"]), (&json!("final"), &json!("dismissed")));
    world.verified().await;
}

/// What is gone when the appeal comes is not taken twice.
#[actix_web::test]
async fn what_another_objection_took_meanwhile_is_not_taken_again() {
    let world = published().await;
    let (first, second) = (object(&world, 3, 1).await, object(&world, 4, 1).await);
    decided(&world, &first, "dismissed").await;
    appealed(&world.head(HERE, 3).await, &first).await.ok();
    let committee = world.official("committee_2", HERE).await;
    let amended = json!({ "decision": "amended", "points": 10, "reason": "核减" });
    committee.post(&format!("{second}/decision"), amended).await.ok();
    revised(&world, &first, verdict("upheld")).await;
    assert_eq!(points(&world, 1).await, (0, 0));
    assert_eq!(first_line(&world, "2024-08").await["status"], "struck");
    world.verified().await;
}
