//! C20 to C25: claims for others, by rules that do not hold, of odd counts, under ids that are taken.

use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected};
use super::{claims, deed, offices, strangers, text, with, worker};
use crate::support::{
    Actor, FAR, HERE, NEXT, World, at, claim, consent, head_id, household_id, new_id,
};

/// Numbers that are whole, but not to be claimed.
const TOO_MUCH: &[&str] =
    &["1001", "2147483647", "2147483648", "9007199254740993", "9223372036854775807"];
/// What is no whole number of 64 bits.
const NO_NUMBER: &[&str] = &[
    "1.5",
    "1.0",
    "1e3",
    "1E0",
    "1e400",
    "-0.5",
    "\"3\"",
    "\"\"",
    "null",
    "true",
    "[1]",
    "{}",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "0x10",
    "01",
    "+1",
    "1_000",
    "１",
];

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let cases = for_others(&world).await;
    catalogue.run(&world, cases).await;
    let cases = without_consent(&worker(&world).await);
    catalogue.run(&world, cases).await;
    let cases = by_no_rule(&world).await;
    catalogue.run(&world, cases).await;
    catalogue.run(&world, counts(&zhang)).await;
    catalogue.run(&world, days(&zhang)).await;
    catalogue.check("C23", "no claim was filed", world.count("claims").await == 0);
    ids(catalogue, &world, &zhang).await;
}

async fn for_others(world: &World) -> Vec<Case> {
    let mut people = Vec::new();
    for number in [2, 3, 5, 6, 10] {
        people.push((format!("household {number}"), world.head(HERE, number).await, false));
    }
    for (name, actor) in offices(world).await {
        // Whoever files here is told that it is not their task, all others that it is not their house.
        let knows = ["panel", "panel_2", "committee", "committee_2", "township"].contains(&name);
        if name != "grid_worker" {
            people.push((name.to_owned(), actor, knows));
        }
    }
    let other = world.official("grid_worker", &format!("{HERE}002")).await;
    people.push(("the other grid's worker".to_owned(), other, false));
    let mut cases = Vec::new();
    for (name, who, knows) in &people {
        let code = if *knows { "role_required" } else { "other_household" };
        for rule in ["ent.coop", "pub.donate", "con.land_give", "fam.model_family"] {
            for consented in [false, true] {
                let body = with(deed(1, "2024-08-20"), json!({ "rule": rule }));
                let body = match consented {
                    true => with(body, json!({ "consent": consent(1) })),
                    false => body,
                };
                let what = format!("{name} claims {rule} for household 1, consent {consented}");
                let case = Case::post("C20", what, who, &claims(), body);
                cases.push(case.refused(403, code));
            }
        }
    }
    for (name, who) in &strangers(world).await {
        let case = Case::post("C20", *name, who, &claims(), deed(1, "2024-08-20"));
        cases.push(case.refused(404, "not_found"));
    }
    // What a family does not claim even for itself.
    for rule in
        ["env.waste_sorting", "env.courtyard_model", "pub.bravery", "law.fraud_claim_deduct"]
    {
        for (number, code) in [(1, "role_required"), (2, "other_household")] {
            let who = world.head(HERE, number).await;
            let body = with(deed(1, "2024-08-20"), json!({ "rule": rule }));
            let what = format!("household {number} claims {rule} for household 1");
            cases.push(Case::post("C20", what, &who, &claims(), body).refused(403, code));
        }
    }
    for village in [NEXT, FAR] {
        let foreign = json!({ "household": household_id(village, 1) });
        let what = format!("for a household of {village}");
        let who = world.head(HERE, 1).await;
        let case = Case::post("C20", what, &who, &claims(), with(deed(1, "2024-08-20"), foreign));
        cases.push(case.refused(404, "not_found"));
    }
    cases
}

