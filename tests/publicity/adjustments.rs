use futures::join;
use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, at, head_id, household_id, new_id};

fn path() -> String {
    format!("/v1/villages/{HERE}/adjustments")
}

/// Points for household `number`, in words of the committee.
pub fn adjustment(number: usize, points: i64) -> Value {
    json!({
        "id": new_id(),
        "household": household_id(HERE, number),
        "category": "public_welfare",
        "points": points,
        "reason": "上月漏记一次义务清扫",
    })
}

fn id(of: &Value) -> &str {
    of["id"].as_str().expect("an id")
}

async fn decide(by: &Actor, of: &Value, decision: &str) -> crate::support::Answer {
    let body = json!({ "decision": decision, "reason": "台账属实" });
    by.post(&format!("{}/{}/decision", path(), id(of)), body).await
}

/// Proposed by one of the committee, approved by another; what takes, after the household's 7 days.
pub async fn approved(world: &World, adjustment: &Value) {
    world.official("committee", HERE).await.post(&path(), adjustment.clone()).await.ok();
    if adjustment["points"].as_i64() < Some(0) {
        world.travel(world.app.clock.now().plus_days(7)).await;
    }
    decide(&world.official("committee_2", HERE).await, adjustment, "approved").await.ok();
}

async fn points(world: &World, number: usize) -> Value {
    let path = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, number));
    world.head(HERE, number).await.get(&path).await.ok()
}

#[actix_web::test]
async fn an_adjustment_passes_the_next_list_and_is_named_there_only_if_it_gives() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let (given, taken) = (adjustment(1, 5), adjustment(2, -4));
    approved(&world, &taken).await;
    world.earn(1, 30).await;
    approved(&world, &given).await;
    assert_eq!(points(&world, 1).await["cumulative"], 0, "the sheet is still open");
    assert_eq!(world.count("register_entries WHERE kind = 'adjustment'").await, 2);
    world.travel(at("2024-09-02 00:00")).await;
    assert_eq!(points(&world, 1).await["pending"], 35);
    assert_eq!(points(&world, 2).await["pending"], -4);
    let sheet = format!("/v1/villages/{HERE}/score-sheets/2024-W35");
    let sheet = world.head(HERE, 1).await.get(&sheet).await.ok();
    assert_eq!((&sheet["line_count"], &sheet["points"]), (&json!(3), &json!(31)));
    let list = format!("/v1/villages/{HERE}/public-lists/2024-08");
    let lines = world.anybody().get(&format!("{list}/lines")).await.ok();
    let shown: Vec<_> = lines["items"].as_array().expect("lines").iter().collect();
    assert_eq!(shown.len(), 2, "{lines:#}");
    let line = shown.iter().find(|it| it["points"] == 5).expect("the adjustment");
    assert_eq!((&line["rule"], &line["rule_name"]), (&json!("adjustment"), &json!("委员会调整")));
    let households = world.anybody().get(&format!("{list}/households")).await.ok();
    let totals: Vec<_> = households["items"]
        .as_array()
        .expect("households")
        .iter()
        .map(|it| &it["points"])
        .collect();
    assert_eq!(totals, [35, -4]);
    let board = world.anybody().get(&format!("/v1/regions/{HERE}/rankings/2024-08")).await.ok();
    assert_eq!(board["items"][0]["points"], 35);
    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(points(&world, 1).await["available"], 35);
    assert_eq!(points(&world, 2).await["available"], -4);
    for number in [1, 2] {
        let file = format!("/v1/villages/{HERE}/households/{}", household_id(HERE, number));
        let head = world.head(HERE, number).await;
        let entries = head.get(&format!("{file}/entries")).await.ok();
        let kinds: Vec<_> = entries["items"].as_array().expect("entries").iter().collect();
        assert!(kinds.iter().any(|it| it["kind"] == "adjustment"), "{entries:#}");
        let sum: i64 = kinds.iter().map(|it| it["awarded"].as_i64().expect("points")).sum();
        let year = head.get(&format!("{file}/summary?year=2024")).await.ok();
        assert_eq!(year["sum"]["points"], sum);
    }
    world.verified().await;
}

