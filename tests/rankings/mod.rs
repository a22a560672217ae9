mod all_time;
mod categories;
mod freshness;
mod redis;
pub mod year;

use serde_json::json;

use crate::support::{FAR, HERE, World, at, household_id};

/// A week with three families: 30, 20 and 20 points, scored on Monday.
async fn scored() -> World {
    let world = World::begins(at("2024-08-28 08:00")).await;
    for (number, points) in [(1, 20), (2, 30), (6, 20)] {
        world.earn(number, points).await;
    }
    world.travel(at("2024-09-02 09:00")).await;
    world
}

#[actix_web::test]
async fn a_board_has_distinct_ranks_and_marks_the_tie() {
    let world = scored().await;
    let board = world.anybody().get(&format!("/v1/regions/{HERE}/rankings/2024-W35")).await.ok();
    let rows: Vec<_> = board["items"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["rank"].clone(), row["points"].clone(), row["tie"].clone()))
        .collect();
    let row = |rank: i64, points: i64, tie: bool| (json!(rank), json!(points), json!(tie));
    assert_eq!(rows, [row(1, 30, false), row(2, 20, true), row(3, 20, true)]);
    assert_eq!(board["status"], "provisional");
    assert_eq!(board["items"][0]["name"], "王*");
}

#[actix_web::test]
async fn a_household_sees_its_neighbours_and_what_decided() {
    let world = scored().await;
    let path = |number| {
        format!("/v1/villages/{HERE}/rankings/2024-08/households/{}", household_id(HERE, number))
    };
    let rank = world.head(HERE, 1).await.get(&path(1)).await.ok();
    assert_eq!((&rank["rank"], &rank["of"], &rank["points"]), (&json!(2), &json!(3), &json!(20)));
    assert_eq!(rank["behind_by"], "more_points");
    assert_eq!(rank["ahead_by"], "household_number");
    assert_eq!(rank["neighbours"].as_array().map(Vec::len), Some(2));
    world.head(HERE, 2).await.get(&path(1)).await.refused(403, "other_household");
    world.head(HERE, 3).await.get(&path(3)).await.refused(404, "not_found");
}

#[actix_web::test]
async fn regions_above_rank_their_households_grids_and_villages() {
    let world = scored().await;
    let board = async |region: &str, of: &str| {
        world.anybody().get(&format!("/v1/regions/{region}/rankings/2024-Q3?of={of}")).await.ok()
    };
    assert_eq!(board("460205", "households").await["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(board("440783", "households").await["items"].as_array().map(Vec::len), Some(0));
    let grids = board(HERE, "grids").await;
    assert_eq!(
        (&grids["items"][0]["points"], &grids["items"][1]["points"]),
        (&json!(50), &json!(20))
    );
    let villages = board("460205100", "villages").await;
    assert_eq!(
        (&villages["items"][0]["region"], &villages["items"][0]["households"]),
        (&json!(HERE), &json!(10))
    );
    assert!(!villages.to_string().contains(FAR));
    let nobody = world.anybody();
    nobody.get("/v1/regions/460205/rankings/2024-Q3?of=cadres").await.refused(400, "invalid_query");
}

#[actix_web::test]
async fn an_unchanged_board_is_not_sent_again_and_a_new_week_is_seen_at_once() {
    let world = scored().await;
    let path = format!("/v1/regions/{HERE}/rankings/2024");
    let first = world.anybody().get(&path).await;
    let etag = first.header("etag").expect("an etag").to_owned();
    let again = async || {
        let etag = etag.clone();
        world
            .anybody()
            .send(reqwest::Method::GET, &path, |it| it.header("If-None-Match", etag))
            .await
            .status
    };
    assert_eq!(again().await, 304);
    world.earn(3, 25).await;
    assert_eq!(again().await, 304, "an approved claim is not yet scored");
    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(again().await, 200);
}
