use serde_json::{Value, json};

use crate::support::{FAR, HERE, World, at, new_id};

const TOWNSHIP: &str = "460205100";
const NEW_VILLAGE: &str = "460205100203";

fn parts(region: &str) -> String {
    format!("/v1/regions/{region}/parts")
}

fn opening(region: &str) -> String {
    format!("/v1/regions/{region}/opening")
}

fn part(code: &str, name: &str) -> Value {
    json!({ "parts": [{ "code": code, "name": name }] })
}

fn policy() -> Value {
    json!({
        "mode": "monthly", "publicity_weeks": 2, "window_weeks": 1, "window_points_max": 300,
        "point_value_fen": 50,
    })
}

/// From the township's table to the first household's file.
#[actix_web::test]
async fn a_village_is_added_opened_divided_into_grids_and_filled() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", TOWNSHIP).await;
    let added = township.post(&parts(TOWNSHIP), part(NEW_VILLAGE, "大蛋村")).await.ok();
    assert_eq!(
        (&added["items"][0]["level"], &added["items"][0]["parent"]),
        (&json!("village"), &json!(TOWNSHIP))
    );
    township.get(&format!("/v1/villages/{NEW_VILLAGE}/policy")).await.refused(404, "not_found");
    let opened = township.post(&opening(NEW_VILLAGE), policy()).await;
    assert_eq!(opened.status, 201);
    let opened = opened.ok();
    assert_eq!((&opened["mode"], &opened["version"]), (&json!("monthly"), &json!(1)));
    assert_eq!(township.get(&format!("/v1/villages/{NEW_VILLAGE}/policy")).await.ok(), opened);
    let again = township.post(&opening(NEW_VILLAGE), policy()).await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "open");
    let grid = json!({ "code": format!("{NEW_VILLAGE}001"), "name": "第一网格" });
    township.post(&format!("/v1/villages/{NEW_VILLAGE}/grids"), grid).await.ok();
    let file = json!({
        "id": new_id(), "number": 1, "grid": format!("{NEW_VILLAGE}001"), "consent": "paper",
        "members": [{ "person": new_id(), "name": "王小明", "is_head": true }],
    });
    township.post(&format!("/v1/villages/{NEW_VILLAGE}/households"), file).await.ok();
    let board = format!("/v1/regions/{NEW_VILLAGE}/rankings/2024?of=villages");
    assert_eq!(world.anybody().get(&board).await.ok()["items"][0]["households"], 1);
    // Its week closes like every other village's.
    world.travel(at("2024-08-26 00:00")).await;
    let calendar = world.anybody().get(&format!("/v1/villages/{NEW_VILLAGE}/calendar")).await.ok();
    assert_eq!(calendar["week"], "2024-W35");
    assert_eq!(world.count(&format!("score_sheets WHERE village = '{NEW_VILLAGE}'")).await, 2);
    world.verified().await;
}

#[actix_web::test]
async fn parts_that_are_there_stay_as_they_are() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let two = json!({ "parts": [
        { "code": "460205101", "name": "新镇" }, { "code": TOWNSHIP, "name": "地区460205100" },
    ] });
    county.post(&parts("460205"), two.clone()).await.ok();
    county.post(&parts("460205"), two).await.ok();
    let other = json!({ "parts": [
        { "code": "460205102", "name": "又一镇" }, { "code": TOWNSHIP, "name": "别名" },
    ] });
    county.post(&parts("460205"), other).await.refused(409, "id_taken");
    assert_eq!(world.count("regions WHERE parent = '460205'").await, 2);
    let listed = world.anybody().get("/v1/regions?parent=460205").await.ok();
    assert_eq!(listed["items"][0]["name"], "地区460205100");
}

#[actix_web::test]
async fn parts_and_openings_that_do_not_fit_are_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", TOWNSHIP).await;
    let before = world.count("regions").await;
    let many: Vec<_> =
        (0..201).map(|n| json!({ "code": format!("460205100{n:03}"), "name": "村" })).collect();
    for (region, body, status, code) in [
        (TOWNSHIP, part("460205100203001", "网格"), 422, "invalid_field"),
        (TOWNSHIP, part("460205101203", "别镇的村"), 422, "invalid_field"),
        (TOWNSHIP, part(FAR, "别县的村"), 422, "invalid_field"),
        (TOWNSHIP, part(TOWNSHIP, "自己"), 422, "invalid_field"),
        (TOWNSHIP, part(NEW_VILLAGE, "\u{200b}"), 422, "invalid_field"),
        (TOWNSHIP, part(NEW_VILLAGE, ""), 422, "invalid_field"),
        (TOWNSHIP, part("46020510020", "短"), 400, "malformed_json"),
        (TOWNSHIP, json!({ "parts": [] }), 422, "invalid_field"),
        (TOWNSHIP, json!({ "parts": many }), 422, "invalid_field"),
        ("460205", part("460205101", "镇"), 403, "role_required"),
        ("440783107", part("440783107202", "村"), 404, "not_found"),
        ("460205100999", part("460205100999001", "网格"), 404, "not_found"),
    ] {
        township.post(&parts(region), body).await.refused(status, code);
    }
    for (region, body, status, code) in [
        (TOWNSHIP, policy(), 422, "invalid_field"),
        (NEW_VILLAGE, policy(), 404, "not_found"),
        (FAR, policy(), 404, "not_found"),
        (HERE, policy(), 409, "wrong_state"),
        (HERE, json!({}), 400, "malformed_json"),
    ] {
        township.post(&opening(region), body).await.refused(status, code);
    }
    for other in [world.head(HERE, 1).await, world.official("committee", HERE).await] {
        other.post(&opening(HERE), policy()).await.refused(403, "role_required");
    }
    assert_eq!(world.count("regions").await, before);
    assert_eq!(world.count("villages").await, 3);
}

#[actix_web::test]
async fn of_two_who_open_a_village_at_once_one_does() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", TOWNSHIP).await;
    let county = world.official("county", "460205").await;
    township.post(&parts(TOWNSHIP), part(NEW_VILLAGE, "大蛋村")).await.ok();
    let path = opening(NEW_VILLAGE);
    let (one, two) = futures::join!(township.post(&path, policy()), county.post(&path, policy()));
    let mut found = [one.status, two.status];
    found.sort_unstable();
    assert_eq!(found, [201, 409]);
}

/// C101: the township of one place does not see a village of another, the county sees both.
#[actix_web::test]
async fn a_township_sees_its_own_villages_and_the_county_all() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let two = "460205101";
    let village = "460205101201";
    county.post(&parts("460205"), part(two, "二镇")).await.ok();
    county.post(&parts(two), part(village, "二镇一村")).await.ok();
    county.post(&opening(village), policy()).await.ok();
    let township = world.official("township", TOWNSHIP).await;
    for path in ["policy", "grids", "kin"] {
        let there = township.get(&format!("/v1/villages/{village}/{path}")).await;
        let nowhere = township.get(&format!("/v1/villages/460205999999/{path}")).await;
        let (there, nowhere) = (there.refused(404, "not_found"), nowhere.refused(404, "not_found"));
        assert_eq!((&there["detail"], &there["title"]), (&nowhere["detail"], &nowhere["title"]));
        for seen in [HERE, village] {
            county.get(&format!("/v1/villages/{seen}/{path}")).await.ok();
        }
        township.get(&format!("/v1/villages/{HERE}/{path}")).await.ok();
    }
}
