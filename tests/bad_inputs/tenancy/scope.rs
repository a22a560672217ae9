//! C101: a township's village seen from the next township, and from the county over both.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::{Case, Catalogue};
use crate::support::{Actor, HERE, NEXT, World, at, contract, head_id, new_id};

/// The other township of the county, its village and a grid.
const OTHER: &str = "460205101";
const THERE: &str = "460205101201";

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    found(&county).await;
    let unknown = county.get("/v1/no-such-thing").await.refused(404, "not_found");
    let askers = [
        ("the township", world.official("township", "460205100").await),
        ("a village's panel", world.official("panel", HERE).await),
        ("a village's clerk", world.official("clerk", HERE).await),
        ("a grid worker", world.official("grid_worker", &format!("{HERE}001")).await),
        ("a villager", world.head(HERE, 1).await),
        ("another county", world.official("county", "440783").await),
    ];
    let mut cases = Vec::new();
    for (who, actor) in &askers {
        for (id, method, path) in operations() {
            let case = asked(actor, format!("{who} in the other township: {id}"), method, &path);
            cases.push(case.refused(404, "not_found"));
        }
    }
    // To one who appoints there, nothing of here.
    let theirs = world.head(NEXT, 9).await;
    let grant = json!({ "id": new_id(), "person": head_id(NEXT, 9), "role": "township" });
    county.post(&format!("/v1/regions/{OTHER}/grants"), grant).await.ok();
    for path in ["households", "claims", "policy", "grids", "objections"] {
        let here = format!("/v1/villages/{HERE}/{path}");
        let what = format!("the other township in this one: {path}");
        cases.push(Case::get("C101", what, &theirs, &here).refused(404, "not_found"));
    }
    for region in ["460205", "460205100"] {
        let what = format!("the other township over {region}");
        let case = Case::get("C101", what, &theirs, &format!("/v1/regions/{region}/grants"));
        // They live below it: they see that it is there.
        cases.push(case.refused(403, "role_required"));
    }
    catalogue.run(&world, cases).await;
    bodies_are_alike(catalogue, &askers[0].1, &unknown).await;
    let mut cases = Vec::new();
    for (village, township) in [(HERE, "460205100"), (THERE, OTHER)] {
        for part in ["claims", "policy", "grids", "kin", "redemptions"] {
            let path = format!("/v1/villages/{village}/{part}");
            cases.push(Case::get(
                "C101",
                format!("the county in {village}: {part}"),
                &county,
                &path,
            ));
        }
        for (region, part) in [(township, "grants"), (township, "committees"), (village, "grants")]
        {
            let path = format!("/v1/regions/{region}/{part}");
            cases.push(Case::get(
                "C101",
                format!("the county over {region}: {part}"),
                &county,
                &path,
            ));
        }
    }
    cases.push(Case::get(
        "C101",
        "the other township at home",
        &theirs,
        &format!("/v1/villages/{THERE}/households"),
    ));
    catalogue.run(&world, cases).await;
}

async fn found(county: &Actor) {
    let parts = |code: &str, name: &str| json!({ "parts": [{ "code": code, "name": name }] });
    county.post("/v1/regions/460205/parts", parts(OTHER, "新镇")).await.ok();
    county.post(&format!("/v1/regions/{OTHER}/parts"), parts(THERE, "新村")).await.ok();
    let policy = json!({
        "mode": "monthly", "publicity_weeks": 2, "window_weeks": 1, "window_points_max": 300,
        "point_value_fen": 50,
    });
    county.post(&format!("/v1/regions/{THERE}/opening"), policy).await.ok();
    let grid = json!({ "code": format!("{THERE}001"), "name": "第一网格" });
    county.post(&format!("/v1/villages/{THERE}/grids"), grid).await.ok();
}

/// Every operation of the contract that needs a login and names a place, with the place there.
fn operations() -> Vec<(&'static str, Method, String)> {
    let mut found = Vec::new();
    for (template, item) in contract()["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let place = template.contains("{village}") || template.contains("{region}");
            // What anybody may read says nothing about scope.
            let open = |it: &Value| it.as_object().is_some_and(|it| it.is_empty());
            let schemes = operation["security"].as_array();
            if !place || schemes.is_none_or(|schemes| schemes.iter().any(open)) {
                continue;
            }
            let id = operation["operationId"].as_str().expect("an id");
            let part = |part: &str| match part {
                "{village}" | "{region}" => THERE.to_owned(),
                "{grid}" => format!("{THERE}001"),
                "{week}" => "2024-W33".to_owned(),
                "{month}" => "2024-07".to_owned(),
                "{period}" => "2024-Q3".to_owned(),
                "{line}" => "1".to_owned(),
                part if part.starts_with('{') => new_id().to_string(),
                part => part.to_owned(),
            };
            let path = template.split('/').map(part).collect::<Vec<_>>().join("/");
            found.push((id, method.to_uppercase().parse().expect("a method"), path));
        }
    }
    found
}

fn asked(actor: &Actor, what: String, method: Method, path: &str) -> Case {
    let get = Case::get("C101", what.clone(), actor, path);
    match method {
        Method::GET => get,
        method => {
            let post = Case::post("C101", what, actor, path, json!({}));
            Case { method, ..post }.header("If-Match", "\"0\"")
        }
    }
}

/// A village that may not be seen is answered like one that does not exist.
async fn bodies_are_alike(catalogue: &mut Catalogue, township: &Actor, unknown: &Value) {
    let alike = |body: &Value| {
        let mut body = body.clone();
        body["instance"] = unknown["instance"].clone();
        body == *unknown
    };
    for part in ["households", "claims", "policy", "grids", "kin", "objections"] {
        for village in [THERE, "460205101999", "990205101999"] {
            let answer = township.get(&format!("/v1/villages/{village}/{part}")).await;
            let what = format!("{part} of {village} are like nothing at all");
            catalogue.check("C101", &what, alike(&answer.body));
        }
    }
}
