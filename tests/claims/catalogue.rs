//! Every item of the catalogue that comes with Jifen: claimed by whom it says, with what it asks for,
//! reviewed along its chain, scored, and cut at its cap.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, at, claim, grid_of, head_id, household_id, new_id};

/// A claim of an item and the household it is for.
struct Filed {
    id: String,
    household: usize,
    chain: String,
    filer: &'static str,
    points: i64,
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name].as_str().unwrap_or_default()
}

fn number(item: &Value, name: &str) -> i64 {
    item[name].as_i64().unwrap_or_default()
}

/// What an item asks for as evidence; photos are of the filer's own.
async fn evidence(world: &World, filer: &Actor, item: &Value) -> Value {
    let mut all = Vec::new();
    for kind in item["evidence"].as_array().expect("kinds") {
        let photos = match kind.as_str() {
            Some("photo") => 1,
            Some("photo_before_after") => 2,
            Some("system" | "import") => continue,
            _ => 0,
        };
        for _ in 0..photos {
            all.push(json!({ "kind": kind, "photo": world.photo(filer).await }));
        }
        if photos == 0 {
            all.push(json!({ "kind": kind, "reference": "第7号" }));
        }
    }
    json!(all)
}

/// Warns of what is only warned of the first time.
async fn warn(world: &World, items: &[Value]) {
    for (item, household) in items.iter().zip(households()) {
        if item["warn_first"] == true {
            let worker = world.official("grid_worker", &grid_of(HERE, household)).await;
            let warning = json!({
                "id": new_id(), "household": household_id(HERE, household), "rule": item["key"],
                "occurred_on": "2024-07-30", "note": "请整改",
            });
            worker.post(&format!("/v1/villages/{HERE}/warnings"), warning).await.ok();
        }
    }
}

/// Whose item it is: the households take turns.
fn households() -> impl Iterator<Item = usize> {
    (1..=10).cycle()
}

/// Two deeds in two weeks of one month; what counts per event is of one event.
async fn file(world: &World, item: &Value, household: usize) -> Vec<Filed> {
    let source = text(item, "source");
    let (office, filer) = match source {
        "claim" => ("head", world.head(HERE, household).await),
        "inspection" => {
            ("grid_worker", world.official("grid_worker", &grid_of(HERE, household)).await)
        }
        "committee" => ("panel", world.official("panel", HERE).await),
        _ => ("township", world.official("township", "460205100").await),
    };
    let mut filed = Vec::new();
    for (nth, (day, count)) in
        [("2024-08-07", 1), ("2024-08-14", number(&item["cap"], "max_times"))]
            .into_iter()
            .enumerate()
    {
        let event = if item["cap"]["period"] == "event" { 0 } else { nth };
        let mut body = claim(
            household,
            text(item, "key"),
            json!({
                "occurred_on": day,
                "count": count,
                "member": head_id(HERE, household),
                "event": format!("第{event}场"),
                "evidence": evidence(world, &filer, item).await,
            }),
        );
        if source == "inspection" && item["counted_per"] == "household" {
            body.as_object_mut().expect("an object").remove("member");
        }
        filed.extend(send(&filer, &body, item).await.map(|points| Filed {
            id: text(&body, "id").to_owned(),
            household,
            chain: text(item, "review_chain").to_owned(),
            filer: office,
            points,
        }));
    }
    filed
}

/// The points that were claimed, or nothing for what a member does once in a life.
async fn send(filer: &Actor, body: &Value, item: &Value) -> Option<i64> {
    let claims = format!("/v1/villages/{HERE}/claims");
    let each = number(item, "default_points");
    let points = each * number(body, "count");
    if text(item, "source") == "import" {
        let batch = json!({ "claims": [body] });
        let done = filer.post(&format!("{claims}/batch"), batch).await.ok();
        assert_eq!(done["results"][0]["result"], "applied", "{} {done:#}", item["key"]);
        return Some(points);
    }
    let answer = filer.post(&claims, body.clone()).await;
    if item["cap"]["period"] == "lifetime_member" && body["event"] == "第1场" {
        answer.refused(409, "duplicate_claim");
        return None;
    }
    let filed = answer.ok();
    assert_eq!((&filed["points"], &filed["source"]), (&json!(points), &item["source"]));
    Some(points)
}

