use serde_json::{Value, json};

use super::{declare_kin, file, path, person, spouse, township};
use crate::support::{FAR, HERE, NEXT, World, at, grid_of, head_id, household_id, new_id};

async fn world() -> World {
    World::begins(at("2024-08-21 08:00")).await
}

fn child(born_on: &str) -> Value {
    json!({ "person": new_id(), "name": "张小宝", "born_on": born_on })
}

#[actix_web::test]
async fn the_grid_worker_adds_a_child_and_the_family_sees_it() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let added = worker.post(&path(1, "/members"), child("2024-08-20")).await.ok();
    assert_eq!(added["members"].as_array().map(Vec::len), Some(3));
    assert_eq!(added["version"], 2);
    let seen = world.head(HERE, 1).await.get(&path(1, "")).await.ok();
    assert_eq!(seen, added);
    assert_eq!(world.count("audit_events WHERE action = 'household.add_member'").await, 1);
    let other = world.official("grid_worker", &grid_of(HERE, 6)).await;
    other.post(&path(1, "/members"), child("2024-08-20")).await.refused(403, "role_required");
    world.verified().await;
}

#[actix_web::test]
async fn who_belongs_to_an_active_household_is_not_added_to_another() {
    let world = world().await;
    let (township, before) = (township(&world).await, world.count("members").await);
    for number in [1, 2] {
        let body = json!({ "person": spouse(&world, 1).await, "name": "配偶" });
        township.post(&path(number, "/members"), body).await.refused(409, "already_bound");
    }
    let odd = [
        json!({ "person": new_id(), "name": "\u{200b}" }),
        child("2024-08-22"),
        child("1873-08-21"),
        json!({ "person": head_id(HERE, 1), "name": "张守勤" }),
    ];
    for body in odd {
        township.post(&path(2, "/members"), body).await.refused(422, "invalid_field");
    }
    assert_eq!(world.count("members").await, before);
    assert_eq!(file(&world, 2).await["version"], 1);
}

#[actix_web::test]
async fn a_household_has_thirty_members_at_most() {
    let world = world().await;
    let township = township(&world).await;
    for _ in 0..28 {
        township.post(&path(1, "/members"), child("2020-01-01")).await.ok();
    }
    let full = township.post(&path(1, "/members"), child("2020-01-01")).await;
    assert_eq!(full.refused(422, "invalid_field")["errors"][0]["pointer"], "/person");
    let leaves = format!("/members/{}/departure", spouse(&world, 1).await.as_str().expect("id"));
    township.post(&path(1, &leaves), json!({ "because": "other" })).await.ok();
    township.post(&path(1, "/members"), child("2020-01-01")).await.ok();
}

/// Scenario 20.
#[actix_web::test]
async fn when_the_head_dies_another_is_set_and_the_old_login_is_refused() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-10-07 09:00")).await;
    let (zhang, wife) = (world.head(HERE, 1).await, spouse(&world, 1).await);
    zhang.get("/v1/me").await.ok();
    let departure = path(1, &format!("/members/{}/departure", head_id(HERE, 1)));
    // Whoever logs in is not written dead by a colleague alone.
    let dead = json!({ "because": "died", "new_head": wife });
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    worker.post(&departure, dead).await.refused(403, "role_required");
    let worker = township(&world).await;
    for new_head in [json!(null), json!(head_id(HERE, 1)), json!(new_id())] {
        let mut body = json!({ "because": "died" });
        if !new_head.is_null() {
            body["new_head"] = new_head;
        }
        let refused = worker.post(&departure, body).await.refused(422, "invalid_field");
        assert_eq!(refused["errors"][0]["pointer"], "/new_head");
    }
    let future = json!({ "because": "died", "new_head": wife, "on": "2024-10-08" });
    worker.post(&departure, future).await.refused(422, "invalid_field");
    zhang.get("/v1/me").await.ok();
    let body = json!({ "because": "died", "new_head": wife, "on": "2024-10-06" });
    let after = worker.post(&departure, body.clone()).await.ok();
    assert_eq!(after["status"], "active");
    assert_eq!(after["members"], json!([{ "person": wife, "name": "配偶", "is_head": true }]));
    zhang.get("/v1/me").await.refused(401, "token_invalid");
    world.head(HERE, 1).await.get("/v1/me").await.refused(401, "token_invalid");
    let points = township(&world).await.get(&path(1, "/points")).await.ok();
    assert_eq!(points["spendable"], 30);
    worker.post(&departure, body).await.refused(404, "not_found");
    world.verified().await;
}