#[actix_web::test]
async fn without_a_reason_a_second_person_or_within_the_ceiling_nothing_is_given() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    let committee = world.official("committee", HERE).await;
    let with = |name: &str, value: Value| {
        let mut body = adjustment(1, 5);
        body[name] = value;
        body
    };
    committee
        .post(&path(), with("reason", json!(" \u{200b} ")))
        .await
        .refused(422, "reason_required");
    for points in [0, 51, -51, 1000] {
        let body = with("points", json!(points));
        committee.post(&path(), body).await.refused(422, "outside_range");
    }
    committee.post(&path(), with("points", json!(1001))).await.refused(422, "invalid_field");
    committee.post(&path(), with("rule", json!("no.such"))).await.refused(422, "rule_not_in_force");
    let other = with("rule", json!("ent.coop"));
    committee.post(&path(), other).await.refused(422, "invalid_field");
    let mut bare = adjustment(1, 5);
    bare.as_object_mut().expect("an object").remove("category");
    committee.post(&path(), bare).await.refused(422, "invalid_field");
    committee.post(&path(), with("household", json!(new_id()))).await.refused(404, "not_found");
    committee.post(&path(), with("restores", json!(new_id()))).await.refused(404, "not_found");
    world.head(HERE, 2).await.post(&path(), adjustment(1, 5)).await.refused(403, "role_required");
    assert_eq!(world.count("adjustments").await, 0);

    let proposed = adjustment(1, 5);
    let seen = committee.post(&path(), proposed.clone()).await.ok();
    assert_eq!(seen["allowed_actions"], json!([]));
    committee.post(&path(), proposed.clone()).await.refused(409, "id_taken");
    decide(&committee, &proposed, "approved").await.refused(403, "conflict_of_interest");
    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(points(&world, 1).await["cumulative"], 0);
    let second = world.official("township", "460205100").await;
    let waits = second.get(&format!("{}/{}", path(), id(&proposed))).await.ok();
    assert_eq!(
        (&waits["status"], &waits["allowed_actions"]),
        (&json!("proposed"), &json!(["decide"]))
    );
    decide(&second, &proposed, "rejected").await.ok();
    let again = decide(&second, &proposed, "approved").await.refused(409, "wrong_state");
    assert_eq!(again["current"], "rejected");
    assert_eq!(world.count("register_entries WHERE kind = 'adjustment'").await, 0);
    world.verified().await;
}

#[actix_web::test]
async fn kin_neither_propose_nor_approve_and_a_household_reads_only_its_own() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    let committee = world.official("committee", HERE).await;
    let second = world.official("committee_2", HERE).await;
    for (member, number) in [(&committee, 1), (&second, 2)] {
        let (member, head) = (world.uuid(member.person().await), world.uuid(head_id(HERE, number)));
        let sql = format!(
            "INSERT INTO kin (village, person, relative, confirmed_at) \
             VALUES ('{HERE}', {member}, {head}, 0)"
        );
        world.run(&sql).await;
    }
    committee.post(&path(), adjustment(1, 5)).await.refused(403, "conflict_of_interest");
    let proposed = adjustment(2, 5);
    committee.post(&path(), proposed.clone()).await.ok();
    decide(&second, &proposed, "approved").await.refused(403, "conflict_of_interest");
    let one = format!("{}/{}", path(), id(&proposed));
    let own = world.head(HERE, 2).await.get(&one).await.ok();
    assert!(own.get("proposed_by").is_none(), "{own:#}");
    assert_eq!(own["allowed_actions"], json!([]));
    world.head(HERE, 1).await.get(&one).await.refused(404, "not_found");
    let list =
        async |number| world.head(HERE, number).await.get(&path()).await.ok()["items"].clone();
    assert_eq!(list(1).await, json!([]));
    assert_eq!(list(2).await.as_array().map(Vec::len), Some(1));
    decide(&world.official("committee_3", HERE).await, &proposed, "approved").await.ok();
    let told = world.head(HERE, 2).await.get("/v1/me/inbox").await.ok();
    assert!(told.to_string().contains("points_adjusted"), "{told:#}");
    world.verified().await;
}

#[actix_web::test]
async fn who_gave_it_does_not_decide_an_objection_to_it() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    approved(&world, &adjustment(1, 5)).await;
    world.travel(at("2024-09-03 09:00")).await;
    let objections = format!("/v1/villages/{HERE}/public-lists/2024-08/lines/1/objections");
    let objection = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "没有这回事" });
    world.head(HERE, 2).await.post(&objections, objection.clone()).await.ok();
    let decision = format!("/v1/villages/{HERE}/objections/{}/decision", id(&objection));
    let upheld = json!({ "decision": "upheld", "reason": "没有记录" });
    // Two of three have had their say, so it does not lie with the committee at all.
    for office in ["committee", "committee_2", "committee_3"] {
        let answer = world.official(office, HERE).await.post(&decision, upheld.clone()).await;
        assert_eq!(answer.status, 403, "{office}");
    }
    world.official("township", "460205100").await.post(&decision, upheld).await.ok();
    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(points(&world, 1).await["available"], 0);
    world.verified().await;
}

#[actix_web::test]
async fn of_two_decisions_at_once_one_counts() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    let committee = world.official("committee", HERE).await;
    let [second, third] = ["committee_2", "committee_3"].map(|office| world.official(office, HERE));
    let (second, third) = join!(second, third);
    for _ in 0..4 {
        let proposed = adjustment(1, 5);
        committee.post(&path(), proposed.clone()).await.ok();
        let (yes, no) =
            join!(decide(&second, &proposed, "approved"), decide(&third, &proposed, "rejected"));
        let counted = [yes.status, no.status].iter().filter(|it| **it == 201).count();
        assert_eq!(counted, 1, "{yes:?} {no:?}");
    }
    world.travel(at("2024-09-02 00:00")).await;
    let approved = world.count("adjustments WHERE status = 'scored'").await;
    assert_eq!(world.count("score_lines WHERE kind = 'adjustment'").await, approved);
    assert_eq!(world.count("audit_events WHERE action = 'adjustment.decide'").await, 4);
    world.verified().await;
}

