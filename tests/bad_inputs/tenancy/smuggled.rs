//! C100: another village named beside the path. The path alone says where one is.

use serde_json::json;

use super::super::{Case, Catalogue, Expected, Sent, wire};
use crate::support::{
    Actor, FAR, HERE, NEXT, World, at, claim, grid_of, head_id, household_id, new_id,
};

const HEADERS: &[&str] = &[
    "X-Village-Id",
    "X-Village",
    "Village-Id",
    "X-Region",
    "X-Region-Code",
    "X-Tenant-Id",
    "X-Tenant",
    "X-Org-Id",
    "X-Scope",
    "X-Forwarded-Prefix",
    "X-Forwarded-Host",
    "X-Role",
];
const PARAMETERS: &[&str] =
    &["village_id", "village", "villageId", "region", "tenant", "tenant_id", "scope", "grid", "as"];

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    let people = [
        ("a villager", world.head(HERE, 1).await),
        ("the panel", world.official("panel", HERE).await),
        ("a grid worker", world.official("grid_worker", &grid_of(HERE, 1)).await),
    ];
    for (who, actor) in &people {
        in_headers_and_queries(catalogue, &world, who, actor).await;
        as_paths(catalogue, &world, who, actor).await;
    }
    in_bodies(catalogue, &world).await;
    cursors(catalogue, &world).await;
}

/// Ignored, or refused where a query is read: never a switch, neither there nor back.
async fn in_headers_and_queries(
    catalogue: &mut Catalogue,
    world: &World,
    who: &str,
    actor: &Actor,
) {
    let one = format!("households/{}", household_id(HERE, 1));
    let paths = [("claims", true), (one.as_str(), false)];
    let mut cases = Vec::new();
    for (path, reads_a_query) in paths {
        let here = format!("/v1/villages/{HERE}/{path}");
        let own = actor.get(&here).await.ok();
        for foreign in [NEXT, FAR] {
            let there = format!("/v1/villages/{foreign}/{path}");
            for name in HEADERS {
                let what = format!("{who} here, {name} {foreign}: {path}");
                let case = Case::get("C100", what, actor, &here).header(name, foreign);
                cases.push(case.expecting(Expected::Same(own.clone())));
                let what = format!("{who} in {foreign}, {name} says here: {path}");
                let case = Case::get("C100", what, actor, &there).header(name, HERE);
                cases.push(case.refused(404, "not_found"));
            }
            for name in PARAMETERS {
                let query = format!("{here}?{name}={foreign}");
                let what = format!("{who} here, query {name}={foreign}: {path}");
                let case = Case::get("C100", what, actor, &query);
                cases.push(match reads_a_query {
                    true => case.refused(400, "invalid_query"),
                    false => case.expecting(Expected::Same(own.clone())),
                });
                let what = format!("{who} in {foreign}, query {name} says here: {path}");
                let case = Case::get("C100", what, actor, &format!("{there}?{name}={HERE}"));
                cases.push(case.refused(404, "not_found"));
            }
        }
        let what = format!("{who} here, a cookie says elsewhere: {path}");
        let case = Case::get("C100", what, actor, &here).header("Cookie", format!("village={FAR}"));
        cases.push(case.expecting(Expected::Same(own)));
    }
    catalogue.run(world, cases).await;
}

/// Codes that a careless router or database would take for the caller's own.
async fn as_paths(catalogue: &mut Catalogue, world: &World, who: &str, actor: &Actor) {
    let token = actor.token.as_deref().expect("a token");
    let line = format!("Authorization: Bearer {token}");
    let wide: String = HERE.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xFEE0)).collect();
    let (path, none) = ((400, "invalid_path"), (404, "not_found"));
    let mut cases = Vec::new();
    for (code, (status, refusal)) in [
        (format!("{FAR}/../{HERE}"), none),
        (format!("{HERE}/../{FAR}"), none),
        (format!("./{HERE}"), none),
        (format!("/{HERE}"), none),
        (format!("{HERE}%2F..%2F{FAR}"), path),
        (format!("%2e%2e/villages/{FAR}"), path),
        (format!("{HERE}%00"), path),
        (format!("{HERE}%20"), path),
        (format!("{HERE}%0a"), path),
        (format!("{FAR},{HERE}"), path),
        (format!("{FAR};{HERE}"), path),
        (format!("{HERE}*"), path),
        (format!("+{HERE}"), path),
        (format!("0{HERE}"), path),
        (format!("{HERE}0"), path),
        (format!("{HERE}001"), path),
        (HERE.split_at(9).0.to_owned(), path),
        (HERE.split_at(11).0.to_owned(), path),
        ("0".repeat(12), none),
        ("9".repeat(12), none),
        ("9".repeat(4000), path),
        ("*".to_owned(), path),
        ("me".to_owned(), path),
        ("null".to_owned(), path),
        ("-1".to_owned(), path),
        ("0x6B29C1A0D9".to_owned(), path),
        ("4.60205100201e11".to_owned(), path),
        (format!("{HERE}'--"), path),
        ("{village}".to_owned(), path),
        ("..".to_owned(), path),
    ] {
        let target = format!("/v1/villages/{code}/claims");
        let bytes = wire::get(&target, &[line.as_bytes()]);
        let shown: String = code.chars().take(40).collect();
        let what = format!("{who} asks for village `{shown}`");
        let case = Case::get("C100", what, &world.anybody(), &target);
        cases.push(Case { sent: Sent::Wire(bytes), ..case }.refused(status, refusal));
    }
    let target = format!("/v1/villages/{wide}/claims");
    let case = Case::get("C100", format!("{who} asks in full-width digits"), actor, &target);
    cases.push(case.refused(400, "invalid_path"));
    catalogue.run(world, cases).await;
}

