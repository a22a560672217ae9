//! Batches and rounds of inspection: too few or too many, by nobody, and refused one by one.

use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected};
use super::{claims, deed, offices, strangers, with, worker};
use crate::support::{Actor, FAR, HERE, NEXT, World, at, household_id, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    super::settle(&world).await;
    let mut cases = batches(&world).await;
    cases.extend(rounds(&world).await);
    catalogue.run(&world, cases).await;
    catalogue.check("batches", "no claim was filed", world.count("claims").await == 0);
}

/// Lists that are none of 1 to 200, under a name.
fn lists(name: &str, one: &Value) -> Vec<(String, Value, u16, &'static str)> {
    let many = |count: usize| json!({ name: vec![one.clone(); count] });
    let mut lists = vec![("0".to_owned(), many(0), 422, "invalid_field")];
    for count in [201, 202, 300] {
        lists.push((count.to_string(), many(count), 422, "invalid_field"));
    }
    for odd in [json!({}), json!("all"), json!(1), json!(null), json!([1]), json!([null])] {
        lists.push((odd.to_string(), json!({ name: odd }), 400, "malformed_json"));
    }
    lists
}

async fn batches(world: &World) -> Vec<Case> {
    let (path, worker) = (format!("{}/batch", claims()), worker(world).await);
    let good = || json!({ "claims": [deed(1, "2024-08-19")] });
    let mut cases = Vec::new();
    for dry_run in [false, true] {
        for (what, body, status, code) in lists("claims", &deed(1, "2024-08-19")) {
            let body = with(body, json!({ "dry_run": dry_run }));
            let case = Case::post("batches", format!("of {what} claims"), &worker, &path, body);
            cases.push(case.refused(status, code));
        }
        for number in [1, 2] {
            let (who, body) =
                (world.head(HERE, number).await, with(good(), json!({ "dry_run": dry_run })));
            let case = Case::post("batches", format!("by household {number}"), &who, &path, body);
            cases.push(case.refused(403, "role_required"));
        }
        for (name, who) in strangers(world).await {
            let body = with(good(), json!({ "dry_run": dry_run }));
            cases.push(Case::post("batches", name, &who, &path, body).refused(404, "not_found"));
        }
    }
    for (name, who) in offices(world).await {
        if ["clerk", "county"].contains(&name) {
            let case = Case::post("batches", format!("by {name}"), &who, &path, good());
            cases.push(case.refused(403, "role_required"));
        }
    }
    for odd in [json!("yes"), json!(1), json!(null)] {
        let body = with(good(), json!({ "dry_run": odd }));
        let case = Case::post("batches", format!("a dry run {odd}"), &worker, &path, body);
        cases.push(case.refused(400, "malformed_json"));
    }
    // Each is refused by itself, and none is filed.
    let agreed = |number: usize| json!({ "consent": crate::support::consent(number) });
    let (taken, unknown) = (deed(1, "2024-08-19"), json!({ "rule": "no.such_rule" }));
    let refused = [
        (taken.clone(), "consent_missing"),
        (with(deed(6, "2024-08-19"), agreed(6)), "other_household"),
        (with(deed(1, "2024-08-22"), agreed(1)), "claim_in_future"),
        (with(with(deed(1, "2024-08-19"), agreed(1)), unknown), "rule_not_in_force"),
        (with(deed(1, "2024-08-19"), json!({ "household": household_id(NEXT, 1) })), "not_found"),
        (
            with(with(deed(1, "2024-08-19"), agreed(1)), json!({ "points_each": 4 })),
            "outside_range",
        ),
        (
            with(with(deed(1, "2024-08-19"), agreed(1)), json!({ "evidence": [] })),
            "evidence_missing",
        ),
    ];
    let results = refused
        .iter()
        .map(|(claim, code)| json!({ "id": claim["id"], "result": "rejected", "code": code }));
    let same = Expected::Same(json!({ "results": results.collect::<Vec<_>>() }));
    let body = json!({ "claims": refused.iter().map(|(claim, _)| claim).collect::<Vec<_>>() });
    let dry = with(body.clone(), json!({ "dry_run": true }));
    let case = Case::post("batches", "each refused, tried only", &worker, &path, dry);
    cases.push(case.expecting(same.clone()));
    let case = Case::post("batches", "each refused", &worker, &path, body);
    cases.push(case.expecting(same).writes(&["idempotency_keys"]));
    cases
}

