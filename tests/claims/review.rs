use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{HERE, NEXT, World, at, claim, grid_of, new_id};

async fn filed(world: &World, number: usize) -> String {
    let body = claim(
        number,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "门前" }],
        }),
    );
    let filed = world
        .head(HERE, number)
        .await
        .post(&format!("/v1/villages/{HERE}/claims"), body)
        .await
        .ok();
    format!("/v1/villages/{HERE}/claims/{}", filed["id"].as_str().expect("an id"))
}

fn approve() -> Value {
    json!({ "decision": "approve" })
}

async fn world() -> World {
    World::begins(at("2024-08-21 08:00")).await
}

#[actix_web::test]
async fn the_chain_is_walked_in_its_order() {
    let world = world().await;
    let claim = filed(&world, 1).await;
    let reviews = format!("{claim}/reviews");
    let panel = world.official("panel", HERE).await;
    panel.post(&reviews, approve()).await.refused(403, "role_required");
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let once = worker.post(&reviews, approve()).await.ok();
    assert_eq!((&once["status"], &once["step"]["step"]), (&json!("in_review"), &json!("approval")));
    worker.post(&reviews, approve()).await.refused(409, "already_reviewed");
    let twice = panel.post(&reviews, approve()).await.ok();
    assert_eq!((&twice["status"], &twice["week"]), (&json!("approved"), &json!("2024-W34")));
    let late = world.official("panel_2", HERE).await.post(&reviews, approve()).await;
    assert_eq!(late.refused(409, "wrong_state")["current"], "approved");
    let told = world.head(HERE, 1).await.get("/v1/me/inbox").await.ok();
    assert_eq!(told["items"][0]["kind"], "claim_approved");
}

#[actix_web::test]
async fn another_grids_worker_and_another_villages_panel_do_not_review() {
    let world = world().await;
    let reviews = format!("{}/reviews", filed(&world, 1).await);
    let stranger = world.official("grid_worker", &grid_of(HERE, 9)).await;
    stranger.post(&reviews, approve()).await.refused(403, "role_required");
    world.official("panel", NEXT).await.post(&reviews, approve()).await.refused(404, "not_found");
    world.head(HERE, 2).await.post(&reviews, approve()).await.refused(403, "role_required");
    assert_eq!(world.count("reviews").await, 0);
}

#[actix_web::test]
async fn who_filed_it_does_not_review_it() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let body = claim(
        1,
        "env.courtyard_weekly",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [
                { "kind": "inspection_record", "reference": "8月第三周" }, { "kind": "photo", "photo": world.picture(&worker, "a yard").await },
            ],
        }),
    );
    let filed = worker.post(&format!("/v1/villages/{HERE}/claims"), body).await.ok();
    let reviews =
        format!("/v1/villages/{HERE}/claims/{}/reviews", filed["id"].as_str().expect("an id"));
    worker.post(&reviews, approve()).await.refused(403, "conflict_of_interest");
    assert_eq!(world.count("reviews").await, 0);
    world.official("panel", HERE).await.post(&reviews, approve()).await.ok();
}

#[actix_web::test]
async fn the_database_itself_refuses_a_filers_review() {
    let world = world().await;
    filed(&world, 1).await;
    let sql = "INSERT INTO reviews (village, claim, step, person, decision, at) \
               SELECT village, id, 0, filed_by, 'approve', 0 FROM claims";
    let done = world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, []).await?)).await;
    assert!(done.is_err());
    assert_eq!(world.count("reviews").await, 0);
}

#[actix_web::test]
async fn a_rejection_needs_a_reason_that_can_be_read_and_is_told() {
    let world = world().await;
    let reviews = format!("{}/reviews", filed(&world, 1).await);
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    for reason in [Value::Null, json!("     "), json!("\u{200b}\u{200b}")] {
        let mut body = json!({ "decision": "reject" });
        if !reason.is_null() {
            body["reason"] = reason;
        }
        worker.post(&reviews, body).await.refused(422, "reason_required");
    }
    let body = json!({ "decision": "reject", "reason": "照片不是本户庭院" });
    let rejected = worker.post(&reviews, body).await.ok();
    assert_eq!(
        (&rejected["status"], &rejected["reason"]),
        (&json!("rejected"), &json!("照片不是本户庭院"))
    );
    let told = world.head(HERE, 1).await.get("/v1/me/inbox").await.ok();
    assert!(
        told["items"][0]["detail"].as_str().is_some_and(|text| text.contains("照片不是本户庭院"))
    );
}

