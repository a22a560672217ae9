use futures::join;
use serde_json::{Value, json};

use crate::households::lives::declare_kin;
use crate::redemption::redeem::{open_shop, path as redemptions};
use crate::support::{Actor, Answer, HERE, NEXT, World, at, head_id, household_id, new_id};

pub fn path() -> String {
    format!("/v1/villages/{HERE}/reversals")
}

/// Line `number` of September's list, which is closed, is to be taken back.
pub fn reversal(number: i64) -> Value {
    json!({ "id": new_id(), "month": "2024-09", "number": number, "reason": "经查该地块属集体所有" })
}

pub fn id(of: &Value) -> &str {
    of["id"].as_str().expect("an id")
}

/// By one of the committee.
pub async fn proposed(world: &World, reversal: Value) -> Value {
    world.official("committee", HERE).await.post(&path(), reversal).await.ok()
}

pub async fn decide(by: &Actor, of: &Value, decision: &str) -> Answer {
    let body = json!({ "decision": decision, "reason": "土地台账属实" });
    by.post(&format!("{}/{}/decision", path(), id(of)), body).await
}

/// The households have had their say on everything that is proposed.
pub async fn heard(world: &World) {
    let sql = "UPDATE reversals SET reply = '没有意见', replied_by = proposed_by, \
               replied_at = proposed_at WHERE status = 'proposed' AND reply IS NULL";
    world.run(sql).await;
}

/// By another of the committee, after the household was heard.
pub async fn decided(world: &World, of: &Value, decision: &str) -> Value {
    heard(world).await;
    decide(&world.official("committee_2", HERE).await, of, decision).await.ok()
}

pub async fn points(world: &World, number: usize) -> Value {
    let path = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, number));
    world.official("township", "460205100").await.get(&path).await.ok()
}

/// What is available, frozen and spendable.
async fn figures(world: &World, number: usize) -> [i64; 3] {
    let points = points(world, number).await;
    ["available", "frozen", "spendable"].map(|name| points[name].as_i64().expect("a number"))
}

async fn board(world: &World, period: &str) -> Vec<Value> {
    let board = world.anybody().get(&format!("/v1/regions/{HERE}/rankings/{period}")).await.ok();
    board["items"].as_array().expect("rows").iter().map(|row| row["points"].clone()).collect()
}

async fn redeem(world: &World, number: usize) -> Answer {
    let body = crate::support::order_of("goods.laundry_liquid", 1);
    world.head(HERE, number).await.post(&redemptions(), body).await
}

#[actix_web::test]
async fn what_is_under_a_reversal_is_frozen_until_somebody_else_decides() {
    let world = open_shop(&[(1, 30), (2, 20)]).await;
    let seen = proposed(&world, reversal(1)).await;
    assert_eq!((&seen["points"], &seen["change"]), (&json!(30), &json!(-30)));
    assert_eq!(seen["due_at"], at("2024-10-21 09:00").to_string());
    assert_eq!(figures(&world, 1).await, [30, 30, 0]);
    let waiting = points(&world, 1).await["waiting"].clone();
    assert_eq!(
        (&waiting[0]["reason"], &waiting[0]["points"]),
        (&json!("under_reversal"), &json!(30))
    );
    let zhang = world.head(HERE, 1).await;
    assert_eq!(zhang.get("/v1/me").await.ok()["home"]["spendable"], 0);
    redeem(&world, 1).await.refused(422, "insufficient_points");
    redeem(&world, 2).await.ok();

    let told = zhang.get("/v1/me/inbox").await.ok().to_string();
    assert!(told.contains("reversal_proposed"), "{told}");
    let this = format!("{}/{}", path(), id(&seen));
    let own = zhang.get(&this).await.ok();
    assert!(own.get("proposed_by").is_none());
    assert_eq!(own["allowed_actions"], json!(["reply"]));
    let reply = json!({ "text": "是我家承包地，有证" });
    let neighbour = world.head(HERE, 2).await;
    neighbour.get(&this).await.refused(404, "not_found");
    neighbour.post(&format!("{this}/reply"), reply.clone()).await.refused(404, "not_found");
    assert_eq!(neighbour.get(&path()).await.ok()["items"], json!([]));
    zhang
        .post(&format!("{this}/reply"), json!({ "text": " " }))
        .await
        .refused(422, "reason_required");
    zhang.post(&format!("{this}/reply"), reply.clone()).await.ok();
    let twice = zhang.post(&format!("{this}/reply"), reply).await.refused(409, "wrong_state");
    assert_eq!(twice["current"], "replied");
    world.head(NEXT, 1).await.get(&this).await.refused(404, "not_found");

    let dropped = decided(&world, &seen, "dropped").await;
    assert_eq!(
        (&dropped["status"], &dropped["reply"]),
        (&json!("dropped"), &json!("是我家承包地，有证"))
    );
    assert_eq!(figures(&world, 1).await, [30, 0, 30]);
    assert_eq!(world.count("score_lines WHERE kind = 'reversal'").await, 0);
    world.verified().await;
}

