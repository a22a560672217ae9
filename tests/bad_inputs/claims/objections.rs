//! Objections to their end: rechecks, decisions, appeals and extensions by the wrong people, in the wrong
//! state, and with bodies that say nothing (C40, C41).

use serde_json::{Value, json};

use super::super::{Case, Catalogue};
use super::{BLANK, offices, settle, strangers, with};
use crate::support::{HERE, World, at, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-28 08:00")).await;
    for number in [1, 2] {
        world.earn(number, 10).await;
    }
    world.travel(at("2024-09-03 10:00")).await;
    settle(&world).await;
    let filed = json!({ "id": new_id(), "ground": "wrong_points", "reason": "分值不对" });
    let list = format!("/v1/villages/{HERE}/public-lists/2024-08");
    let filer = world.head(HERE, 3).await;
    filer.post(&format!("{list}/lines/1/objections"), filed.clone()).await.ok();
    let this = format!("/v1/villages/{HERE}/objections/{}", filed["id"].as_str().expect("an id"));
    let cases = grounds(&world, &format!("{list}/lines/2/objections")).await;
    catalogue.run(&world, cases).await;
    let cases = by_others(&world, &this).await;
    catalogue.run(&world, cases).await;
    let cases = empty_words(&world, &this).await;
    catalogue.run(&world, cases).await;
    let cases = extensions(&world, &list).await;
    catalogue.run(&world, cases).await;
    let committee = world.official("committee", HERE).await;
    let dismissed = json!({ "decision": "dismissed", "reason": "无误" });
    committee.post(&format!("{this}/decision"), dismissed).await.ok();
    let cases = appeals(&world, &this).await;
    catalogue.run(&world, cases).await;
    world.verified().await;
}

fn decision() -> Value {
    json!({ "decision": "upheld", "reason": "查过" })
}

fn appeal() -> Value {
    json!({ "id": new_id(), "reason": "请再查" })
}

async fn grounds(world: &World, to: &str) -> Vec<Case> {
    let who = world.head(HERE, 4).await;
    let body = json!({ "id": new_id(), "ground": "wrong_points", "reason": "分值不对" });
    let mut cases = Vec::new();
    for ground in
        [json!("envy"), json!(""), json!("WRONG_POINTS"), json!(1), json!(["wrong_points"])]
    {
        let what = format!("on the ground {ground}");
        let body = with(body.clone(), json!({ "ground": ground }));
        cases.push(Case::post("C40", what, &who, to, body).refused(400, "malformed_json"));
    }
    for id in [json!("x"), json!(1), json!("00000000-0000-0000-0000-000000000000")] {
        let code = if id.is_string() && id != "x" {
            (422, "invalid_field")
        } else {
            (400, "malformed_json")
        };
        let body = with(body.clone(), json!({ "id": id }));
        cases.push(Case::post("C40", format!("id {id}"), &who, to, body).refused(code.0, code.1));
    }
    cases
}

/// Everybody who may not, on each of the acts.
async fn by_others(world: &World, this: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let acts = [
        ("investigation", json!({ "note": "看过了" })),
        ("decision", decision()),
        ("appeal/decision", decision()),
    ];
    let families =
        [("household 1", world.head(HERE, 1).await), ("the filer", world.head(HERE, 3).await)];
    for (act, body) in acts {
        let path = format!("{this}/{act}");
        for (name, who) in offices(world).await {
            let case = Case::post("C40", format!("{act} by {name}"), &who, &path, body.clone());
            let own = matches!(name, "committee" | "committee_2");
            cases.push(match (act, name) {
                ("appeal/decision", "committee" | "committee_2" | "township" | "county") => {
                    case.refused(409, "wrong_state")
                }
                _ if own => continue,
                _ => case.refused(403, "role_required"),
            });
        }
        for (name, who) in &families {
            let case = Case::post("C40", format!("{act} by {name}"), who, &path, body.clone());
            cases.push(case.refused(403, "role_required"));
        }
        for (name, who) in strangers(world).await {
            let case = Case::post("C40", format!("{act} by {name}"), &who, &path, body.clone());
            cases.push(case.refused(404, "not_found"));
        }
        let unknown = format!("/v1/villages/{HERE}/objections/{}/{act}", new_id());
        let committee = world.official("committee_2", HERE).await;
        cases.push(
            Case::post("C40", format!("{act} of none"), &committee, &unknown, body.clone())
                .refused(404, "not_found"),
        );
        let odd = format!("/v1/villages/{HERE}/objections/1/{act}");
        cases.push(
            Case::post("C16", format!("{act} of `1`"), &committee, &odd, body)
                .refused(400, "invalid_path"),
        );
    }
    for (name, who) in offices(world).await {
        let case = Case::get("C40", format!("read by {name}"), &who, this);
        if matches!(name, "grid_worker" | "panel" | "panel_2" | "clerk") {
            cases.push(case.refused(404, "not_found"));
        }
    }
    cases
}