fn round(rule: &str, households: Value) -> Value {
    json!({
        "id": new_id(), "rule": rule, "occurred_on": "2024-08-20", "households": households,
        "evidence": [{ "kind": "inspection_record", "reference": "8月第三周巡查表" }],
    })
}

async fn rounds(world: &World) -> Vec<Case> {
    let (path, worker) = (format!("/v1/villages/{HERE}/inspections"), worker(world).await);
    let one = |id: uuid::Uuid| json!({ "id": new_id(), "household": id });
    let here = || json!([one(household_id(HERE, 1))]);
    let mut cases = Vec::new();
    let mut tried = |what: String, who: &Actor, body: Value, status: u16, code: &'static str| {
        cases.push(Case::post("inspections", what, who, &path, body).refused(status, code));
    };
    for (what, body, status, code) in lists("households", &one(household_id(HERE, 1))) {
        let body = with(round("env.waste_sorting", json!([])), body);
        tried(format!("of {what} households"), &worker, body, status, code);
    }
    for (name, who) in offices(world).await {
        if name != "grid_worker" {
            tried(
                format!("by {name}"),
                &who,
                round("env.waste_sorting", here()),
                403,
                "role_required",
            );
        }
    }
    for number in [1, 2, 6] {
        let who = world.head(HERE, number).await;
        tried(
            format!("by household {number}"),
            &who,
            round("env.waste_sorting", here()),
            403,
            "role_required",
        );
    }
    for (name, who) in strangers(world).await {
        tried(format!("by {name}"), &who, round("env.waste_sorting", here()), 404, "not_found");
    }
    for rule in [
        "ent.coop",
        "pub.donate",
        "env.courtyard_model",
        "law.fraud_claim_deduct",
        "pat.online_study",
    ] {
        tried(format!("for {rule}"), &worker, round(rule, here()), 422, "invalid_field");
    }
    for rule in ["no.such_rule", "ENV.WASTE_SORTING", "积分"] {
        tried(format!("for {rule}"), &worker, round(rule, here()), 422, "rule_not_in_force");
    }
    let mut shared = round("env.courtyard_weekly", here());
    shared["evidence"] = json!([{ "kind": "photo", "photo": new_id() }]);
    tried("with one photo for all".into(), &worker, shared, 422, "invalid_field");
    let four = vec![json!({ "kind": "inspection_record", "reference": "表" }); 4];
    tried(
        "with four pieces".into(),
        &worker,
        with(round("env.waste_sorting", here()), json!({ "evidence": four })),
        422,
        "invalid_field",
    );
    for name in ["count", "status", "member", "village"] {
        let body = with(round("env.waste_sorting", here()), json!({ name: 1 }));
        tried(format!("with {name}"), &worker, body, 400, "unknown_field");
    }
    for points in [json!(-1001), json!(1001), json!(2_147_483_648_i64)] {
        let household = with(one(household_id(HERE, 1)), json!({ "points_each": points }));
        tried(
            format!("{points} points"),
            &worker,
            round("env.waste_sorting", json!([household])),
            422,
            "invalid_field",
        );
    }
    for points in [json!(1.5), json!("2"), json!(1e20)] {
        let household = with(one(household_id(HERE, 1)), json!({ "points_each": points }));
        tried(
            format!("{points} points"),
            &worker,
            round("env.waste_sorting", json!([household])),
            400,
            "malformed_json",
        );
    }
    // Each household by itself: not this worker's, another village's, out of range, to come.
    let refused = [
        (one(household_id(HERE, 6)), "other_household"),
        (one(household_id(HERE, 10)), "other_household"),
        (one(household_id(NEXT, 1)), "not_found"),
        (one(household_id(FAR, 1)), "not_found"),
        (one(new_id()), "not_found"),
        (with(one(household_id(HERE, 1)), json!({ "points_each": 3 })), "outside_range"),
        (with(one(household_id(HERE, 2)), json!({ "points_each": -2 })), "outside_range"),
    ];
    let results = refused
        .iter()
        .map(|(it, code)| json!({ "id": it["id"], "result": "rejected", "code": code }));
    let same = Expected::Same(json!({ "results": results.collect::<Vec<_>>() }));
    let households: Vec<_> = refused.iter().map(|(it, _)| it).collect();
    let case = Case::post(
        "inspections",
        "each refused",
        &worker,
        &path,
        round("env.waste_sorting", json!(households)),
    );
    cases.push(case.expecting(same).writes(&["idempotency_keys", "audit_events"]));
    cases
}