#[actix_web::test]
async fn a_carried_one_counts_in_the_week_it_is_posted_and_final_boards_stay() {
    let world = open_shop(&[(1, 30), (2, 20)]).await;
    let before = (board(&world, "2024-W39").await, board(&world, "2024-09").await);
    let seen = proposed(&world, reversal(1)).await;
    let carried = decided(&world, &seen, "carried").await;
    assert_eq!(carried["status"], "carried");
    assert_eq!(figures(&world, 1).await, [0, 0, 0]);
    assert_eq!((board(&world, "2024-W39").await, board(&world, "2024-09").await), before);
    assert_eq!(board(&world, "2024").await, [20, 0]);
    let claim = format!("/v1/villages/{HERE}/claims/{}", carried["line"].as_str().expect("an id"));
    let zhang = world.head(HERE, 1).await;
    assert_eq!(zhang.get(&claim).await.ok()["status"], "reversed");
    let entries = format!("/v1/villages/{HERE}/households/{}/entries", household_id(HERE, 1));
    let entries = zhang.get(&entries).await.ok();
    assert_eq!(
        (&entries["items"][0]["awarded"], &entries["items"][0]["week"]),
        (&json!(-30), &json!("2024-W41"))
    );
    let list = format!("/v1/villages/{HERE}/public-lists/2024-09/households");
    let totals = world.anybody().get(&list).await.ok();
    assert_eq!(totals["items"][0]["points"], 30, "a closed list stays as it was");
    assert_eq!(world.count("register_entries WHERE kind = 'reversal'").await, 1);
    world.travel(at("2024-11-04 09:00")).await;
    assert_eq!((board(&world, "2024-W39").await, board(&world, "2024-09").await), before);
    assert_eq!(world.count("public_list_lines WHERE month = '2024-10'").await, 0);
    world.verified().await;
}

