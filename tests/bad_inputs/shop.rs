//! Redemption: rows C83 to C89 of the catalogue, and what came to them since.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Case, Catalogue, Sent};
use crate::support::{
    Actor, HERE, NEXT, World, at, grid_of, head_id, household_id, new_id, order_of, price,
};

#[actix_web::test]
async fn nothing_leaves_the_shop_but_by_the_rules() {
    let mut catalogue = Catalogue::of("the shop");
    orders(&mut catalogue).await;
    hand_over(&mut catalogue).await;
    refunds(&mut catalogue).await;
    offers(&mut catalogue).await;
    catalogue.report();
}

fn redemptions() -> String {
    format!("/v1/villages/{HERE}/redemptions")
}

/// The window is open; household 1 has 30 points, household 2 has 19.
async fn open_shop() -> World {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 30).await;
    world.earn(2, 19).await;
    world.travel(at("2024-10-07 09:00")).await;
    for village in [HERE, NEXT, crate::support::FAR] {
        let village = village.parse().expect("a village");
        api::calendar::settle_village(&world.app, &village).await.expect("it settles");
    }
    world
}

fn order(changes: Value) -> Value {
    let mut body = order_of("goods.laundry_liquid", 1);
    for (name, value) in changes.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    if changes.get("points").is_none() {
        let one = price(body["prize"].as_str().unwrap_or_default());
        let quantity = body["quantity"].as_i64().unwrap_or(1);
        body["points"] = json!(one.saturating_mul(quantity));
    }
    body
}

async fn orders(catalogue: &mut Catalogue) {
    let world = open_shop().await;
    let (zhang, wang) = (world.head(HERE, 1).await, world.head(HERE, 2).await);
    let path = redemptions();
    let tried = |row, what: &str, who: &Actor, changes: Value| {
        Case::post(row, what, who, &path, order(changes))
    };
    let short = tried("C83", "one point short", &wang, json!({}));
    let mut cases = vec![short.refused(422, "insufficient_points")];
    for quantity in [json!(0), json!(-1), json!(101), json!(i64::MAX)] {
        let case =
            tried("C83", &format!("quantity {quantity}"), &zhang, json!({ "quantity": quantity }));
        cases.push(case.refused(422, "invalid_field"));
    }
    for quantity in [json!(1.5), json!("1"), json!(null), json!([1]), json!(u64::MAX)] {
        let case =
            tried("C83", &format!("quantity {quantity}"), &zhang, json!({ "quantity": quantity }));
        cases.push(case.refused(400, "malformed_json"));
    }
    for (what, points, code) in [
        ("no points", json!(0), "invalid_field"),
        ("points below 0", json!(-20), "invalid_field"),
        ("more points than there are", json!(i64::MAX), "invalid_field"),
    ] {
        let case = tried("price", what, &zhang, json!({ "points": points }));
        cases.push(case.refused(422, code));
    }
    for (what, points) in [
        ("one less than it costs", json!(19)),
        ("one more than it costs", json!(21)),
        ("the highest there is", json!(10_000_000)),
    ] {
        let case = tried("price", what, &zhang, json!({ "points": points }));
        cases.push(case.refused(409, "price_changed"));
    }
    for points in [json!(null), json!("20"), json!(20.5), json!([20])] {
        let case = tried("price", &format!("points {points}"), &zhang, json!({ "points": points }));
        cases.push(case.refused(400, "malformed_json"));
    }
    for field in ["price", "status", "household", "expires_at", "clerk", "pickup_code"] {
        let case = tried("C83", &format!("with {field}"), &zhang, json!({ field: 1 }));
        cases.push(case.refused(400, "unknown_field"));
    }
    for (what, key, status, code) in [
        ("no prize", json!("goods.nothing"), 404, "not_found"),
        ("an award, which costs no points", json!("award.mattress"), 404, "not_found"),
        ("an empty key", json!(""), 422, "invalid_field"),
        ("a long key", json!("x".repeat(61)), 422, "invalid_field"),
        ("SQL", json!("' OR 1=1 --"), 404, "not_found"),
    ] {
        cases.push(tried("C83", what, &zhang, json!({ "prize": key })).refused(status, code));
    }
    for (what, id) in [
        ("nil", json!("00000000-0000-0000-0000-000000000000")),
        ("UUIDv4", json!("936da01f-9abd-4d9d-80c7-02af85c822a8")),
    ] {
        cases.push(tried("C83", what, &zhang, json!({ "id": id })).refused(422, "invalid_field"));
    }
    let clerk = world.official("clerk", HERE).await;
    let bearer = json!(head_id(HERE, 2));
    let wrong = json!({ "household_code": "JF-AAAA-AAAA-AAAA-AAAA", "bearer": bearer });
    cases.extend([
        tried("helped", "a wrong code", &clerk, wrong.clone()).refused(404, "not_found"),
        tried("helped", "a villager with a code", &zhang, wrong).refused(403, "role_required"),
        tried("helped", "no bearer", &clerk, json!({ "household_code": "JF" }))
            .refused(422, "invalid_field"),
        tried("helped", "no code", &clerk, json!({ "bearer": bearer }))
            .refused(422, "invalid_field"),
        tried("helped", "neither", &clerk, json!({})).refused(403, "role_required"),
        tried(
            "helped",
            "a long code",
            &clerk,
            json!({ "household_code": "A".repeat(41), "bearer": bearer }),
        )
        .refused(422, "invalid_field"),
        tried("C83", "exactly equal", &zhang, json!({ "prize": "goods.noodles" }))
            .expecting(super::Expected::Taken(201)),
        tried("C85", "what was spent before", &zhang, json!({ "prize": "goods.salt" }))
            .refused(422, "insufficient_points"),
    ]);
    catalogue.run(&world, cases).await;
    let points = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, 1));
    let left = zhang.get(&points).await.ok()["spendable"].clone();
    catalogue.check("C83", "exactly equal leaves nothing", left == 0);
    // Two phones of one household, each for all it has.
    let both = futures::join!(
        wang.post(&path, order(json!({ "prize": "goods.washing_powder" }))),
        wang.post(&path, order(json!({ "prize": "goods.washing_powder" })))
    );
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    catalogue.check("C85", "two phones: one 201, one 422", statuses == [201, 422]);
    world.verified().await;
}