async fn empty_words(world: &World, this: &str) -> Vec<Case> {
    let who = world.official("committee", HERE).await;
    let path = format!("{this}/investigation");
    let mut cases = Vec::new();
    for blank in BLANK {
        for body in [json!({ "note": blank }), json!({ "note": "看过了", "finding": blank })] {
            let case = Case::post("C35", format!("a recheck of {blank:?}"), &who, &path, body);
            cases.push(case.refused(422, "reason_required"));
        }
    }
    for (body, status, code) in [
        (json!({}), 400, "malformed_json"),
        (json!({ "note": "" }), 422, "invalid_field"),
        (json!({ "note": "看".repeat(501) }), 422, "invalid_field"),
        (json!({ "note": "看过了", "finding": "查".repeat(501) }), 422, "invalid_field"),
        (json!({ "note": "看过了", "status": "final" }), 400, "unknown_field"),
        (json!({ "note": 5 }), 400, "malformed_json"),
    ] {
        let what = format!("a recheck with {} bytes", body.to_string().len());
        cases.push(Case::post("C35", what, &who, &path, body).refused(status, code));
    }
    cases
}

async fn extensions(world: &World, list: &str) -> Vec<Case> {
    let path = format!("{list}/extension");
    let longer = || json!({ "weeks": 2, "reason": "停电" });
    let mut cases = Vec::new();
    for (name, who) in offices(world).await {
        if name != "township" {
            let case = Case::post("C121", format!("longer by {name}"), &who, &path, longer());
            cases.push(case.refused(403, "role_required"));
        }
    }
    for (name, who) in strangers(world).await {
        let case = Case::post("C121", format!("longer by {name}"), &who, &path, longer());
        cases.push(case.refused(404, "not_found"));
    }
    let township = world.official("township", "460205100").await;
    for weeks in [0, -1, 1, 5, 1000, i64::MAX] {
        let body = with(longer(), json!({ "weeks": weeks }));
        let case = Case::post("C121", format!("for {weeks} weeks"), &township, &path, body);
        cases.push(case.refused(422, "invalid_field"));
    }
    for weeks in [json!(1.5), json!("2"), json!(1e3), json!(null)] {
        let body = with(longer(), json!({ "weeks": weeks }));
        let case = Case::post("C121", format!("for {weeks} weeks"), &township, &path, body);
        cases.push(case.refused(400, "malformed_json"));
    }
    for blank in BLANK {
        let body = with(longer(), json!({ "reason": blank }));
        let case = Case::post("C121", format!("because of {blank:?}"), &township, &path, body);
        cases.push(case.refused(422, "reason_required"));
    }
    cases
}

/// Dismissed by the committee: only the filer has something to appeal against.
async fn appeals(world: &World, this: &str) -> Vec<Case> {
    let path = format!("{this}/appeal");
    let filer = world.head(HERE, 3).await;
    let mut cases = Vec::new();
    let mut tried = |what: String, who: &crate::support::Actor, body: Value, status, code| {
        cases.push(Case::post("C40", what, who, &path, body).refused(status, code));
    };
    tried(
        "by the household".into(),
        &world.head(HERE, 1).await,
        appeal(),
        409,
        "nothing_to_appeal",
    );
    tried("by a neighbour".into(), &world.head(HERE, 5).await, appeal(), 404, "not_found");
    for (name, who) in offices(world).await {
        match name {
            "committee" | "committee_2" | "township" | "county" => {
                tried(format!("by {name}"), &who, appeal(), 403, "role_required");
            }
            _ => tried(format!("by {name}"), &who, appeal(), 404, "not_found"),
        }
    }
    for (name, who) in strangers(world).await {
        tried(format!("by {name}"), &who, appeal(), 404, "not_found");
    }
    for blank in BLANK {
        let body = with(appeal(), json!({ "reason": blank }));
        tried(format!("for {blank:?}"), &filer, body, 422, "reason_required");
    }
    tried("for nothing".into(), &filer, json!({ "id": new_id() }), 400, "malformed_json");
    let long = with(appeal(), json!({ "reason": "理".repeat(501) }));
    tried("at length".into(), &filer, long, 422, "invalid_field");
    tried(
        "with a side".into(),
        &filer,
        with(appeal(), json!({ "side": "household" })),
        400,
        "unknown_field",
    );
    tried(
        "with an odd id".into(),
        &filer,
        with(appeal(), json!({ "id": "1" })),
        400,
        "malformed_json",
    );
    cases
}