/// C95: the original stays, its reversal is not reversed, and no more is taken than was given.
#[actix_web::test]
async fn no_more_is_reversed_than_was_given_and_no_reversal_at_all() {
    let world = open_shop(&[(1, 30), (2, 20)]).await;
    let committee = world.official("committee", HERE).await;
    let with = |name: &str, value: Value| {
        let mut body = reversal(1);
        body[name] = value;
        body
    };
    let tries = [
        (with("points", json!(31)), 409, "reversal_exceeds_line"),
        (with("points", json!(0)), 422, "invalid_field"),
        (with("reason", json!(" \u{200b}")), 422, "reason_required"),
        (with("line", json!(new_id())), 422, "invalid_field"),
        (with("number", json!(99)), 404, "not_found"),
        (with("month", json!("2024-10")), 404, "not_found"),
        (json!({ "id": new_id(), "line": new_id(), "reason": "无" }), 404, "not_found"),
        (json!({ "id": new_id(), "reason": "无" }), 422, "invalid_field"),
    ];
    for (body, status, code) in tries {
        committee.post(&path(), body).await.refused(status, code);
    }
    world.head(HERE, 2).await.post(&path(), reversal(1)).await.refused(403, "role_required");
    assert_eq!(world.count("reversals").await, 0);

    let part = proposed(&world, with("points", json!(12))).await;
    let open = committee.post(&path(), reversal(1)).await.refused(409, "reversal_exists");
    assert_eq!(open["existing"], part["id"]);
    decided(&world, &part, "carried").await;
    let again = decide(&world.official("committee_2", HERE).await, &part, "dropped").await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "carried");
    committee.post(&path(), with("points", json!(19))).await.refused(409, "reversal_exceeds_line");
    let rest = proposed(&world, reversal(1)).await;
    assert_eq!(rest["points"], 18);
    decided(&world, &rest, "carried").await;
    committee.post(&path(), reversal(1)).await.refused(409, "reversal_exceeds_line");
    let file = format!("/v1/villages/{HERE}/households/{}/entries", household_id(HERE, 1));
    let entries = world.head(HERE, 1).await.get(&file).await.ok();
    let taken =
        entries["items"].as_array().expect("entries").iter().find(|it| it["kind"] == "reversal");
    let body = json!({ "id": new_id(), "line": taken.expect("one")["id"], "reason": "再议" });
    committee.post(&path(), body).await.refused(409, "reversal_of_reversal");
    world.verified().await;

    // What was taken is made good by an adjustment, once.
    let good = |points: i64| {
        json!({ "id": new_id(), "household": household_id(HERE, 1), "restores": part["line"],
            "points": points, "reason": "申诉成立" })
    };
    let adjustments = format!("/v1/villages/{HERE}/adjustments");
    committee.post(&adjustments, good(31)).await.refused(409, "adjustment_exceeds_loss");
    committee.post(&adjustments, good(-1)).await.refused(409, "adjustment_exceeds_loss");
    committee.post(&adjustments, good(30)).await.ok();
    committee.post(&adjustments, good(1)).await.refused(409, "adjustment_exceeds_loss");
    world.verified().await;
}

#[actix_web::test]
async fn points_that_are_spent_leave_a_debt_that_later_points_pay_off() {
    let world = open_shop(&[(1, 30)]).await;
    let held = redeem(&world, 1).await.ok();
    let seen = proposed(&world, reversal(1)).await;
    // What is held already is handed over; nothing more is.
    assert_eq!(figures(&world, 1).await, [30, 30, 0]);
    let collection = format!("{}/{}/collection", redemptions(), id(&held));
    let code = json!({ "pickup_code": held["pickup_code"] });
    world.official("clerk", HERE).await.post(&collection, code).await.ok();
    world.verified().await;
    assert_eq!(figures(&world, 1).await, [10, 30, 0]);
    decided(&world, &seen, "carried").await;
    assert_eq!(figures(&world, 1).await, [-20, 0, 0]);
    redeem(&world, 1).await.refused(422, "insufficient_points");
    world.earn(1, 30).await;
    world.travel(at("2024-11-11 09:00")).await;
    assert_eq!(figures(&world, 1).await, [10, 0, 10]);
    world.verified().await;
}

#[actix_web::test]
async fn only_confirmed_lines_and_by_two_who_are_not_concerned() {
    let world = open_shop(&[(1, 30), (2, 20)]).await;
    let unconfirmed = world.earn(3, 10).await;
    let committee = world.official("committee", HERE).await;
    let second = world.official("committee_2", HERE).await;
    let by_line = |line: uuid::Uuid| json!({ "id": new_id(), "line": line, "reason": "有误" });
    committee.post(&path(), by_line(unconfirmed)).await.refused(404, "not_found");
    world.travel(at("2024-10-14 09:00")).await;
    committee.post(&path(), by_line(unconfirmed)).await.refused(409, "line_not_confirmed");
    world.travel(at("2024-11-04 09:00")).await;
    committee.post(&path(), by_line(unconfirmed)).await.refused(409, "line_not_confirmed");
    declare_kin(&world, second.person().await, head_id(HERE, 1)).await;
    second.post(&path(), reversal(1)).await.refused(403, "conflict_of_interest");
    let seen = proposed(&world, reversal(1)).await;
    for actor in [&committee, &second] {
        decide(actor, &seen, "carried").await.refused(403, "conflict_of_interest");
        let this = actor.get(&format!("{}/{}", path(), id(&seen))).await.ok();
        assert_eq!(this["allowed_actions"], json!([]));
    }
    let third = world.official("committee_3", HERE).await;
    let this = third.get(&format!("{}/{}", path(), id(&seen))).await.ok();
    assert_eq!(this["allowed_actions"], json!(["decide"]));
    let early = decide(&third, &seen, "carried").await.refused(409, "hearing_open");
    assert!(early["opens_at"].is_string());
    heard(&world).await;
    decide(&third, &seen, "carried").await.ok();
    world
        .official("panel", HERE)
        .await
        .post(&path(), reversal(2))
        .await
        .refused(403, "role_required");
    world.verified().await;
}