fn without_consent(worker: &Actor) -> Vec<Case> {
    let mut cases = Vec::new();
    let none = Case::post("C20", "without consent", worker, &claims(), deed(1, "2024-08-20"));
    cases.push(none.refused(422, "consent_missing"));
    for (what, by) in [
        ("a neighbour's", head_id(HERE, 2)),
        ("another village's", head_id(NEXT, 1)),
        ("nobody's", new_id()),
    ] {
        let body = with(deed(1, "2024-08-20"), json!({ "consent": { "by": by, "form": "oral" } }));
        let case = Case::post("C20", format!("{what} consent"), worker, &claims(), body);
        cases.push(case.refused(404, "not_found"));
    }
    for form in [json!("sms"), json!(""), json!(1), json!(null)] {
        let consent = json!({ "consent": { "by": head_id(HERE, 1), "form": form } });
        let body = with(deed(1, "2024-08-20"), consent);
        let case = Case::post("C20", format!("consent by {form}"), worker, &claims(), body);
        cases.push(case.refused(400, "malformed_json"));
    }
    cases
}

/// C22; versions of rules are in `versions`.
async fn by_no_rule(world: &World) -> Vec<Case> {
    let (zhang, committee) = (world.head(HERE, 1).await, world.official("committee", HERE).await);
    let township = world.official("township", "460205100").await;
    let mut cases = Vec::new();
    for rule in ["no.such_rule", "ENT.COOP", "ent.coop ", "ent", "entcoop", "ent.coop'--", "积分"]
    {
        for (who, actor) in [("a family", &zhang), ("the committee", &committee)] {
            let body = with(deed(1, "2024-08-20"), json!({ "rule": rule }));
            let case = Case::post("C22", format!("{who}: `{rule}`"), actor, &claims(), body);
            cases.push(case.refused(422, "rule_not_in_force"));
        }
    }
    for (rule, who) in [
        ("fam.harmony_quarter", &committee),
        ("law.no_violation_year", &committee),
        ("pat.online_study", &township),
        ("pat.daily_exercise", &township),
    ] {
        let body = with(deed(1, "2024-08-20"), json!({ "rule": rule }));
        let case = Case::post("C22", format!("switched off: {rule}"), who, &claims(), body);
        cases.push(case.refused(422, "rule_not_in_force"));
    }
    for rule in [String::new(), "x".repeat(61), "x".repeat(10_000)] {
        let body = with(deed(1, "2024-08-20"), json!({ "rule": rule }));
        let what = format!("a key of {}", rule.len());
        let case = Case::post("C22", what, &zhang, &claims(), body);
        cases.push(case.refused(422, "invalid_field"));
    }
    for rule in [json!(1), json!(null), json!(["ent.coop"]), json!({})] {
        let body = with(deed(1, "2024-08-20"), json!({ "rule": rule }));
        let case = Case::post("C22", format!("the rule {rule}"), &zhang, &claims(), body);
        cases.push(case.refused(400, "malformed_json"));
    }
    cases
}

/// C23: counts and points of a claim. Nothing is rounded and nothing wraps.
fn counts(who: &Actor) -> Vec<Case> {
    let mut cases = Vec::new();
    for field in ["count", "points_each"] {
        let send = |number: &str| {
            let body = with(deed(1, "2024-08-20"), json!({ field: "HERE" })).to_string();
            let body = body.replace("\"HERE\"", number);
            text("C23", format!("{field} {number}"), who, &claims(), body)
        };
        let low: &[&str] = match field {
            "count" => &["0", "-0", "-1", "-1000", "-9223372036854775808"],
            _ => &["-1001", "-9223372036854775808"],
        };
        for number in TOO_MUCH.iter().chain(low) {
            let case = send(number);
            // Nothing is not less than nothing.
            cases.push(match *number {
                "-0" => case.refused(400, "malformed_json"),
                _ => case.refused(422, "invalid_field"),
            });
        }
        for number in NO_NUMBER {
            if (field, *number) != ("points_each", "null") {
                cases.push(send(number).refused(400, "malformed_json"));
            }
        }
    }
    for points in [-1000, -3, -1, 0, 1, 2, 4, 100, 1000] {
        let body = with(deed(1, "2024-08-20"), json!({ "points_each": points }));
        let case = Case::post("C37", format!("{points} instead of 3"), who, &claims(), body);
        cases.push(case.refused(422, "outside_range"));
    }
    for level in ["planet", "COUNTY", "county ", "\u{200b}"] {
        let body =
            with(deed(1, "2024-08-20"), json!({ "rule": "fam.model_family", "level": level }));
        let case = Case::post("C37", format!("the level {level:?}"), who, &claims(), body);
        cases.push(case.refused(422, "invalid_field"));
    }
    cases
}