/// Has every claim decided by those whom its chain names.
async fn review(world: &World, filed: &[Filed]) {
    for claim in filed.iter().filter(|claim| claim.chain == "deduct") {
        let hearing = format!("/v1/villages/{HERE}/claims/{}/hearing", claim.id);
        let said = json!({ "id": new_id(), "act": "statement", "text": "知道了" });
        world.head(HERE, claim.household).await.post(&hearing, said).await.ok();
    }
    let on = |chains: &'static [&'static str]| {
        filed.iter().filter(move |claim| chains.contains(&claim.chain.as_str())).collect::<Vec<_>>()
    };
    let in_grid = |number: usize| {
        let here = move |claim: &&&Filed| grid_of(HERE, claim.household) == grid_of(HERE, number);
        on(&["std"]).iter().filter(here).copied().collect::<Vec<_>>()
    };
    for number in [1, 10] {
        let worker = world.official("grid_worker", &grid_of(HERE, number)).await;
        approve(&worker, &in_grid(number)).await;
    }
    let (panel, second) =
        (world.official("panel", HERE).await, world.official("panel_2", HERE).await);
    for claims in [on(&["std", "grid"]), on(&["committee", "township"])] {
        let (own, others): (Vec<_>, Vec<_>) =
            claims.into_iter().partition(|claim| claim.filer == "panel");
        approve(&panel, &others).await;
        approve(&second, &own).await;
    }
    for office in ["committee", "committee_2", "committee_3"] {
        let member = world.official(office, HERE).await;
        approve(&member, &on(&["committee", "township", "deduct"])).await;
    }
    let township = world.official("township", "460205100").await;
    approve(&township, &on(&["township"])).await;
    // Of imported claims only what was drawn waits for the panel.
    for claim in on(&["auto"]) {
        let this = format!("/v1/villages/{HERE}/claims/{}", claim.id);
        if panel.get(&this).await.ok()["status"] == "submitted" {
            approve(&panel, &[claim]).await;
        }
    }
}

async fn approve(reviewer: &Actor, claims: &[&Filed]) {
    for some in claims.chunks(50) {
        let review =
            |claim: &&Filed| json!({ "claim": claim.id, "review": { "decision": "approve" } });
        let reviews = json!({ "reviews": some.iter().map(review).collect::<Vec<_>>() });
        let done = reviewer.post(&format!("/v1/villages/{HERE}/reviews/batch"), reviews).await.ok();
        for result in done["results"].as_array().expect("results") {
            assert_eq!(result["result"], "applied", "{done:#}");
        }
    }
}

/// Times and points that a cap leaves of a claim after what was spent of it.
fn left(item: &Value, claimed: i64, times: i64, spent: (i64, i64)) -> (i64, i64) {
    let cap = &item["cap"];
    let times = (number(cap, "max_times") - spent.0).clamp(0, times);
    let room = number(cap, "max_points").abs() - spent.1;
    let points = claimed.abs().min(times * number(item, "default_points").abs()).min(room).max(0);
    (if points == 0 { 0 } else { times }, points)
}

/// Every household's file, by claim.
async fn lines(world: &World) -> BTreeMap<String, (i64, i64, Option<String>)> {
    let mut lines = BTreeMap::new();
    for household in 1..=10 {
        let head = world.head(HERE, household).await;
        let entries = format!(
            "/v1/villages/{HERE}/households/{}/entries?limit=100",
            household_id(HERE, household)
        );
        for entry in head.get(&entries).await.ok()["items"].as_array().expect("entries") {
            let reason = entry["reason"].as_str().map(str::to_owned);
            let line = (number(entry, "claimed"), number(entry, "awarded"), reason);
            lines.insert(text(entry, "id").to_owned(), line);
        }
    }
    lines
}

#[actix_web::test]
async fn every_item_is_claimed_reviewed_scored_and_cut_at_its_cap() {
    let world = World::begins(at("2024-07-31 08:00")).await;
    // Items that villages have to switch on are on, and no household's month is full.
    world.unseal_rules().await;
    world.run("UPDATE rules SET enabled = TRUE").await;
    world.run("UPDATE rule_sets SET month_bonus_max = 9999, month_deduction_max = 9999").await;
    let catalogue = api::rules::builtin().expect("the catalogue");
    let catalogue = serde_json::to_value(catalogue).expect("JSON");
    let items = catalogue["items"].as_array().expect("items");
    warn(&world, items).await;
    world.travel(at("2024-08-21 08:00")).await;
    let mut all = Vec::new();
    for (item, household) in items.iter().zip(households()) {
        all.extend(file(&world, item, household).await);
    }
    review(&world, &all).await;
    world.travel(at("2024-08-26 08:00")).await;
    let lines = lines(&world).await;
    let mut by_item = all.iter();
    let mut cut = BTreeMap::<Option<String>, usize>::new();
    for item in items {
        let sign = number(item, "default_points").signum();
        let mut spent = (0, 0);
        let once = item["cap"]["period"] == "lifetime_member";
        for nth in 0..if once { 1 } else { 2 } {
            let filed = by_item.next().expect("a claim");
            let times = if nth == 0 { 1 } else { number(&item["cap"], "max_times") };
            let (claimed, awarded, reason) = lines[&filed.id].clone();
            let (used, expected) = left(item, filed.points, times, spent);
            assert_eq!((claimed, awarded), (filed.points, expected * sign), "{}", item["key"]);
            let why = match expected {
                0 => Some("cap_exhausted".to_owned()),
                all if all < filed.points.abs() => Some("cap_reached".to_owned()),
                _ => None,
            };
            assert_eq!(reason, why, "{}", item["key"]);
            *cut.entry(why).or_default() += 1;
            spent = (spent.0 + used, spent.1 + expected);
        }
    }
    assert_eq!(by_item.count(), 0);
    assert_eq!(world.count("claims WHERE status <> 'scored'").await, 0);
    println!("figure: catalogue: {} items, {} claims scored, cut {cut:?}", items.len(), all.len());
    world.verified().await;
}
