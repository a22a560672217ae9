use futures::future::join_all;
use serde_json::json;

use super::redeem::{open_shop, path};
use crate::support::{Actor, HERE, World, household_id, new_id};

/// Forty phones of one household, each for all it has.
#[actix_web::test]
async fn forty_phones_of_one_household_spend_its_points_once() {
    let world = open_shop(&[(1, 20)]).await;
    let zhang = world.head(HERE, 1).await;
    let all = join_all((0..40).map(|_| async {
        let body = crate::support::order_of("goods.laundry_liquid", 1);
        zhang.post(&path(), body).await
    }));
    let answers = all.await;
    assert_eq!(answers.iter().filter(|it| it.status == 201).count(), 1);
    for answer in answers.into_iter().filter(|it| it.status != 201) {
        answer.refused(422, "insufficient_points");
    }
    let points = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, 1));
    let points = zhang.get(&points).await.ok();
    assert_eq!((&points["held"], &points["spendable"]), (&json!(20), &json!(0)));
    world.verified().await;
}

/// Forty clients of ten households for three pots.
#[actix_web::test]
async fn the_last_items_go_out_exactly_once() {
    let households: Vec<_> = (1..=10).map(|number| (number, 30)).collect();
    let world = open_shop(&households).await;
    let clerk = world.official("clerk", HERE).await;
    let loss =
        json!({ "id": new_id(), "prize": "goods.soap_set", "quantity": -57, "reason": "受潮" });
    assert_eq!(
        clerk.post(&format!("/v1/villages/{HERE}/stock-moves"), loss).await.ok()["stock"],
        3
    );
    let heads = join_all((1..=10).map(|number| world.head(HERE, number))).await;
    let phones = (0..40).filter_map(|phone| heads.get(phone % 10));
    let answers = join_all(phones.map(|head| async {
        let body = crate::support::order_of("goods.soap_set", 1);
        head.post(&path(), body).await
    }))
    .await;
    assert_eq!(answers.iter().filter(|it| it.status == 201).count(), 3);
    for answer in answers.into_iter().filter(|it| it.status != 201) {
        let code = answer.body["code"].as_str().expect("a code");
        assert!(matches!(code, "sold_out" | "insufficient_points" | "household_limit"), "{code}");
    }
    let prizes = world.anybody().get(&format!("/v1/villages/{HERE}/prizes")).await.ok();
    let left =
        prizes["items"].as_array().expect("prizes").iter().find(|it| it["key"] == "goods.soap_set");
    assert_eq!(left.expect("the prize")["stock"], 0);
    assert_eq!(held_in_all(&world).await, 75, "no point is held without a prize");
    world.verified().await;
}

async fn held_in_all(world: &World) -> i64 {
    let sql = "SELECT CAST(SUM(held) AS BIGINT) FROM balances";
    api::kernel::db::number(world.app.db.read(), sql, []).await.expect("a sum")
}

#[actix_web::test]
async fn collection_against_cancellation_ends_in_one_of_the_two() {
    let world = open_shop(&[(1, 30), (2, 30), (3, 30)]).await;
    let clerk = world.official("clerk", HERE).await;
    for number in 1..=3 {
        let head: Actor = world.head(HERE, number).await;
        let body = crate::support::order_of("goods.laundry_liquid", 1);
        let held = head.post(&path(), body).await.ok();
        let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
        let (collection, cancellation) =
            (format!("{this}/collection"), format!("{this}/cancellation"));
        let code = json!({ "pickup_code": held["pickup_code"] });
        let (collected, cancelled) =
            futures::join!(clerk.post(&collection, code), head.post(&cancellation, json!({})));
        let won = [collected.status, cancelled.status].iter().filter(|it| **it == 200).count();
        assert_eq!(won, 1, "{collected:?} {cancelled:?}");
    }
    world.verified().await;
}

/// Forty guesses at once: five are heard, whatever the others hoped.
#[actix_web::test]
async fn of_forty_guesses_at_once_five_are_heard() {
    let world = open_shop(&[(1, 30)]).await;
    let zhang = world.head(HERE, 1).await;
    let body = crate::support::order_of("goods.laundry_liquid", 1);
    let held = zhang.post(&path(), body).await.ok();
    let collection = format!("{}/{}/collection", path(), held["id"].as_str().expect("an id"));
    let clerk = world.official("clerk", HERE).await;
    let right = held["pickup_code"].as_str().expect("a code");
    let guesses = (0..40).map(|guess| format!("{guess:06}")).filter(|guess| guess != right);
    let answers = join_all(guesses.map(|guess| {
        let (clerk, collection) = (&clerk, &collection);
        async move { clerk.post(collection, json!({ "pickup_code": guess })).await }
    }))
    .await;
    let heard = answers.iter().filter(|it| it.body["code"] == "pickup_code_wrong").count();
    assert_eq!(heard, 5);
    clerk
        .post(&collection, json!({ "pickup_code": right }))
        .await
        .refused(429, "pickup_code_locked");
}

/// Ten families with thirty points each, and a prize for one point of which there are so many.
async fn rush(stock: i64) -> (World, Vec<Actor>) {
    let households: Vec<_> = (1..=10).map(|number| (number, 30)).collect();
    let world = open_shop(&households).await;
    let clerk = world.official("clerk", HERE).await;
    let change = json!({
        "id": new_id(), "prize": "goods.soap", "quantity": stock - 200, "reason": "盘点",
    });
    clerk.post(&format!("/v1/villages/{HERE}/stock-moves"), change).await.ok();
    let sql = "UPDATE prizes SET points = 1, household_limit = 1000 WHERE key = 'goods.soap'";
    world.run(sql).await;
    let heads = join_all((1..=10).map(|number| world.head(HERE, number))).await;
    (world, heads)
}

