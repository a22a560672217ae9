use serde_json::{Value, json};

use crate::support::{FAR, HERE, NEXT, World, at, head_id, new_id};

fn path() -> String {
    format!("/v1/villages/{HERE}/grids")
}

fn assignments(grid: &str) -> String {
    format!("{}/{grid}/assignments", path())
}

fn assignment(number: usize) -> Value {
    json!({
        "id": new_id(), "person": head_id(HERE, number), "kind": "part_time",
        "starts_on": "2024-08-21", "ends_on": "2024-09-01",
    })
}

/// A new grid is uncovered until somebody works in it.
#[actix_web::test]
async fn every_grid_shows_its_households_and_its_workers() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let grid = format!("{HERE}003");
    let added = json!({ "code": grid, "name": "第三网格" });
    let created = township.post(&path(), added.clone()).await;
    assert_eq!(created.status, 201);
    let created = created.ok();
    assert_eq!((&created["households"], &created["covered"]), (&json!(0), &json!(false)));
    township.post(&path(), added).await.ok();
    let file = json!({
        "id": new_id(), "number": 11, "grid": grid, "consent": "paper",
        "members": [{ "person": new_id(), "name": "王小明", "is_head": true }],
    });
    township.post(&format!("/v1/villages/{HERE}/households"), file).await.ok();
    let clerk = world.official("clerk", HERE).await;
    let seen = clerk.get(&path()).await.ok();
    let households: Vec<_> = seen["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|it| it["households"].clone())
        .collect();
    assert_eq!(households, [json!(5), json!(5), json!(1)]);
    let totals = json!({ "grids": 3, "uncovered": 1, "households_uncovered": 1 });
    assert_eq!(seen["totals"], totals);
    let assigned = township.post(&assignments(&grid), assignment(3)).await.ok();
    assert_eq!(
        (&assigned["role"], &assigned["kind"]),
        (&json!("grid_worker"), &json!("part_time"))
    );
    let seen = clerk.get(&path()).await.ok();
    let worker = &seen["items"][2]["workers"][0];
    assert_eq!((&worker["name"], &worker["ends_on"]), (&json!("董建国"), &json!("2024-09-01")));
    assert_eq!(
        (&seen["items"][2]["covered"], &seen["totals"]["uncovered"]),
        (&json!(true), &json!(0))
    );
    let listed = clerk.get(&assignments(&grid)).await.ok();
    assert_eq!(listed["items"], json!([assigned]));
    world.head(HERE, 3).await.get(&path()).await.ok();
    world.travel(at("2024-09-01 00:00")).await;
    assert_eq!(clerk.get(&path()).await.ok()["totals"]["uncovered"], 1);
    let ended = clerk.get(&format!("{}?ended=true", assignments(&grid))).await.ok();
    assert_eq!(ended["items"][0]["state"], "ended");
    world.verified().await;
}

/// A soft warning: 70 households are not too many, 71 are.
#[actix_web::test]
async fn a_grid_of_more_than_seventy_households_is_over_its_limit() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    for number in 11..=76 {
        let file = json!({
            "id": new_id(), "number": number, "grid": format!("{HERE}001"),
            "members": [{ "person": new_id(), "name": "王小明", "is_head": true }],
        });
        township.post(&format!("/v1/villages/{HERE}/households"), file).await.ok();
        let seen = (number >= 75).then_some(());
        if seen.is_some() {
            let grids = township.get(&path()).await.ok();
            let grid = &grids["items"][0];
            assert_eq!(grid["households"], number - 5);
            assert_eq!(grid["over_limit"], number == 76, "{number}");
        }
    }
}

#[actix_web::test]
async fn grids_and_assignments_that_do_not_fit_are_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let before = (world.count("regions").await, world.count("grants").await);
    let grid = |code: &str, name: &str| json!({ "code": code, "name": name });
    for (body, status, code) in [
        (grid(HERE, "村"), 422, "invalid_field"),
        (grid(&format!("{NEXT}003"), "邻村网格"), 422, "invalid_field"),
        (grid(&format!("{HERE}003"), "\u{200b}"), 422, "invalid_field"),
        (grid(&format!("{HERE}003"), &"长".repeat(51)), 422, "invalid_field"),
        (grid(&format!("{HERE}0003"), "十六位"), 400, "malformed_json"),
        (grid(&format!("{HERE}001"), "别名"), 409, "id_taken"),
    ] {
        township.post(&path(), body).await.refused(status, code);
    }
    let one = format!("{HERE}001");
    let with = |name: &str, value: Value| {
        let mut body = assignment(3);
        body[name] = value;
        body
    };
    for (body, status, code) in [
        (with("kind", json!("casual")), 400, "malformed_json"),
        (with("starts_on", json!("2024-08-20")), 422, "invalid_field"),
        (with("ends_on", json!("2024-08-21")), 422, "invalid_field"),
        (with("person", json!(new_id())), 404, "not_found"),
        (with("role", json!("county")), 400, "unknown_field"),
    ] {
        township.post(&assignments(&one), body).await.refused(status, code);
    }
    let mut details = Vec::new();
    for grid in [format!("{FAR}001"), format!("{NEXT}001"), format!("{HERE}999"), HERE.to_owned()] {
        let refused = township.post(&assignments(&grid), assignment(3)).await;
        details.push(refused.refused(404, "not_found")["detail"].clone());
        let refused = township.get(&assignments(&grid)).await;
        details.push(refused.refused(404, "not_found")["detail"].clone());
    }
    assert!(details.windows(2).all(|pair| pair[0] == pair[1]));
    township.get(&assignments("12")).await.refused(404, "not_found");
    township.get(&assignments("x")).await.refused(400, "invalid_path");
    let head = world.head(HERE, 1).await;
    head.get(&path()).await.refused(403, "role_required");
    head.get(&assignments(&one)).await.refused(403, "role_required");
    let panel = world.official("panel", HERE).await;
    panel.post(&path(), grid(&format!("{HERE}003"), "网格")).await.refused(403, "role_required");
    panel.post(&assignments(&one), assignment(3)).await.refused(403, "role_required");
    world.head(NEXT, 1).await.get(&path()).await.refused(404, "not_found");
    assert_eq!((world.count("regions").await, world.count("grants").await), before);
}
