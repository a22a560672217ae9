use serde_json::{Value, json};

use crate::support::{HERE, NEXT, World, at};

async fn compare(world: &World, region: &str, query: &str) -> Value {
    world.anybody().get(&format!("/v1/regions/{region}/statistics/villages{query}")).await.ok()
}

fn regions(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("places");
    items.iter().map(|it| it["region"].as_str().expect("a code")).collect()
}

#[actix_web::test]
async fn villages_stand_beside_one_another_and_their_sum_is_of_numerators() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    // The other village of the township is half as big.
    world
        .run(&format!(
            "UPDATE households SET status = 'closed', ended_at = 0 \
        WHERE village = '{NEXT}' AND number > 5"
        ))
        .await;
    world.travel(at("2024-08-26 09:00")).await;
    let page = compare(&world, "460205100", "?period=2024-08").await;
    assert_eq!(regions(&page), [HERE, NEXT]);
    let rate =
        |n: i64, d: i64, rate: f64| json!({ "numerator": n, "denominator": d, "rate": rate });
    let took_part = |of: &Value| of["participation_rate"].clone();
    assert_eq!(took_part(&page["items"][0]["figures"]), rate(1, 10, 10.0));
    assert_eq!(took_part(&page["items"][1]["figures"]), rate(0, 5, 0.0));
    // 1 of 15, not the mean of 10 and 0.
    assert_eq!(took_part(&page["total"]), rate(1, 15, 6.7));
    assert_eq!(page["items"][0]["figures"]["cumulative"], 30);
    assert_eq!(page["items"][0]["name"], format!("村{HERE}"));
    let whole = world.anybody().get("/v1/regions/460205100/statistics?period=2024-08").await.ok();
    for figure in [
        "registration_rate",
        "activation_rate",
        "participation_rate",
        "redemption_rate",
        "cumulative",
        "redeemed",
        "expired",
        "balance",
        "by_category",
    ] {
        assert_eq!(page["total"][figure], whole[figure], "{figure}");
    }
    // A county by its townships, and what has no village is not shown.
    let county = compare(&world, "46", "?by=county").await;
    assert_eq!(regions(&county), ["460205"]);
    let townships = compare(&world, "460205", "?by=township").await;
    assert_eq!(regions(&townships), ["460205100"]);
    assert_eq!(townships["items"][0]["figures"], townships["total"]);
    // A village by itself has one row, a grid none.
    assert_eq!(regions(&compare(&world, HERE, "").await), [HERE]);
    assert_eq!(regions(&compare(&world, &format!("{HERE}001"), "").await), [""; 0]);
}

#[actix_web::test]
async fn villages_are_read_in_pages_and_the_sum_is_of_all() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let first = compare(&world, "460205", "?limit=1&period=2024").await;
    assert_eq!(regions(&first), [HERE]);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let next = compare(&world, "460205", &format!("?limit=1&period=2024&cursor={cursor}")).await;
    assert_eq!((regions(&next), next.get("next_cursor")), (vec![NEXT], None));
    assert_eq!(first["total"], next["total"]);
    assert_eq!(next["total"]["registration_rate"]["denominator"], 20);
    let nobody = world.anybody();
    for other in [
        format!("/v1/regions/460205/statistics/villages?period=2023&cursor={cursor}"),
        format!("/v1/regions/440783/statistics/villages?period=2024&cursor={cursor}"),
        format!("/v1/regions/460205/statistics/villages?period=2024&by=township&cursor={cursor}"),
    ] {
        nobody.get(&other).await.refused(400, "invalid_cursor");
    }
}

/// Called where 20 of 50 points of August were struck after `then`.
pub async fn knows_what_was_known(world: &World, then: &str) {
    let now = compare(world, "460205100", "?period=2024-08").await;
    let query = format!("?period=2024-08&as_of={}", then.replace('+', "%2B"));
    let as_of = compare(world, "460205100", &query).await;
    for (page, points, took_part) in [(&now, 30, 1), (&as_of, 50, 2)] {
        for of in [&page["items"][0]["figures"], &page["total"]] {
            assert_eq!(of["cumulative"], points);
            assert_eq!(of["participation_rate"]["numerator"], took_part);
        }
    }
}

/// Called where the demo is loaded: 苍城's five villages come to its figures, and so do its months.
pub async fn adds_up_in_the_demo(world: &World) {
    let page = compare(world, "440783107", "").await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(5));
    let sum = |figure: &str| -> i64 {
        let items = page["items"].as_array().expect("villages");
        items.iter().filter_map(|it| it["figures"][figure].as_i64()).sum()
    };
    assert_eq!((sum("cumulative"), sum("redeemed")), (34815, 26590));
    assert_eq!(page["total"]["redemption_rate"]["rate"], 76.4);
    let trend = "/v1/regions/440783107/statistics/trend?from=2024-04&to=2024-09&by=month";
    let trend = world.anybody().get(trend).await.ok();
    let months = trend["items"].as_array().expect("months");
    let of =
        |figure: &str| -> Vec<i64> { months.iter().filter_map(|it| it[figure].as_i64()).collect() };
    assert_eq!(of("points"), [26520, 8295, 0, 0, 0, 0]);
    assert_eq!(of("redeemed").iter().sum::<i64>(), 26590);
    let dadan = compare(world, "460205100", "").await["items"][1]["figures"].clone();
    assert_eq!(dadan["activation_rate"]["rate"], 79.7);
    assert_eq!(dadan["participation_rate"]["rate"], 50.3);
}