/// The proposer of the deduction filed it, the township decided it: neither decides on its reversal.
#[actix_web::test]
async fn a_deduction_is_given_back_and_who_took_it_does_not_decide() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.deduct(1).await;
    world.travel(at("2024-10-07 09:00")).await;
    assert_eq!(figures(&world, 1).await, [-10, 0, 0]);
    let second = world.official("committee_2", HERE).await;
    let seen = second.post(&path(), reversal(1)).await.ok();
    assert_eq!((&seen["points"], &seen["change"]), (&json!(10), &json!(10)));
    assert_eq!(figures(&world, 1).await, [-10, 0, 0], "nothing is frozen for what is given back");
    for (office, region) in [("committee", HERE), ("township", "460205100")] {
        let concerned = world.official(office, region).await;
        decide(&concerned, &seen, "carried").await.refused(403, "conflict_of_interest");
    }
    heard(&world).await;
    decide(&world.official("committee_3", HERE).await, &seen, "carried").await.ok();
    assert_eq!(figures(&world, 1).await, [0, 0, 0]);
    world.verified().await;
}

#[actix_web::test]
async fn what_nobody_decides_in_fourteen_days_lapses_at_its_instant_however_late() {
    let world = open_shop(&[(1, 30), (2, 20)]).await;
    let seen = proposed(&world, reversal(1)).await;
    world.travel(at("2024-10-21 08:59:59.999")).await;
    assert_eq!(figures(&world, 1).await, [30, 30, 0]);
    // Three days late: the rows say the instant that was due.
    world.travel(at("2024-10-24 12:00")).await;
    assert_eq!(figures(&world, 1).await[..2], [30, 0]);
    let due = at("2024-10-21 09:00").0;
    assert_eq!(
        world.count(&format!("reversals WHERE status = 'lapsed' AND closed_at = {due}")).await,
        1
    );
    let entered = format!("register_entries WHERE kind = 'reversal_lapsed' AND at = {due}");
    assert_eq!(world.count(&entered).await, 1);
    let late = decide(&world.official("committee_2", HERE).await, &seen, "carried").await;
    assert_eq!(late.refused(409, "wrong_state")["current"], "lapsed");
    // Not by who let it lapse: the points would stay frozen for as long as one likes.
    let committee = world.official("committee", HERE).await;
    let again = committee.post(&path(), reversal(1)).await.refused(409, "already_proposed");
    assert_eq!(again["existing"], seen["id"]);
    committee.post(&path(), reversal(2)).await.ok();
    world.official("committee_3", HERE).await.post(&path(), reversal(1)).await.ok();
    world.verified().await;
}

#[actix_web::test]
async fn of_two_decisions_at_once_one_counts() {
    let households: Vec<_> = (1..=4).map(|number| (number, 10)).collect();
    let world = open_shop(&households).await;
    let second = world.official("committee_2", HERE).await;
    let third = world.official("committee_3", HERE).await;
    for number in 1..=4 {
        let seen = proposed(&world, reversal(number)).await;
        heard(&world).await;
        let (yes, no) = join!(decide(&second, &seen, "carried"), decide(&third, &seen, "dropped"));
        let counted = [yes.status, no.status].iter().filter(|it| **it == 201).count();
        assert_eq!(counted, 1, "{yes:?} {no:?}");
    }
    assert_eq!(world.count("audit_events WHERE action = 'reversal.decide'").await, 4);
    world.verified().await;
}