/// Whoever has an office is written off by those who gave it, not by a colleague.
#[actix_web::test]
async fn a_grid_worker_does_not_record_the_death_of_an_official() {
    let world = world().await;
    let wife = spouse(&world, 1).await;
    let person = wife.as_str().and_then(|id| id.parse().ok()).expect("an id");
    let grant = |region: &str| api::identity::Grant {
        role: api::identity::Role::Clerk,
        region: region.parse().expect("a code"),
    };
    let clerk = api::identity::NewOfficial {
        person,
        name: "配偶".to_owned(),
        persona: Some("wife".to_owned()),
        grants: vec![grant(HERE)],
    };
    let now = world.app.clock.now();
    let appointed = world.app.db.write(async |tx| {
        api::identity::appoint(tx, None, std::slice::from_ref(&clerk), now).await
    });
    appointed.await.expect("the wife is a clerk");
    let wife = world.persona("wife").await;
    let departure = path(1, &format!("/members/{person}/departure"));
    let died = json!({ "because": "died" });
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    worker.post(&departure, died.clone()).await.refused(403, "role_required");
    assert_eq!(wife.get("/v1/me").await.ok()["grants"][0]["role"], "clerk");
    township(&world).await.post(&departure, died).await.ok();
    wife.get("/v1/me").await.refused(401, "token_invalid");
    assert_eq!(world.count("grants WHERE ends_at IS NOT NULL").await, 1);
}

#[actix_web::test]
async fn the_last_member_closes_the_file_which_leaves_the_eligible_households() {
    let world = world().await;
    let township = township(&world).await;
    let (id, alone) = (json!(new_id()), json!(new_id()));
    let body = json!({
        "id": id, "number": 77, "grid": format!("{HERE}001"), "consent": "paper",
        "members": [{ "person": alone, "name": "独居", "is_head": true }],
    });
    township.post(&format!("/v1/villages/{HERE}/households"), body).await.ok();
    world.travel(at("2024-09-10 09:00")).await;
    let departure = format!("/members/{}/departure", alone.as_str().expect("an id"));
    let died = json!({ "because": "died" });
    let closed = township.post(&super::of(&id, &departure), died.clone()).await.ok();
    assert_eq!((&closed["status"], &closed["members"]), (&json!("closed"), &json!([])));
    let eligible = async |query: &str| {
        let path = format!("/v1/regions/{HERE}/statistics{query}");
        world.anybody().get(&path).await.ok()["registration_rate"]["denominator"].clone()
    };
    assert_eq!(eligible("").await, 10);
    assert_eq!(eligible("?period=2024-09").await, 10);
    assert_eq!(eligible("?period=2024-08").await, 11, "what is over stays as it was");
    let again = township.post(&super::of(&id, &departure), died).await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "closed");
    world.verified().await;
}

#[actix_web::test]
async fn another_member_of_fourteen_becomes_the_head() {
    let world = world().await;
    let township = township(&world).await;
    let (young, old) = (child("2010-08-22"), child("2010-08-21"));
    township.post(&path(1, "/members"), young.clone()).await.ok();
    township.post(&path(1, "/members"), old.clone()).await.ok();
    let head = |person: &Value| json!({ "person": person });
    let name = path(1, "/head");
    township.post(&name, head(&young["person"])).await.refused(422, "invalid_field");
    township.post(&name, head(&json!(head_id(HERE, 1)))).await.refused(422, "invalid_field");
    township.post(&name, head(&json!(head_id(HERE, 2)))).await.refused(404, "not_found");
    township.post(&name, head(&json!(head_id(FAR, 1)))).await.refused(404, "not_found");
    let after = township.post(&name, head(&old["person"])).await.ok();
    assert_eq!(after["members"][0]["person"], old["person"]);
    let heads = "members WHERE is_head AND left_at IS NULL";
    assert_eq!(world.count(heads).await, 30);
    world.verified().await;
}

