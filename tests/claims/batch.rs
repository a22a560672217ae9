use std::collections::BTreeMap;

use futures::future::join_all;
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Actor, HERE, World, at, claim, consent, grid_of, head_id, new_id};

fn path() -> String {
    format!("/v1/villages/{HERE}/claims/batch")
}

async fn world() -> World {
    World::begins(at("2024-08-21 08:00")).await
}

async fn worker(world: &World) -> Actor {
    world.official("grid_worker", &grid_of(HERE, 1)).await
}

/// 3 points, prechecked by the grid.
fn coop(number: usize, day: &str) -> Value {
    claim(
        number,
        "ent.coop",
        json!({
            "occurred_on": day, "consent": consent(number),
            "evidence": [{ "kind": "certificate", "reference": "社员证" }],
        }),
    )
}

fn straw(number: usize, day: &str, photo: Uuid) -> Value {
    claim(
        number,
        "env.straw_pesticide",
        json!({
            "occurred_on": day, "consent": consent(number),
            "evidence": [{ "kind": "photo", "photo": photo }],
        }),
    )
}

/// Result, code and the id of what is there already, of each element.
fn told(answer: &Value) -> Vec<(String, String, Option<Uuid>)> {
    let word = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let results = answer["results"].as_array().expect("results").iter();
    results
        .map(|it| {
            let existing = it["existing"].as_str().and_then(|id| id.parse().ok());
            (word(&it["result"]), word(&it["code"]), existing)
        })
        .collect()
}

