//! C31 to C37: reviewers who are concerned, reasons that say nothing, points outside the range.

use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected};
use super::{BLANK, acts, decision, declare_kin, deed, file, offices, text, with, worker};
use crate::support::{Actor, HERE, World, at, claim, consent, head_id, household_id, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    acts::corrected_twice(catalogue, &world, &zhang).await;
    reasons_and_points(catalogue, &world, &zhang).await;
    concerned(catalogue, &world).await;
    proxies(catalogue, &world).await;
}

/// C31: of every office somebody lives in one house and is kin of another.
async fn concerned(catalogue: &mut Catalogue, world: &World) {
    let mut cases = Vec::new();
    let mut offices = offices(world).await;
    offices.retain(|(name, _)| *name != "clerk");
    for (at, (name, who)) in offices.iter().enumerate() {
        let (home, kin) = (at + 1, (at + 1) % offices.len() + 1);
        let person = who.person().await;
        let sql = format!(
            "UPDATE members SET person = {} WHERE household = {} AND NOT is_head",
            world.uuid(person),
            world.uuid(household_id(HERE, home))
        );
        assert_eq!(world.run(&sql).await, 1);
        // Whoever of the two declared it.
        match at % 2 {
            0 => declare_kin(world, person, head_id(HERE, kin)).await,
            _ => declare_kin(world, head_id(HERE, kin), person).await,
        }
        let day = format!("2024-08-{:02}", at + 1);
        for (relation, number, day) in
            [("their own house", home, "2024-08-20"), ("their kin", kin, &day)]
        {
            let path = file(&world.head(HERE, number).await, deed(number, day)).await;
            cases.extend(of_claim("C31", &format!("{name}, of {relation}"), who, &path));
        }
    }
    catalogue.run(world, cases).await;
}

/// Every decision on a claim, alone and in a batch.
fn of_claim(row: &'static str, what: &str, who: &Actor, path: &str) -> Vec<Case> {
    let id = path.rsplit('/').next().unwrap_or_default();
    let batch = format!("/v1/villages/{HERE}/reviews/batch");
    let mut cases = Vec::new();
    for word in ["approve", "reject", "return"] {
        let what = format!("{what}: {word}");
        let case = Case::post(row, &what, who, &format!("{path}/reviews"), decision(word));
        cases.push(case.refused(403, "conflict_of_interest"));
        let body = json!({ "reviews": [{ "claim": id, "review": decision(word) }] });
        let case = Case::post(row, format!("{what} in a batch"), who, &batch, body);
        let result = json!({ "id": id, "result": "rejected", "code": "conflict_of_interest" });
        let same = Expected::Same(json!({ "results": [result] }));
        cases.push(case.expecting(same).writes(&["idempotency_keys"]));
    }
    cases
}

/// C32: whoever filed it, for another house or for the village.
async fn proxies(catalogue: &mut Catalogue, world: &World) {
    let mut cases = Vec::new();
    let second = world.official("grid_worker", &format!("{HERE}002")).await;
    for (name, who, number) in [("one grid's", worker(world).await, 5), ("the other's", second, 9)]
    {
        for day in ["2024-08-11", "2024-08-12"] {
            let body = with(deed(number, day), json!({ "consent": consent(number) }));
            let path = file(&who, body).await;
            cases.extend(of_claim("C32", &format!("{name} worker, {day}"), &who, &path));
        }
    }
    for (office, number) in [("panel", 8), ("panel_2", 9), ("committee", 10), ("committee_2", 1)] {
        let who = world.official(office, HERE).await;
        let evidence = json!([{ "kind": "committee_record", "reference": "会议记录" }]);
        let rest = json!({ "occurred_on": "2024-08-20", "evidence": evidence });
        let path = file(&who, claim(number, "law.fraud_claim_deduct", rest)).await;
        cases.extend(of_claim("C32", &format!("{office} who proposed it"), &who, &path));
    }
    catalogue.run(world, cases).await;
}

