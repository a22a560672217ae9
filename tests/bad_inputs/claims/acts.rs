//! C34, C38 and what else is done to a claim, in every state and by everybody who may not.

use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected};
use super::{BLANK, decision, deed, file, offices, put, settle, strangers, worker};
use crate::support::{Actor, HERE, World, at, new_id};

/// A claim in a state that it reached by itself.
struct Staged {
    state: &'static str,
    path: String,
    household: usize,
    version: i64,
}

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-07-24 08:00")).await;
    let staged = stage(&world).await;
    let township = world.official("township", "460205100").await;
    let people = offices(&world).await;
    let strangers = strangers(&world).await;
    for Staged { state, path, .. } in &staged {
        let status = township.get(path).await.ok()["status"].clone();
        catalogue.check("C34", &format!("a claim is {state}, not {status}"), status == *state);
    }
    for claim in &staged {
        let head = world.head(HERE, claim.household).await;
        let neighbour = world.head(HERE, 2).await;
        let mut cases = reviews(claim, &people, &head);
        cases.extend(smuggled(claim, &people[1].1, &head));
        cases.extend(by_the_family(claim, &head));
        cases.extend(corrections(claim, &head));
        for (act, body) in acts() {
            let path = format!("{}/{act}", claim.path);
            let on = format!("{act} of a {} claim", claim.state);
            let tried = |name: &str, who: &Actor| {
                Case::post(row(act), format!("{name}: {on}"), who, &path, body.clone())
            };
            cases.push(tried("a neighbour", &neighbour).refused(403, "other_household"));
            cases.push(tried("nobody", &world.anybody()).refused(401, "token_missing"));
            for (name, who) in &strangers {
                cases.push(tried(name, who).refused(404, "not_found"));
            }
        }
        catalogue.run(&world, cases).await;
    }
    world.verified().await;
}

fn row(act: &str) -> &'static str {
    match act {
        "hearing" => "hearing",
        "remediation" => "remediation",
        "repudiation" => "repudiation",
        "resubmission" => "resubmission",
        _ => "C34",
    }
}

/// What is done to a claim besides a review, with a body that could be right.
fn acts() -> Vec<(&'static str, Value)> {
    vec![
        ("withdrawal", json!({})),
        ("resubmission", json!({})),
        ("repudiation", json!({ "reason": "没有人问过我" })),
        ("remediation", json!({ "id": new_id(), "note": "已整改" })),
        ("hearing", json!({ "id": new_id(), "act": "statement", "text": "不是我家" })),
    ]
}

/// A claim in every state.
async fn stage(world: &World) -> Vec<Staged> {
    let zhang = world.head(HERE, 1).await;
    let (worker, panel) = (worker(world).await, world.official("panel", HERE).await);
    let claims = super::claims();
    let mut staged = Vec::new();
    let mut keep = |state, path: String, household| {
        staged.push(Staged { state, path, household, version: 0 });
    };
    keep("confirmed", format!("{claims}/{}", world.earn(6, 30).await), 6);
    keep("overturned", format!("{claims}/{}", world.earn(7, 20).await), 7);
    let lapsed = file(&zhang, deed(1, "2024-07-20")).await;
    worker.post(&format!("{lapsed}/reviews"), decision("return")).await.ok();
    keep("lapsed", lapsed, 1);
    world.travel(at("2024-07-30 09:00")).await;
    let objection =
        json!({ "id": new_id(), "ground": "not_this_household", "reason": "土地属于集体" });
    let list = format!("/v1/villages/{HERE}/public-lists/2024-07");
    let line = format!("{list}/lines/2/objections");
    world.head(HERE, 3).await.post(&line, objection.clone()).await.ok();
    let id = objection["id"].as_str().expect("an id");
    let upheld = json!({ "decision": "upheld", "reason": "土地属于集体" });
    let committee = world.official("committee", HERE).await;
    let decide = format!("/v1/villages/{HERE}/objections/{id}/decision");
    committee.post(&decide, upheld).await.ok();
    world.travel(at("2024-08-21 09:00")).await;
    for (state, day) in [("scored", "2024-08-01"), ("rejected", "2024-08-02")] {
        let path = file(&zhang, deed(1, day)).await;
        worker.post(&format!("{path}/reviews"), decision("approve")).await.ok();
        let word = if state == "scored" { "approve" } else { "reject" };
        panel.post(&format!("{path}/reviews"), decision(word)).await.ok();
        keep(state, path, 1);
    }
    world.travel(at("2024-08-26 09:00")).await;
    let withdrawn = file(&zhang, deed(1, "2024-08-03")).await;
    zhang.post(&format!("{withdrawn}/withdrawal"), json!({})).await.ok();
    keep("withdrawn", withdrawn, 1);
    keep("submitted", file(&zhang, deed(1, "2024-08-04")).await, 1);
    for (state, day) in
        [("in_review", "2024-08-05"), ("returned", "2024-08-06"), ("approved", "2024-08-07")]
    {
        let path = file(&zhang, deed(1, day)).await;
        worker.post(&format!("{path}/reviews"), decision("approve")).await.ok();
        if state != "in_review" {
            let word = if state == "returned" { "return" } else { "approve" };
            panel.post(&format!("{path}/reviews"), decision(word)).await.ok();
        }
        keep(state, path, 1);
    }
    settle(world).await;
    for it in &mut staged {
        it.version = committee.get(&it.path).await.ok()["version"].as_i64().expect("a version");
    }
    staged
}