fn id(claim: &Value) -> Uuid {
    claim["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, FromQueryResult)]
struct Stored {
    id: Uuid,
    household: Uuid,
    dedupe: String,
    points: i64,
    content: Option<String>,
    possible_duplicate: Option<Uuid>,
    photos_awaited: i64,
}

async fn stored(world: &World) -> Vec<Stored> {
    let sql = "SELECT id, household, dedupe, points, content, possible_duplicate, photos_awaited \
               FROM claims ORDER BY id";
    api::kernel::db::all(world.app.db.read(), sql, []).await.expect("claims")
}

#[actix_web::test]
async fn what_is_there_already_is_named_and_the_same_id_says_one_thing() {
    let world = world().await;
    let worker = worker(&world).await;
    let first = coop(1, "2024-08-20");
    let done = worker.post(&path(), json!({ "claims": [first] })).await.ok();
    assert_eq!(told(&done), [("applied".to_owned(), String::new(), None)]);
    let twin = coop(1, "2024-08-20");
    let mut other = first.clone();
    other["note"] = json!("改了");
    let batch = json!({ "claims": [first, twin, other] });
    let done = worker.post(&path(), batch).await.ok();
    let (duplicate, rejected) = ("duplicate".to_owned(), "rejected".to_owned());
    assert_eq!(
        told(&done),
        [
            (duplicate.clone(), "id_taken".to_owned(), Some(id(&first))),
            (duplicate, "duplicate_claim".to_owned(), Some(id(&first))),
            (rejected, "id_taken".to_owned(), None),
        ]
    );
    assert_eq!(world.count("claims").await, 1);
    // Long after its term it is still there, not too late.
    world.travel(at("2024-11-20 08:00")).await;
    let done = worker.post(&path(), json!({ "claims": [first] })).await.ok();
    assert_eq!(done["results"][0]["result"], "duplicate");
}

/// Claims that meet one another in every way, with photos that are there and that are not.
async fn mixed(world: &World, worker: &Actor) -> Vec<Value> {
    let wall = world.picture(worker, "a wall").await;
    let field = world.picture(worker, "a field").await;
    let mut claims = vec![
        coop(1, "2024-08-18"),
        coop(1, "2024-08-18"),
        coop(2, "2024-08-19"),
        straw(1, "2024-08-17", wall),
        straw(2, "2024-08-17", wall),
        straw(3, "2024-08-17", new_id()),
        straw(4, "2024-08-17", field),
        coop(3, "2024-05-01"),
        coop(9, "2024-08-20"),
    ];
    let mut copy = claims[2].clone();
    copy["count"] = json!(2);
    claims.push(copy);
    for number in [1, 1, 2] {
        let member =
            if claims.len().is_multiple_of(2) { head_id(HERE, number) } else { Uuid::nil() };
        let mut meeting = claim(
            number,
            "law.lecture",
            json!({
                "event": "法治讲座", "occurred_on": "2024-08-16", "consent": consent(number),
                "evidence": [{ "kind": "sign_in_sheet", "reference": "签到表" }],
            }),
        );
        let spouse = format!(
            "/v1/villages/{HERE}/households/{}",
            crate::support::household_id(HERE, number)
        );
        let file = worker.get(&spouse).await.ok();
        let spouse = file["members"][1]["person"].clone();
        meeting["member"] = if member.is_nil() { spouse } else { json!(member) };
        claims.push(meeting);
    }
    // Recorded on the phone in another order than they were made.
    for (at, claim) in claims.iter_mut().enumerate().filter(|(at, _)| at % 3 > 0) {
        claim["device_at"] = json!(format!("2024-08-20T{:02}:00:00+08:00", (at * 7) % 24));
    }
    claims
}

/// C25, and the point of a batch: a phone sends it when and as often as it can.
#[actix_web::test]
async fn shuffled_or_sent_twice_a_batch_ends_the_same() {
    let mut ends = Vec::new();
    let mut claims = Vec::new();
    for turn in 0..6 {
        let world = world().await;
        let worker = worker(&world).await;
        if turn == 0 {
            claims = mixed(&world, &worker).await;
        } else {
            for (photo, picture) in [(3, "a wall"), (6, "a field")] {
                let photo = claims[photo]["evidence"][0]["photo"].as_str().expect("a photo");
                world.arrive(&worker, photo.parse().expect("an id"), picture).await;
            }
            // The spouses of this world.
            for claim in &claims[10..13] {
                let household = &claim["household"];
                let file = format!(
                    "/v1/villages/{HERE}/households/{}",
                    household.as_str().expect("an id")
                );
                let members = worker.get(&file).await.ok()["members"].clone();
                let known = claim["member"] == members[0]["person"];
                if !known {
                    let sql = format!(
                        "UPDATE members SET person = {} WHERE household = {} AND NOT is_head",
                        literal(&world, &claim["member"]),
                        literal(&world, household)
                    );
                    world.run(&sql).await;
                }
            }
        }
        let mut order: Vec<usize> = (0..claims.len()).collect();
        order.rotate_left(turn * 5 % claims.len());
        if turn % 2 == 1 {
            order.reverse();
        }
        let sent: Vec<_> = order.iter().map(|at| claims[*at].clone()).collect();
        let done = worker.post(&path(), json!({ "claims": sent })).await.ok();
        let results = told(&done);
        let by_claim: BTreeMap<_, _> =
            order.iter().zip(results).map(|(at, result)| (*at, result)).collect();
        let rows = stored(&world).await;
        let again = worker.post(&path(), json!({ "claims": sent })).await.ok();
        let changed = told(&again).into_iter().filter(|(it, ..)| it == "applied" || it == "held");
        assert_eq!(changed.count(), 0);
        assert_eq!(stored(&world).await, rows, "turn {turn}");
        ends.push((by_claim, rows));
        world.verified().await;
    }
    assert!(ends[0].1.len() > 5, "{:?}", ends[0].1);
    let words: Vec<_> = ends[0].0.values().map(|(word, ..)| word.as_str()).collect();
    for word in ["applied", "duplicate", "held", "rejected"] {
        assert!(words.contains(&word), "{words:?}");
    }
    for end in &ends[1..] {
        assert_eq!(end, &ends[0]);
    }
}

/// An id as the database of this world writes it.
fn literal(world: &World, id: &Value) -> String {
    let id: Uuid = id.as_str().and_then(|id| id.parse().ok()).expect("an id");
    if world.is_postgres() { format!("'{id}'") } else { format!("x'{}'", id.simple()) }
}

#[actix_web::test]
async fn a_dry_run_tells_what_would_happen_and_writes_nothing() {
    let world = world().await;
    let worker = worker(&world).await;
    let claims = mixed(&world, &worker).await;
    let key = new_id().to_string();
    let batch = json!({ "claims": claims, "dry_run": true });
    let (audits, keys) = (world.count("audit_events").await, world.count("idempotency_keys").await);
    let dry = worker.post_as(&key, &path(), batch.clone()).await;
    assert_eq!((dry.status, dry.is_replay()), (200, false));
    let dry = dry.ok();
    assert!(!worker.post_as(&key, &path(), batch).await.is_replay());
    for table in ["claims", "photo_uses", "awaited_photos", "village_changes"] {
        let before = if table == "village_changes" { world.count("villages").await } else { 0 };
        assert_eq!(world.count(table).await, before, "{table}");
    }
    assert_eq!(world.count("audit_events").await, audits);
    assert_eq!(world.count("idempotency_keys").await, keys);
    // The same key is still free for the real thing, which comes to the same.
    let done = worker.post_as(&key, &path(), json!({ "claims": claims })).await.ok();
    assert_eq!(done, dry);
}

#[actix_web::test]
async fn a_photo_that_is_still_to_come_holds_the_claim_until_it_does() {
    let world = world().await;
    let worker = worker(&world).await;
    let (photo, late) = (new_id(), new_id());
    let waiting = straw(1, "2024-08-20", photo);
    let suspect = straw(2, "2024-08-20", late);
    let done = worker.post(&path(), json!({ "claims": [waiting, suspect] })).await.ok();
    let held = ("held".to_owned(), "photo_awaited".to_owned(), None);
    assert_eq!(told(&done), [held.clone(), held]);
    // One at a time, nothing is awaited.
    let claims = format!("/v1/villages/{HERE}/claims");
    worker.post(&claims, straw(3, "2024-08-20", new_id())).await.refused(404, "not_found");
    let this = format!("{claims}/{}", id(&waiting));
    // The grid's only worker filed: another of the village prechecks.
    let panel = world.official("grid_worker", &format!("{HERE}002")).await;
    let approve = json!({ "decision": "approve" });
    panel.post(&format!("{this}/reviews"), approve.clone()).await.refused(409, "photo_awaited");
    assert_eq!(worker.get(&this).await.ok()["photos_awaited"], 1);
    world.picture(&worker, "another").await;
    world.arrive(&worker, photo, "straw").await;
    let arrived = worker.get(&this).await.ok();
    assert_eq!((&arrived["photos_awaited"], &arrived["version"]), (&json!(0), &json!(2)));
    assert_eq!(world.count("photo_uses").await, 1);
    panel.post(&format!("{this}/reviews"), approve.clone()).await.ok();
    // A picture that another claim shows does not complete this one.
    world.arrive(&worker, late, "straw").await;
    let other = format!("{claims}/{}", id(&suspect));
    let shown = worker.get(&other).await.ok();
    assert_eq!(shown["photos_awaited"], 1);
    assert_eq!(shown["possible_duplicate"], waiting["id"]);
    panel.post(&format!("{other}/reviews"), approve).await.refused(409, "photo_awaited");
    let reject = json!({ "decision": "reject", "reason": "照片与另一户相同" });
    panel.post(&format!("{other}/reviews"), reject).await.ok();
}

#[actix_web::test]
async fn a_photo_of_somebody_else_does_not_complete_a_claim() {
    let world = world().await;
    let worker = worker(&world).await;
    let photo = new_id();
    worker.post(&path(), json!({ "claims": [straw(1, "2024-08-20", photo)] })).await.ok();
    world.arrive(&world.head(HERE, 5).await, photo, "whose").await;
    assert_eq!(world.count("claims WHERE photos_awaited = 1").await, 1);
    assert_eq!(world.count("photo_uses").await, 0);
}

#[actix_web::test]
async fn two_batches_with_the_same_deeds_at_once_file_each_deed_once() {
    let world = world().await;
    let worker = worker(&world).await;
    let batches: Vec<_> = (0..6)
        .map(|_| json!({ "claims": [coop(1, "2024-08-18"), coop(2, "2024-08-18"), coop(3, "2024-08-18")] }))
        .collect();
    let path = path();
    let sent = join_all(batches.iter().map(|batch| worker.post(&path, batch.clone()))).await;
    let mut applied = 0;
    for answer in sent {
        for (word, code, existing) in told(&answer.ok()) {
            match word.as_str() {
                "applied" => applied += 1,
                _ => assert_eq!((code.as_str(), existing.is_some()), ("duplicate_claim", true)),
            }
        }
    }
    assert_eq!((applied, world.count("claims").await), (3, 3));
}

/// Lists from outside: all but one in twenty are approved at once, and nobody knows which.
#[actix_web::test]
async fn imported_claims_are_approved_at_once_but_for_a_sample() {
    let world = world().await;
    world.unseal_rules().await;
    world.run("UPDATE rules SET enabled = TRUE WHERE key = 'pat.online_study'").await;
    let study = |number: usize, day: u32| {
        let day = format!("2024-{:02}-{:02}", 1 + day / 28, 1 + day % 28);
        claim(number, "pat.online_study", json!({ "occurred_on": day }))
    };
    let mut claims = Vec::new();
    for number in 1..=10 {
        claims.extend((0..20).map(|day| study(number, day)));
    }
    let batch = json!({ "claims": claims });
    for official in [worker(&world).await, world.official("panel", HERE).await] {
        let done = official.post(&path(), json!({ "claims": [claims[0]] })).await.ok();
        assert_eq!(done["results"][0]["code"], "role_required");
    }
    let township = world.official("township", "460205100").await;
    let done = township.post(&path(), batch).await.ok();
    assert!(told(&done).iter().all(|(word, ..)| word == "applied"));
    let approved = "claims WHERE status = 'approved' AND week = '2024-W34' AND approved_at > 0";
    let (drawn, rest) =
        (world.count("claims WHERE status = 'submitted'").await, world.count(approved).await);
    assert_eq!(drawn + rest, 200);
    assert!((1..=30).contains(&drawn), "{drawn} of 200 drawn");
    // What was drawn waits for the panel.
    let panel = world.official("panel", HERE).await;
    let queue = panel.get(&format!("/v1/regions/{HERE}/review-queue")).await.ok();
    assert_eq!(queue["count"], json!(drawn));
    world.travel(at("2024-08-26 09:00")).await;
    panel.get(&format!("/v1/villages/{HERE}/score-sheets/2024-W34")).await.ok();
    assert_eq!(world.count("claims WHERE status = 'scored'").await, rest);
    world.verified().await;
}
