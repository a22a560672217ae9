use serde_json::{Value, json};

use super::redeem::{open_shop, path};
use crate::support::{Actor, HERE, NEXT, World, at, grid_of, new_id, order_at, order_of};

const DONATION: &str = "/v1/villages/460205100201/budgets/2024-Q3/donation";

async fn set(who: &Actor, version: i64, amount_fen: i64) -> crate::support::Answer {
    who.put_at(version, DONATION, json!({ "amount_fen": amount_fen })).await
}

async fn deliver(world: &World, prize: &str, quantity: i64) -> crate::support::Answer {
    let clerk = world.official("clerk", HERE).await;
    let body = json!({ "id": new_id(), "prize": prize, "quantity": quantity, "reason": "进货" });
    clerk.post(&format!("/v1/villages/{HERE}/stock-moves"), body).await
}

async fn stock_fen(who: &Actor) -> Value {
    who.get(DONATION).await.ok()["stock_fen"].clone()
}

#[actix_web::test]
async fn stock_is_worth_at_most_its_funding_sources_budget() {
    let world = open_shop(&[]).await;
    let committee = world.official("committee", HERE).await;
    let before = stock_fen(&committee).await.as_i64().expect("fen");
    assert!(before > 0);
    // Without a budget nothing is checked; one cannot begin exceeded.
    deliver(&world, "goods.kettle", 1).await.ok();
    let now = before + 9_000;
    set(&committee, 0, now - 1).await.refused(422, "budget_exceeded");
    set(&committee, 0, now + 9_000).await.ok();
    deliver(&world, "goods.kettle", 2).await.refused(422, "budget_exceeded");
    assert_eq!(stock_fen(&committee).await, now);
    deliver(&world, "goods.kettle", 1).await.ok();
    deliver(&world, "service.haircut", 1).await.refused(422, "budget_exceeded");
    deliver(&world, "goods.kettle", -1).await.ok();
    // Another source's goods have another budget.
    deliver(&world, "goods.soap", 100).await.ok();
    set(&committee, 0, now).await.refused(412, "precondition_failed");
    set(&committee, 1, now).await.ok();
    assert_eq!(committee.get(DONATION).await.ok()["amount_fen"], now);
    assert_eq!(world.count("audit_events WHERE action = 'budget.set'").await, 2);
    // A prize that another source pays for from now on counts there.
    let kettle = format!("/v1/villages/{HERE}/prizes/goods.soap");
    let offer =
        json!({ "points": 5, "household_limit": 4, "funding": "donation", "offered": true });
    committee.put_at(1, &kettle, offer).await.refused(422, "budget_exceeded");
    world.verified().await;
}

#[actix_web::test]
async fn budgets_are_set_by_those_who_set_rules_and_read_by_those_who_serve() {
    let world = open_shop(&[]).await;
    let clerk = world.official("clerk", HERE).await;
    set(&clerk, 0, 1).await.refused(403, "role_required");
    world.head(HERE, 1).await.get(DONATION).await.refused(403, "role_required");
    world.official("committee", NEXT).await.get(DONATION).await.refused(404, "not_found");
    world.anybody().get(DONATION).await.refused(401, "token_missing");
    let list = clerk.get(&format!("/v1/villages/{HERE}/budgets/2024-Q3")).await.ok();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(4), "a bank gives nothing here");
    for path in ["2024-08/donation", "2024-Q5/donation", "2024-Q3/wallet", "2024/bank"] {
        let path = format!("/v1/villages/{HERE}/budgets/{path}");
        clerk.get(&path).await.refused(400, "invalid_path");
    }
    let committee = world.official("committee", HERE).await;
    committee.put(DONATION, json!({ "amount_fen": 1 })).await.refused(428, "precondition_required");
    set(&committee, 0, -1).await.refused(422, "invalid_field");
    assert_eq!(world.count("budgets").await, 0);
}

/// Each end of a redemption, and where two kettles of 90 yuan each are then.
#[derive(Clone, Copy, Debug)]
enum End {
    Held,
    Collected,
    OnDelivery,
    Delivered,
    RefundedInPart { restocked: bool },
    Refunded { restocked: bool },
    DeliveredAndRefunded,
    Expired,
    ExpiredOnDelivery,
    Cancelled,
}

