use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, at, claim, grid_of, head_id, household_id, new_id};

fn path() -> String {
    format!("/v1/villages/{HERE}/inspections")
}

async fn world() -> World {
    World::begins(at("2024-08-21 08:00")).await
}

async fn worker(world: &World) -> Actor {
    world.official("grid_worker", &grid_of(HERE, 1)).await
}

fn round(rule: &str, day: &str, numbers: &[usize]) -> Value {
    let households: Vec<_> = numbers
        .iter()
        .map(|number| json!({ "id": new_id(), "household": household_id(HERE, *number) }))
        .collect();
    json!({
        "id": new_id(), "rule": rule, "occurred_on": day, "households": households,
        "evidence": [{ "kind": "inspection_record", "reference": "8月第三周巡查表" }],
    })
}

fn codes(answer: &Value) -> Vec<Value> {
    let results = answer["results"].as_array().expect("results").iter();
    results.map(|it| it.get("code").unwrap_or(&it["result"]).clone()).collect()
}

#[actix_web::test]
async fn a_round_scores_each_household_of_the_grid_once_a_week() {
    let world = world().await;
    let worker = worker(&world).await;
    let done =
        worker.post(&path(), round("env.waste_sorting", "2024-08-19", &[1, 2, 3, 7, 1])).await.ok();
    assert_eq!(
        codes(&done),
        ["applied", "applied", "applied", "other_household", "duplicate_claim"]
    );
    assert_eq!(world.count("claims WHERE source = 'inspection' AND points = 2").await, 3);
    assert_eq!(world.count("audit_events WHERE action = 'claim.inspect'").await, 1);
    // Another day of the week is the same score; the next week is another.
    let again = worker.post(&path(), round("env.waste_sorting", "2024-08-20", &[1])).await.ok();
    assert_eq!(codes(&again), ["duplicate_claim"]);
    world.travel(at("2024-08-26 08:00")).await;
    let next = worker.post(&path(), round("env.waste_sorting", "2024-08-26", &[1])).await.ok();
    assert_eq!(codes(&next), ["applied"]);
    assert_eq!(world.count("claims").await, 4);
}

#[actix_web::test]
async fn each_household_has_its_own_photo_and_score() {
    let world = world().await;
    let worker = worker(&world).await;
    let (first, second) =
        (world.picture(&worker, "yard 1").await, world.picture(&worker, "yard 2").await);
    let mut body = round("env.courtyard_weekly", "2024-08-20", &[1, 2, 3, 4, 5]);
    for (at, photo) in [(0, first), (1, second), (2, first), (3, new_id())] {
        body["households"][at]["evidence"] = json!([{ "kind": "photo", "photo": photo }]);
    }
    body["households"][1]["points_each"] = json!(2);
    body["households"][1]["note"] = json!("门前整齐");
    let done = worker.post(&path(), body.clone()).await.ok();
    assert_eq!(
        codes(&done),
        ["applied", "applied", "duplicate_claim", "photo_awaited", "evidence_missing"]
    );
    let id = body["households"][1]["id"].as_str().expect("an id");
    let shown = worker.get(&format!("/v1/villages/{HERE}/claims/{id}")).await.ok();
    assert_eq!((&shown["points"], &shown["note"]), (&json!(2), &json!("门前整齐")));
    assert_eq!(shown["evidence"].as_array().map(Vec::len), Some(2));
    // A round has no photo that shows all of them.
    let mut shared = round("env.courtyard_weekly", "2024-08-20", &[5]);
    shared["evidence"] = json!([{ "kind": "photo", "photo": second }]);
    worker.post(&path(), shared).await.refused(422, "invalid_field");
}

