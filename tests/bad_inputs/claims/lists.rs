//! C40 and C43: objections outside their time or by nobody here, decisions on them, and what is closed
//! before its end.

use serde_json::{Value, json};

use super::super::{Case, Catalogue};
use super::{BLANK, offices, settle, strangers, with};
use crate::support::{Actor, HERE, World, at, new_id};

fn path(month: &str, line: &str) -> String {
    format!("/v1/villages/{HERE}/public-lists/{month}/lines/{line}/objections")
}

fn objection() -> Value {
    json!({ "id": new_id(), "ground": "not_this_household", "reason": "那块地不是他家的" })
}

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-28 08:00")).await;
    for number in [1, 2, 3] {
        world.earn(number, 10 * number as i64).await;
    }
    settle(&world).await;
    let cases = early_closures(&world).await;
    catalogue.run(&world, cases).await;
    for (when, now) in [
        ("days before", "2024-08-28 08:00"),
        ("a second before", "2024-09-01 23:59:59"),
        ("a millisecond before", "2024-09-01 23:59:59.999"),
    ] {
        world.travel(at(now)).await;
        settle(&world).await;
        let cases = not_open(&world, when, "2024-08").await;
        catalogue.run(&world, cases).await;
    }
    world.travel(at("2024-09-03 10:00")).await;
    settle(&world).await;
    let cases = while_open(&world).await;
    catalogue.run(&world, cases).await;
    contested(catalogue, &world).await;
    for (when, now) in [
        ("the moment it closes", "2024-09-09 00:00"),
        ("a second after", "2024-09-09 00:00:01"),
        ("a month after", "2024-10-09 08:00"),
    ] {
        world.travel(at(now)).await;
        settle(&world).await;
        let cases = not_open(&world, when, "2024-08").await;
        catalogue.run(&world, cases).await;
    }
    world.verified().await;
}

/// C43. A list has no closure by hand.
async fn early_closures(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    let path = |week: &str| format!("/v1/villages/{HERE}/score-sheets/{week}/closure");
    for (office, who) in offices(world).await {
        for week in ["2024-W35", "2024-W36", "2024-W52", "2025-W01", "2030-W01"] {
            let case =
                Case::post("C43", format!("{office} closes {week}"), &who, &path(week), json!({}));
            cases.push(match office {
                "clerk" => case.refused(403, "role_required"),
                _ => case.refused(409, "week_not_over"),
            });
        }
        for week in
            ["2024-W00", "2024-W53", "2024-W54", "2024-35", "2024-08", "W35", "now", "2024-W35x"]
        {
            let case =
                Case::post("C43", format!("{office} closes {week}"), &who, &path(week), json!({}));
            cases.push(match office {
                "clerk" => case.refused(403, "role_required"),
                _ => case.refused(400, "invalid_path"),
            });
        }
        for name in ["force", "status", "closes_at"] {
            let body = json!({ name: true });
            let case =
                Case::post("C43", format!("closed with {name}"), &who, &path("2024-W35"), body);
            cases.push(match office {
                "clerk" => case.refused(403, "role_required"),
                _ => case.refused(400, "unknown_field"),
            });
        }
        for month in ["2024-08", "2024-07"] {
            for act in ["closure", "close"] {
                let to = format!("/v1/villages/{HERE}/public-lists/{month}/{act}");
                let case =
                    Case::post("C43", format!("{office}: {act} of {month}"), &who, &to, json!({}));
                cases.push(case.refused(404, "not_found"));
            }
        }
    }
    for number in [1, 2] {
        let who = world.head(HERE, number).await;
        let case = Case::post("C43", "a family closes a week", &who, &path("2024-W35"), json!({}));
        cases.push(case.refused(403, "role_required"));
    }
    for (name, who) in strangers(world).await {
        let case = Case::post("C43", name, &who, &path("2024-W35"), json!({}));
        cases.push(case.refused(404, "not_found"));
    }
    cases
}

async fn not_open(world: &World, when: &str, month: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for number in [2, 4, 10] {
        let who = world.head(HERE, number).await;
        for line in ["1", "3", "99"] {
            let what = format!("household {number} to line {line}, {when}");
            let case = Case::post("C40", what, &who, &path(month, line), objection());
            cases.push(case.refused(409, "list_not_open"));
        }
    }
    cases
}

