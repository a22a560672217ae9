//! C103: roles that nobody may give, to themselves, above themselves, or that do not exist.

use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected, Sent};
use crate::support::{Actor, FAR, HERE, NEXT, World, at, grid_of, head_id, new_id};

fn grants(region: &str) -> String {
    format!("/v1/regions/{region}/grants")
}

fn grant(person: impl Into<Value>, role: impl Into<Value>) -> Value {
    json!({ "id": new_id(), "person": person.into(), "role": role.into() })
}

async fn person(actor: &Actor) -> Value {
    actor.get("/v1/me").await.ok()["person"].clone()
}

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    above_and_oneself(catalogue, &world).await;
    by_those_who_give_none(catalogue, &world).await;
    unknown_roles(catalogue, &world).await;
    beside_the_role(catalogue, &world).await;
    the_last_administrator(catalogue, &world).await;
}

async fn above_and_oneself(catalogue: &mut Catalogue, world: &World) {
    let county = world.official("county", "460205").await;
    let township = world.official("township", "460205100").await;
    let (c, t, head) = (person(&county).await, person(&township).await, json!(head_id(HERE, 3)));
    let (above, own) = ((403, "role_above_own"), (403, "conflict_of_interest"));
    let (lacking, nothing) = ((403, "role_required"), (404, "not_found"));
    let elsewhere = (422, "invalid_field");
    let grid = grid_of(HERE, 1);
    let town = "460205100";
    let mut cases = Vec::new();
    for (what, by, region, person, role, (status, code)) in [
        ("township gives county", &township, town, &head, "county", above),
        ("township gives county in a village", &township, HERE, &head, "county", above),
        ("township gives county in a grid", &township, grid.as_str(), &head, "county", above),
        ("township gives county over the county", &township, "460205", &head, "county", lacking),
        (
            "township gives township over the county",
            &township,
            "460205",
            &head,
            "township",
            lacking,
        ),
        ("township gives the county officer county", &township, town, &c, "county", above),
        ("township gives itself county", &township, town, &t, "county", own),
        ("township gives itself township", &township, town, &t, "township", own),
        ("township gives itself panel", &township, HERE, &t, "panel", own),
        ("township gives itself committee", &township, HERE, &t, "committee", own),
        ("township gives itself clerk", &township, HERE, &t, "clerk", own),
        ("township gives itself a grid", &township, grid.as_str(), &t, "grid_worker", own),
        ("county gives itself county", &county, "460205", &c, "county", own),
        ("county gives itself township", &county, town, &c, "township", own),
        ("county gives itself committee", &county, HERE, &c, "committee", own),
        ("county gives itself elsewhere", &county, "440783", &c, "county", nothing),
        ("county gives elsewhere", &county, FAR, &head, "panel", nothing),
        ("county gives over the city", &county, "4602", &head, "county", lacking),
        ("county gives over the province", &county, "46", &head, "county", lacking),
        ("county gives where nothing is", &county, "460205999", &head, "township", nothing),
        ("township gives in another county", &township, FAR, &head, "panel", nothing),
        ("panel over a township", &county, town, &head, "panel", elsewhere),
        ("township over a village", &county, HERE, &head, "township", elsewhere),
        ("county over a township", &county, town, &head, "county", elsewhere),
        ("grid worker over a village", &county, HERE, &head, "grid_worker", elsewhere),
        ("clerk over a grid", &county, grid.as_str(), &head, "clerk", elsewhere),
    ] {
        let case = Case::post("C103", what, by, &grants(region), grant(person.clone(), role));
        cases.push(case.refused(status, code));
    }
    catalogue.run(world, cases).await;
}