/// What the ends make of the two: in stock again, held, handed over.
const ENDS: [(End, [i64; 3]); 12] = [
    (End::Held, [0, 2, 0]),
    (End::Collected, [0, 0, 2]),
    (End::OnDelivery, [0, 2, 0]),
    (End::Delivered, [0, 0, 2]),
    (End::RefundedInPart { restocked: true }, [1, 0, 1]),
    (End::RefundedInPart { restocked: false }, [0, 0, 2]),
    (End::Refunded { restocked: true }, [2, 0, 0]),
    (End::Refunded { restocked: false }, [0, 0, 2]),
    (End::DeliveredAndRefunded, [2, 0, 0]),
    (End::Expired, [2, 0, 0]),
    (End::ExpiredOnDelivery, [2, 0, 0]),
    (End::Cancelled, [2, 0, 0]),
];

async fn carry(world: &World, this: &str) {
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await.person().await;
    let clerk = world.official("clerk", HERE).await;
    clerk.post(&format!("{this}/delivery"), json!({ "worker": worker })).await.ok();
}

async fn refund(world: &World, this: &str, quantity: i64, restocked: bool) {
    let body = json!({
        "id": new_id(), "quantity": quantity, "reason": "破损", "restocked": restocked,
    });
    world.official("clerk_2", HERE).await.post(&format!("{this}/refund"), body).await.ok();
}

async fn end(world: &World, this: &str, code: &Value, end: End) {
    let collection = format!("{this}/collection");
    let clerk = world.official("clerk", HERE).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    match end {
        End::Held => {}
        End::OnDelivery => carry(world, this).await,
        End::Cancelled => {
            let head = world.head(HERE, 1).await;
            head.post(&format!("{this}/cancellation"), json!({})).await.ok();
        }
        End::Expired => world.travel(at("2024-10-14 09:00")).await,
        End::ExpiredOnDelivery => {
            carry(world, this).await;
            world.travel(at("2024-10-21 09:00")).await;
        }
        End::Delivered | End::DeliveredAndRefunded => {
            carry(world, this).await;
            worker.post(&collection, code.clone()).await.ok();
        }
        End::Collected | End::RefundedInPart { .. } | End::Refunded { .. } => {
            clerk.post(&collection, code.clone()).await.ok();
        }
    }
    match end {
        End::RefundedInPart { restocked } => refund(world, this, 1, restocked).await,
        End::Refunded { restocked } => refund(world, this, 2, restocked).await,
        End::DeliveredAndRefunded => refund(world, this, 2, true).await,
        _ => {}
    }
}

/// However a redemption ends, its goods were paid for: the budget is used up by what arrives, and what
/// leaves makes no room for more.
#[actix_web::test]
async fn what_is_handed_over_goes_on_counting_against_its_budget() {
    for (how, [stock, held, handed_over]) in ENDS {
        let world = open_shop(&[(1, 30)]).await;
        // Dear goods for few points, so that a family can have two; two are all there are of this source.
        let cheap = "UPDATE prizes SET points = 1, household_limit = 9, funding = 'bank' \
                     WHERE key = 'goods.kettle'";
        world.run(cheap).await;
        let there = world.count("prizes WHERE key = 'goods.kettle' AND funding = 'bank'").await;
        assert!(there > 0);
        let committee = world.official("committee", HERE).await;
        let bank = format!("/v1/villages/{HERE}/budgets/2024-Q3/bank");
        let before = committee.get(&bank).await.ok();
        let whole = before["stock_fen"].as_i64().expect("fen");
        assert!(whole >= 2 * 9_000, "{before}");
        committee.put_at(0, &bank, json!({ "amount_fen": whole })).await.ok();
        let head = world.head(HERE, 1).await;
        let order = head.post(&path(), order_at("goods.kettle", 2, 2)).await.ok();
        let this = format!("{}/{}", path(), order["id"].as_str().expect("an id"));
        let code = json!({ "pickup_code": order["pickup_code"] });
        end(&world, &this, &code, how).await;
        let seen = committee.get(&bank).await.ok();
        let parts = ["stock_fen", "held_fen", "handed_over_fen"].map(|it| seen[it].clone());
        let expected = [whole - (2 - stock) * 9_000, held * 9_000, handed_over * 9_000];
        assert_eq!(parts, expected.map(Value::from), "{how:?}: {seen}");
        // What one is worth later is not what it was worth when it left.
        if matches!(how, End::ExpiredOnDelivery) {
            continue;
        }
        let left = || async {
            let seen = committee.get(&format!("/v1/regions/{HERE}/liability")).await.ok();
            seen["items"][0]["owed"]["budget_left_fen"].clone()
        };
        assert_eq!(left().await, 0, "{how:?}");
        deliver(&world, "goods.kettle", 1).await.refused(422, "budget_exceeded");
        committee
            .put_at(1, &bank, json!({ "amount_fen": whole - 1 }))
            .await
            .refused(422, "budget_exceeded");
        committee.put_at(1, &bank, json!({ "amount_fen": whole + 9_000 })).await.ok();
        assert_eq!(left().await, 9_000, "{how:?}");
        deliver(&world, "goods.kettle", 1).await.ok();
        world.verified().await;
    }
}