async fn while_open(world: &World) -> Vec<Case> {
    let fourth = world.head(HERE, 4).await;
    let mut cases = Vec::new();
    let mut tried =
        |what: String, who: &Actor, to: &str, body: Value, (status, code): (u16, &'static str)| {
            cases.push(Case::post("C40", what, who, to, body).refused(status, code));
        };
    let first = path("2024-08", "1");
    for (name, who) in offices(world).await {
        tried(format!("by {name}"), &who, &first, objection(), (403, "role_required"));
    }
    for (name, who) in strangers(world).await {
        tried(format!("by {name}"), &who, &first, objection(), (404, "not_found"));
    }
    tried("by nobody".into(), &world.anybody(), &first, objection(), (401, "token_missing"));
    for number in 1..=3 {
        let own = path("2024-08", &number.to_string());
        let who = world.head(HERE, number).await;
        tried(
            format!("to one's own line {number}"),
            &who,
            &own,
            objection(),
            (403, "conflict_of_interest"),
        );
    }
    for line in ["0", "4", "99", "9223372036854775807"] {
        tried(
            format!("to line {line}"),
            &fourth,
            &path("2024-08", line),
            objection(),
            (404, "not_found"),
        );
    }
    for line in ["9223372036854775808", "1.5", "x", "1e0", "%20"] {
        tried(
            format!("to line {line}"),
            &fourth,
            &path("2024-08", line),
            objection(),
            (400, "invalid_path"),
        );
    }
    for month in ["2024-13", "2024-00", "2024-8", "2024", "2024-Q3", "last"] {
        tried(
            format!("to {month}"),
            &fourth,
            &path(month, "1"),
            objection(),
            (400, "invalid_path"),
        );
    }
    for month in ["2024-09", "2024-12", "2030-01"] {
        tried(
            format!("to {month}, which is to come"),
            &fourth,
            &path(month, "1"),
            objection(),
            (409, "list_not_open"),
        );
    }
    for month in ["2024-06", "2020-01"] {
        tried(
            format!("to {month}, before there were lists"),
            &fourth,
            &path(month, "1"),
            objection(),
            (404, "not_found"),
        );
    }
    for blank in BLANK {
        let body = with(objection(), json!({ "reason": blank }));
        tried(format!("for {blank:?}"), &fourth, &first, body, (422, "reason_required"));
    }
    for reason in [String::new(), "理".repeat(501)] {
        let what = format!("for {} letters", reason.chars().count());
        tried(
            what,
            &fourth,
            &first,
            with(objection(), json!({ "reason": reason })),
            (422, "invalid_field"),
        );
    }
    for name in ["status", "filed_by", "decision", "household", "line"] {
        let body = with(objection(), json!({ name: "upheld" }));
        tried(format!("with {name}"), &fourth, &first, body, (400, "unknown_field"));
    }
    cases
}

/// What was objected to once, and who decides it how.
async fn contested(catalogue: &mut Catalogue, world: &World) {
    let (fourth, fifth) = (world.head(HERE, 4).await, world.head(HERE, 5).await);
    let (filed, first) = (objection(), path("2024-08", "1"));
    fourth.post(&first, filed.clone()).await.ok();
    let mut cases = vec![
        Case::post("C40", "again by the same house", &fourth, &first, objection())
            .refused(409, "objection_exists"),
        Case::post("C40", "a neighbour's under the same id", &fifth, &first, filed.clone())
            .refused(409, "id_taken"),
        Case::post(
            "C40",
            "the same house to another line, same id",
            &fourth,
            &path("2024-08", "2"),
            filed.clone(),
        )
        .refused(409, "id_taken"),
    ];
    let id = filed["id"].as_str().expect("an id");
    let decide = format!("/v1/villages/{HERE}/objections/{id}/decision");
    let upheld = || json!({ "decision": "upheld", "reason": "土地属于集体" });
    let mut tried =
        |what: String, who: &Actor, body: Value, (status, code): (u16, &'static str)| {
            cases.push(Case::post("C40", what, who, &decide, body).refused(status, code));
        };
    for (name, who) in offices(world).await {
        if !name.starts_with("committee") {
            tried(format!("decided by {name}"), &who, upheld(), (403, "role_required"));
        }
    }
    for number in [1, 2, 4] {
        let who = world.head(HERE, number).await;
        tried(format!("decided by household {number}"), &who, upheld(), (403, "role_required"));
    }
    for (name, who) in strangers(world).await {
        tried(format!("decided by {name}"), &who, upheld(), (404, "not_found"));
    }
    let committee = world.official("committee", HERE).await;
    for points in [-1000, -5, 0, 10, 11, 1000] {
        let body = json!({ "decision": "amended", "points": points, "reason": "核减" });
        tried(format!("10 amended to {points}"), &committee, body, (422, "outside_range"));
    }
    tried(
        "amended to nothing said".into(),
        &committee,
        with(upheld(), json!({ "decision": "amended" })),
        (422, "outside_range"),
    );
    for word in ["upheld", "dismissed"] {
        let body = with(upheld(), json!({ "decision": word, "points": 5 }));
        tried(format!("{word} with points"), &committee, body, (422, "outside_range"));
    }
    for points in [json!(1001), json!(-1001), json!(9_007_199_254_740_993_i64)] {
        let body = json!({ "decision": "amended", "points": points, "reason": "核减" });
        tried(format!("amended to {points}"), &committee, body, (422, "invalid_field"));
    }
    for points in [json!(5.5), json!("5"), json!(1e30), json!([5])] {
        let body = json!({ "decision": "amended", "points": points, "reason": "核减" });
        tried(format!("amended to {points}"), &committee, body, (400, "malformed_json"));
    }
    for blank in BLANK {
        tried(
            format!("for {blank:?}"),
            &committee,
            with(upheld(), json!({ "reason": blank })),
            (422, "reason_required"),
        );
    }
    for word in ["struck", "UPHELD", "", "filed"] {
        tried(
            format!("decided `{word}`"),
            &committee,
            with(upheld(), json!({ "decision": word })),
            (400, "malformed_json"),
        );
    }
    tried(
        "with a state".into(),
        &committee,
        with(upheld(), json!({ "status": "final" })),
        (400, "unknown_field"),
    );
    catalogue.run(world, cases).await;
    committee.post(&decide, upheld()).await.ok();
    let mut cases = Vec::new();
    for office in ["committee", "committee_2", "committee_3"] {
        let who = world.official(office, HERE).await;
        for word in ["upheld", "dismissed"] {
            let what = format!("{office}: {word}, decided before");
            let case =
                Case::post("C40", what, &who, &decide, with(upheld(), json!({ "decision": word })));
            cases.push(case.refused(409, "wrong_state"));
        }
    }
    for who in [&fourth, &fifth] {
        let case = Case::post("C40", "to a line that is struck", who, &first, objection());
        cases.push(case.refused(409, "wrong_state"));
    }
    catalogue.run(world, cases).await;
}
