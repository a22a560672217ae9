use serde_json::{Value, json};

use super::redeem::open_shop;
use crate::support::{Actor, HERE, NEXT, World, new_id};

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
