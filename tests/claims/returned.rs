use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, at, claim, grid_of};

fn decision(word: &str) -> Value {
    json!({ "decision": word, "reason": "证书看不清" })
}

async fn world() -> World {
    World::begins(at("2024-08-26 08:00")).await
}

/// A claim of household 1 that its head filed, and where it is.
async fn filed(world: &World) -> (Actor, String) {
    let body = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "入社证" }],
        }),
    );
    let zhang = world.head(HERE, 1).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    let filed = zhang.post(&claims, body).await.ok();
    (zhang, format!("{claims}/{}", filed["id"].as_str().expect("an id")))
}

async fn worker(world: &World) -> Actor {
    world.official("grid_worker", &grid_of(HERE, 1)).await
}

#[actix_web::test]
async fn what_is_returned_comes_back_in_a_new_round_to_the_same_reviewer() {
    let world = world().await;
    let (zhang, this) = filed(&world).await;
    let reviews = format!("{this}/reviews");
    let worker = worker(&world).await;
    worker.post(&reviews, json!({ "decision": "return" })).await.refused(422, "reason_required");
    worker.post(&reviews, json!({ "decision": "approve" })).await.ok();
    let panel = world.official("panel", HERE).await;
    let more = json!({ "decision": "return", "reason": "看不清", "points_each": 3 });
    panel.post(&reviews, more).await.refused(422, "outside_range");
    let returned = panel.post(&reviews, decision("return")).await.ok();
    assert_eq!(
        (&returned["status"], &returned["reason"]),
        (&json!("returned"), &json!("证书看不清"))
    );
    panel.post(&reviews, decision("approve")).await.refused(409, "wrong_state");
    let seen = zhang.get(&this).await.ok();
    assert_eq!(seen["allowed_actions"], json!(["correct", "resubmit"]));
    assert_eq!(world.count("inbox_items WHERE kind = 'claim_returned'").await, 1);
    assert_eq!(world.count("outbox WHERE kind = 'claim_returned'").await, 1);
    let again = format!("{this}/resubmission");
    world.head(HERE, 2).await.post(&again, json!({})).await.refused(403, "other_household");
    let resubmitted = zhang.post(&again, json!({})).await.ok();
    assert_eq!((&resubmitted["status"], &resubmitted["round"]), (&json!("submitted"), &json!(2)));
    assert_eq!(resubmitted["step"]["step"], "precheck");
    zhang.post(&again, json!({})).await.refused(409, "wrong_state");
    worker.post(&reviews, json!({ "decision": "approve" })).await.ok();
    let approved = panel.post(&reviews, json!({ "decision": "approve" })).await.ok();
    assert_eq!(approved["status"], "approved");
    assert_eq!(world.count("reviews").await, 4);
    world.verified().await;
}

#[actix_web::test]
async fn what_is_not_handed_in_again_in_fourteen_days_lapses_whoever_looks_when() {
    for looked_at in ["2024-09-09 08:00", "2024-10-20 08:00"] {
        let world = world().await;
        let (zhang, this) = filed(&world).await;
        worker(&world).await.post(&format!("{this}/reviews"), decision("return")).await.ok();
        world.travel(at("2024-09-09 07:59")).await;
        assert_eq!(zhang.get(&this).await.ok()["status"], "returned");
        world.travel(at(looked_at)).await;
        let lapsed = zhang.get(&this).await.ok();
        assert_eq!((&lapsed["status"], &lapsed["allowed_actions"]), (&json!("lapsed"), &json!([])));
        let again = format!("{this}/resubmission");
        assert_eq!(
            zhang.post(&again, json!({})).await.refused(409, "wrong_state")["current"],
            "lapsed"
        );
        let told = format!(
            "inbox_items WHERE kind = 'claim_lapsed' AND at = {}",
            at("2024-09-09 08:00").0
        );
        assert_eq!(world.count(&told).await, 1);
        world.verified().await;
    }
}

#[actix_web::test]
async fn a_step_left_for_a_fortnight_is_the_townships() {
    let world = world().await;
    let (_, this) = filed(&world).await;
    let reviews = format!("{this}/reviews");
    let worker = worker(&world).await;
    worker.post(&reviews, json!({ "decision": "approve" })).await.ok();
    let (panel, township) =
        (world.official("panel", HERE).await, world.official("township", "460205100").await);
    let queue = "/v1/regions/460205100/review-queue";
    assert_eq!(township.get(queue).await.ok()["count"], 0);
    township.post(&reviews, json!({ "decision": "approve" })).await.refused(403, "role_required");
    world.travel(at("2024-09-09 08:00")).await;
    panel.post(&reviews, json!({ "decision": "approve" })).await.refused(403, "role_required");
    let waiting = township.get(queue).await.ok();
    assert_eq!(
        (&waiting["count"], &waiting["steps"]),
        (&json!(1), &json!([{ "step": "approval", "count": 1 }]))
    );
    township.post(&reviews, json!({ "decision": "approve" })).await.ok();
    assert_eq!(world.count("reviews WHERE role = 'township'").await, 1);
    world.verified().await;
}

/// Both grid worker and panel of the village are kin: the normal case of a village of one clan.
#[actix_web::test]
async fn where_everybody_is_kin_the_matter_goes_up() {
    let world = world().await;
    let (_, this) = filed(&world).await;
    let kin = format!(
        "INSERT INTO kin (village, person, relative, confirmed_at) \
         SELECT '{HERE}', m.person, g.person, 0 FROM members m, grants g \
         WHERE m.village = '{HERE}' AND m.is_head AND m.household IN (SELECT household FROM claims) \
         AND (g.region LIKE '{HERE}%') AND g.role <> 'clerk'"
    );
    assert!(world.run(&kin).await >= 7);
    let reviews = format!("{this}/reviews");
    worker(&world)
        .await
        .post(&reviews, decision("approve"))
        .await
        .refused(403, "conflict_of_interest");
    let panel = world.official("panel", HERE).await;
    assert_eq!(panel.get(&format!("/v1/regions/{HERE}/review-queue")).await.ok()["count"], 0);
    let township = world.official("township", "460205100").await;
    let prechecked = township.post(&reviews, decision("approve")).await.ok();
    assert_eq!(prechecked["step"]["step"], "approval");
    // Nobody decides twice: the second step is the county's.
    township.post(&reviews, decision("approve")).await.refused(409, "already_reviewed");
    let county = world.official("county", "460205").await;
    assert_eq!(county.post(&reviews, decision("approve")).await.ok()["status"], "approved");
    world.verified().await;
}