async fn hand_over(catalogue: &mut Catalogue) {
    let world = open_shop().await;
    let (zhang, clerk) = (world.head(HERE, 1).await, world.official("clerk", HERE).await);
    let held = zhang.post(&redemptions(), order(json!({}))).await.ok();
    let this = format!("{}/{}", redemptions(), held["id"].as_str().expect("an id"));
    let code = json!({ "pickup_code": held["pickup_code"] });
    let right = held["pickup_code"].as_str().expect("a code");
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let (collection, cancellation) = (format!("{this}/collection"), format!("{this}/cancellation"));
    let tried = |row, what: &str, who: &Actor, path: &str, body: Value| {
        Case::post(row, what, who, path, body)
    };
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let mut cases = Vec::new();
    for sent in ["12345", "1234567", ""] {
        let case = tried(
            "C88",
            "a code of another length",
            &clerk,
            &collection,
            json!({ "pickup_code": sent }),
        );
        cases.push(case.refused(422, "invalid_field"));
    }
    for sent in [json!(48213), json!(["048213"]), json!({ "is": "048213" })] {
        let case = tried(
            "C88",
            "a code of another type",
            &clerk,
            &collection,
            json!({ "pickup_code": sent }),
        );
        cases.push(case.refused(400, "malformed_json"));
    }
    let clerk_there = world.official("clerk", NEXT).await;
    for (what, who, status, refusal) in [
        ("another village's clerk", &clerk_there, 404, "not_found"),
        ("the family itself", &zhang, 403, "role_required"),
        ("a worker who does not carry it", &worker, 403, "role_required"),
        ("nobody", &world.anybody(), 401, "token_missing"),
    ] {
        cases.push(tried("C88", what, who, &collection, code.clone()).refused(status, refusal));
        let witness = format!("{this}/witness");
        if what != "a worker who does not carry it" {
            cases.push(tried("C88", what, who, &witness, json!({})).refused(status, refusal));
        }
        for act in ["delivery", "return", "refund"] {
            let path = format!("{this}/{act}");
            let body = match act {
                "delivery" => json!({ "worker": new_id() }),
                "refund" => {
                    json!({ "id": new_id(), "quantity": 1, "reason": "坏", "restocked": true })
                }
                _ => json!({}),
            };
            cases.push(
                tried("C88", &format!("{act} by {what}"), who, &path, body)
                    .refused(status, refusal),
            );
        }
    }
    cases.extend([
        tried("C88", "no proof at all", &clerk, &collection, json!({}))
            .refused(422, "second_factor_missing"),
        tried("C88", "a PIN without one", &clerk, &collection, json!({ "pin": "2580" }))
            .refused(422, "second_factor_missing"),
        tried(
            "C88",
            "a witness that is not needed",
            &worker,
            &format!("{this}/witness"),
            json!({}),
        )
        .refused(409, "wrong_state"),
        tried(
            "C88",
            "a refund before collection",
            &clerk,
            &format!("{this}/refund"),
            json!({ "id": new_id(), "quantity": 1, "reason": "坏", "restocked": true }),
        )
        .refused(409, "wrong_state"),
        tried("C88", "a wrong code", &clerk, &collection, json!({ "pickup_code": wrong }))
            .refused(422, "pickup_code_wrong")
            .writes(&["redemptions"]),
        tried("C88", "the right one", &clerk, &collection, code.clone())
            .expecting(super::Expected::Taken(200))
            .writes(&[
                "redemptions",
                "journals",
                "journal_links",
                "chain_heads",
                "postings",
                "balances",
                "audit_events",
                "idempotency_keys",
            ]),
        tried("C88", "a second hand-over", &clerk, &collection, code.clone())
            .refused(409, "wrong_state"),
        tried("C88", "by another clerk", &world.official("clerk_2", HERE).await, &collection, code)
            .refused(409, "wrong_state"),
        tried("C89", "cancelled after hand-over", &zhang, &cancellation, json!({}))
            .refused(409, "wrong_state"),
    ]);
    let second = zhang.post(&redemptions(), order(json!({ "prize": "goods.soap" }))).await.ok();
    let other = format!("{}/{}", redemptions(), second["id"].as_str().expect("an id"));
    let code = json!({ "pickup_code": second["pickup_code"] });
    let cancel = format!("{other}/cancellation");
    cases.extend([
        tried("C89", "by a neighbour", &world.head(HERE, 2).await, &cancel, json!({}))
            .refused(403, "other_household"),
        tried("C89", "by the clerk", &clerk, &cancel, json!({ "reason": "改选" }))
            .refused(403, "role_required"),
        tried("C89", "a long reason", &zhang, &cancel, json!({ "reason": "长".repeat(201) }))
            .refused(422, "invalid_field"),
        tried("C89", "cancelled", &zhang, &cancel, json!({}))
            .expecting(super::Expected::Taken(200))
            .writes(&[
                "redemptions",
                "balances",
                "prizes",
                "stock_moves",
                "audit_events",
                "idempotency_keys",
            ]),
        tried("C89", "cancelled twice", &zhang, &cancel, json!({})).refused(409, "wrong_state"),
        tried("C88", "collected after cancel", &clerk, &format!("{other}/collection"), code)
            .refused(409, "wrong_state"),
    ]);
    catalogue.run(&world, cases).await;
    let back = world.count("stock_moves WHERE kind = 'release'").await;
    catalogue.check("C89", "points and stock came back once", back == 1);
    world.verified().await;
}