#[actix_web::test]
async fn nobody_changes_the_file_of_their_own_household_or_kin() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let township = township(&world).await;
    declare_kin(&world, person(&worker).await, head_id(HERE, 1)).await;
    declare_kin(&world, head_id(HERE, 1), person(&township).await).await;
    let refused = [
        ("/members", child("2020-01-01")),
        ("/head", json!({ "person": spouse(&world, 1).await })),
    ];
    for (action, body) in refused {
        worker.post(&path(1, action), body).await.refused(403, "conflict_of_interest");
    }
    let split = json!({
        "id": new_id(), "number": 77, "members": [spouse(&world, 1).await],
        "head": spouse(&world, 1).await,
    });
    let governed = [
        ("/grid", json!({ "grid": format!("{HERE}002") })),
        ("/split", split),
        ("/merge", json!({ "into": household_id(HERE, 2) })),
        ("/move-out", json!({ "reason": "迁出" })),
        ("/closure", json!({ "reason": "销户" })),
    ];
    for (action, body) in governed {
        township.post(&path(1, action), body.clone()).await.refused(403, "conflict_of_interest");
        worker.post(&path(1, action), body).await.refused(403, "role_required");
    }
    let into_kin = json!({ "into": household_id(HERE, 1) });
    township.post(&path(2, "/merge"), into_kin).await.refused(403, "conflict_of_interest");
    assert_eq!(world.count("households WHERE version > 1").await, 0);
}

#[actix_web::test]
async fn an_official_writes_neither_themselves_nor_kin_into_a_household() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let own = json!({ "person": person(&worker).await, "name": "网格员" });
    // Whoever logs in is not written anywhere by others, or by themselves.
    worker.post(&path(1, "/members"), own).await.refused(409, "already_bound");
    let kin = child("2020-01-01");
    let id = kin["person"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    declare_kin(&world, person(&worker).await, id).await;
    worker.post(&path(1, "/members"), kin).await.refused(403, "conflict_of_interest");
    assert_eq!(file(&world, 1).await["version"], 1);
}

#[actix_web::test]
async fn what_is_foreign_answers_as_what_is_unknown() {
    let world = world().await;
    let next = world.official("grid_worker", &format!("{NEXT}001")).await;
    let far = world.official("township", "440783107").await;
    let township = township(&world).await;
    let split = json!({
        "id": new_id(), "number": 77, "members": [head_id(HERE, 2)], "head": head_id(HERE, 2),
    });
    let actions = [
        ("/members", child("2020-01-01")),
        ("/members/0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11/departure", json!({ "because": "moved" })),
        ("/head", json!({ "person": new_id() })),
        ("/grid", json!({ "grid": format!("{HERE}002") })),
        ("/split", split),
        ("/merge", json!({ "into": household_id(HERE, 2) })),
        ("/move-out", json!({ "reason": "迁出" })),
        ("/closure", json!({ "reason": "销户" })),
    ];
    for (action, body) in actions {
        next.post(&path(1, action), body.clone()).await.refused(404, "not_found");
        far.post(&path(1, action), body.clone()).await.refused(404, "not_found");
        let villager = world.head(HERE, 1).await;
        villager.post(&path(1, action), body.clone()).await.refused(403, "role_required");
        for id in [json!(new_id()), json!(household_id(FAR, 1)), json!(household_id(NEXT, 1))] {
            township.post(&super::of(&id, action), body.clone()).await.refused(404, "not_found");
        }
    }
    for into in [json!(new_id()), json!(household_id(NEXT, 2))] {
        let body = json!({ "into": into });
        township.post(&path(1, "/merge"), body).await.refused(404, "not_found");
    }
    assert_eq!(world.count("households WHERE version > 1").await, 0);
    assert_eq!(world.count("members WHERE left_at IS NOT NULL").await, 0);
}