/// C35 and C37, where it is one's turn.
async fn reasons_and_points(catalogue: &mut Catalogue, world: &World, zhang: &Actor) {
    let (worker, panel) = (worker(world).await, world.official("panel", HERE).await);
    let donation = |day: &str| {
        let evidence = json!([{ "kind": "certificate", "reference": "收据" }]);
        claim(1, "pub.donate", json!({ "occurred_on": day, "evidence": evidence }))
    };
    let first = format!("{}/reviews", file(zhang, donation("2024-08-19")).await);
    let second = format!("{}/reviews", file(zhang, donation("2024-08-18")).await);
    worker.post(&second, json!({ "decision": "approve" })).await.ok();
    let mut cases = Vec::new();
    for (name, who, path) in [("a precheck", &worker, &first), ("an approval", &panel, &second)] {
        cases.extend(reasons(name, who, path));
        cases.extend(points(name, who, path));
    }
    cases.extend(batches(&panel, &second));
    catalogue.run(world, cases).await;
}

fn reasons(name: &str, who: &Actor, path: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for word in ["reject", "return"] {
        let body = |reason: Value| json!({ "decision": word, "reason": reason });
        let bare = json!({ "decision": word });
        let case = Case::post("C35", format!("{name}: {word} without a reason"), who, path, bare);
        cases.push(case.refused(422, "reason_required"));
        for blank in BLANK.iter().chain(&[""]) {
            let what = format!("{name}: {word} for {blank:?}");
            let case = Case::post("C35", what, who, path, body(json!(blank)));
            cases.push(case.refused(422, "reason_required"));
        }
        let long = body(json!("理".repeat(501)));
        let case = Case::post("C35", format!("{name}: {word} for 501 letters"), who, path, long);
        cases.push(case.refused(422, "invalid_field"));
        for odd in [json!(1), json!(true), json!(["不实"]), json!({ "zh": "不实" })] {
            let what = format!("{name}: {word} for {odd}");
            let case = Case::post("C35", what, who, path, body(odd));
            cases.push(case.refused(400, "malformed_json"));
        }
    }
    cases
}

fn points(name: &str, who: &Actor, path: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut tried = |number: &str, status: u16, code: &'static str| {
        let body = format!("{{\"decision\":\"approve\",\"points_each\":{number}}}");
        let what = format!("{name}: {number} points where 2 to 10 are");
        cases.push(text("C37", what, who, path, body).refused(status, code));
    };
    for number in ["-1000", "-2", "-1", "0", "1", "11", "100", "1000"] {
        tried(number, 422, "outside_range");
    }
    for number in ["-1001", "1001", "2147483648", "9007199254740993", "9223372036854775807"] {
        tried(number, 422, "invalid_field");
    }
    for number in ["2.5", "3.0", "1e1", "\"3\"", "true", "[3]", "9223372036854775808", "NaN"] {
        tried(number, 400, "malformed_json");
    }
    cases
}

/// Batches that are none, and decisions in one that are refused each by itself.
fn batches(panel: &Actor, reviews: &str) -> Vec<Case> {
    let id = reviews.split('/').nth_back(1).unwrap_or_default();
    let path = format!("/v1/villages/{HERE}/reviews/batch");
    let one = || json!({ "claim": id, "review": { "decision": "reject" } });
    let mut cases = Vec::new();
    for (what, body, status, code) in [
        ("of nothing", json!({ "reviews": [] }), 422, "invalid_field"),
        ("of 51", json!({ "reviews": vec![one(); 51] }), 422, "invalid_field"),
        ("of 201", json!({ "reviews": vec![one(); 201] }), 422, "invalid_field"),
        ("without a list", json!({}), 400, "malformed_json"),
        ("of a word", json!({ "reviews": "all" }), 400, "malformed_json"),
        ("with a state", json!({ "reviews": [one()], "status": "approved" }), 400, "unknown_field"),
    ] {
        let case = Case::post("batches", format!("reviews {what}"), panel, &path, body);
        cases.push(case.refused(status, code));
    }
    let nowhere = new_id();
    let body = json!({ "reviews": [one(), one(), { "claim": nowhere, "review": { "decision": "approve" } }] });
    let results = json!([
        { "id": id, "result": "rejected", "code": "reason_required" },
        { "id": id, "result": "rejected", "code": "already_reviewed" },
        { "id": nowhere, "result": "rejected", "code": "not_found" },
    ]);
    let case = Case::post("batches", "reviews that are refused each", panel, &path, body);
    let same = Expected::Same(json!({ "results": results }));
    cases.push(case.expecting(same).writes(&["idempotency_keys"]));
    cases
}