async fn refunds(catalogue: &mut Catalogue) {
    let world = open_shop().await;
    let (zhang, clerk) = (world.head(HERE, 1).await, world.official("clerk", HERE).await);
    let held = zhang.post(&redemptions(), order(json!({}))).await.ok();
    let this = format!("{}/{}", redemptions(), held["id"].as_str().expect("an id"));
    let code = json!({ "pickup_code": held["pickup_code"] });
    clerk.post(&format!("{this}/collection"), code).await.ok();
    let (path, second) = (format!("{this}/refund"), world.official("clerk_2", HERE).await);
    let body = |changes: Value| {
        let mut body =
            json!({ "id": new_id(), "quantity": 1, "reason": "破损", "restocked": true });
        for (name, value) in changes.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    };
    let tried = |what: &str, who: &Actor, changes: Value| {
        Case::post("refund", what, who, &path, body(changes))
    };
    let mut cases = vec![
        tried("by whoever handed over", &clerk, json!({})).refused(403, "conflict_of_interest"),
        tried("more than was collected", &second, json!({ "quantity": 2 }))
            .refused(422, "invalid_field"),
        tried("points of one's own", &second, json!({ "points": 99 }))
            .refused(400, "unknown_field"),
        tried("restocked in words", &second, json!({ "restocked": "yes" }))
            .refused(400, "malformed_json"),
        tried("no UUIDv7", &second, json!({ "id": head_id(HERE, 1) }))
            .refused(422, "invalid_field"),
        tried("a long reason", &second, json!({ "reason": "长".repeat(201) }))
            .refused(422, "invalid_field"),
    ];
    for reason in ["     ", "\u{200b}\u{200c}", "\u{3000}"] {
        cases.push(
            tried("a blank reason", &second, json!({ "reason": reason }))
                .refused(422, "reason_required"),
        );
    }
    let pin = format!("/v1/villages/{HERE}/households/{}/pin", household_id(HERE, 1));
    for value in [json!("123"), json!("1234567"), json!("12a4"), json!("１２３４"), json!(" 123")]
    {
        let sent = json!({ "household_code": "JF-AAAA-AAAA-AAAA-AAAA", "pin": value });
        cases.push(
            Case::post("pin", format!("{value}"), &zhang, &pin, sent).refused(422, "invalid_field"),
        );
    }
    let wrong = json!({ "household_code": "JF-AAAA-AAAA-AAAA-AAAA", "pin": "2580" });
    cases.push(Case::post("pin", "a wrong paper", &zhang, &pin, wrong).refused(404, "not_found"));
    catalogue.run(&world, cases).await;
    world.verified().await;
}