fn days(who: &Actor) -> Vec<Case> {
    let mut cases = Vec::new();
    for (day, status, code) in [
        ("2024-08-22", 422, "claim_in_future"),
        ("2025-08-20", 422, "claim_in_future"),
        ("2024-07-21", 422, "claim_too_late"),
        ("2024-02-30", 400, "malformed_json"),
        ("2024-13-01", 400, "malformed_json"),
        ("20240820", 400, "malformed_json"),
        ("2024-08-20T08:00:00+08:00", 400, "malformed_json"),
        ("", 400, "malformed_json"),
        ("昨天", 400, "malformed_json"),
    ] {
        let case = Case::post("C22", format!("done on `{day}`"), who, &claims(), deed(1, day));
        cases.push(case.refused(status, code));
    }
    let late = with(deed(1, "2024-07-01"), json!({ "late_reason": "住院" }));
    let case = Case::post("C22", "its own excuse for being late", who, &claims(), late);
    cases.push(case.refused(403, "role_required"));
    cases
}

/// C25: an id or a key that was used for something else.
async fn ids(catalogue: &mut Catalogue, world: &World, zhang: &Actor) {
    let first = deed(1, "2024-08-20");
    let key = new_id().to_string();
    let sent = |what: &str, who: &Actor, key: &str, body: Value| {
        let case = Case::post("C25", what, who, &claims(), body);
        Case { headers: vec![("Idempotency-Key", key.as_bytes().to_vec())], ..case }
    };
    let control = sent("the first", zhang, &key, first.clone()).expecting(Expected::Taken(201));
    catalogue.run(world, [control]).await;
    let wang = world.head(HERE, 2).await;
    let mut cases =
        vec![sent("the same again", zhang, &key, first.clone()).expecting(Expected::Taken(201))];
    let id = json!({ "id": first["id"] });
    for (what, changed) in [
        ("another day", with(deed(1, "2024-08-19"), id.clone())),
        ("another note", with(first.clone(), json!({ "note": "另一件" }))),
        ("another count", with(first.clone(), json!({ "count": 2 }))),
        ("another rule", with(first.clone(), json!({ "rule": "ent.brand_sale" }))),
        (
            "other evidence",
            with(
                first.clone(),
                json!({ "evidence": [{ "kind": "certificate", "reference": "别的证" }] }),
            ),
        ),
    ] {
        let same_key = sent(&format!("the same key, {what}"), zhang, &key, changed.clone());
        cases.push(same_key.refused(422, "idempotency_key_reused"));
        let other = new_id().to_string();
        let same_id = sent(&format!("the same id, {what}"), zhang, &other, changed);
        cases.push(same_id.refused(409, "id_taken"));
    }
    let other = new_id().to_string();
    let same = sent("the same id and body, a new key", zhang, &other, first.clone());
    cases.push(same.refused(409, "id_taken"));
    let neighbours =
        sent("a neighbour's claim of that id", &wang, &other, with(deed(2, "2024-08-20"), id));
    cases.push(neighbours.refused(409, "id_taken"));
    let twice = claim(
        1,
        "ent.coop",
        json!({ "occurred_on": "2024-08-20",
        "evidence": first["evidence"] }),
    );
    let same_deed = sent("the same deed, another id", zhang, &new_id().to_string(), twice);
    cases.push(same_deed.refused(409, "duplicate_claim"));
    for (what, id, status, code) in [
        ("of another version", json!("3db2d2bc-e76e-4298-96b2-2b47b96cbcec"), 422, "invalid_field"),
        ("nil", json!("00000000-0000-0000-0000-000000000000"), 422, "invalid_field"),
        ("a number", json!(1), 400, "malformed_json"),
        ("empty", json!(""), 400, "malformed_json"),
        ("nothing", json!(null), 400, "malformed_json"),
        ("of 10 KB", json!("a".repeat(10_000)), 400, "malformed_json"),
    ] {
        let body = with(deed(1, "2024-08-18"), json!({ "id": id }));
        let case = sent(&format!("an id {what}"), zhang, &new_id().to_string(), body);
        cases.push(case.refused(status, code));
    }
    catalogue.run(world, cases).await;
    catalogue.check("C25", "there is one claim", world.count("claims").await == 1);
}