fn waits(state: &str) -> bool {
    matches!(state, "submitted" | "in_review")
}

/// C34: whoever reviews, for all that is no longer to be reviewed; and out of turn.
fn reviews(claim: &Staged, people: &[(&'static str, Actor)], head: &Actor) -> Vec<Case> {
    let path = format!("{}/reviews", claim.path);
    let mut cases = Vec::new();
    for word in ["approve", "reject", "return"] {
        let what = |name: &str| format!("{name}: {word} a {} claim", claim.state);
        for (name, who) in people {
            let case = Case::post("C34", what(name), who, &path, decision(word));
            // Where it is somebody's turn, it is not everybody's.
            let turn = match claim.state {
                "submitted" => Some("grid_worker"),
                "in_review" => Some("panel"),
                _ => None,
            };
            cases.push(match (*name, turn) {
                ("clerk", _) => case.refused(403, "role_required"),
                (_, None) => case.refused(409, "wrong_state"),
                ("grid_worker", Some("panel")) => case.refused(409, "already_reviewed"),
                (name, Some(turn)) if name.starts_with(turn) => continue,
                _ => case.refused(403, "role_required"),
            });
        }
        let case = Case::post("C34", what("the family"), head, &path, decision(word));
        cases.push(case.refused(403, "role_required"));
    }
    cases
}

/// A state or points that come along with something else.
fn smuggled(claim: &Staged, panel: &Actor, head: &Actor) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, value) in [
        ("status", json!("approved")),
        ("step", json!(1)),
        ("points", json!(100)),
        ("approved_at", json!("2024-08-01T00:00:00+08:00")),
        ("reviewer", json!(new_id())),
        ("role", json!("county")),
        ("force", json!(true)),
        ("round", json!(9)),
    ] {
        let extra = json!({ name: value });
        let path = format!("{}/reviews", claim.path);
        let body = super::with(decision("approve"), extra.clone());
        let what = format!("{name} in a review of a {} claim", claim.state);
        cases.push(Case::post("C34", what, panel, &path, body).refused(400, "unknown_field"));
        for (act, body) in acts() {
            let what = format!("{name} in the {act} of a {} claim", claim.state);
            let path = format!("{}/{act}", claim.path);
            let body = super::with(body, extra.clone());
            cases.push(Case::post("C34", what, head, &path, body).refused(400, "unknown_field"));
        }
    }
    for word in ["approved", "APPROVE", "settle", "", "overturn", "withdraw"] {
        let body = json!({ "decision": word, "reason": "证书看不清" });
        let what = format!("the decision `{word}` on a {} claim", claim.state);
        let case = Case::post("C34", what, panel, &format!("{}/reviews", claim.path), body);
        cases.push(case.refused(400, "malformed_json"));
    }
    let patched = Case::get("C34", "PATCH of its state", head, &claim.path);
    let sent = super::Sent::Json(json!({ "status": "approved" }));
    let patched = Case { method: reqwest::Method::PATCH, sent, ..patched };
    cases.push(patched.refused(405, "method_not_allowed"));
    cases
}