async fn at_once(heads: &[Actor], clients: usize) -> Vec<crate::support::Answer> {
    let each = (0..clients).filter_map(|client| heads.get(client % heads.len()));
    join_all(each.map(|head| async {
        let body = crate::support::order_at("goods.soap", 1, 1);
        head.post(&path(), body).await
    }))
    .await
}

#[actix_web::test]
async fn two_hundred_clients_get_ten_items_and_no_point_is_lost() {
    let (world, heads) = rush(10).await;
    let answers = at_once(&heads, 200).await;
    assert_eq!(answers.iter().filter(|it| it.status == 201).count(), 10);
    for answer in answers.into_iter().filter(|it| it.status != 201) {
        answer.refused(409, "sold_out");
    }
    assert_eq!(held_in_all(&world).await, 10, "no point is held without a prize");
    assert_eq!(world.count("redemptions").await, 10);
    assert_eq!(world.count("stock_moves WHERE kind = 'hold'").await, 10);
    assert_eq!(world.count("prizes WHERE key = 'goods.soap' AND stock = 0").await, 1);
    println!("figure: shop: 200 clients for 10 items: 10 x 201, 190 x 409 sold_out, 0 points lost");
    world.verified().await;
}

#[actix_web::test]
async fn two_hundred_and_fifty_six_clients_want_one_prize() {
    let (world, heads) = rush(300).await;
    let began = std::time::Instant::now();
    let answers = at_once(&heads, 256).await;
    let took = began.elapsed();
    assert_eq!(answers.iter().filter(|it| it.status == 201).count(), 256);
    assert_eq!(held_in_all(&world).await, 256);
    assert_eq!(world.count("prizes WHERE key = 'goods.soap' AND stock = 44").await, 1);
    println!("figure: shop: 256 clients on one prize: 256 x 201 in {} ms", took.as_millis());
    world.verified().await;
}

/// At the very instant of its expiry a hold is collected, cancelled or expired: one of the three.
#[actix_web::test]
async fn collection_cancellation_and_expiry_end_in_one_of_the_three() {
    let world = open_shop(&[(1, 30), (2, 30), (3, 30), (4, 30)]).await;
    let clerk = world.official("clerk", HERE).await;
    let mut orders = Vec::new();
    for number in 1..=4 {
        let head: Actor = world.head(HERE, number).await;
        let body = crate::support::order_of("goods.laundry_liquid", 1);
        orders.push((head.post(&path(), body).await.ok(), head));
    }
    world.travel(crate::support::at("2024-10-14 08:59:59.999")).await;
    let acts = join_all(orders.iter().map(|(held, head)| {
        let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
        let code = json!({ "pickup_code": held["pickup_code"] });
        let (clerk, head) = (&clerk, head);
        async move {
            let (collection, cancellation) =
                (format!("{this}/collection"), format!("{this}/cancellation"));
            futures::join!(clerk.post(&collection, code), head.post(&cancellation, json!({})))
        }
    }));
    let (_, acts) = futures::join!(world.travel(crate::support::at("2024-10-14 09:00")), acts);
    for (collected, cancelled) in &acts {
        let won = [collected.status, cancelled.status].iter().filter(|it| **it == 200).count();
        assert!(won <= 1, "{collected:?} {cancelled:?}");
    }
    world.anybody().get(&format!("/v1/regions/{HERE}/statistics")).await.ok();
    assert_eq!(world.count("redemptions WHERE status = 'held'").await, 0);
    assert_eq!(held_in_all(&world).await, 0);
    world.verified().await;
}

#[actix_web::test]
async fn two_clerks_collect_once_and_refund_once() {
    let world = open_shop(&[(1, 30)]).await;
    let zhang = world.head(HERE, 1).await;
    let body = crate::support::order_of("goods.laundry_liquid", 1);
    let held = zhang.post(&path(), body).await.ok();
    let this = format!("{}/{}", path(), held["id"].as_str().expect("an id"));
    let code = json!({ "pickup_code": held["pickup_code"] });
    let clerks = [world.official("clerk", HERE).await, world.official("clerk_2", HERE).await];
    let collection = format!("{this}/collection");
    let both = clerks.iter().map(|clerk| clerk.post(&collection, code.clone()));
    let answers = join_all(both).await;
    assert_eq!(answers.iter().filter(|it| it.status == 200).count(), 1);
    let other = if answers[0].status == 200 { &clerks[1] } else { &clerks[0] };
    let refund = format!("{this}/refund");
    let tries = join_all((0..6).map(|_| {
        let body = json!({ "id": new_id(), "quantity": 1, "reason": "破损", "restocked": true });
        other.post(&refund, body)
    }))
    .await;
    assert_eq!(tries.iter().filter(|it| it.status == 200).count(), 1);
    for refused in tries.into_iter().filter(|it| it.status != 200) {
        refused.refused(409, "wrong_state");
    }
    assert_eq!(world.count("journals WHERE kind IN ('redemption', 'refund')").await, 2);
    assert_eq!(world.count("prizes WHERE key = 'goods.laundry_liquid' AND stock = 120").await, 3);
    world.verified().await;
}
