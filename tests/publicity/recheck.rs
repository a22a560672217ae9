//! Rechecks: what was found is for those who decide.

use serde_json::json;

use super::{decided, declare_kin, has, inbox, object, published, township, verdict};
use crate::support::{HERE, World};

/// The head of household 3, who objects.
const OBJECTOR: &str = "董建国";

#[actix_web::test]
async fn a_recheck_is_kept_for_the_deciding_body_and_told_to_both_sides() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    let investigation = format!("{objection}/investigation");
    let committee = world.official("committee", HERE).await;
    let blank = json!({ "note": " \u{200b}" });
    committee.post(&investigation, blank).await.refused(422, "reason_required");
    let blank = json!({ "note": "到户看了", "finding": "  " });
    committee.post(&investigation, blank).await.refused(422, "reason_required");
    let begun = committee.post(&investigation, json!({ "note": "到户看了" })).await.ok();
    assert_eq!(begun["status"], "investigating");
    assert_eq!(begun["allowed_actions"], json!(["investigate", "decide"]));
    let found = json!({ "note": "查了台账", "finding": "地块属于集体" });
    let found = world.official("committee_2", HERE).await.post(&investigation, found).await.ok();
    assert_eq!(found["rechecks"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["rechecks"][1]["finding"], "地块属于集体");
    assert_eq!(
        township(&world).await.get(&objection).await.ok()["rechecks"][0]["note"],
        "到户看了"
    );
    for number in [1, 3] {
        let head = world.head(HERE, number).await;
        let seen = head.get(&objection).await.ok().to_string();
        assert!(!seen.contains("rechecks") && !seen.contains("台账"), "{seen}");
        let told = inbox(&head).await;
        assert!(has(&told, "line_rechecked") || has(&told, "objection_rechecked"), "{number}");
        head.post(&investigation, json!({ "note": "我看看" })).await.refused(403, "role_required");
    }
    township(&world)
        .await
        .post(&investigation, json!({ "note": "我看看" }))
        .await
        .refused(403, "role_required");
    decided(&world, &objection, "dismissed").await;
    let late = committee.post(&investigation, json!({ "note": "再看" })).await;
    assert_eq!(late.refused(409, "wrong_state")["current"], "decided");
    assert_eq!(world.count("rechecks").await, 2);
    assert!(world.count("audit_events WHERE action = 'objection.investigate'").await == 2);
    world.verified().await;
}

/// Whatever is asked for and told, the objector stands in nothing that the household or the public reads.
#[actix_web::test]
async fn the_objector_is_in_no_answer_to_the_household_or_the_public() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    let filer = world.head(HERE, 3).await;
    let secrets = [
        filer.person().await.to_string(),
        crate::support::household_id(HERE, 3).to_string(),
        OBJECTOR.to_owned(),
        "那块地不是他家的".to_owned(),
    ];
    let own = filer.get(&objection).await.ok();
    assert_eq!((&own["filer_name"], &own["reason"]), (&json!(OBJECTOR), &json!(secrets[3])));
    decided(&world, &objection, "upheld").await;
    super::appealed(&world.head(HERE, 1).await, &objection).await.ok();
    let decision = format!("{objection}/appeal/decision");
    township(&world).await.post(&decision, verdict("upheld")).await.ok();
    let zhang = world.head(HERE, 1).await;
    let list = format!("/v1/villages/{HERE}/public-lists/2024-08");
    let mut answers = vec![zhang.get(&objection).await.ok()];
    for path in [list.clone(), format!("{list}/lines"), format!("{list}/households")] {
        answers.push(zhang.get(&path).await.ok());
        answers.push(world.anybody().get(&path).await.ok());
    }
    answers.extend(inbox(&zhang).await);
    answers.push(zhang.get("/v1/me/export").await.ok());
    assert_eq!(answers[0]["ground"], "not_this_household");
    for answer in answers {
        for secret in &secrets {
            assert!(!answer.to_string().contains(secret), "{secret} in {answer}");
        }
    }
}

/// A member of the committee who keeps out of the matter learns no more than the household does.
#[actix_web::test]
async fn kin_on_the_committee_do_not_learn_who_objected() {
    let world: World = published().await;
    let objection = object(&world, 3, 1).await;
    declare_kin(&world, "committee", 1).await;
    let kin = world.official("committee", HERE).await;
    let list = format!("/v1/villages/{HERE}/objections");
    for seen in [kin.get(&objection).await.ok(), kin.get(&list).await.ok()["items"][0].clone()] {
        for hidden in ["filed_by", "filer_name", "reason", "rechecks"] {
            assert!(seen.get(hidden).is_none(), "{hidden}: {seen}");
        }
        assert_eq!(seen["allowed_actions"], json!([]));
    }
    let other = world.official("committee_2", HERE).await;
    assert_eq!(other.get(&objection).await.ok()["filer_name"], json!(OBJECTOR));
}
