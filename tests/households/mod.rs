mod allowances;
mod code;
mod consent;
mod correct;
mod facts;
mod import;
pub mod lives;
mod points;
mod search;
mod summary;

use serde_json::{Value, json};

use crate::support::{FAR, HERE, NEXT, World, at, household_id, new_id};

fn household(number: i64) -> Value {
    json!({
        "id": new_id(),
        "number": number,
        "grid": format!("{HERE}001"),
        "consent": "paper",
        "members": [
            { "person": new_id(), "name": "王小明", "is_head": true },
            { "person": new_id(), "name": "李芳", "is_head": false },
        ],
    })
}

fn path() -> String {
    format!("/v1/villages/{HERE}/households")
}

#[actix_web::test]
async fn the_township_opens_a_file_and_the_panel_finds_it_by_number() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let opened = township.post(&path(), household(77)).await.ok();
    assert_eq!((&opened["registered"], &opened["activated"]), (&json!(true), &json!(false)));
    assert_eq!(opened["members"][0]["name"], "王小明");
    let panel = world.official("panel", HERE).await;
    let found = panel.get(&format!("{}?number=77", path())).await.ok();
    assert_eq!(found["items"][0]["id"], opened["id"]);
    township.post(&path(), household(77)).await.refused(409, "id_taken");
    assert_eq!(world.count("households WHERE number = 77").await, 1);
    assert_eq!(world.count("members WHERE name = '李芳'").await, 1);
}

#[actix_web::test]
async fn a_file_without_one_head_a_name_or_a_grid_of_the_village_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let before = world.count("persons").await;
    let changed = |change: fn(&mut Value)| {
        let mut body = household(78);
        change(&mut body);
        body
    };
    let odd = [
        changed(|it| it["members"][0]["is_head"] = json!(false)),
        changed(|it| it["members"][1]["is_head"] = json!(true)),
        changed(|it| it["members"] = json!([])),
        changed(|it| it["members"][0]["name"] = json!("\u{200b}")),
        changed(|it| it["members"][0]["name"] = json!("长".repeat(51))),
        changed(|it| it["grid"] = json!(format!("{NEXT}001"))),
        changed(|it| it["grid"] = json!(HERE)),
        changed(|it| it["grid"] = json!(format!("{HERE}999"))),
        changed(|it| it["number"] = json!(0)),
    ];
    for body in odd {
        township.post(&path(), body).await.refused(422, "invalid_field");
    }
    assert_eq!(world.count("persons").await, before);
}

#[actix_web::test]
async fn the_family_reads_its_file_and_neighbours_do_not() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let own = format!("{}/{}", path(), household_id(HERE, 1));
    for part in ["", "/points", "/entries"] {
        zhang.get(&format!("{own}{part}")).await.ok();
        world
            .head(HERE, 2)
            .await
            .get(&format!("{own}{part}"))
            .await
            .refused(403, "other_household");
        world.head(NEXT, 1).await.get(&format!("{own}{part}")).await.refused(404, "not_found");
        world
            .official("county", "440783")
            .await
            .get(&format!("{own}{part}"))
            .await
            .refused(404, "not_found");
        world.official("county", "460205").await.get(&format!("{own}{part}")).await.ok();
    }
    let foreign = format!("{}/{}", path(), household_id(FAR, 1));
    let foreign = zhang.get(&foreign).await.refused(404, "not_found");
    let unknown = zhang.get(&format!("{}/{}", path(), new_id())).await.refused(404, "not_found");
    assert_eq!(foreign["detail"], unknown["detail"]);
    zhang.get(&path()).await.refused(403, "role_required");
    assert_eq!(zhang.get("/v1/me").await.ok()["home"]["household"], json!(household_id(HERE, 1)));
}

#[actix_web::test]
async fn a_list_is_read_in_pages_that_neither_miss_nor_repeat() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let panel = world.official("panel", HERE).await;
    let (mut numbers, mut next) = (Vec::new(), String::new());
    loop {
        let page = panel.get(&format!("{}?limit=3{next}", path())).await.ok();
        numbers
            .extend(page["items"].as_array().expect("items").iter().map(|it| it["number"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(numbers, (1..=10).map(|number| json!(number)).collect::<Vec<_>>());
    let claims = format!("/v1/villages/{HERE}/claims?limit=3{next}");
    panel.get(&claims).await.refused(400, "invalid_cursor");
}

#[actix_web::test]
async fn a_new_file_is_seen_on_the_boards_at_once() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let board = format!("/v1/regions/{HERE}/rankings/2024?of=villages");
    let before = world.anybody().get(&board).await.ok();
    assert_eq!(before["items"][0]["households"], 10);
    let township = world.official("township", "460205100").await;
    township.post(&path(), household(77)).await.ok();
    assert_eq!(world.anybody().get(&board).await.ok()["items"][0]["households"], 11);
}