/// Whichever comes first: what is held was free when it was, and what is frozen holds nothing more.
#[actix_web::test]
async fn a_reversal_against_a_redemption_of_the_same_points_never_counts_them_twice() {
    let households: Vec<_> = (1..=6).map(|number| (number, 20)).collect();
    let world = open_shop(&households).await;
    let committee = world.official("committee", HERE).await;
    let reversals = path();
    for number in 1..=6_usize {
        let line = i64::try_from(number).expect("a number");
        let (frozen, held) =
            join!(committee.post(&reversals, reversal(line)), redeem(&world, number));
        frozen.ok();
        let points = points(&world, number).await;
        let expected = if held.status == 201 { 20 } else { 0 };
        assert_eq!((&points["held"], &points["frozen"]), (&json!(expected), &json!(20)));
        assert_eq!(points["spendable"], 0);
    }
    world.verified().await;
}

#[actix_web::test]
async fn a_merge_waits_for_the_decision_and_the_survivor_answers_for_what_it_took_in() {
    let world = open_shop(&[(1, 30), (2, 20), (3, 10)]).await;
    let township = world.official("township", "460205100").await;
    let merge = format!("/v1/villages/{HERE}/households/{}/merge", household_id(HERE, 1));
    let into = json!({ "into": household_id(HERE, 2) });
    let seen = proposed(&world, reversal(1)).await;
    township.post(&merge, into.clone()).await.refused(409, "open_reversals");
    decided(&world, &seen, "dropped").await;
    township.post(&merge, into).await.ok();
    assert_eq!(figures(&world, 2).await, [50, 0, 50]);
    let third = world.official("committee_3", HERE).await;
    let seen = third.post(&path(), reversal(1)).await.ok();
    assert_eq!(figures(&world, 2).await, [50, 30, 20]);
    world.verified().await;
    let (wang, this) = (world.head(HERE, 2).await, format!("{}/{}", path(), id(&seen)));
    assert_eq!(wang.get(&this).await.ok()["allowed_actions"], json!(["reply"]));
    assert!(wang.get("/v1/me/inbox").await.ok().to_string().contains("reversal_proposed"));
    wang.post(&format!("{this}/reply"), json!({ "text": "并户前的积分" })).await.ok();
    decided(&world, &seen, "carried").await;
    assert_eq!(figures(&world, 2).await, [20, 0, 20]);
    assert_eq!(points(&world, 1).await["available"], 0);
    world.verified().await;
}

/// Else one official could keep a household's points frozen for ever.
#[actix_web::test]
async fn who_proposed_in_vain_does_not_propose_again_neither_singly_nor_by_a_correction() {
    let world = open_shop(&[(1, 30), (2, 20)]).await;
    let seen = proposed(&world, reversal(1)).await;
    decided(&world, &seen, "dropped").await;
    assert_eq!(figures(&world, 1).await, [30, 0, 30]);
    let committee = world.official("committee", HERE).await;
    let mut part = reversal(1);
    part["points"] = json!(1);
    for body in [reversal(1), part] {
        let again = committee.post(&path(), body).await.refused(409, "already_proposed");
        assert_eq!(again["existing"], seen["id"]);
    }
    let lines = json!([{ "id": new_id(), "number": 1, "reason": "再议" }]);
    let correction = json!({ "id": new_id(), "reason": "再议", "lines": lines });
    let corrections = format!("/v1/villages/{HERE}/public-lists/2024-09/corrections");
    committee.post(&corrections, correction).await.refused(409, "already_proposed");
    assert_eq!(figures(&world, 1).await, [30, 0, 30]);
    // Somebody else has their own look at it; what is left of what was carried can be taken back too.
    let township = world.official("township", "460205100").await;
    let mut part = reversal(1);
    part["points"] = json!(10);
    let seen = township.post(&path(), part).await.ok();
    assert_eq!(figures(&world, 1).await, [30, 10, 20]);
    decided(&world, &seen, "carried").await;
    township.post(&path(), reversal(1)).await.ok();
    world.verified().await;
}