#[actix_web::test]
async fn what_takes_points_is_told_first_and_waits_seven_days_for_the_household() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = world.official("committee", HERE).await;
    let second = world.official("committee_2", HERE).await;
    let taken = adjustment(2, -4);
    let seen = committee.post(&path(), taken.clone()).await.ok();
    let until = at("2024-08-28 08:00").to_string();
    assert_eq!(seen["heard_until"], until);
    let told = world.head(HERE, 2).await.get("/v1/me/inbox").await.ok().to_string();
    assert!(told.contains("adjustment_proposed") && told.contains("拟扣本户4分"), "{told}");
    world.travel(at("2024-08-28 07:59:59.999")).await;
    let early = decide(&second, &taken, "approved").await.refused(409, "hearing_open");
    assert_eq!(early["opens_at"], until);
    assert_eq!(world.count("adjustments WHERE status = 'proposed'").await, 1);
    world.travel(at("2024-08-28 08:00")).await;
    decide(&second, &taken, "approved").await.ok();
    // What is not taken can be said no to at once.
    let other = adjustment(3, -4);
    committee.post(&path(), other.clone()).await.ok();
    decide(&second, &other, "rejected").await.ok();
    world.verified().await;
}

#[actix_web::test]
async fn a_household_is_given_and_taken_fifty_in_a_month_and_no_more() {
    let world = World::begins(at("2024-08-05 08:00")).await;
    let committee = world.official("committee", HERE).await;
    let second = world.official("committee_2", HERE).await;
    approved(&world, &adjustment(1, 30)).await;
    let taken = adjustment(1, -20);
    committee.post(&path(), taken.clone()).await.ok();
    for points in [1, -1] {
        let full = committee.post(&path(), adjustment(1, points)).await;
        assert_eq!(full.refused(422, "outside_range")["errors"][0]["pointer"], "/points");
    }
    committee.post(&path(), adjustment(2, 50)).await.ok();
    decide(&second, &taken, "rejected").await.ok();
    let rest = adjustment(1, 20);
    committee.post(&path(), rest.clone()).await.ok();
    committee.post(&path(), adjustment(1, 1)).await.refused(422, "outside_range");
    // What lapsed holds no room.
    world.travel(at("2024-08-19 08:00")).await;
    committee.post(&path(), adjustment(1, 20)).await.ok();
    world.travel(at("2024-08-31 23:59:59")).await;
    committee.post(&path(), adjustment(1, 31)).await.refused(422, "outside_range");
    world.travel(at("2024-09-01 00:00")).await;
    let (one, other) = (adjustment(1, 26), adjustment(1, -26));
    let all = path();
    let (one, other) = join!(committee.post(&all, one), committee.post(&all, other));
    let made = [one.status, other.status].iter().filter(|it| **it == 201).count();
    assert_eq!(made, 1, "{one:?} {other:?}");
    world.verified().await;
}

#[actix_web::test]
async fn what_nobody_decides_in_fourteen_days_has_lapsed_and_ended_households_get_nothing() {
    let world = World::begins(at("2024-08-05 08:00")).await;
    let committee = world.official("committee", HERE).await;
    let second = world.official("committee_2", HERE).await;
    let (kept, late) = (adjustment(1, 5), adjustment(2, 5));
    for proposed in [&kept, &late] {
        committee.post(&path(), proposed.clone()).await.ok();
    }
    world.travel(at("2024-08-19 07:59:59.999")).await;
    decide(&second, &kept, "approved").await.ok();
    world.travel(at("2024-08-19 08:00")).await;
    for decision in ["approved", "rejected"] {
        let over = decide(&second, &late, decision).await.refused(409, "wrong_state");
        assert_eq!(over["current"], "lapsed");
    }
    let seen = second.get(&format!("{}/{}", path(), id(&late))).await.ok();
    assert_eq!((&seen["status"], &seen["allowed_actions"]), (&json!("lapsed"), &json!([])));
    let list = second.get(&path()).await.ok();
    assert!(list["items"].as_array().expect("items").iter().any(|it| it["status"] == "lapsed"));

    let gone = adjustment(3, 5);
    committee.post(&path(), gone.clone()).await.ok();
    let merge = format!("/v1/villages/{HERE}/households/{}/merge", household_id(HERE, 3));
    let into = json!({ "into": household_id(HERE, 2) });
    world.official("township", "460205100").await.post(&merge, into).await.ok();
    decide(&second, &gone, "approved").await.refused(409, "household_not_active");
    decide(&second, &gone, "rejected").await.ok();
    world.verified().await;
}
