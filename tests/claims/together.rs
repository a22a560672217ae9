//! Claims that arrive at the same moment: written together, answered one by one.

use futures::future::{join, join_all};
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};

use crate::support::{Actor, Answer, HERE, NEXT, World, at, claim, household_id, new_id};

/// A claim of household `number` of a village, for a deed of its own.
fn deed(village: &str, number: usize, certificate: &str) -> Value {
    let mut body = claim(
        number,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": certificate }],
        }),
    );
    body["household"] = json!(household_id(village, number));
    body
}

fn path(village: &str) -> String {
    format!("/v1/villages/{village}/claims")
}

async fn heads(world: &World, village: &str) -> Vec<Actor> {
    join_all((1..=10).map(|number| world.head(village, number))).await
}

fn codes(answers: &[Answer]) -> Vec<String> {
    let code = |it: &Answer| it.body["code"].as_str().map_or(it.status.to_string(), str::to_owned);
    answers.iter().map(code).collect()
}

/// In how many transactions rows were written, where the database can tell.
async fn transactions(world: &World, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(DISTINCT CAST(xmin AS TEXT)) FROM {table}");
    api::kernel::db::number(world.app.db.read(), &sql, []).await.expect("a number")
}

#[actix_web::test]
async fn each_of_a_group_has_its_own_result() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let (here, next) = (heads(&world, HERE).await, heads(&world, NEXT).await);
    let mut sent = Vec::new();
    for (number, (one, other)) in (1..).zip(here.iter().zip(&next)) {
        sent.push((one, HERE, deed(HERE, number, "入社证"), "201"));
        sent.push((other, NEXT, deed(NEXT, number, "入社证"), "201"));
        let mut unknown = deed(HERE, number, "入社证");
        unknown["rule"] = json!("no.such_rule");
        sent.push((one, HERE, unknown, "rule_not_in_force"));
        let mut early = deed(NEXT, number, "入社证");
        early["occurred_on"] = json!("2024-08-22");
        sent.push((other, NEXT, early, "claim_in_future"));
    }
    let answers = join_all(
        sent.iter()
            .map(|(who, village, body, _)| async { who.post(&path(village), body.clone()).await }),
    );
    let answers = answers.await;
    let expected: Vec<_> = sent.iter().map(|(.., code)| (*code).to_owned()).collect();
    assert_eq!(codes(&answers), expected);
    for ((_, village, body, code), answer) in sent.iter().zip(&answers) {
        if *code == "201" {
            assert_eq!(answer.body["id"], body["id"], "the answer is the caller's own");
            assert_eq!(answer.body["household"], body["household"]);
            let id = body["id"].as_str().expect("an id");
            assert_eq!(
                world.count(&format!("claims WHERE village = '{village}'")).await,
                10,
                "{id}"
            );
        }
    }
    assert_eq!(world.count("claims").await, 20, "what was refused left nothing");
    assert_eq!(world.count("audit_events WHERE action = 'claim.submit'").await, 20);
    if world.is_postgres() {
        let groups = transactions(&world, "claims").await;
        println!("figure: claims: 40 at once, 20 accepted, in {groups} transactions");
        assert!(groups < 20, "{groups} transactions");
    }
    world.verified().await;
}

/// Sent by a phone that had no answer: at the same moment, with the same key and with another one.
#[actix_web::test]
async fn one_claim_sent_many_times_at_once_is_there_once() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let (zhang, body, key) =
        (world.head(HERE, 1).await, deed(HERE, 1, "入社证"), new_id().to_string());
    let claims = path(HERE);
    let same = join_all((0..20).map(|_| zhang.post_as(&key, &claims, body.clone())));
    let other = join_all((0..20).map(|_| zhang.post(&claims, body.clone())));
    let (same, other) = join(same, other).await;
    let accepted = |answers: &[Answer]| answers.iter().filter(|it| it.status == 201).count();
    assert!(accepted(&same) + accepted(&other) > 0, "{same:?}");
    for answer in same.iter().filter(|it| it.status != 201) {
        let code = answer.body["code"].as_str().expect("a code");
        assert!(matches!(code, "idempotency_in_flight" | "id_taken"), "{code}");
    }
    for answer in other.iter().filter(|it| it.status != 201) {
        assert_eq!(answer.body["code"], "id_taken");
    }
    assert_eq!(world.count("claims").await, 1);
    assert_eq!(world.count("idempotency_keys WHERE body LIKE '%ent.coop%'").await, 1);
    world.verified().await;
}

/// A village whose matters somebody else has in hand keeps its own families waiting, and no others.
#[actix_web::test]
async fn a_village_that_waits_keeps_no_other_waiting() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    if !world.is_postgres() {
        // There is one writer for all villages.
        return;
    }
    let (here, next) = (heads(&world, HERE).await, heads(&world, NEXT).await);
    // The counters of both exist.
    let first = deed(NEXT, 10, "入社证");
    next[9].post(&path(NEXT), first).await.ok();
    let held = world.app.db.read().begin().await.expect("a transaction");
    let sql = format!("UPDATE village_changes SET seq = seq + 1 WHERE village = '{NEXT}'");
    held.execute_unprepared(&sql).await.expect("the counter is held");
    let waiting = join_all((1..=9).map(|number| {
        let (who, body) = (&next[number - 1], deed(NEXT, number, "入社证"));
        async move { who.post(&path(NEXT), body).await }
    }));
    let free = async {
        let answers = join_all((1..=10).map(|number| {
            let (who, body) = (&here[number - 1], deed(HERE, number, "入社证"));
            async move { who.post(&path(HERE), body).await }
        }));
        let answers = answers.await;
        // Only now are the others let go.
        held.rollback().await.expect("the counter is free");
        answers
    };
    let (waited, went_on) = join(waiting, free).await;
    assert!(waited.iter().chain(&went_on).all(|it| it.status == 201), "{waited:?} {went_on:?}");
    assert_eq!(world.count("claims").await, 20);
    world.verified().await;
}
