use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{FAR, HERE, World, at, claim, grid_of, head_id, household_id, new_id};

fn courtyard(number: usize) -> Value {
    claim(
        number,
        "env.courtyard_beautify",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "photo_before_after", "reference": "门前" }],
        }),
    )
}

fn path() -> String {
    format!("/v1/villages/{HERE}/claims")
}

async fn world() -> World {
    World::begins(at("2024-08-21 08:00")).await
}

#[actix_web::test]
async fn own_household_is_filed_and_audited() {
    let world = world().await;
    let body = courtyard(1);
    let answer = world.head(HERE, 1).await.post(&path(), body.clone()).await;
    assert_eq!(answer.status, 201);
    let filed = answer.ok();
    assert_eq!(
        (&filed["id"], &filed["status"], &filed["points"]),
        (&body["id"], &json!("submitted"), &json!(3))
    );
    assert_eq!(filed["step"]["step"], "precheck");
    assert_eq!(filed["allowed_actions"], json!(["withdraw", "correct"]));
    assert_eq!(world.count("claims").await, 1);
    assert_eq!(world.count("audit_events WHERE action = 'claim.submit'").await, 1);
}

#[actix_web::test]
async fn another_household_is_refused_to_a_villager_and_unknown_beyond_the_village() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    zhang.post(&path(), courtyard(2)).await.refused(403, "other_household");
    let mut foreign = courtyard(1);
    foreign["household"] = json!(household_id(FAR, 1));
    let foreign = zhang.post(&path(), foreign).await.refused(404, "not_found");
    let mut unknown = courtyard(1);
    unknown["household"] = json!(new_id());
    let unknown = zhang.post(&path(), unknown).await.refused(404, "not_found");
    assert_eq!(foreign["detail"], unknown["detail"]);
    zhang.post(&format!("/v1/villages/{FAR}/claims"), courtyard(1)).await.refused(404, "not_found");
    assert_eq!(world.count("claims").await, 0);
}

#[actix_web::test]
async fn the_grids_worker_files_for_a_household_and_nobody_elses() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let filed = worker.post(&path(), courtyard(1)).await.ok();
    assert_eq!(filed["on_behalf"], true);
    assert_eq!(filed["allowed_actions"], json!(["withdraw", "correct"]), "not to review it");
    worker.post(&path(), courtyard(9)).await.refused(403, "other_household");
}

#[actix_web::test]
async fn a_retry_is_the_same_claim_however_often_it_is_sent() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let body = courtyard(1);
    let key = new_id().to_string();
    let claims = path();
    let sent = join_all((0..20).map(|_| zhang.post_as(&key, &claims, body.clone()))).await;
    let first = sent.iter().filter(|it| it.status == 201 && !it.is_replay()).count();
    assert_eq!(first, 1);
    for answer in sent {
        // On PostgreSQL a twin that is still at work is told to wait.
        assert!(answer.status == 201 || answer.body["code"] == "idempotency_in_flight");
    }
    let again = zhang.post_as(&key, &path(), body.clone()).await;
    assert!(again.is_replay());
    assert_eq!(again.ok()["id"], body["id"]);
    let mut other = body.clone();
    other["note"] = json!("改了");
    zhang.post_as(&key, &path(), other).await.refused(422, "idempotency_key_reused");
    zhang.post(&path(), body).await.refused(409, "id_taken");
    assert_eq!(world.count("claims").await, 1);
}

/// Scenario 18.
#[actix_web::test]
async fn the_same_deed_again_names_the_first_claim() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let first = zhang.post(&path(), courtyard(1)).await.ok();
    let second = zhang.post(&path(), courtyard(1)).await.refused(409, "duplicate_claim");
    assert_eq!(second["existing"], first["id"]);
    let withdrawal = format!("{}/{}/withdrawal", path(), first["id"].as_str().expect("an id"));
    zhang.post(&withdrawal, json!({})).await.ok();
    zhang.post(&withdrawal, json!({})).await.refused(409, "wrong_state");
    zhang.post(&path(), courtyard(1)).await.ok();
}

#[actix_web::test]
async fn the_same_deed_from_two_phones_at_once_is_one_claim() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let sent = join_all((0..10).map(|_| async { zhang.post(&path(), courtyard(1)).await })).await;
    assert_eq!(sent.iter().filter(|it| it.status == 201).count(), 1);
    assert!(
        sent.iter().filter(|it| it.status != 201).all(|it| it.body["code"] == "duplicate_claim")
    );
    assert_eq!(world.count("claims").await, 1);
}

