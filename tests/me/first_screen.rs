use serde_json::{Value, json};

use crate::support::{HERE, World, at, claim, grid_of, household_id, new_id};

async fn me(world: &World, persona: &str) -> Value {
    world.persona(persona).await.get("/v1/me").await.ok()
}

/// A claim of household 1 that waits for its grid worker.
async fn file(world: &World) {
    let body = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "门前" }],
        }),
    );
    world.head(HERE, 1).await.post(&format!("/v1/villages/{HERE}/claims"), body).await.ok();
}

#[actix_web::test]
async fn a_villager_sees_home_village_calendar_and_what_waits_in_one_call() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    let me = me(&world, &format!("head {HERE} 1")).await;
    assert_eq!((&me["name"], &me["grants"]), (&json!("张守勤"), &json!([])));
    let home = json!({
        "village": HERE, "household": household_id(HERE, 1), "number": 1, "status": "active",
        "is_head": true, "spendable": 0,
    });
    assert_eq!(me["home"], home);
    assert_eq!(me["villages"][0]["code"], HERE);
    assert_eq!(me["villages"][0]["calendar"]["week"], "2024-W34");
    assert_eq!(me["waiting"]["own_redemptions"], 0);
    // What the household was told of its claim.
    let unread = me["waiting"]["inbox"].as_i64().expect("a count");
    assert!(unread > 0);
}

#[actix_web::test]
async fn points_that_became_spendable_and_prizes_that_wait_are_counted() {
    let world = World::begins(at("2024-09-24 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-10-08 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    // Nobody asked for the village before: `GET /v1/me` settles it by itself.
    assert_eq!(zhang.get("/v1/me").await.ok()["home"]["spendable"], 30);
    let order = crate::support::order_of("goods.laundry_liquid", 1);
    zhang.post(&format!("/v1/villages/{HERE}/redemptions"), order).await.ok();
    let me = zhang.get("/v1/me").await.ok();
    assert_eq!(
        (&me["home"]["spendable"], &me["waiting"]["own_redemptions"]),
        (&json!(10), &json!(1))
    );
    let clerk = world.official("clerk", HERE).await.get("/v1/me").await.ok();
    assert_eq!(clerk["waiting"]["collections"], 1);
}

#[actix_web::test]
async fn officials_see_their_roles_by_name_and_what_waits_for_each() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    file(&world).await;
    let grid = grid_of(HERE, 1);
    let worker = me(&world, &format!("grid_worker {grid}")).await;
    let role = json!([{
        "role": "grid_worker", "label_zh": "网格员", "label_en": "grid worker",
        "region": grid, "region_name": "第1网格",
    }]);
    assert_eq!((&worker["grants"], &worker["home"]), (&role, &Value::Null));
    assert_eq!(
        (&worker["waiting"]["reviews"], &worker["villages"][0]["code"]),
        (&json!(1), &json!(HERE))
    );
    assert_eq!(me(&world, &format!("panel {HERE}")).await["waiting"]["reviews"], 0);
    let county = me(&world, "county 460205").await;
    assert_eq!((&county["villages"], &county["waiting"]["reviews"]), (&json!([]), &json!(0)));
    world.travel(at("2024-09-03 09:00")).await;
    let committee = me(&world, &format!("committee {HERE}")).await;
    assert_eq!(committee["waiting"]["objections"], 0);
}

#[actix_web::test]
async fn an_objection_waits_for_the_committee() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-09-03 09:00")).await;
    let path = format!("/v1/villages/{HERE}/public-lists/2024-08/lines/1/objections");
    let objection = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
    world.head(HERE, 2).await.post(&path, objection).await.ok();
    assert_eq!(me(&world, &format!("committee {HERE}")).await["waiting"]["objections"], 1);
}

/// Of one objection at a time one body is told: the one it lies with, and nobody of it who keeps out.
#[actix_web::test]
async fn an_objection_waits_for_the_body_it_lies_with_and_an_appeal_for_the_one_above() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-09-03 09:00")).await;
    let path = format!("/v1/villages/{HERE}/public-lists/2024-08/lines/1/objections");
    let object = async |number: usize| {
        let body = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
        let filed = world.head(HERE, number).await.post(&path, body).await.ok();
        format!("/v1/villages/{HERE}/objections/{}", filed["id"].as_str().expect("an id"))
    };
    let first = object(2).await;
    object(3).await;
    let waiting = async || {
        let mut counts = Vec::new();
        for (office, region) in
            [("committee", HERE), ("township", "460205100"), ("county", "460205")]
        {
            let me = me(&world, &format!("{office} {region}")).await;
            counts.push(me["waiting"]["objections"].as_i64().expect("a count"));
        }
        counts
    };
    assert_eq!(waiting().await, [2, 0, 0]);
    // Another township has nothing to do with it, nor has a villager.
    for persona in ["township 440783107", &format!("head {HERE} 2")] {
        assert_eq!(me(&world, persona).await["waiting"]["objections"], 0, "{persona}");
    }
    world.travel(at("2024-09-10 09:00")).await;
    assert_eq!(waiting().await, [0, 2, 0]);
    let township = world.official("township", "460205100").await;
    let dismissed = json!({ "decision": "dismissed", "reason": "查过台账" });
    township.post(&format!("{first}/decision"), dismissed).await.ok();
    assert_eq!(waiting().await, [0, 1, 0]);
    let appeal = json!({ "id": new_id(), "reason": "请核对签到表原件" });
    world.head(HERE, 2).await.post(&format!("{first}/appeal"), appeal).await.ok();
    assert_eq!(waiting().await, [0, 1, 1]);
    // The appeal is over, and the other one has moved up.
    world.travel(at("2024-09-17 09:00")).await;
    assert_eq!(waiting().await, [0, 0, 1]);
}

#[actix_web::test]
async fn what_was_read_waits_no_more_and_never_comes_back() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 10).await;
    world.travel(at("2024-08-22 08:00")).await;
    world.earn(1, 20).await;
    let zhang = world.head(HERE, 1).await;
    let inbox = zhang.get("/v1/me/inbox").await.ok();
    let items = inbox["items"].as_array().expect("items");
    assert!(items.len() >= 2);
    let waiting = async || zhang.get("/v1/me").await.ok()["waiting"]["inbox"].as_u64();
    assert_eq!(waiting().await, Some(items.len() as u64));
    zhang.put("/v1/me/inbox/seen", json!({ "id": items[1]["id"] })).await.ok();
    assert_eq!(waiting().await, Some(1));
    zhang.put("/v1/me/inbox/seen", json!({ "id": items[0]["id"] })).await.ok();
    // An older phone that says later what it saw first takes nothing back.
    zhang.put("/v1/me/inbox/seen", json!({ "id": items[1]["id"] })).await.ok();
    assert_eq!(waiting().await, Some(0));
    assert_eq!(world.head(HERE, 2).await.get("/v1/me").await.ok()["waiting"]["inbox"], 0);
}
