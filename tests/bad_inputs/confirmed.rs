//! Points that are confirmed already: rows C91 and C95 of the catalogue, and what came to them since.

use serde_json::{Value, json};

use super::{Case, Catalogue, Expected};
use crate::redemption::redeem::open_shop;
use crate::support::{Actor, FAR, HERE, NEXT, World, household_id, new_id};

#[actix_web::test]
async fn nothing_confirmed_is_given_or_taken_by_one_person_alone() {
    let mut catalogue = Catalogue::of("after confirmation");
    let world = open_shop(&[(1, 30), (2, 20), (3, 10)]).await;
    for village in [HERE, NEXT, FAR] {
        let village = village.parse().expect("a village");
        api::calendar::settle_village(&world.app, &village).await.expect("it settles");
    }
    let now = world.app.clock.now();
    api::kernel::idempotency::sweep(&world.app.db, now).await.expect("they go");
    adjustments(&mut catalogue, &world).await;
    reversals(&mut catalogue, &world).await;
    corrections(&mut catalogue, &world).await;
    world.verified().await;
    catalogue.report();
}

fn path(what: &str) -> String {
    format!("/v1/villages/{HERE}/{what}")
}

/// A body with some fields changed.
fn with(mut body: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

fn adjustment() -> Value {
    json!({ "id": new_id(), "household": household_id(HERE, 1), "category": "enterprise",
        "points": 5, "reason": "上月漏记" })
}

fn reversal(number: i64) -> Value {
    json!({ "id": new_id(), "month": "2024-09", "number": number, "reason": "有误" })
}

/// Numbers that are none, or none that fits.
fn numbers() -> [(Value, u16, &'static str); 6] {
    [
        (json!(1.5), 400, "malformed_json"),
        (json!("5"), 400, "malformed_json"),
        (json!(null), 400, "malformed_json"),
        (json!(1e30), 400, "malformed_json"),
        (json!(i64::MAX), 422, "invalid_field"),
        (json!(i64::MIN), 422, "invalid_field"),
    ]
}

/// Whoever has no say here, and the code that they are told.
async fn strangers(world: &World) -> Vec<(Actor, u16, &'static str)> {
    vec![
        (world.anybody(), 401, "token_missing"),
        (world.head(HERE, 1).await, 403, "role_required"),
        (world.official("panel", HERE).await, 403, "role_required"),
        (world.official("clerk", HERE).await, 403, "role_required"),
        (world.official("county", "460205").await, 403, "role_required"),
        (world.official("committee", NEXT).await, 404, "not_found"),
        (world.official("township", "440783107").await, 404, "not_found"),
    ]
}

const BLANK: &[&str] =
    &[" ", "     ", "\u{200b}", "\u{3000}\u{3000}", "\r\n", " \u{200b} \u{feff} "];

async fn adjustments(catalogue: &mut Catalogue, world: &World) {
    let all = path("adjustments");
    let committee = world.official("committee", HERE).await;
    let post = |what: &str, who: &Actor, body: Value| Case::post("C91", what, who, &all, body);
    let mut cases = Vec::new();
    for (who, status, code) in strangers(world).await {
        cases.push(post("by a stranger", &who, adjustment()).refused(status, code));
    }
    let township = world.official("township", "460205100").await;
    cases.push(post("by the township", &township, adjustment()).refused(403, "role_required"));
    for blank in BLANK {
        let body = with(adjustment(), json!({ "reason": blank }));
        cases.push(post("without a reason", &committee, body).refused(422, "reason_required"));
    }
    for points in [0, 51, -51, 1000, -1000] {
        let body = with(adjustment(), json!({ "points": points }));
        let case = post(&format!("{points} points"), &committee, body);
        cases.push(case.refused(422, "outside_range"));
    }
    for (points, status, code) in numbers() {
        let body = with(adjustment(), json!({ "points": points }));
        cases.push(post(&format!("{points} points"), &committee, body).refused(status, code));
    }
    for (changes, status, code) in [
        (json!({ "household": household_id(NEXT, 1) }), 404, "not_found"),
        (json!({ "household": household_id(FAR, 1) }), 404, "not_found"),
        (json!({ "restores": new_id() }), 404, "not_found"),
        (json!({ "rule": "no.such" }), 422, "rule_not_in_force"),
        (json!({ "rule": "env.courtyard_model" }), 422, "invalid_field"),
        (json!({ "category": "wealth" }), 400, "malformed_json"),
        (json!({ "status": "approved" }), 400, "unknown_field"),
        (json!({ "decided_by": new_id() }), 400, "unknown_field"),
        (json!({ "reason": "长".repeat(501) }), 422, "invalid_field"),
        (json!({ "id": "00000000-0000-0000-0000-000000000000" }), 422, "invalid_field"),
    ] {
        let what = changes.to_string().chars().take(60).collect::<String>();
        let case = post(&what, &committee, with(adjustment(), changes));
        cases.push(case.refused(status, code));
    }
    catalogue.run(world, cases).await;

    let body = adjustment();
    committee.post(&all, body.clone()).await.ok();
    let this = format!("{all}/{}/decision", body["id"].as_str().expect("an id"));
    let yes = json!({ "decision": "approved", "reason": "属实" });
    let decide = |what: &str, who: &Actor, body: Value| Case::post("C91", what, who, &this, body);
    let second = world.official("committee_2", HERE).await;
    let mut cases = vec![
        decide("self-approved", &committee, yes.clone()).refused(403, "conflict_of_interest"),
        decide("no word", &second, json!({ "decision": "approved" }))
            .refused(400, "malformed_json"),
        decide("blank", &second, with(yes.clone(), json!({ "reason": " " })))
            .refused(422, "reason_required"),
        decide("another word", &second, with(yes.clone(), json!({ "decision": "maybe" })))
            .refused(400, "malformed_json"),
        decide("points smuggled", &second, with(yes.clone(), json!({ "points": 50 })))
            .refused(400, "unknown_field"),
        Case::post("C91", "of none", &second, &format!("{all}/{}/decision", new_id()), yes.clone())
            .refused(404, "not_found"),
        Case::post("C91", "of an odd id", &second, &format!("{all}/x/decision"), yes.clone())
            .refused(400, "invalid_path"),
        Case::get("C91", "a cursor of another list", &second, &format!("{all}?cursor=eyJ4IjoxfQ"))
            .refused(400, "invalid_cursor"),
    ];
    for (who, status, code) in strangers(world).await {
        cases.push(decide("by a stranger", &who, yes.clone()).refused(status, code));
    }
    cases.push(decide("by a second person", &second, yes.clone()).expecting(Expected::Taken(201)));
    cases.push(decide("once more", &second, yes).refused(409, "wrong_state"));
    catalogue.run(world, cases).await;
}

async fn reversals(catalogue: &mut Catalogue, world: &World) {
    let all = path("reversals");
    let committee = world.official("committee", HERE).await;
    let post = |what: &str, who: &Actor, body: Value| Case::post("C95", what, who, &all, body);
    let mut cases = Vec::new();
    for (who, status, code) in strangers(world).await {
        cases.push(post("by a stranger", &who, reversal(1)).refused(status, code));
    }
    for blank in BLANK {
        let body = with(reversal(1), json!({ "reason": blank }));
        cases.push(post("without a reason", &committee, body).refused(422, "reason_required"));
    }
    for (points, status, code) in numbers() {
        if points.is_null() {
            // As if it were absent: all of it.
            continue;
        }
        let body = with(reversal(1), json!({ "points": points }));
        cases.push(post(&format!("{points} points"), &committee, body).refused(status, code));
    }
    for (changes, status, code) in [
        (json!({ "points": 31 }), 409, "reversal_exceeds_line"),
        (json!({ "points": 0 }), 422, "invalid_field"),
        (json!({ "points": -5 }), 422, "invalid_field"),
        (json!({ "number": 99 }), 404, "not_found"),
        (json!({ "number": 0 }), 422, "invalid_field"),
        (json!({ "month": "2024-10" }), 404, "not_found"),
        (json!({ "month": "2024-13" }), 400, "malformed_json"),
        (json!({ "line": new_id() }), 422, "invalid_field"),
        (json!({ "status": "carried" }), 400, "unknown_field"),
    ] {
        let case = post(&changes.to_string(), &committee, with(reversal(1), changes.clone()));
        cases.push(case.refused(status, code));
    }
    catalogue.run(world, cases).await;

    let body = reversal(1);
    let seen = committee.post(&all, body).await.ok();
    let this = format!("{all}/{}", seen["id"].as_str().expect("an id"));
    let decision = format!("{this}/decision");
    let yes = json!({ "decision": "carried", "reason": "属实" });
    let second = world.official("committee_2", HERE).await;
    let decide = |what: &str, who: &Actor| Case::post("C95", what, who, &decision, yes.clone());
    let neighbour = world.head(HERE, 2).await;
    let reply = json!({ "text": "不是这样" });
    let mut cases = vec![
        post("one is open", &committee, reversal(1)).refused(409, "reversal_exists"),
        decide("by its proposer", &committee).refused(403, "conflict_of_interest"),
        Case::post(
            "C95",
            "a neighbour replies",
            &neighbour,
            &format!("{this}/reply"),
            reply.clone(),
        )
        .refused(404, "not_found"),
        Case::post("C95", "an official replies", &second, &format!("{this}/reply"), reply)
            .refused(403, "other_household"),
        Case::get("C95", "a neighbour reads it", &neighbour, &this).refused(404, "not_found"),
    ];
    for (who, status, code) in strangers(world).await {
        cases.push(decide("by a stranger", &who).refused(status, code));
    }
    cases.push(decide("before the household was heard", &second).refused(409, "hearing_open"));
    let said = json!({ "text": "没有意见" });
    let family = world.head(HERE, 1).await;
    cases.push(
        Case::post("C95", "the household replies", &family, &format!("{this}/reply"), said)
            .expecting(Expected::Taken(201)),
    );
    cases.push(decide("by a second person", &second).expecting(Expected::Taken(201)));
    cases.push(decide("once more", &second).refused(409, "wrong_state"));
    cases.push(
        post("nothing is left", &committee, reversal(1)).refused(409, "reversal_exceeds_line"),
    );
    catalogue.run(world, cases).await;
    let entries = path(&format!("households/{}/entries", household_id(HERE, 1)));
    let entries = world.head(HERE, 1).await.get(&entries).await.ok();
    let items = entries["items"].as_array().expect("entries");
    let taken = items.iter().find(|it| it["kind"] == "reversal").expect("a reversal");
    let body = json!({ "id": new_id(), "line": taken["id"], "reason": "再议" });
    let case = post("a reversal of a reversal", &committee, body);
    catalogue.run(world, [case.refused(409, "reversal_of_reversal")]).await;
}

async fn corrections(catalogue: &mut Catalogue, world: &World) {
    let all = path("public-lists/2024-09/corrections");
    let committee = world.official("committee", HERE).await;
    let line = |number: i64| json!({ "id": new_id(), "number": number, "reason": "有误" });
    let of = |lines: Vec<Value>| json!({ "id": new_id(), "reason": "核对有误", "lines": lines });
    let post = |what: &str, who: &Actor, body: Value| Case::post("C95", what, who, &all, body);
    let mut cases = Vec::new();
    for (who, status, code) in strangers(world).await {
        cases.push(
            post("a correction by a stranger", &who, of(vec![line(2)])).refused(status, code),
        );
    }
    let many = (1..=51).map(line).collect();
    for (what, body, status, code) in [
        ("no lines", of(Vec::new()), 422, "invalid_field"),
        ("51 lines", of(many), 422, "invalid_field"),
        ("a line twice", of(vec![line(2), line(2)]), 422, "invalid_field"),
        ("an unknown line", of(vec![line(2), line(99)]), 404, "not_found"),
        ("a line that is taken back", of(vec![line(2), line(1)]), 409, "reversal_exceeds_line"),
        (
            "a blank reason",
            with(of(vec![line(2)]), json!({ "reason": " " })),
            422,
            "reason_required",
        ),
        (
            "a blank reason of a line",
            of(vec![line(2), with(line(3), json!({ "reason": "\u{200b}" }))]),
            422,
            "reason_required",
        ),
        (
            "more than a line has",
            of(vec![with(line(2), json!({ "points": 21 }))]),
            409,
            "reversal_exceeds_line",
        ),
    ] {
        cases.push(post(what, &committee, body).refused(status, code));
    }
    for (month, status, code) in [("2024-10", 404, "not_found"), ("2024-00", 400, "invalid_path")] {
        let path = path(&format!("public-lists/{month}/corrections"));
        let case = Case::post("C95", month, &committee, &path, of(vec![line(2)]));
        cases.push(case.refused(status, code));
    }
    let decision = json!({ "decision": "carried", "reason": "属实" });
    for (number, status, code) in [("1", 404, "not_found"), ("x", 400, "invalid_path")] {
        let path = format!("{all}/{number}/decision");
        let case = Case::post("C95", "no such correction", &committee, &path, decision.clone());
        cases.push(case.refused(status, code));
    }
    catalogue.run(world, cases).await;
}
