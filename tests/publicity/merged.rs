//! A household that was merged into another: that one answers for its lines, and what is said about them
//! reaches it.

use serde_json::json;

use super::{appealed, decided, declare_kin, has, id_of, inbox, line, object, objection, points};
use super::{published, reversals, township, verdict};
use crate::support::{HERE, World, at, household_id};

/// The first household becomes part of the second.
async fn merged(world: &World) {
    let merge = format!("/v1/villages/{HERE}/households/{}/merge", household_id(HERE, 1));
    let into = json!({ "into": household_id(HERE, 2) });
    township(world).await.post(&merge, into).await.ok();
}

#[actix_web::test]
async fn who_took_a_household_in_appeals_for_it_and_hears_the_end() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    decided(&world, &objection, "upheld").await;
    merged(&world).await;
    let wang = world.head(HERE, 2).await;
    // It learns what it takes over, and so how to find it.
    let told = inbox(&wang).await;
    let taken = told.iter().find(|it| it["kind"] == "line_taken_over").expect("a notice");
    assert_eq!(taken["subject"], json!(id_of(&objection)));
    let seen = wang.get(&objection).await.ok();
    assert_eq!(seen["allowed_actions"], json!(["appeal"]));
    assert!(seen.get("filed_by").is_none() && seen.get("reason").is_none(), "{seen:#}");
    world.head(HERE, 4).await.get(&objection).await.refused(404, "not_found");
    let filed = appealed(&wang, &objection).await.ok();
    assert_eq!(filed["appeal"]["side"], "household");
    let appeal = format!("{objection}/appeal/decision");
    let done = township(&world).await.post(&appeal, verdict("dismissed")).await.ok();
    assert_eq!(done["appeal"]["restored"], 30);
    let told = inbox(&wang).await;
    assert!(has(&told, "line_appealed") && has(&told, "line_appeal_decided"), "{told:#?}");
    world.travel(at("2024-10-07 00:00")).await;
    assert_eq!(points(&world, 2).await, (0, 50));
    world.verified().await;
}

#[actix_web::test]
async fn an_appeal_that_nobody_decided_is_told_to_who_took_the_household_in() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    decided(&world, &objection, "dismissed").await;
    merged(&world).await;
    appealed(&world.head(HERE, 3).await, &objection).await.ok();
    world.travel(at("2024-09-10 10:00")).await;
    super::look(&world).await;
    let told = inbox(&world.head(HERE, 2).await).await;
    assert!(has(&told, "line_appealed") && has(&told, "line_appeal_lapsed"), "{told:#?}");
    world.verified().await;
}

/// What is said against the line of a household that is gone concerns the one that has its points.
#[actix_web::test]
async fn an_objection_after_the_merge_concerns_who_took_the_household_in() {
    let world = published().await;
    merged(&world).await;
    let wang = world.head(HERE, 2).await;
    wang.post(&line(1), objection()).await.refused(403, "conflict_of_interest");
    declare_kin(&world, "committee_2", 2).await;
    let objection = object(&world, 3, 1).await;
    assert!(has(&inbox(&wang).await, "line_contested"));
    let kin = world.official("committee_2", HERE).await;
    let seen = kin.get(&objection).await.ok();
    assert!(seen.get("filed_by").is_none(), "kin does not learn who objected: {seen:#}");
    let refused = kin.post(&format!("{objection}/decision"), verdict("dismissed")).await;
    refused.refused(403, "conflict_of_interest");
    decided(&world, &objection, "upheld").await;
    assert!(has(&inbox(&wang).await, "line_decided"));
    appealed(&wang, &objection).await.ok();
    world.verified().await;
}

/// What is to be given back freezes nothing, and so no merge waits for it.
#[actix_web::test]
async fn who_took_a_household_in_answers_for_what_is_to_be_given_back_to_it() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.deduct(1).await;
    world.travel(at("2024-10-07 09:00")).await;
    let second = world.official("committee_2", HERE).await;
    let seen = second.post(&reversals::path(), reversals::reversal(1)).await.ok();
    assert_eq!(seen["change"], 10);
    merged(&world).await;
    world.verified().await;
    let (wang, this) =
        (world.head(HERE, 2).await, format!("{}/{}", reversals::path(), reversals::id(&seen)));
    assert!(has(&inbox(&wang).await, "reversal_taken_over"));
    assert_eq!(wang.get(&this).await.ok()["allowed_actions"], json!(["reply"]));
    wang.post(&format!("{this}/reply"), json!({ "text": "当时不在村里" })).await.ok();
    let third = world.official("committee_3", HERE).await;
    reversals::decide(&third, &seen, "carried").await.ok();
    assert!(has(&inbox(&wang).await, "reversal_decided"));
    assert_eq!(reversals::points(&world, 2).await["available"], 0);
    world.verified().await;
}