/// Nobody in a village appoints, and a villager least of all themself.
async fn by_those_who_give_none(catalogue: &mut Catalogue, world: &World) {
    let mut cases = Vec::new();
    for (who, actor) in [
        ("villager", world.head(HERE, 3).await),
        ("panel", world.official("panel", HERE).await),
        ("committee", world.official("committee", HERE).await),
        ("clerk", world.official("clerk", HERE).await),
        ("grid worker", world.official("grid_worker", &grid_of(HERE, 1)).await),
    ] {
        let own = person(&actor).await;
        for (region, role) in [
            (HERE, "panel"),
            (HERE, "committee"),
            (HERE, "clerk"),
            (&grid_of(HERE, 1), "grid_worker"),
            ("460205100", "township"),
            ("460205", "county"),
        ] {
            for (whom, person) in [("themself", own.clone()), ("a friend", json!(head_id(HERE, 5)))]
            {
                let what = format!("the {who} gives {whom} {role}");
                let case = Case::post("C103", what, &actor, &grants(region), grant(person, role));
                let seen = who != "grid worker" && region.len() > 12;
                let hidden = seen && who == "villager" && region.len() > 12;
                cases.push(match hidden {
                    true => case.refused(404, "not_found"),
                    false => case.refused(403, "role_required"),
                });
            }
        }
        let case = Case::post(
            "C103",
            format!("the {who} gives in another village"),
            &actor,
            &grants(NEXT),
            grant(own, "panel"),
        );
        cases.push(case.refused(404, "not_found"));
    }
    let nobody = world.anybody();
    let case =
        Case::post("C103", "nobody gives", &nobody, &grants(HERE), grant(json!(new_id()), "panel"));
    cases.push(case.refused(401, "token_missing"));
    catalogue.run(world, cases).await;
}

async fn unknown_roles(catalogue: &mut Catalogue, world: &World) {
    let county = world.official("county", "460205").await;
    let head = head_id(HERE, 3);
    let odd = [
        json!("root"),
        json!("admin"),
        json!("superuser"),
        json!("sysadmin"),
        json!("owner"),
        json!("city"),
        json!("province"),
        json!("state"),
        json!("sandbox"),
        json!("system"),
        json!("villager"),
        json!("head"),
        json!("*"),
        json!("all"),
        json!(""),
        json!(" panel"),
        json!("panel "),
        json!("Panel"),
        json!("PANEL"),
        json!("pan\u{200b}el"),
        json!("раnel"),
        json!("评议小组"),
        json!("grid-worker"),
        json!("GridWorker"),
        json!("panel,county"),
        json!("panel\0"),
        json!("panel' OR '1'='1"),
        json!("x".repeat(10_000)),
        json!(null),
        json!(0),
        json!(-1),
        json!(true),
        json!(["panel"]),
        json!(["panel", "county"]),
        json!({ "role": "panel" }),
        json!({ "county": {} }),
    ];
    let mut cases = Vec::new();
    for role in &odd {
        let shown: String = role.to_string().chars().take(40).collect();
        let what = format!("role {shown}");
        let body = grant(json!(head), role.clone());
        let case = Case::post("C103", what, &county, &grants(HERE), body);
        cases.push(case.refused(400, "malformed_json"));
        let what = format!("a list of those with role {shown}");
        let text =
            role.as_str().filter(|text| text.is_ascii() && !text.contains([' ', '\0', '\'']));
        if let Some(text) = text.filter(|text| text.len() < 100) {
            let path = format!("{}?role={text}", grants(HERE));
            cases.push(Case::get("C103", what, &county, &path).refused(400, "invalid_query"));
        }
    }
    for kind in ["committee_of_safety", "township", "county", "root", ""] {
        let body = json!({ "id": new_id(), "kind": kind, "name": "梅西村小组",
            "starts_on": "2024-08-01", "ends_on": "2025-08-01",
            "members": [{ "person": head, "duty": "chair" }] });
        let path = format!("/v1/regions/{HERE}/committees");
        let case =
            Case::post("C103", format!("a committee that is a {kind}"), &county, &path, body);
        cases.push(case.refused(400, "malformed_json"));
    }
    catalogue.run(world, cases).await;
}

