use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{
    Actor, HERE, World, at, claim, consent, grid_of, head_id, household_id, new_id,
};

fn claims() -> String {
    format!("/v1/villages/{HERE}/claims")
}

async fn world() -> World {
    World::begins(at("2024-08-21 08:00")).await
}

/// What household 1 gave; its path.
async fn donated(world: &World, filer: &Actor) -> String {
    let body = claim(
        1,
        "pub.donate",
        json!({
            "occurred_on": "2024-08-20", "points_each": 2, "consent": consent(1), "note": "捐款",
            "evidence": [{ "kind": "certificate", "reference": "收据" }],
        }),
    );
    let _ = world;
    let filed = filer.post(&claims(), body).await.ok();
    format!("{}/{}", claims(), filed["id"].as_str().expect("an id"))
}

fn correction(rest: Value) -> Value {
    let mut body = json!({
        "count": 1, "points_each": 5, "occurred_on": "2024-08-19",
        "evidence": [{ "kind": "certificate", "reference": "收据 2" }],
    });
    for (name, value) in rest.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

#[actix_web::test]
async fn a_claim_is_put_right_before_anybody_reviewed_it() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let this = donated(&world, &zhang).await;
    zhang.put(&this, correction(json!({}))).await.refused(428, "precondition_required");
    zhang.put_at(2, &this, correction(json!({}))).await.refused(412, "precondition_failed");
    let answer = zhang.put_at(1, &this, correction(json!({}))).await;
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let put = answer.ok();
    assert_eq!(
        (&put["points"], &put["occurred_on"], &put["version"], &put["status"]),
        (&json!(5), &json!("2024-08-19"), &json!(2), &json!("submitted"))
    );
    assert!(put.get("note").is_none(), "what is absent is not claimed");
    assert_eq!(put["evidence"][0]["reference"], "收据 2");
    assert_eq!(zhang.get(&this).await.ok(), put);
    assert_eq!(world.count("audit_events WHERE action = 'claim.correct'").await, 1);
    // The day that was given up is free again.
    donated(&world, &zhang).await;
    let back = correction(json!({ "occurred_on": "2024-08-20" }));
    zhang.put_at(2, &this, back).await.refused(409, "duplicate_claim");
}

/// C38.
#[actix_web::test]
async fn of_two_corrections_of_one_version_the_second_fails_and_a_reviewed_claim_stays() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let this = donated(&world, &zhang).await;
    let puts = join_all((3..=8).map(|points| {
        let body = correction(json!({ "points_each": points }));
        let (zhang, this) = (zhang.clone(), this.clone());
        async move { zhang.put_at(1, &this, body).await }
    }));
    let puts = puts.await;
    assert_eq!(puts.iter().filter(|it| it.status == 200).count(), 1);
    for answer in puts.into_iter().filter(|it| it.status != 200) {
        answer.refused(412, "precondition_failed");
    }
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    worker.post(&format!("{this}/reviews"), json!({ "decision": "approve" })).await.ok();
    let before = zhang.get(&this).await.ok();
    let refused = zhang.put_at(2, &this, correction(json!({}))).await.refused(409, "wrong_state");
    assert_eq!(refused["current"], "in_review");
    zhang.put_at(3, &this, correction(json!({}))).await.refused(409, "wrong_state");
    assert_eq!(zhang.get(&this).await.ok(), before);
    assert!(!before["allowed_actions"].to_string().contains("correct"));
}

#[actix_web::test]
async fn what_was_returned_can_be_put_right() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let this = donated(&world, &zhang).await;
    world.run("UPDATE claims SET status = 'returned', version = 2").await;
    let put = zhang.put_at(2, &this, correction(json!({}))).await.ok();
    assert_eq!((&put["status"], &put["points"]), (&json!("returned"), &json!(5)));
}

#[actix_web::test]
async fn only_the_filer_and_the_household_correct_and_only_by_the_rules() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let this = donated(&world, &worker).await;
    let body = || correction(json!({}));
    world.head(HERE, 2).await.put_at(1, &this, body()).await.refused(403, "other_household");
    world
        .official("panel", HERE)
        .await
        .put_at(1, &this, body())
        .await
        .refused(403, "role_required");
    let nowhere = format!("{}/{}", claims(), new_id());
    worker.put_at(1, &nowhere, body()).await.refused(404, "not_found");
    for (rest, status, code) in [
        (json!({ "occurred_on": "2024-08-22" }), 422, "claim_in_future"),
        (json!({ "occurred_on": "2024-07-01" }), 422, "claim_too_late"),
        (json!({ "points_each": 11 }), 422, "outside_range"),
        (json!({ "evidence": [] }), 422, "evidence_missing"),
        (json!({ "member": new_id() }), 404, "not_found"),
        (json!({ "member": head_id(HERE, 2) }), 404, "not_found"),
        (json!({ "rule": "con.land_give" }), 400, "unknown_field"),
        (json!({ "status": "approved" }), 400, "unknown_field"),
        (json!({ "household": household_id(HERE, 2) }), 400, "unknown_field"),
        (json!({ "count": 0 }), 422, "invalid_field"),
        (json!({ "evidence": [{ "kind": "certificate", "photo": new_id() }] }), 404, "not_found"),
    ] {
        worker.put_at(1, &this, correction(rest)).await.refused(status, code);
    }
    assert_eq!(world.count("claims WHERE version = 1 AND points = 2").await, 1);
    // As of when it was filed: weeks later its day is still in time, and a later day still is not.
    world.travel(at("2024-09-25 08:00")).await;
    let later = correction(json!({ "occurred_on": "2024-09-20" }));
    worker.put_at(1, &this, later).await.refused(422, "claim_in_future");
    worker.put_at(1, &this, body()).await.ok();
    world.head(HERE, 1).await.put_at(2, &this, body()).await.ok();
    let told = world.head(HERE, 1).await.get("/v1/me/inbox").await.ok();
    assert!(told["items"].to_string().contains("claim_corrected"));
}

#[actix_web::test]
async fn other_photos_take_the_place_of_the_first_and_an_awaited_one_is_awaited_still() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let (old, new, coming) =
        (world.picture(&worker, "old").await, world.picture(&worker, "new").await, new_id());
    let with = |photos: &[uuid::Uuid]| -> Value {
        photos.iter().map(|it| json!({ "kind": "photo", "photo": it })).collect()
    };
    let straw = claim(
        1,
        "env.straw_pesticide",
        json!({
            "occurred_on": "2024-08-20", "consent": consent(1), "evidence": with(&[old, coming]),
        }),
    );
    worker.post(&format!("{}/batch", claims()), json!({ "claims": [straw] })).await.ok();
    let this = format!("{}/{}", claims(), straw["id"].as_str().expect("an id"));
    let put = |photos: &[uuid::Uuid]| json!({ "count": 1, "occurred_on": "2024-08-20", "evidence": with(photos) });
    worker.put_at(1, &this, put(&[new, new_id()])).await.refused(404, "not_found");
    let shown = worker.put_at(1, &this, put(&[new, coming])).await.ok();
    assert_eq!(shown["photos_awaited"], 1);
    assert_eq!(world.count("photos WHERE used").await, 1);
    // The household may keep what the worker showed.
    let kept = world.head(HERE, 1).await.put_at(2, &this, put(&[new])).await.ok();
    assert_eq!(kept["photos_awaited"], 0);
    assert_eq!(world.count("awaited_photos").await, 0);
    assert_eq!(world.count("photo_uses").await, 1);
    world.verified().await;
}