/// Goods of a window that is over are not the next budget's.
#[actix_web::test]
async fn each_quarters_budget_is_used_up_by_its_own_goods() {
    let world = open_shop(&[(1, 30)]).await;
    let committee = world.official("committee", HERE).await;
    let clerk = world.official("clerk", HERE).await;
    let head = world.head(HERE, 1).await;
    let order = head.post(&path(), order_of("goods.laundry_liquid", 1)).await.ok();
    let collection = format!("{}/{}/collection", path(), order["id"].as_str().expect("an id"));
    clerk.post(&collection, json!({ "pickup_code": order["pickup_code"] })).await.ok();
    let used = async |quarter: &str| {
        let budgets = committee.get(&format!("/v1/villages/{HERE}/budgets/{quarter}")).await.ok();
        let all = budgets["items"].as_array().expect("budgets").clone();
        all.iter().filter_map(|it| it["handed_over_fen"].as_i64()).sum::<i64>()
    };
    assert_eq!((used("2024-Q3").await, used("2024-Q4").await), (2_000, 0));
    // Another source pays from now on, at another value: what was given out stays whose it was.
    world.run("UPDATE prizes SET funding = 'bank', value_fen = 1").await;
    let bank = committee.get(&format!("/v1/villages/{HERE}/budgets/2024-Q3/bank")).await.ok();
    assert_eq!((&bank["handed_over_fen"], used("2024-Q3").await), (&json!(0), 2_000));
}

/// A clerk cannot make goods disappear quietly: the township reads who, what, how many and worth how much.
#[actix_web::test]
async fn a_loss_stands_on_the_townships_register() {
    let world = open_shop(&[]).await;
    let clerk = world.official("clerk", HERE).await;
    deliver(&world, "goods.kettle", 3).await.ok();
    assert_eq!(world.count("register_entries").await, 0, "what arrives is no loss");
    let lost = json!({
        "id": new_id(), "prize": "goods.kettle", "quantity": -2, "reason": "仓库进水",
    });
    let moves = format!("/v1/villages/{HERE}/stock-moves");
    let key = new_id().to_string();
    clerk.post_as(&key, &moves, lost.clone()).await.ok();
    assert!(clerk.post_as(&key, &moves, lost.clone()).await.is_replay());
    let township = world.official("township", "460205100").await;
    let register = township.get("/v1/regions/460205100/register?kind=stock_loss").await.ok();
    assert_eq!(register["items"].as_array().map(Vec::len), Some(1));
    let entry = &register["items"][0];
    assert_eq!((&entry["subject"], &entry["village"]), (&lost["id"], &json!(HERE)));
    assert_eq!(entry["person"], json!(clerk.person().await));
    let note = entry["note"].as_str().expect("a note");
    assert!(note.contains("报损2件，价值180.00元：仓库进水"), "{note}");
    // Nothing is written off that is not there, and nothing is said of it.
    let all = json!({
        "id": new_id(), "prize": "goods.kettle", "quantity": -100_000, "reason": "仓库进水",
    });
    clerk.post(&moves, all).await.refused(409, "sold_out");
    assert_eq!(world.count("register_entries").await, 1);
}
