use reqwest::Method;
use serde_json::{Value, json};

use super::FIGURES;
use crate::support::{HERE, World, at};

async fn trend(world: &World, query: &str) -> Value {
    world.anybody().get(&format!("{FIGURES}/trend?{query}")).await.ok()
}

fn points(trend: &Value) -> Vec<i64> {
    let items = trend["items"].as_array().expect("periods");
    items.iter().map(|it| it["points"].as_i64().expect("points")).collect()
}

/// Two weeks of August with points: 30 and 20, then 10.
async fn lived() -> World {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    world.earn(2, 20).await;
    world.travel(at("2024-08-26 09:00")).await;
    world.earn(3, 10).await;
    world.travel(at("2024-09-03 09:00")).await;
    world
}

#[actix_web::test]
async fn points_of_weeks_add_up_and_households_that_took_part_are_counted_once() {
    let world = lived().await;
    let weeks = trend(&world, "from=2024-08&to=2024-08&by=week").await;
    assert_eq!(points(&weeks), [0, 0, 0, 50, 10]);
    assert_eq!(weeks["items"][3]["period"], "2024-W34");
    let rates: Vec<_> =
        (0..5).map(|week| weeks["items"][week]["participation_rate"].clone()).collect();
    let rate =
        |n: i64, d: i64, rate: f64| json!({ "numerator": n, "denominator": d, "rate": rate });
    // Before the households were there, there is no rate.
    assert_eq!(rates[2], json!({ "numerator": 0, "denominator": 0 }));
    assert_eq!(rates[3..], [rate(2, 10, 20.0), rate(1, 10, 10.0)]);
    let categories = weeks["items"][3]["by_category"].as_array().expect("categories");
    assert_eq!(categories.len(), 8);
    let sum: i64 = categories.iter().filter_map(|it| it["points"].as_i64()).sum();
    assert_eq!(sum, 50);
    for (by, count) in [("month", 3), ("quarter", 1), ("year", 1)] {
        let query = format!("from=2024-Q3&to=2024-Q3&by={by}");
        let trend = trend(&world, &query).await;
        assert_eq!(points(&trend).iter().sum::<i64>(), 60, "{by}");
        assert_eq!(trend["items"].as_array().map(Vec::len), Some(count), "{by}");
        let at = if by == "month" { 1 } else { 0 };
        assert_eq!(trend["items"][at]["participation_rate"], rate(3, 10, 30.0), "{by}");
    }
    let county = "/v1/regions/460205/statistics/trend?from=2024-08&to=2024-08&by=month";
    let above = world.anybody().get(county).await.ok();
    assert_eq!((points(&above), &above["name"]), (vec![60], &json!("地区460205")));
    assert_eq!(above["items"][0]["participation_rate"], rate(3, 20, 15.0));
}

#[actix_web::test]
async fn what_is_redeemed_shows_in_the_period_of_its_collection() {
    use crate::redemption::redeem::{open_shop, path};
    let world = open_shop(&[(1, 30)]).await;
    let order = crate::support::order_of("goods.soap", 1);
    let head = world.head(HERE, 1).await;
    let held = head.post(&path(), order).await.ok();
    let id = held["id"].as_str().expect("an id");
    let code = head.get(&format!("{}/{id}", path())).await.ok()["pickup_code"].clone();
    let clerk = world.official("clerk", HERE).await;
    let collection = format!("{}/{id}/collection", path());
    clerk.post(&collection, json!({ "pickup_code": code })).await.ok();
    let trend = trend(&world, "from=2024-Q3&to=2024-Q4&by=quarter").await;
    let redeemed: Vec<_> =
        (0..2).map(|it| trend["items"][it]["redeemed"].as_i64().expect("points")).collect();
    assert_eq!(redeemed, [0, held["points"].as_i64().expect("points")]);
}

#[actix_web::test]
async fn a_trend_is_public_bytes_that_change_with_the_close() {
    let world = lived().await;
    let path = format!("{FIGURES}/trend?from=2024-08&to=2024-09&by=month");
    let nobody = world.anybody();
    let first = nobody.get(&path).await;
    let etag = first.header("etag").expect("an etag").to_owned();
    assert!(first.header("cache-control").is_some_and(|it| it.contains("public")));
    let again =
        |etag: String| nobody.send(Method::GET, &path, move |it| it.header("If-None-Match", etag));
    assert_eq!(again(etag.clone()).await.status, 304);
    world.earn(4, 20).await;
    world.travel(at("2024-09-09 09:00")).await;
    let later = again(etag).await;
    assert_eq!((later.status, points(&later.body)), (200, vec![60, 20]));
}

#[actix_web::test]
async fn a_span_that_is_backwards_or_too_long_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let nobody = world.anybody();
    let ask = async |query: &str| nobody.get(&format!("{FIGURES}/trend?{query}")).await;
    for query in [
        "from=2024-09&to=2024-08&by=month",
        "from=2020&to=2025-01&by=month",
        "from=2000&to=2199&by=week",
        "from=2000&to=2199&by=year",
    ] {
        ask(query).await.refused(422, "periods_out_of_range");
    }
    assert_eq!(points(&ask("from=2020&to=2024&by=month").await.ok()).len(), 60);
    let far = "/v1/regions/99/statistics/trend?from=2024&to=2024&by=year";
    nobody.get(far).await.refused(404, "not_found");
}

/// Called where 20 of 50 points of August were struck after `then`.
pub async fn knows_what_was_known(world: &World, then: &str) {
    let query = "from=2024-08&to=2024-08&by=month";
    let now = trend(world, query).await;
    let as_of = trend(world, &format!("{query}&as_of={}", then.replace('+', "%2B"))).await;
    assert_eq!((points(&now), points(&as_of)), (vec![30], vec![50]));
    assert_eq!(as_of["as_of"], then);
    let took_part = |trend: &Value| trend["items"][0]["participation_rate"]["numerator"].clone();
    assert_eq!((took_part(&now), took_part(&as_of)), (json!(1), json!(2)));
}
