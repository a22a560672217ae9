use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Actor, FAR, HERE, NEXT, World, at, claim, consent, grid_of, head_id, household_id, new_id,
};

const GRID: &str = "460205100201001";
const OTHER_GRID: &str = "460205100201002";

fn changes(rest: &str) -> String {
    format!("/v1/villages/{HERE}/changes{rest}")
}

/// A phone's copy of a grid.
#[derive(Default)]
struct Copy {
    since: Option<String>,
    items: BTreeMap<(String, String), Value>,
}

impl Copy {
    /// Follows the feed to its present end; how many pages that took.
    async fn follow(&mut self, worker: &Actor, grid: &str, limit: usize) -> usize {
        let mut pages = 0;
        loop {
            let since = self.since.as_ref().map_or(String::new(), |it| format!("&since={it}"));
            let path = changes(&format!("?grid={grid}&limit={limit}{since}"));
            let page = worker.get(&path).await.ok();
            pages += 1;
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= limit);
            for item in items {
                let word = |name: &str| item[name].as_str().expect("a word").to_owned();
                let key = (word("kind"), word("id"));
                match item["gone"].as_bool().expect("a flag") {
                    true => self.items.remove(&key),
                    false => self.items.insert(key, item.clone()),
                };
            }
            self.since = page["next_since"].as_str().map(str::to_owned);
            if page["more"] == false {
                return pages;
            }
        }
    }

    fn told(&self) -> BTreeMap<(String, String), (String, i64)> {
        let word = |item: &Value| {
            let status = item["status"].as_str().expect("a status").to_owned();
            (status, item["version"].as_i64().expect("a version"))
        };
        self.items.iter().map(|(key, item)| (key.clone(), word(item))).collect()
    }
}

/// Status and version of the households of a grid and of their claims, by the tables.
async fn tables(world: &World, grid: &str) -> BTreeMap<(String, String), (String, i64)> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        status: String,
        version: i64,
    }
    let mut all = BTreeMap::new();
    for (kind, sql) in [
        (
            "household",
            "SELECT id, status, version FROM households \
             WHERE village = $1 AND grid = $2 AND status = 'active'",
        ),
        (
            "claim",
            "SELECT c.id, c.status, c.version FROM claims c JOIN households h \
             ON h.village = c.village AND h.id = c.household \
             WHERE c.village = $1 AND h.grid = $2 AND h.status = 'active'",
        ),
    ] {
        let values = [HERE.into(), grid.into()];
        let rows = api::kernel::db::all::<Row>(world.app.db.read(), sql, values).await;
        for row in rows.expect("rows") {
            all.insert((kind.to_owned(), row.id.to_string()), (row.status, row.version));
        }
    }
    all
}

async fn in_step(world: &World, copies: &mut [(&str, Copy)], worker: &Actor) {
    for (grid, copy) in copies {
        copy.follow(worker, grid, 7).await;
        assert_eq!(copy.told(), tables(world, grid).await, "{grid}");
    }
}

fn coop(number: usize, day: u32) -> Value {
    claim(
        number,
        "ent.coop",
        json!({
            "occurred_on": format!("2024-08-{day:02}"), "consent": consent(number),
            "evidence": [{ "kind": "certificate", "reference": "社员证" }],
        }),
    )
}

