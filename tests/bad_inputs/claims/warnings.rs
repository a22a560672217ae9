//! Warnings that are none, and deductions before a warning.

use serde_json::{Value, json};

use super::super::{Case, Catalogue};
use super::{BLANK, claims, strangers, with, worker};
use crate::support::{Actor, HERE, NEXT, World, at, claim, household_id, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    warnings(catalogue, &world).await;
    unwarned(catalogue, &world).await;
}

fn warning(number: usize, rule: &str, day: &str) -> Value {
    json!({
        "id": new_id(), "household": household_id(HERE, number), "rule": rule,
        "occurred_on": day, "note": "门前堆放砖块",
    })
}

async fn warnings(catalogue: &mut Catalogue, world: &World) {
    let path = format!("/v1/villages/{HERE}/warnings");
    let worker = worker(world).await;
    let good = || warning(1, "env.pile_deduct", "2024-08-20");
    let mut cases = Vec::new();
    let mut tried = |what: String, who: &Actor, body: Value, status: u16, code: &'static str| {
        cases.push(Case::post("warnings", what, who, &path, body).refused(status, code));
    };
    for number in [1, 2] {
        let who = world.head(HERE, number).await;
        tried(format!("by household {number}"), &who, good(), 403, "role_required");
    }
    for office in ["clerk", "county"] {
        let who = world.official(office, if office == "clerk" { HERE } else { "460205" }).await;
        tried(format!("by the {office}"), &who, good(), 403, "role_required");
    }
    for (name, who) in strangers(world).await {
        tried(name.to_owned(), &who, good(), 404, "not_found");
    }
    for number in [6, 10] {
        let body = warning(number, "env.pile_deduct", "2024-08-20");
        tried(
            format!("to household {number} of the other grid"),
            &worker,
            body,
            403,
            "role_required",
        );
    }
    let foreign = with(good(), json!({ "household": household_id(NEXT, 1) }));
    tried("to a household next door".to_owned(), &worker, foreign, 404, "not_found");
    tried(
        "to nobody".into(),
        &worker,
        with(good(), json!({ "household": new_id() })),
        404,
        "not_found",
    );
    for rule in [
        "ent.coop",
        "law.fraud_claim_deduct",
        "law.property_deduct",
        "fam.neglect_deduct",
        "env.waste_sorting",
        "fam.harmony_quarter",
        "no.such_rule",
        "ENV.PILE_DEDUCT",
    ] {
        let body = warning(1, rule, "2024-08-20");
        tried(format!("for {rule}, which does not warn"), &worker, body, 422, "rule_not_in_force");
    }
    for (day, status, code) in [
        ("2024-08-22", 422, "claim_in_future"),
        ("9999-12-31", 422, "claim_in_future"),
        ("2024-02-30", 400, "malformed_json"),
        ("", 400, "malformed_json"),
    ] {
        tried(format!("of `{day}`"), &worker, warning(1, "env.pile_deduct", day), status, code);
    }
    for blank in BLANK {
        let body = with(good(), json!({ "note": blank }));
        tried(format!("that says {blank:?}"), &worker, body, 422, "reason_required");
    }
    tried(
        "without a word".into(),
        &worker,
        with(good(), json!({ "note": "" })),
        422,
        "invalid_field",
    );
    tried(
        "with points".into(),
        &worker,
        with(good(), json!({ "points": -2 })),
        400,
        "unknown_field",
    );
    catalogue.run(world, cases).await;
}

/// Before a warning, and on the day of it, nothing is deducted.
async fn unwarned(catalogue: &mut Catalogue, world: &World) {
    let (worker, committee) = (worker(world).await, world.official("committee", HERE).await);
    let evidence = async |who: &Actor| {
        let photo = world.photo(who).await;
        let mut all = vec![json!({ "kind": "photo", "photo": photo })];
        let told = ["inspection_record", "two_witnesses", "committee_record", "official_decision"];
        all.extend(told.map(|kind| json!({ "kind": kind, "reference": "第7号" })));
        json!(all)
    };
    let mut cases = Vec::new();
    for (rule, who) in [
        ("env.pile_deduct", &worker),
        ("env.litter_deduct", &worker),
        ("env.poultry_deduct", &worker),
        ("ent.abandon_deduct", &worker),
        ("saf.fire_risk_deduct", &worker),
        ("fam.extravagance_deduct", &committee),
        ("con.obstruct_deduct", &committee),
    ] {
        let evidence = evidence(who).await;
        let body = |day: &str| claim(2, rule, json!({ "occurred_on": day, "evidence": evidence }));
        let before =
            Case::post("warnings", format!("{rule} unwarned"), who, &claims(), body("2024-08-20"));
        cases.push(before.refused(422, "warning_needed"));
        let path = format!("/v1/villages/{HERE}/warnings");
        who.post(&path, warning(2, rule, "2024-08-19")).await.ok();
        for day in ["2024-08-19", "2024-08-20", "2024-08-21"] {
            let what = format!("{rule} of {day}, warned on the 21st");
            let case = Case::post("warnings", what, who, &claims(), body(day));
            cases.push(case.refused(422, "warning_needed"));
        }
        // Another house was not warned.
        let other = with(body("2024-08-20"), json!({ "household": household_id(HERE, 3) }));
        let case = Case::post("warnings", format!("{rule}: a neighbour"), who, &claims(), other);
        cases.push(case.refused(422, "warning_needed"));
    }
    // Warned before the first of these was sent: the day of the deed is what counts.
    catalogue.run(world, cases).await;
}
