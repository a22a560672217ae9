//! Deductions: heard, decided, put right, and not disowned.

use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected};
use super::{BLANK, claims, decision, file, offices, settle, strangers, with};
use crate::support::{Actor, HERE, World, at, claim, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    heard(catalogue, &world).await;
}

fn said(act: &str, text: &str) -> Value {
    json!({ "id": new_id(), "act": act, "text": text })
}

/// A deduction of household 1 that can be put right within 30 days.
async fn heard(catalogue: &mut Catalogue, world: &World) {
    let committee = world.official("committee", HERE).await;
    let evidence = json!([{ "kind": "official_decision", "reference": "处理决定7号" }]);
    let rest = json!({ "occurred_on": "2024-08-20", "evidence": evidence });
    let path = file(&committee, claim(1, "fam.neglect_deduct", rest)).await;
    let (zhang, people) = (world.head(HERE, 1).await, offices(world).await);
    let cases = before_it_is_heard(world, &path, &people).await;
    catalogue.run(world, cases).await;
    // The last millisecond in which the household can still answer.
    world.travel(at("2024-08-28 23:59:59.999")).await;
    settle(world).await;
    let second = world.official("committee_2", HERE).await;
    let hearing = format!("{path}/hearing");
    let early = Case::post(
        "hearing",
        "waived a moment early",
        &second,
        &hearing,
        said("waiver", "无人应答"),
    );
    catalogue.run(world, [early.refused(409, "hearing_open")]).await;
    let spoken = said("statement", "老人已接回");
    zhang.post(&hearing, spoken.clone()).await.ok();
    let mut cases = Vec::new();
    for (name, who) in &people {
        let case = Case::post(
            "hearing",
            format!("{name} waives what was heard"),
            who,
            &hearing,
            said("waiver", "算了"),
        );
        cases.push(match *name {
            "committee" => case.refused(403, "conflict_of_interest"),
            "committee_2" | "township" | "county" => case.refused(409, "wrong_state"),
            _ => case.refused(403, "role_required"),
        });
    }
    let taken = with(said("statement", "再说一次"), json!({ "id": spoken["id"] }));
    cases.push(
        Case::post("hearing", "under the same id", &zhang, &hearing, taken)
            .refused(409, "id_taken"),
    );
    cases.extend(remedies("undecided", &zhang, &path, 409, "wrong_state"));
    catalogue.run(world, cases).await;
    put_right(catalogue, world, &path, &zhang).await;
}