#[actix_web::test]
async fn a_phones_copy_is_kept_up_through_everything_that_happens_to_a_grid() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let reader = world.official("committee", HERE).await;
    let township = world.official("township", "460205100").await;
    let mut copies = [(GRID, Copy::default()), (OTHER_GRID, Copy::default())];
    in_step(&world, &mut copies, &reader).await;
    assert_eq!(copies[0].1.items.len(), 5);
    let worker = world.official("grid_worker", GRID).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    let mut ids = Vec::new();
    for number in 1..=5 {
        let filed = worker.post(&claims, coop(number, 20)).await.ok();
        ids.push(filed["id"].as_str().expect("an id").to_owned());
    }
    in_step(&world, &mut copies, &reader).await;
    let review = |at: usize| format!("{claims}/{}/reviews", ids[at]);
    let panel = world.official("panel", HERE).await;
    let other = world.official("grid_worker", &format!("{HERE}002")).await;
    other.post(&review(0), json!({ "decision": "approve" })).await.ok();
    panel.post(&review(0), json!({ "decision": "approve" })).await.ok();
    other.post(&review(1), json!({ "decision": "reject", "reason": "不符" })).await.ok();
    worker.post(&format!("{claims}/{}/withdrawal", ids[2]), json!({})).await.ok();
    let put = json!({
        "count": 1, "occurred_on": "2024-08-19",
        "evidence": [{ "kind": "certificate", "reference": "社员证" }],
    });
    worker.put_at(1, &format!("{claims}/{}", ids[3]), put).await.ok();
    in_step(&world, &mut copies, &reader).await;
    let file = |number: usize, rest: &str| {
        format!("/v1/villages/{HERE}/households/{}{rest}", household_id(HERE, number))
    };
    township.post(&file(1, "/grid"), json!({ "grid": OTHER_GRID })).await.ok();
    in_step(&world, &mut copies, &reader).await;
    assert!(copies[1].1.items.keys().any(|(_, id)| *id == ids[0]), "its claims came along");
    township.post(&file(1, "/grid"), json!({ "grid": GRID })).await.ok();
    in_step(&world, &mut copies, &reader).await;
    township.post(&file(2, "/move-out"), json!({ "reason": "迁出" })).await.ok();
    township.post(&file(3, "/merge"), json!({ "into": household_id(HERE, 6) })).await.ok();
    township.post(&file(4, "/closure"), json!({ "reason": "销户" })).await.ok();
    in_step(&world, &mut copies, &reader).await;
    assert!(!copies[0].1.items.keys().any(|(_, id)| *id == ids[3]), "gone with its household");
    let spouse = township.get(&file(5, "")).await.ok()["members"][1]["person"].clone();
    let split = json!({ "id": new_id(), "number": 901, "members": [spouse], "head": spouse });
    township.post(&file(5, "/split"), split).await.ok();
    township.put_at(1, &file(7, ""), json!({ "number": 77 })).await.ok();
    let name = json!({ "name": "张守信" });
    township.put_at(2, &file(7, &format!("/members/{}", head_id(HERE, 7))), name).await.ok();
    township.post(&file(8, "/code"), json!({})).await;
    in_step(&world, &mut copies, &reader).await;
    let renamed = copies[1].1.items.values().find(|it| it["number"] == 77).expect("household 7");
    assert_eq!(renamed["head"], "张守信");
    // The close of the week, and of the list.
    for instant in ["2024-08-26 09:00", "2024-09-02 09:00", "2024-09-09 09:00"] {
        world.travel(at(instant)).await;
        in_step(&world, &mut copies, &reader).await;
    }
    let first = &copies[0].1.items[&("claim".to_owned(), ids[0].clone())];
    assert_eq!((&first["status"], &first["points"]), (&json!("confirmed"), &json!(3)));
    // Whoever begins now comes to the same.
    for (grid, copy) in &copies {
        let mut fresh = Copy::default();
        fresh.follow(&reader, grid, 3).await;
        assert_eq!(fresh.told(), copy.told());
    }
    world.verified().await;
}

