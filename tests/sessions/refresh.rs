use serde_json::{Value, json};

use super::holder;
use crate::support::{Answer, HERE, World, at, new_id};

/// How long an answer that was lost can be fetched again.
const GRACE_MS: i64 = 20_000;

/// A phone that is logged in, and its first answer.
struct Phone {
    world: World,
    device: Value,
    first: Value,
}

impl Phone {
    async fn logged_in() -> Self {
        let world = World::begins(at("2024-08-21 08:00")).await;
        let device = json!({ "id": new_id() });
        let body = json!({ "persona": format!("head {HERE} 1"), "device": device });
        let first = world.anybody().send_json("/sandbox/sessions", &body).await.ok();
        Self { world, device, first }
    }

    async fn refresh(&self, session: &Value) -> Answer {
        self.refresh_on(&self.device["id"], session).await
    }

    async fn refresh_on(&self, device: &Value, session: &Value) -> Answer {
        let body = json!({ "refresh_token": session["refresh_token"], "device": device });
        self.world.anybody().send_json("/v1/sessions/refresh", &body).await
    }

    /// Nobody holds the session any more, and the audit says why.
    async fn is_dead(&self, sessions: &[&Value]) {
        for session in sessions {
            self.refresh(session).await.refused(401, "refresh_token_invalid");
            holder(&self.world, session).get("/v1/me").await.refused(401, "token_invalid");
        }
        let betrayed = "audit_events WHERE action = 'session.betrayed'";
        assert_eq!(self.world.count(betrayed).await, 1);
    }
}

fn same(a: &Value, b: &Value) -> bool {
    a["refresh_token"] == b["refresh_token"]
}

#[actix_web::test]
async fn each_refresh_token_buys_the_next_one() {
    let phone = Phone::logged_in().await;
    let mut held = phone.first.clone();
    for _ in 0..3 {
        phone.world.token_time_passes(14 * 60_000);
        let next = phone.refresh(&held).await.ok();
        assert!(!same(&held, &next) && next["session"] == held["session"]);
        held = next;
        holder(&phone.world, &held).get("/v1/me").await.ok();
    }
    // The first access token has long expired; nothing but digests is stored.
    holder(&phone.world, &phone.first).get("/v1/me").await.refused(401, "token_invalid");
    let token = held["refresh_token"].as_str().expect("a token");
    assert_eq!(phone.world.count(&format!("refresh_tokens WHERE digest = '{token}'")).await, 0);
    assert_eq!(phone.world.count("sessions WHERE ended_at IS NULL").await, 1);
}

#[actix_web::test]
async fn a_lost_answer_is_given_again_until_the_grace_ends() {
    let phone = Phone::logged_in().await;
    let second = phone.refresh(&phone.first).await.ok();
    phone.world.token_time_passes(GRACE_MS - 1_000);
    assert!(same(&phone.refresh(&phone.first).await.ok(), &second));
    phone.world.token_time_passes(1_000);
    assert!(same(&phone.refresh(&phone.first).await.ok(), &second));
    let third = phone.refresh(&second).await.ok();
    assert!(!same(&second, &third));
    assert_eq!(phone.world.count("refresh_tokens").await, 3);
}

#[actix_web::test]
async fn reuse_a_second_after_the_grace_ends_the_session() {
    let phone = Phone::logged_in().await;
    let second = phone.refresh(&phone.first).await.ok();
    phone.world.token_time_passes(GRACE_MS + 1_000);
    phone.refresh(&phone.first).await.refused(401, "refresh_token_invalid");
    phone.is_dead(&[&phone.first, &second]).await;
}

#[actix_web::test]
async fn a_grandparent_ends_the_session_also_within_the_grace() {
    let phone = Phone::logged_in().await;
    let second = phone.refresh(&phone.first).await.ok();
    let third = phone.refresh(&second).await.ok();
    phone.refresh(&phone.first).await.refused(401, "refresh_token_invalid");
    phone.is_dead(&[&second, &third]).await;
}

#[actix_web::test]
async fn another_device_ends_the_session_also_within_the_grace() {
    for used in [false, true] {
        let phone = Phone::logged_in().await;
        if used {
            phone.refresh(&phone.first).await.ok();
        }
        let thief = phone.refresh_on(&json!(new_id()), &phone.first).await;
        thief.refused(401, "refresh_token_invalid");
        phone.is_dead(&[&phone.first]).await;
    }
}

#[actix_web::test]
async fn twenty_at_once_get_one_child() {
    let phone = Phone::logged_in().await;
    let all = futures::future::join_all((0..20).map(|_| phone.refresh(&phone.first))).await;
    let all: Vec<_> = all.into_iter().map(Answer::ok).collect();
    assert!(all.iter().all(|session| same(session, &all[0])));
    assert_eq!(phone.world.count("refresh_tokens").await, 2);
    phone.refresh(&all[0]).await.ok();
}

#[actix_web::test]
async fn a_session_that_is_not_used_for_thirty_days_is_over() {
    let phone = Phone::logged_in().await;
    phone.world.token_time_passes(30 * 86_400_000);
    phone.refresh(&phone.first).await.refused(401, "refresh_token_invalid");
    assert_eq!(phone.world.count("audit_events WHERE action = 'session.betrayed'").await, 0);
}

#[actix_web::test]
async fn what_is_no_refresh_token_buys_nothing() {
    let phone = Phone::logged_in().await;
    for odd in [phone.first["access_token"].clone(), json!("made-up"), json!("'; DROP TABLE x")] {
        let body = json!({ "refresh_token": odd, "device": phone.device["id"] });
        let answer = phone.world.anybody().send_json("/v1/sessions/refresh", &body).await;
        let long = odd.as_str().is_some_and(|text| text.len() > 100);
        let (status, code) =
            if long { (422, "invalid_field") } else { (401, "refresh_token_invalid") };
        answer.refused(status, code);
    }
    // A refresh token is no access token.
    let swapped = json!({ "access_token": phone.first["refresh_token"] });
    holder(&phone.world, &swapped).get("/v1/me").await.refused(401, "token_invalid");
    phone.refresh(&phone.first).await.ok();
}