async fn offers(catalogue: &mut Catalogue) {
    let world = open_shop().await;
    let committee = world.official("committee", HERE).await;
    let township = world.official("township", "460205100").await;
    let prize = format!("/v1/villages/{HERE}/prizes/goods.soap");
    let budget = format!("/v1/villages/{HERE}/budgets/2024-Q3/donation");
    let offer = |changes: Value| {
        let mut body = json!({
            "points": 5, "household_limit": 4, "funding": "donation", "offered": true,
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    };
    let put = |what: &str, who: &Actor, path: &str, tag: Option<&str>, body: Value| {
        let case = Case::get("offer", what, who, path);
        let headers = tag.map(|tag| ("If-Match", tag.as_bytes().to_vec())).into_iter().collect();
        Case { method: Method::PUT, headers, sent: Sent::Json(body), ..case }
    };
    let tag = Some("\"1\"");
    let mut cases = vec![
        put("no If-Match", &committee, &prize, None, offer(json!({})))
            .refused(428, "precondition_required"),
        put("an old one", &committee, &prize, Some("\"9\""), offer(json!({})))
            .refused(412, "precondition_failed"),
        put("a weak one", &committee, &prize, Some("W/\"1\""), offer(json!({})))
            .refused(412, "precondition_failed"),
        put("stock by hand", &committee, &prize, tag, offer(json!({ "stock": 9 })))
            .refused(400, "unknown_field"),
        put("another funding", &committee, &prize, tag, offer(json!({ "funding": "cash" })))
            .refused(400, "malformed_json"),
        put("a budget below 0", &committee, &budget, Some("\"0\""), json!({ "amount_fen": -1 }))
            .refused(422, "invalid_field"),
        put("half a fen", &committee, &budget, Some("\"0\""), json!({ "amount_fen": 0.5 }))
            .refused(400, "malformed_json"),
        put(
            "a budget below the stock",
            &committee,
            &budget,
            Some("\"0\""),
            json!({ "amount_fen": 0 }),
        )
        .refused(422, "budget_exceeded"),
        put("by the clerk", &world.official("clerk", HERE).await, &prize, tag, offer(json!({})))
            .refused(403, "role_required"),
        put("next door", &world.official("committee", NEXT).await, &prize, tag, offer(json!({})))
            .refused(404, "not_found"),
    ];
    for (name, value) in
        [("points", 0), ("points", -5), ("points", 100_001), ("household_limit", 0)]
    {
        let body = offer(json!({ name: value }));
        cases.push(
            put(&format!("{name} {value}"), &committee, &prize, tag, body)
                .refused(422, "invalid_field"),
        );
    }
    let catalogue_path = "/v1/regions/460205100/prizes";
    let listed = |changes: Value| {
        let mut body = json!({
            "key": "goods.rice_cooker", "name_zh": "电饭煲", "name_en": "Rice cooker",
            "kind": "goods", "value_fen": 15_000, "points": 150,
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    };
    for (what, changes, status, refusal) in [
        ("an upper-case key", json!({ "key": "Goods.soap" }), 422, "invalid_field"),
        ("a key of a path", json!({ "key": "../goods.x" }), 422, "invalid_field"),
        ("a blank name", json!({ "name_zh": "\u{200b} " }), 422, "invalid_field"),
        ("cash", json!({ "kind": "cash" }), 400, "malformed_json"),
        ("worth less than nothing", json!({ "value_fen": -1 }), 422, "invalid_field"),
        ("a key in use", json!({ "key": "goods.soap" }), 409, "id_taken"),
    ] {
        let case = Case::post("catalogue", what, &township, catalogue_path, listed(changes));
        cases.push(case.refused(status, refusal));
    }
    let elsewhere = world.official("township", "440783107").await;
    let case = Case::post(
        "catalogue",
        "of another township",
        &elsewhere,
        catalogue_path,
        listed(json!({})),
    );
    cases.push(case.refused(404, "not_found"));
    catalogue.run(&world, cases).await;
}
