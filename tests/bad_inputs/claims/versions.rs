//! C22 and C44: rules of another village, rules that are over or to come, and changes inside a quarter.

use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected};
use super::{claims, offices, put, settle, with};
use crate::rules::{patrol, published};
use crate::support::{HERE, NEXT, World, at, claim, household_id, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    // A rule of the village's own, and one that it switches off, from the 30th of September on.
    let (world, set) = published(|draft| {
        draft["new_items"] = json!([patrol()]);
        let off = json!({ "key": "ent.coop", "enabled": false });
        draft["changes"] = json!([{ "key": "pub.donate", "default_points": 6 }, off]);
    })
    .await;
    world.travel(at("2024-09-25 08:00")).await;
    settle(&world).await;
    let cases = inside_the_quarter(&world, &set).await;
    catalogue.run(&world, cases).await;
    for day in ["2024-09-23", "2024-09-25"] {
        let points = points(&world, &deed("pub.donate", day)).await;
        catalogue.check("C44", &format!("{points} points on {day}"), points == 2);
    }
    let mut cases = Vec::new();
    let (zhang, next_door) = (world.head(HERE, 1).await, world.head(NEXT, 1).await);
    let before = deed("pub.river_patrol", "2024-09-24");
    cases.push(
        Case::post("C22", "before it holds", &zhang, &claims(), before)
            .refused(422, "rule_not_in_force"),
    );
    catalogue.run(&world, cases).await;
    world.travel(at("2024-10-08 08:00")).await;
    settle(&world).await;
    let mut cases = Vec::new();
    for (day, what) in [
        ("2024-09-29", "done the day before it held"),
        ("2024-09-30", "next door"),
        ("2024-10-07", "next door, later"),
    ] {
        for count in [1, 2] {
            let body = with(deed("pub.river_patrol", day), json!({ "count": count }));
            let case = match what.starts_with("next") {
                true => {
                    let body = with(body, json!({ "household": household_id(NEXT, 1) }));
                    let there = format!("/v1/villages/{NEXT}/claims");
                    Case::post("C22", format!("{what}, {count}"), &next_door, &there, body)
                }
                false => Case::post("C22", format!("{what}, {count}"), &zhang, &claims(), body),
            };
            cases.push(case.refused(422, "rule_not_in_force"));
        }
    }
    for day in ["2024-09-30", "2024-10-01", "2024-10-08"] {
        let case = Case::post(
            "C22",
            format!("switched off on {day}"),
            &zhang,
            &claims(),
            deed("ent.coop", day),
        );
        cases.push(case.refused(422, "rule_not_in_force"));
    }
    let still = Case::post(
        "C22",
        "control: held that day",
        &zhang,
        &claims(),
        deed("ent.coop", "2024-09-29"),
    );
    cases.push(still.expecting(Expected::Taken(201)));
    catalogue.run(&world, cases).await;
    for (day, expected) in [("2024-09-29", 2), ("2024-09-30", 6)] {
        let points = points(&world, &deed("pub.donate", day)).await;
        catalogue.check("C44", &format!("{points} points on {day}"), points == expected);
    }
    world.verified().await;
}

fn deed(rule: &str, day: &str) -> Value {
    let evidence = json!([{ "kind": "certificate", "reference": "收据" }]);
    claim(1, rule, json!({ "occurred_on": day, "evidence": evidence }))
}

/// Files it; what it is worth.
async fn points(world: &World, body: &Value) -> i64 {
    let filed = world.head(HERE, 1).await.post(&claims(), body.clone()).await.ok();
    filed["points"].as_i64().expect("points")
}

async fn inside_the_quarter(world: &World, set: &str) -> Vec<Case> {
    let sets = format!("/v1/regions/{HERE}/rule-sets");
    let draft = |day: &str| {
        json!({
            "id": new_id(), "effective_on": day,
            "draft": { "version": "大罗村", "changes": [{ "key": "pub.donate", "default_points": 9 }] },
        })
    };
    let committee = world.official("committee", HERE).await;
    let mut cases = Vec::new();
    // The open week, the quarter that has begun, and days on which no quarter begins.
    for day in [
        "2024-09-23",
        "2024-09-25",
        "2024-09-26",
        "2024-07-01",
        "2024-10-01",
        "2024-10-07",
        "2024-12-31",
        "2020-01-06",
    ] {
        let case = Case::post("C44", format!("a draft for {day}"), &committee, &sets, draft(day));
        cases.push(case.refused(422, "invalid_field"));
    }
    for (name, who) in offices(world).await {
        if ["grid_worker", "panel", "panel_2", "clerk"].contains(&name) {
            let case =
                Case::post("C44", format!("a draft by {name}"), &who, &sets, draft("2024-12-30"));
            cases.push(case.refused(403, "role_required"));
        }
        if name.starts_with("committee") || name == "township" {
            let body =
                json!({ "effective_on": "2024-12-30", "draft": draft("2024-12-30")["draft"] });
            let what = format!("{name} edits what is published");
            let case = put("C44", what, &who, set, Some("*"), body);
            cases.push(case.refused(409, "wrong_state"));
        }
    }
    for number in [1, 2] {
        let who = world.head(HERE, number).await;
        let case = Case::post("C44", "a draft by a family", &who, &sets, draft("2024-12-30"));
        cases.push(case.refused(403, "role_required"));
    }
    cases
}