/// A body names no village where the path does; the ids in it are looked for in that village alone.
async fn in_bodies(catalogue: &mut Catalogue, world: &World) {
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let township = world.official("township", "460205100").await;
    let head = world.head(HERE, 1).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    let deed = |household: usize, more: serde_json::Value| {
        let mut body = claim(
            household,
            "ent.coop",
            json!({
                "occurred_on": "2024-08-20",
                "evidence": [{ "kind": "certificate", "reference": "门前" }],
            }),
        );
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    };
    let mut cases = Vec::new();
    let names = [
        "village",
        "village_id",
        "villageId",
        "region",
        "tenant",
        "tenant_id",
        "grid",
        "person",
        "account",
        "role",
        "filed_by",
        "on_behalf_of",
    ];
    for name in names {
        let body = deed(2, json!({ name: FAR }));
        let case = Case::post("C100", format!("a claim with {name}"), &worker, &claims, body);
        cases.push(case.refused(400, "unknown_field"));
    }
    for village in [NEXT, FAR] {
        let body = deed(2, json!({ "household": household_id(village, 2) }));
        let what = format!("a claim for a household of {village}");
        cases.push(Case::post("C100", what, &worker, &claims, body).refused(404, "not_found"));
        let there = format!("/v1/villages/{village}/claims");
        let what = format!("a claim for a household of here in {village}");
        let case = Case::post("C100", what, &worker, &there, deed(2, json!({})));
        cases.push(case.refused(404, "not_found"));
        let what = format!("a redemption for a household of {village}");
        let path = format!("/v1/villages/{HERE}/redemptions");
        let body = json!({ "id": new_id(), "household": household_id(village, 2),
            "prize": new_id(), "count": 1 });
        let case = Case::post("C100", what, &worker, &path, body);
        cases.push(case.expecting(Expected::Refused(400, "unknown_field")));
        let grid = json!({ "grid": format!("{village}001") });
        let path = format!("/v1/villages/{HERE}/households/{}/grid", household_id(HERE, 2));
        let case =
            Case::post("C100", format!("a move to a grid of {village}"), &township, &path, grid);
        cases.push(case.refused(422, "invalid_field"));
        let kin = json!({ "person": head_id(HERE, 1), "relative": head_id(village, 2),
            "relation": "parent" });
        let path = format!("/v1/villages/{HERE}/kin");
        let case = Case::post("C100", format!("kin in {village}"), &head, &path, kin);
        cases.push(case.refused(404, "not_found"));
    }
    catalogue.run(world, cases).await;
}

/// A cursor belongs to one list of one village and one reader.
async fn cursors(catalogue: &mut Catalogue, world: &World) {
    let list = |village: &str| format!("/v1/villages/{village}/households?limit=3");
    let cursor =
        |page: &serde_json::Value| page["next_cursor"].as_str().expect("a next page").to_owned();
    let township = world.official("township", "460205100").await;
    let panel = world.official("panel", HERE).await;
    let (here, next) = (township.get(&list(HERE)).await.ok(), township.get(&list(NEXT)).await.ok());
    let mut cases = Vec::new();
    for (what, who, path, cursor) in [
        ("of another village", &township, list(HERE), cursor(&next)),
        ("of this village, in another", &township, list(NEXT), cursor(&here)),
        ("of another village, by one who may not see it", &panel, list(HERE), cursor(&next)),
        ("of another list", &panel, format!("/v1/villages/{HERE}/claims?limit=3"), cursor(&here)),
        ("cut short", &panel, list(HERE), cursor(&here).split_at(8).0.to_owned()),
        ("made up", &panel, list(HERE), "AAAA".to_owned()),
        ("a number", &panel, list(HERE), "3".to_owned()),
        ("a village's code", &panel, list(HERE), FAR.to_owned()),
        ("of 4 KB", &panel, list(HERE), "A".repeat(4096)),
    ] {
        let path = format!("{path}&cursor={cursor}");
        let case = Case::get("C100", format!("a cursor {what}"), who, &path);
        cases.push(case.refused(400, "invalid_cursor"));
    }
    catalogue.run(world, cases).await;
}