/// What the family itself does when it is too late, or never its own to do.
fn by_the_family(claim: &Staged, head: &Actor) -> Vec<Case> {
    let mut cases = Vec::new();
    for (act, body) in acts() {
        let path = format!("{}/{act}", claim.path);
        let what = format!("the family: {act} of a {} claim", claim.state);
        let case = Case::post(row(act), what, head, &path, body);
        cases.push(match act {
            "withdrawal" if waits(claim.state) => continue,
            "resubmission" if claim.state == "returned" => continue,
            // It claimed that itself.
            "repudiation" => case.refused(403, "role_required"),
            _ => case.refused(409, "wrong_state"),
        });
    }
    for blank in BLANK {
        let path = format!("{}/repudiation", claim.path);
        let what = format!("a {} claim is disowned for {blank:?}", claim.state);
        let case = Case::post("repudiation", what, head, &path, json!({ "reason": blank }));
        cases.push(case.refused(422, "reason_required"));
    }
    cases
}

/// C38.
fn corrections(claim: &Staged, head: &Actor) -> Vec<Case> {
    let evidence = json!([{ "kind": "certificate", "reference": "收据 2" }]);
    let good = json!({ "count": 1, "occurred_on": "2024-08-04", "evidence": evidence });
    let open = matches!(claim.state, "submitted" | "returned");
    let (path, version) = (&claim.path, claim.version);
    let mut cases = Vec::new();
    let mut tags = vec![
        Some(format!("\"{}\"", version + 1)),
        Some(format!("\"{}\"", version - 1)),
        Some(format!("W/\"{version}\"")),
        Some(version.to_string()),
        Some("\"-1\"".to_owned()),
        Some("\"99999999999999999999\"".to_owned()),
        Some("\"\"".to_owned()),
        Some("x".repeat(2000)),
        None,
    ];
    if !open {
        tags.extend([Some("*".to_owned()), Some(format!("\"{version}\""))]);
    }
    for tag in tags {
        let shown: String = tag.iter().flat_map(|it| it.chars().take(30)).collect();
        let what = format!("a {} claim, If-Match {shown}", claim.state);
        let case = put("C38", what, head, path, tag.as_deref(), good.clone());
        cases.push(match (open, tag) {
            (false, _) => case.refused(409, "wrong_state"),
            (true, None) => case.refused(428, "precondition_required"),
            (true, Some(_)) => case.refused(412, "precondition_failed"),
        });
    }
    for (name, value) in [
        ("status", json!("approved")),
        ("points", json!(100)),
        ("household", json!(new_id())),
        ("rule", json!("con.land_give")),
        ("version", json!(99)),
    ] {
        let body = super::with(good.clone(), json!({ name: value }));
        let what = format!("{name} in the correction of a {} claim", claim.state);
        let case = put("C38", what, head, path, Some("*"), body);
        cases.push(case.refused(400, "unknown_field"));
    }
    cases
}

/// C38: of some corrections of one version one is taken.
pub async fn corrected_twice(catalogue: &mut Catalogue, world: &World, head: &Actor) {
    let path = file(head, deed(1, "2024-08-19")).await;
    let body = |day: &str| {
        let evidence = json!([{ "kind": "certificate", "reference": "收据 2" }]);
        json!({ "count": 1, "occurred_on": day, "evidence": evidence })
    };
    let first = put("C38", "the first", head, &path, Some("\"1\""), body("2024-08-18"));
    let tables = &["claims", "audit_events", "village_changes"];
    let mut cases = vec![first.expecting(Expected::Taken(200)).writes(tables)];
    for day in ["2024-08-18", "2024-08-17", "2024-08-16"] {
        let second = put("C38", format!("again, {day}"), head, &path, Some("\"1\""), body(day));
        cases.push(second.refused(412, "precondition_failed"));
    }
    catalogue.run(world, cases).await;
}