#[actix_web::test]
async fn points_stay_inside_the_rules_range() {
    let world = world().await;
    let reviews = format!("{}/reviews", filed(&world, 1).await);
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let body = json!({ "decision": "approve", "points_each": 4 });
    worker.post(&reviews, body).await.refused(422, "outside_range");
}

#[actix_web::test]
async fn a_committee_item_needs_three_members() {
    let world = world().await;
    let panel = world.official("panel", HERE).await;
    let body = claim(
        1,
        "env.courtyard_model",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "committee_record", "reference": "8月评议" }],
        }),
    );
    let filed = panel.post(&format!("/v1/villages/{HERE}/claims"), body).await.ok();
    let reviews =
        format!("/v1/villages/{HERE}/claims/{}/reviews", filed["id"].as_str().expect("an id"));
    world.official("panel_2", HERE).await.post(&reviews, approve()).await.ok();
    for (office, status) in
        [("committee", "in_review"), ("committee_2", "in_review"), ("committee_3", "approved")]
    {
        let answer = world.official(office, HERE).await.post(&reviews, approve()).await.ok();
        assert_eq!(answer["status"], status, "{office}");
    }
}

#[actix_web::test]
async fn two_last_approvals_at_once_are_one_approval() {
    let world = world().await;
    let reviews = format!("{}/reviews", filed(&world, 1).await);
    world.official("grid_worker", &grid_of(HERE, 1)).await.post(&reviews, approve()).await.ok();
    let panels = [world.official("panel", HERE).await, world.official("panel_2", HERE).await];
    let answers = join_all(panels.iter().map(|panel| panel.post(&reviews, approve()))).await;
    assert_eq!(answers.iter().filter(|it| it.status == 201).count(), 1);
    assert!(answers.iter().any(|it| it.body["code"] == "wrong_state"));
    world.travel(at("2024-08-26 00:00")).await;
    world.head(HERE, 1).await.get(&format!("/v1/villages/{HERE}/score-sheets/2024-W34")).await.ok();
    assert_eq!(world.count("score_lines").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn approval_against_withdrawal_ends_in_one_of_the_two() {
    let world = world().await;
    for number in 1..=5 {
        let claim = filed(&world, number).await;
        let reviews = format!("{claim}/reviews");
        let worker = world.official("grid_worker", &grid_of(HERE, number)).await;
        worker.post(&reviews, approve()).await.ok();
        let (panel, head) = (world.official("panel", HERE).await, world.head(HERE, number).await);
        let withdrawal = format!("{claim}/withdrawal");
        let (approved, withdrawn) =
            futures::join!(panel.post(&reviews, approve()), head.post(&withdrawal, json!({})));
        let won = [approved.status, withdrawn.status].iter().filter(|it| **it < 300).count();
        assert_eq!(won, 1, "{approved:?} {withdrawn:?}");
        let status = head.get(&claim).await.ok()["status"].clone();
        assert_eq!(status, if approved.status < 300 { "approved" } else { "withdrawn" });
    }
    world.verified().await;
}

#[actix_web::test]
async fn each_decision_of_a_batch_has_its_own_result() {
    let world = world().await;
    let first = filed(&world, 1).await;
    let id = first.rsplit('/').next().expect("an id");
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let body = json!({ "reviews": [
        { "claim": id, "review": approve() },
        { "claim": new_id(), "review": approve() },
        { "claim": id, "review": approve() },
    ] });
    let done = worker.post(&format!("/v1/villages/{HERE}/reviews/batch"), body).await.ok();
    let codes: Vec<_> =
        done["results"].as_array().expect("results").iter().map(|it| it["code"].clone()).collect();
    assert_eq!(codes, [Value::Null, json!("not_found"), json!("already_reviewed")]);
}
