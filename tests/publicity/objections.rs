use serde_json::{Value, json};

use super::{line, objection, published};
use crate::support::{Actor, HERE, NEXT, World, at, household_id, new_id};

async fn decide(actor: &Actor, objection: &Value, decision: Value) -> crate::support::Answer {
    let id = objection["id"].as_str().expect("an id");
    actor.post(&format!("/v1/villages/{HERE}/objections/{id}/decision"), decision).await
}

async fn pending_and_spendable(world: &World, number: usize) -> (Value, Value) {
    let head = world.head(HERE, number).await;
    let path = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, number));
    let points = head.get(&path).await.ok();
    (points["pending"].clone(), points["spendable"].clone())
}

#[actix_web::test]
async fn only_villagers_object_once_a_line_while_the_list_is_open() {
    let world = published().await;
    world
        .official("panel", HERE)
        .await
        .post(&line(1), objection())
        .await
        .refused(403, "role_required");
    world.head(NEXT, 1).await.post(&line(1), objection()).await.refused(404, "not_found");
    world.anybody().post(&line(1), objection()).await.refused(401, "token_missing");
    let third = world.head(HERE, 3).await;
    let blank = json!({ "id": new_id(), "ground": "wrong_points", "reason": " \u{200b} " });
    third.post(&line(1), blank).await.refused(422, "reason_required");
    third.post(&line(99), objection()).await.refused(404, "not_found");
    assert_eq!(world.count("objections").await, 0);
    third.post(&line(1), objection()).await.ok();
    third.post(&line(1), objection()).await.refused(409, "objection_exists");
    world.travel(at("2024-09-09 00:00")).await;
    third.post(&line(2), objection()).await.refused(409, "list_not_open");
    assert_eq!(world.count("objections").await, 1);
}

#[actix_web::test]
async fn a_dismissed_objection_after_the_close_makes_the_line_spendable_at_once() {
    let world = published().await;
    let filed = objection();
    world.head(HERE, 3).await.post(&line(1), filed.clone()).await.ok();
    world.travel(at("2024-09-10 09:00")).await;
    assert_eq!(pending_and_spendable(&world, 1).await, (json!(30), json!(0)));
    assert_eq!(pending_and_spendable(&world, 2).await, (json!(0), json!(20)));
    let committee = world.official("committee", HERE).await;
    let dismissed = json!({ "decision": "dismissed", "reason": "台账无误" });
    decide(&committee, &filed, dismissed.clone()).await.ok();
    assert_eq!(pending_and_spendable(&world, 1).await, (json!(0), json!(30)));
    let again = decide(&world.official("committee_2", HERE).await, &filed, dismissed).await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "decided");
    world.verified().await;
}

#[actix_web::test]
async fn an_amended_line_keeps_the_rest() {
    let world = published().await;
    let filed = objection();
    world.head(HERE, 3).await.post(&line(1), filed.clone()).await.ok();
    let committee = world.official("committee", HERE).await;
    let too_much = json!({ "decision": "amended", "points": 30, "reason": "核减" });
    decide(&committee, &filed, too_much).await.refused(422, "outside_range");
    let amended = json!({ "decision": "amended", "points": 12, "reason": "核减" });
    decide(&committee, &filed, amended).await.ok();
    assert_eq!(pending_and_spendable(&world, 1).await, (json!(12), json!(0)));
    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(pending_and_spendable(&world, 1).await, (json!(0), json!(12)));
    let board = world.anybody().get(&format!("/v1/regions/{HERE}/rankings/2024-W35")).await.ok();
    assert_eq!(
        (&board["items"][0]["points"], &board["items"][1]["points"]),
        (&json!(20), &json!(12))
    );
    world.verified().await;
}

#[actix_web::test]
async fn of_two_objections_each_is_decided_and_the_points_go_back_once() {
    let world = published().await;
    let (first, second) = (objection(), objection());
    world.head(HERE, 3).await.post(&line(1), first.clone()).await.ok();
    world.head(HERE, 4).await.post(&line(1), second.clone()).await.ok();
    let committee = world.official("committee", HERE).await;
    let upheld = json!({ "decision": "upheld", "reason": "土地属于集体" });
    decide(&committee, &first, upheld.clone()).await.ok();
    decide(&committee, &second, upheld).await.ok();
    assert_eq!(pending_and_spendable(&world, 1).await, (json!(0), json!(0)));
    assert_eq!(world.count("journals WHERE kind = 'reversal'").await, 1);
    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(pending_and_spendable(&world, 1).await, (json!(0), json!(0)));
    world.verified().await;
}

#[actix_web::test]
async fn who_objected_is_for_the_committee_only() {
    let world = published().await;
    let filed = objection();
    let filer = world.head(HERE, 3).await;
    let person = filer.post(&line(1), filed.clone()).await.ok()["filed_by"].clone();
    assert!(person.is_string(), "the filer knows");
    let list = format!("/v1/villages/{HERE}/objections");
    let seen = world.official("committee", HERE).await.get(&list).await.ok();
    assert_eq!(seen["items"][0]["filed_by"], person);
    world.head(HERE, 1).await.get(&list).await.refused(403, "role_required");
    world.official("panel", HERE).await.get(&list).await.refused(403, "role_required");
}

#[actix_web::test]
async fn a_list_never_shows_more_than_masked_names() {
    let world = published().await;
    for path in ["", "/lines", "/households"] {
        let path = format!("/v1/villages/{HERE}/public-lists/2024-08{path}");
        let answer = world.anybody().get(&path).await;
        let etag = answer.header("etag").expect("an etag").to_owned();
        let text = answer.ok().to_string();
        assert!(!text.contains("张守勤") && !text.contains("王明娜"), "{text}");
        assert!(!text.contains(&household_id(HERE, 1).to_string()), "{text}");
        let again = world
            .anybody()
            .send(reqwest::Method::GET, &path, |it| it.header("If-None-Match", etag))
            .await;
        assert_eq!(again.status, 304);
    }
}