#[actix_web::test]
async fn what_breaks_the_rule_is_refused_with_its_own_code_and_leaves_no_row() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let donate = |rest: Value| {
        let mut body = claim(
            1,
            "pub.donate",
            json!({
                "occurred_on": "2024-08-20",
                "evidence": [{ "kind": "certificate", "reference": "收据" }],
            }),
        );
        for (name, value) in rest.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let cases = [
        (donate(json!({ "occurred_on": "2024-08-22" })), 422, "claim_in_future"),
        (donate(json!({ "occurred_on": "2024-07-21" })), 422, "claim_too_late"),
        (donate(json!({ "occurred_on": "2022-12-31" })), 422, "rule_not_in_force"),
        (donate(json!({ "evidence": [] })), 422, "evidence_missing"),
        (
            donate(json!({ "evidence": [{ "kind": "certificate", "reference": "\u{200b} " }] })),
            422,
            "evidence_missing",
        ),
        (donate(json!({ "points_each": 11 })), 422, "outside_range"),
        (donate(json!({ "points_each": 1 })), 422, "outside_range"),
        (donate(json!({ "rule": "no.such_rule" })), 422, "rule_not_in_force"),
        (donate(json!({ "rule": "pat.online_study" })), 403, "role_required"),
        (donate(json!({ "rule": "env.courtyard_weekly" })), 403, "role_required"),
        (donate(json!({ "rule": "env.courtyard_model" })), 403, "role_required"),
        (donate(json!({ "member": new_id() })), 404, "not_found"),
        (donate(json!({ "member": head_id(HERE, 2) })), 404, "not_found"),
        (donate(json!({ "count": 0 })), 422, "invalid_field"),
        (donate(json!({ "count": 1001 })), 422, "invalid_field"),
        (donate(json!({ "count": 9_007_199_254_740_993_i64 })), 422, "invalid_field"),
    ];
    for (body, status, code) in cases {
        zhang.post(&path(), body).await.refused(status, code);
    }
    let switched_off = donate(json!({ "rule": "fam.harmony_quarter" }));
    world
        .official("panel", HERE)
        .await
        .post(&path(), switched_off)
        .await
        .refused(422, "rule_not_in_force");
    let cleanup = |rest: Value| {
        let mut body = donate(json!({ "rule": "env.cleanup_day", "evidence": [
            { "kind": "sign_in_sheet", "reference": "签到表" }, { "kind": "photo", "reference": "合影" },
        ] }));
        for (name, value) in rest.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let no_member = cleanup(json!({ "event": "大扫除" }));
    zhang.post(&path(), no_member).await.refused(422, "member_required");
    let no_event = cleanup(json!({ "member": head_id(HERE, 1) }));
    zhang.post(&path(), no_event).await.refused(422, "event_required");
    assert_eq!(world.count("claims").await, 0);
    assert_eq!(world.count("idempotency_keys").await, 0);
}

#[actix_web::test]
async fn each_claim_of_a_batch_has_its_own_result() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let good = courtyard(1);
    let mut late = courtyard(2);
    late["occurred_on"] = json!("2024-06-01");
    let twin = courtyard(1);
    let far = courtyard(9);
    let batch = json!({ "claims": [good, late, twin, far, courtyard(3)] });
    let path = format!("{}/batch", path());
    let key = new_id().to_string();
    let done = worker.post_as(&key, &path, batch.clone()).await.ok();
    let results: Vec<_> = done["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|it| (it["result"].as_str().unwrap_or(""), it["code"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        results,
        [
            ("applied", ""),
            ("rejected", "claim_too_late"),
            ("duplicate", "duplicate_claim"),
            ("rejected", "other_household"),
            ("applied", ""),
        ]
    );
    assert!(worker.post_as(&key, &path, batch).await.is_replay());
    assert_eq!(world.count("claims").await, 2);
    world
        .head(HERE, 1)
        .await
        .post(&path, json!({ "claims": [courtyard(1)] }))
        .await
        .refused(403, "role_required");
    worker.post(&path, json!({ "claims": [] })).await.refused(422, "invalid_field");
}
