//! The feed of changes, second looks and the register.

use serde_json::{Value, json};

use super::super::{Case, Catalogue};
use super::{BLANK, offices, strangers, with, worker};
use crate::support::{Actor, FAR, HERE, NEXT, World, at, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    super::settle(&world).await;
    let cases = feeds(&world).await;
    catalogue.run(&world, cases).await;
    second_looks(catalogue, &world).await;
    let cases = registers(&world).await;
    catalogue.run(&world, cases).await;
}

/// Where one follows a grid, and from where.
async fn feeds(world: &World) -> Vec<Case> {
    let path = |village: &str, rest: &str| format!("/v1/villages/{village}/changes{rest}");
    let worker = worker(world).await;
    let (second, township) = (format!("{HERE}002"), world.official("township", "460205100").await);
    let since = async |village: &str, grid: &str| {
        let page = township.get(&path(village, &format!("?grid={village}{grid}"))).await.ok();
        page["next_since"].as_str().expect("a mark").to_owned()
    };
    let (here, other) = (since(HERE, "001").await, since(HERE, "002").await);
    let next = since(NEXT, "001").await;
    let list = format!("/v1/villages/{HERE}/households?limit=3");
    let cursor = township.get(&list).await.ok()["next_cursor"].as_str().expect("one").to_owned();
    let mut cases = Vec::new();
    for (what, since) in [
        ("of another village", next.clone()),
        ("of another grid", other),
        ("of another list", cursor),
        ("cut short", here.split_at(8).0.to_owned()),
        ("and more", format!("{here}A")),
        ("made up", "AAAA".to_owned()),
        ("a number", "3".to_owned()),
        ("below all", "-1".to_owned()),
        ("empty", String::new()),
        ("of 4 KB", "A".repeat(4096)),
    ] {
        for (name, who) in [("the worker", &worker), ("the township", &township)] {
            let to = path(HERE, &format!("?grid={HERE}001&since={since}"));
            let case = Case::get("changes", format!("{name}: a mark {what}"), who, &to);
            cases.push(case.refused(400, "invalid_cursor"));
        }
    }
    let to = path(NEXT, &format!("?grid={NEXT}001&since={here}"));
    cases.push(
        Case::get("changes", "a mark of here, next door", &township, &to)
            .refused(400, "invalid_cursor"),
    );
    for (name, who) in offices(world).await {
        if ["panel", "panel_2", "clerk", "county"].contains(&name) {
            let case = Case::get(
                "changes",
                format!("{name} follows"),
                &who,
                &path(HERE, &format!("?grid={second}")),
            );
            cases.push(case.refused(403, "role_required"));
        }
    }
    let case = Case::get(
        "changes",
        "another worker's grid",
        &worker,
        &path(HERE, &format!("?grid={second}")),
    );
    cases.push(case.refused(403, "role_required"));
    for number in [1, 6] {
        let case = Case::get(
            "changes",
            "a family follows",
            &world.head(HERE, number).await,
            &path(HERE, ""),
        );
        cases.push(case.refused(403, "role_required"));
    }
    for (name, who) in strangers(world).await {
        let case = Case::get("changes", name, &who, &path(HERE, &format!("?grid={second}")));
        cases.push(case.refused(404, "not_found"));
    }
    for grid in [format!("{NEXT}001"), format!("{HERE}999"), HERE.to_owned(), "460205".to_owned()] {
        let case = Case::get(
            "changes",
            format!("the grid {grid}"),
            &township,
            &path(HERE, &format!("?grid={grid}")),
        );
        cases.push(case.refused(404, "not_found"));
    }
    for query in
        ["limit=0", "limit=201", "limit=-1", "limit=x", "since=a&since=b", "village=1", "after=1"]
    {
        let case = Case::get("changes", query, &worker, &path(HERE, &format!("?{query}")));
        cases.push(case.refused(400, "invalid_query"));
    }
    cases
}