#[actix_web::test]
async fn only_rules_of_inspections_by_the_grids_worker_and_not_for_kin() {
    let world = world().await;
    let worker = worker(&world).await;
    let claims = world.count("claims").await;
    worker
        .post(&path(), round("pub.donate", "2024-08-20", &[1]))
        .await
        .refused(422, "invalid_field");
    let unknown = round("no.such_rule", "2024-08-20", &[1]);
    worker.post(&path(), unknown).await.refused(422, "rule_not_in_force");
    worker
        .post(&path(), round("env.waste_sorting", "2024-08-20", &[]))
        .await
        .refused(422, "invalid_field");
    for (actor, code) in [
        (world.official("panel", HERE).await, "role_required"),
        (world.official("township", "460205100").await, "role_required"),
        (world.head(HERE, 1).await, "role_required"),
    ] {
        let body = round("env.waste_sorting", "2024-08-20", &[1]);
        actor.post(&path(), body).await.refused(403, code);
    }
    let sql = "INSERT INTO kin (village, person, relative, confirmed_at) VALUES ($1, $2, $3, 0)";
    let values: [sea_orm::Value; 3] =
        [HERE.into(), worker.person().await.into(), head_id(HERE, 2).into()];
    let kin =
        world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, values.clone()).await?));
    kin.await.expect("kin");
    assert_eq!(world.count("claims").await, claims);
    let done = worker.post(&path(), round("env.waste_sorting", "2024-08-20", &[1, 2])).await.ok();
    assert_eq!(codes(&done), ["applied", "conflict_of_interest"]);
}

#[actix_web::test]
async fn the_same_round_from_many_phones_at_once_is_one_round() {
    let world = world().await;
    let worker = worker(&world).await;
    let rounds: Vec<_> =
        (0..6).map(|_| round("env.waste_sorting", "2024-08-20", &[1, 2, 3])).collect();
    let path = path();
    let sent = join_all(rounds.iter().map(|round| worker.post(&path, round.clone()))).await;
    let all: Vec<_> = sent.into_iter().flat_map(|answer| codes(&answer.ok())).collect();
    assert_eq!(all.iter().filter(|it| *it == "applied").count(), 3);
    assert_eq!(all.iter().filter(|it| *it == "duplicate_claim").count(), 15);
    assert_eq!(world.count("claims").await, 3);
}

/// Scenario 17: a village of its own 2 points, at most 7 a month; 6 are scored, then two inspections are
/// approved in one week: the first deed takes the last point, the second finds nothing left.
#[actix_web::test]
async fn the_last_room_of_a_month_goes_in_order_of_deed() {
    let (world, _) = crate::rules::published(|draft| {
        draft["changes"] = json!([{
            "key": "env.courtyard_weekly", "default_points": 2,
            "cap": { "period": "month", "max_times": 5, "max_points": 7 },
        }]);
        draft["new_items"] = json!([]);
    })
    .await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let panel = world.official("panel", HERE).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    let inspect = async |day: &str| {
        let evidence = json!([
            { "kind": "inspection_record", "reference": "巡查记录" },
            { "kind": "photo", "photo": world.photo(&worker).await },
        ]);
        let body =
            claim(1, "env.courtyard_weekly", json!({ "occurred_on": day, "evidence": evidence }));
        let filed = worker.post(&claims, body).await.ok();
        assert_eq!(filed["points"], 2);
        filed["id"].as_str().expect("an id").to_owned()
    };
    let approve = async |id: &str| {
        let reviews = format!("{claims}/{id}/reviews");
        panel.post(&reviews, json!({ "decision": "approve" })).await.ok();
    };
    for day in ["2024-10-02", "2024-10-09", "2024-10-16"] {
        world.travel(at(&format!("{day} 09:00"))).await;
        approve(&inspect(day).await).await;
    }
    world.travel(at("2024-10-31 09:00")).await;
    let later = inspect("2024-10-30").await;
    let earlier = inspect("2024-10-23").await;
    // In the other order: the day of the deed decides.
    approve(&later).await;
    approve(&earlier).await;
    world.travel(at("2024-11-04 09:00")).await;
    let entries = format!("/v1/villages/{HERE}/households/{}/entries", household_id(HERE, 1));
    let entries = world.head(HERE, 1).await.get(&entries).await.ok();
    let of = |id: &str| {
        let items = entries["items"].as_array().expect("entries");
        let entry = items.iter().find(|it| it["id"] == id).expect("the entry");
        (entry["awarded"].clone(), entry["reason"].clone())
    };
    assert_eq!(of(&earlier), (json!(1), json!("cap_reached")));
    assert_eq!(of(&later), (json!(0), json!("cap_exhausted")));
    world.verified().await;
}