async fn before_it_is_heard(
    world: &World,
    path: &str,
    people: &[(&'static str, Actor)],
) -> Vec<Case> {
    let (hearing, reviews) = (format!("{path}/hearing"), format!("{path}/reviews"));
    let (zhang, wang) = (world.head(HERE, 1).await, world.head(HERE, 2).await);
    let mut cases = Vec::new();
    let mut tried =
        |what: String, who: &Actor, to: &str, body: Value, (status, code): (u16, &'static str)| {
            cases.push(Case::post("hearing", what, who, to, body).refused(status, code));
        };
    for (name, who) in people {
        let concerned = (403, "conflict_of_interest");
        let waives = match *name {
            "committee" => concerned,
            "committee_2" | "township" | "county" => (409, "hearing_open"),
            _ => (403, "role_required"),
        };
        tried(format!("{name} waives at once"), who, &hearing, said("waiver", "无人应答"), waives);
        for word in ["approve", "reject", "return"] {
            let refused = match *name {
                "committee" => concerned,
                "clerk" => (403, "role_required"),
                _ => (409, "hearing_open"),
            };
            tried(format!("{name}: {word} unheard"), who, &reviews, decision(word), refused);
        }
        let refused = match *name {
            "committee" => concerned,
            "clerk" | "county" => (403, "role_required"),
            _ => continue,
        };
        let body = said("statement", "他们说是的");
        tried(format!("{name} writes it down"), who, &hearing, body, refused);
    }
    for act in ["statement", "waiver"] {
        tried(
            format!("{act} of a neighbour"),
            &wang,
            &hearing,
            said(act, "是他"),
            (403, "other_household"),
        );
        for (name, who) in strangers(world).await {
            tried(
                format!("{act} of {name}"),
                &who,
                &hearing,
                said(act, "是他"),
                (404, "not_found"),
            );
        }
        let odd = with(said(act, "不是"), json!({ "status": "approved" }));
        tried(format!("{act} with a state"), &zhang, &hearing, odd, (400, "unknown_field"));
    }
    tried(
        "the family waives".into(),
        &zhang,
        &hearing,
        said("waiver", "算了"),
        (403, "role_required"),
    );
    for blank in BLANK {
        tried(
            format!("{blank:?} said"),
            &zhang,
            &hearing,
            said("statement", blank),
            (422, "reason_required"),
        );
    }
    tried("nothing said".into(), &zhang, &hearing, said("statement", ""), (422, "invalid_field"));
    for act in ["confession", "STATEMENT", ""] {
        tried(
            format!("the act `{act}`"),
            &zhang,
            &hearing,
            said(act, "不是"),
            (400, "malformed_json"),
        );
    }
    for (act, body) in [("withdrawal", json!({})), ("repudiation", json!({ "reason": "没有的事" }))]
    {
        let to = format!("{path}/{act}");
        tried(
            format!("the family's {act} of a deduction"),
            &zhang,
            &to,
            body,
            (403, "role_required"),
        );
    }
    cases
}

/// What the family, a neighbour and strangers get who say that it was put right.
fn remedies(when: &str, who: &Actor, path: &str, status: u16, code: &'static str) -> Vec<Case> {
    let to = format!("{path}/remediation");
    let body = |note: &str| json!({ "id": new_id(), "note": note });
    let cases = ["已整改", "长凳已修好"].map(|note| {
        let what = format!("put right when {when}: {note}");
        Case::post("remediation", what, who, &to, body(note)).refused(status, code)
    });
    cases.into()
}

async fn put_right(catalogue: &mut Catalogue, world: &World, path: &str, zhang: &Actor) {
    let township = world.official("township", "460205100").await;
    township.post(&format!("{path}/reviews"), decision("approve")).await.ok();
    let to = format!("{path}/remediation");
    let body = |note: &str| json!({ "id": new_id(), "note": note });
    let mut cases = Vec::new();
    let mut tried = |what: String, who: &Actor, body: Value, status: u16, code: &'static str| {
        cases.push(Case::post("remediation", what, who, &to, body).refused(status, code));
    };
    for blank in BLANK {
        tried(format!("{blank:?}"), zhang, body(blank), 422, "reason_required");
    }
    tried("without a word".into(), zhang, body(""), 422, "invalid_field");
    tried(
        "with points".into(),
        zhang,
        with(body("已整改"), json!({ "points": 20 })),
        400,
        "unknown_field",
    );
    let taken = path.rsplit('/').next().unwrap_or_default();
    tried(
        "under the deduction's id".into(),
        zhang,
        with(body("已整改"), json!({ "id": taken })),
        409,
        "id_taken",
    );
    for number in [2, 3, 10] {
        tried(
            format!("by household {number}"),
            &world.head(HERE, number).await,
            body("已整改"),
            403,
            "other_household",
        );
    }
    for office in ["clerk", "county"] {
        let who = world.official(office, if office == "clerk" { HERE } else { "460205" }).await;
        tried(format!("by the {office}"), &who, body("已整改"), 403, "role_required");
    }
    for (name, who) in strangers(world).await {
        tried(format!("by {name}"), &who, body("已整改"), 404, "not_found");
    }
    catalogue.run(world, cases).await;
    // Thirty days after the 28th of August, to the end of the last.
    let term = at("2024-09-28 00:00");
    for (when, now) in
        [("a moment after the term", term), ("a month after it", at("2024-10-28 08:00"))]
    {
        world.travel(now).await;
        settle(world).await;
        catalogue.run(world, remedies(when, zhang, path, 422, "claim_too_late")).await;
    }
    twice(catalogue).await;
    world.verified().await;
}

/// What is put right in time is put right once.
async fn twice(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let (zhang, committee) = (world.head(HERE, 1).await, world.official("committee", HERE).await);
    let evidence = json!([{ "kind": "official_decision", "reference": "处理决定7号" }]);
    let rest = json!({ "occurred_on": "2024-08-20", "evidence": evidence });
    let path = file(&committee, claim(1, "fam.neglect_deduct", rest)).await;
    zhang.post(&format!("{path}/hearing"), said("statement", "认错")).await.ok();
    let township = world.official("township", "460205100").await;
    township.post(&format!("{path}/reviews"), decision("approve")).await.ok();
    let back = json!({ "id": new_id(), "note": "已整改" });
    let first =
        Case::post("remediation", "in time", &zhang, &format!("{path}/remediation"), back.clone());
    catalogue.run(&world, [first.expecting(Expected::Taken(201))]).await;
    let remedy = format!("{}/{}", claims(), back["id"].as_str().unwrap_or_default());
    let mut cases = remedies("it was", &zhang, &path, 409, "duplicate_claim");
    cases.extend(remedies("it is what puts right", &zhang, &remedy, 409, "wrong_state"));
    let reviews = format!("{remedy}/reviews");
    let second = world.official("committee_2", HERE).await;
    for points in [1, 9, 11, 20] {
        let body = json!({ "decision": "approve", "points_each": points });
        let case =
            Case::post("remediation", format!("{points} given back"), &second, &reviews, body);
        cases.push(case.refused(422, "outside_range"));
    }
    let said = Case::post(
        "hearing",
        "of what puts right",
        &zhang,
        &format!("{remedy}/hearing"),
        said("statement", "好"),
    );
    cases.push(said.refused(409, "wrong_state"));
    // One that gives nothing back, however soon it is put right.
    let id = world.deduct(2).await;
    let wang = world.head(HERE, 2).await;
    cases.extend(remedies(
        "nothing is given back",
        &wang,
        &format!("{}/{id}", claims()),
        409,
        "wrong_state",
    ));
    catalogue.run(&world, cases).await;
}