async fn second_looks(catalogue: &mut Catalogue, world: &World) {
    let sql = "INSERT INTO samples (village, claim, week, drawn_at) \
               SELECT village, id, '2024-W34', 0 FROM claims";
    assert_eq!(world.run(sql).await, 1);
    let township = world.official("township", "460205100").await;
    let page = township.get("/v1/regions/460205100/samples").await.ok();
    let claim = page["items"][0]["claim"].as_str().expect("a claim").to_owned();
    let path = |claim: &str| format!("/v1/villages/{HERE}/samples/{claim}/finding");
    let (this, good) = (path(&claim), || json!({ "finding": "doubted", "note": "没有看到" }));
    let mut cases = Vec::new();
    let mut tried =
        |what: String, who: &Actor, to: &str, body: Value, (status, code): (u16, &'static str)| {
            cases.push(Case::post("findings", what, who, to, body).refused(status, code));
        };
    for number in [1, 2, 10] {
        let who = world.head(HERE, number).await;
        tried(format!("by household {number}"), &who, &this, good(), (403, "role_required"));
    }
    for (name, who) in offices(world).await {
        if !["township", "county"].contains(&name) {
            tried(format!("by {name}"), &who, &this, good(), (403, "role_required"));
        }
    }
    for (name, who) in strangers(world).await {
        tried(format!("by {name}"), &who, &this, good(), (404, "not_found"));
    }
    for blank in BLANK {
        tried(
            format!("{blank:?}"),
            &township,
            &this,
            with(good(), json!({ "note": blank })),
            (422, "reason_required"),
        );
    }
    tried(
        "without a word".into(),
        &township,
        &this,
        with(good(), json!({ "note": "" })),
        (422, "invalid_field"),
    );
    for word in ["unsure", "CONFIRMED", ""] {
        tried(
            format!("found `{word}`"),
            &township,
            &this,
            with(good(), json!({ "finding": word })),
            (400, "malformed_json"),
        );
    }
    tried(
        "with points".into(),
        &township,
        &this,
        with(good(), json!({ "points": 0 })),
        (400, "unknown_field"),
    );
    tried(
        "of a claim not drawn".into(),
        &township,
        &path(&new_id().to_string()),
        good(),
        (404, "not_found"),
    );
    tried("of no claim".into(), &township, &path("x"), good(), (400, "invalid_path"));
    catalogue.run(world, cases).await;
    township.post(&this, good()).await.ok();
    let county = world.official("county", "460205").await;
    let again = [&township, &county].map(|who| {
        Case::post("findings", "found before", who, &this, good()).refused(409, "wrong_state")
    });
    catalogue.run(world, again).await;
}

async fn registers(world: &World) -> Vec<Case> {
    let path = |region: &str, rest: &str| format!("/v1/regions/{region}/register{rest}");
    let mut cases = Vec::new();
    for number in [1, 2, 10] {
        let who = world.head(HERE, number).await;
        let case = Case::get("register", format!("household {number}"), &who, &path(HERE, ""));
        cases.push(case.refused(403, "role_required"));
    }
    for (name, who) in offices(world).await {
        if ["grid_worker", "panel", "panel_2", "clerk"].contains(&name) {
            cases.push(
                Case::get("register", name, &who, &path(HERE, "")).refused(403, "role_required"),
            );
        }
        for region in ["440783", FAR, "440783107"] {
            let case =
                Case::get("register", format!("{name} of {region}"), &who, &path(region, ""));
            cases.push(case.refused(404, "not_found"));
        }
    }
    for (name, who) in strangers(world).await {
        cases.push(Case::get("register", name, &who, &path(HERE, "")).refused(404, "not_found"));
    }
    let committee = world.official("committee", HERE).await;
    for query in
        ["kind=everything", "kind=", "limit=0", "limit=101", "limit=x", "person=1", "kind=a&kind=b"]
    {
        let case = Case::get("register", query, &committee, &path(HERE, &format!("?{query}")));
        cases.push(case.refused(400, "invalid_query"));
    }
    for cursor in ["AAAA", "3", "-1", FAR] {
        let to = path(HERE, &format!("?cursor={cursor}"));
        let case = Case::get("register", format!("a cursor {cursor}"), &committee, &to);
        cases.push(case.refused(400, "invalid_cursor"));
    }
    cases
}