/// More than a role in the body, or less.
async fn beside_the_role(catalogue: &mut Catalogue, world: &World) {
    let county = world.official("county", "460205").await;
    let head = json!(head_id(HERE, 3));
    let mut cases = Vec::new();
    for (name, value) in [
        ("region", json!("460205")),
        ("roles", json!(["county"])),
        ("by", head.clone()),
        ("committee", json!(new_id())),
        ("is_admin", json!(true)),
        ("scope", json!("*")),
    ] {
        let mut body = grant(head.clone(), "panel");
        body[name] = value;
        let case = Case::post("C103", format!("{name} besides"), &county, &grants(HERE), body);
        cases.push(case.refused(400, "unknown_field"));
    }
    for (what, person, (status, code)) in [
        ("nobody", json!(new_id()), (404, "not_found")),
        ("nil", json!("00000000-0000-0000-0000-000000000000"), (404, "not_found")),
        ("a name", json!("张守勤"), (400, "malformed_json")),
        ("null", json!(null), (400, "malformed_json")),
        ("a list", json!([head]), (400, "malformed_json")),
    ] {
        let body = grant(person, "panel");
        let case = Case::post("C103", format!("panel for {what}"), &county, &grants(HERE), body);
        cases.push(case.refused(status, code));
    }
    for (what, days) in [
        ("that begins yesterday", json!({ "starts_on": "2024-08-20" })),
        ("that ends as it begins", json!({ "starts_on": "2024-08-22", "ends_on": "2024-08-22" })),
        ("that ended", json!({ "ends_on": "2024-08-20" })),
        ("for ever", json!({ "ends_on": "9999-12-31" })),
    ] {
        let mut body = grant(head.clone(), "panel");
        for (name, day) in days.as_object().into_iter().flatten() {
            body[name] = day.clone();
        }
        let case = Case::post("C103", format!("a role {what}"), &county, &grants(HERE), body);
        cases.push(case.refused(422, "invalid_field"));
    }
    let mut twice = Case::post("C103", "the role twice", &county, &grants(HERE), Value::Null);
    twice.sent = Sent::Text(format!(
        "{{\"id\":\"{}\",\"person\":{head},\"role\":\"panel\",\"role\":\"committee\"}}",
        new_id()
    ));
    cases.push(twice.refused(400, "malformed_json"));
    catalogue.run(world, cases).await;
}

/// The last one stays, whoever ends it and however.
async fn the_last_administrator(catalogue: &mut Catalogue, world: &World) {
    let county = world.official("county", "460205").await;
    let own = person(&county).await;
    let own = own.as_str().expect("an id");
    let held = county.get(&format!("{}?person={own}", grants("460205"))).await.ok();
    let id = held["items"][0]["id"].as_str().expect("an id").to_owned();
    let reason = || json!({ "reason": "工作调动" });
    let end = |region: &str| format!("{}/{id}/termination", grants(region));
    let mut cases = vec![
        Case::post(
            "C103",
            "the last administrator ends themself",
            &county,
            &end("460205"),
            reason(),
        )
        .refused(409, "last_admin"),
        Case::post("C103", "again", &county, &end("460205"), reason()).refused(409, "last_admin"),
        Case::post("C103", "by another region", &county, &end("460205100"), reason())
            .refused(404, "not_found"),
        Case::post("C103", "by a village", &county, &end(HERE), reason()).refused(404, "not_found"),
    ];
    for (who, actor, status, code) in [
        ("the township", world.official("township", "460205100").await, 403, "role_required"),
        ("a villager", world.head(HERE, 3).await, 403, "role_required"),
        ("another county", world.official("county", "440783").await, 404, "not_found"),
        ("nobody", world.anybody(), 401, "token_missing"),
    ] {
        let what = format!("{who} ends the last administrator");
        let case = Case::post("C103", what, &actor, &end("460205"), reason());
        cases.push(case.refused(status, code));
    }
    for (what, body, (status, code)) in [
        ("no reason", json!({}), (400, "malformed_json")),
        ("an empty reason", json!({ "reason": "" }), (422, "invalid_field")),
        (
            "an unreadable reason",
            json!({ "reason": "\u{200b} \u{200b}" }),
            (422, "reason_required"),
        ),
    ] {
        let case = Case::post("C103", format!("ended with {what}"), &county, &end("460205"), body);
        cases.push(case.refused(status, code));
    }
    catalogue.run(world, cases).await;
    // A second one who has not begun does not make the first dispensable.
    let mut coming = grant(json!(head_id(HERE, 6)), "county");
    coming["starts_on"] = json!("2024-09-30");
    county.post(&grants("460205"), coming).await.ok();
    let what = "the last one in force, while another is only coming";
    let case = Case::post("C103", what, &county, &end("460205"), reason());
    catalogue.run(world, [case.refused(409, "last_admin")]).await;
    let well =
        Case::get("C103", "control: the administrator still is one", &county, &grants("460205"));
    catalogue.run(world, [well.expecting(Expected::Taken(200))]).await;
}