/// What is committed late is not missed: numbers follow commits.
#[actix_web::test]
async fn a_reader_beside_many_writers_misses_nothing() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let worker = world.official("grid_worker", GRID).await;
    let township = world.official("township", "460205100").await;
    let claims = format!("/v1/villages/{HERE}/claims");
    let done = AtomicBool::new(false);
    let filing = async {
        let writers = (1..=5).map(|number| {
            let (head, worker, claims) = (world.head(HERE, number), worker.clone(), claims.clone());
            async move {
                let head = head.await;
                for day in 1..=8 {
                    let filed = head.post(&claims, coop(number, day)).await.ok();
                    let this = format!("{claims}/{}", filed["id"].as_str().expect("an id"));
                    match day % 3 {
                        0 => drop(head.post(&format!("{this}/withdrawal"), json!({})).await.ok()),
                        // Refused where the household lived in the other grid when it filed.
                        1 => {
                            let approve = json!({ "decision": "approve" });
                            drop(worker.post(&format!("{this}/reviews"), approve).await);
                        }
                        _ => {}
                    }
                }
            }
        });
        let moves = async {
            for turn in 0..6 {
                let number = 1 + turn % 5;
                for grid in [OTHER_GRID, GRID] {
                    let path = format!(
                        "/v1/villages/{HERE}/households/{}/grid",
                        household_id(HERE, number)
                    );
                    township.post(&path, json!({ "grid": grid })).await.ok();
                }
            }
        };
        futures::join!(join_all(writers), moves);
        done.store(true, Ordering::SeqCst);
    };
    let mut copy = Copy::default();
    let reading = async {
        let mut pages = 0;
        while !done.load(Ordering::SeqCst) {
            pages += copy.follow(&worker, GRID, 3).await;
            tokio::task::yield_now().await;
        }
        pages
    };
    let ((), pages) = futures::join!(filing, reading);
    copy.follow(&worker, GRID, 200).await;
    assert_eq!(copy.told(), tables(&world, GRID).await);
    assert!(copy.items.len() > 30 && pages > 3, "{} items, {pages} pages", copy.items.len());
    world.verified().await;
}

#[actix_web::test]
async fn a_worker_follows_the_own_grid_and_marks_belong_to_their_feed() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let worker = world.official("grid_worker", GRID).await;
    let all = worker.get(&changes("")).await.ok();
    assert_eq!((&all["grid"], &all["more"]), (&json!(GRID), &json!(false)));
    assert_eq!(all["items"][0]["head"].as_str().map(|it| it.chars().count()), Some(3));
    let since = all["next_since"].as_str().expect("a mark");
    let nothing = worker.get(&changes(&format!("?since={since}"))).await.ok();
    assert_eq!((&nothing["items"], &nothing["next_since"]), (&json!([]), &json!(since)));
    worker.get(&changes(&format!("?grid={OTHER_GRID}"))).await.refused(403, "role_required");
    for grid in ["460205100201999", &format!("{NEXT}001"), &format!("{FAR}001"), HERE] {
        worker.get(&changes(&format!("?grid={grid}"))).await.refused(404, "not_found");
    }
    let committee = world.official("committee", HERE).await;
    committee.get(&changes("")).await.refused(400, "invalid_query");
    let other = format!("?grid={OTHER_GRID}&since={since}");
    committee.get(&changes(&other)).await.refused(400, "invalid_cursor");
    for since in ["x", "AAAA", "%20", &"A".repeat(4000)] {
        worker.get(&changes(&format!("?since={since}"))).await.refused(400, "invalid_cursor");
    }
    for rest in ["?limit=0", "?limit=201", "?limit=x", "?grid=1", "?sort=name", "?limit=1&limit=2"]
    {
        worker.get(&changes(rest)).await.refused(400, "invalid_query");
    }
    for (actor, status, code) in [
        (world.official("panel", HERE).await, 403, "role_required"),
        (world.official("clerk", HERE).await, 403, "role_required"),
        (world.head(HERE, 1).await, 403, "role_required"),
        (world.head(FAR, 1).await, 404, "not_found"),
    ] {
        actor.get(&changes(&format!("?grid={GRID}"))).await.refused(status, code);
    }
    let there = world.official("grid_worker", &format!("{NEXT}001")).await;
    let path = format!("/v1/villages/{NEXT}/changes?since={since}");
    there.get(&path).await.refused(400, "invalid_cursor");
    assert_eq!(grid_of(HERE, 1), GRID);
}
