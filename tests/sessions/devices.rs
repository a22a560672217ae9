use reqwest::Method;
use serde_json::{Value, json};

use super::{device, holder, log_in};
use crate::support::{Actor, Answer, World, at, new_id};

async fn delete(actor: &Actor, path: &str) -> Answer {
    actor.send(Method::DELETE, path, |it| it).await
}

#[actix_web::test]
async fn one_device_is_logged_out_and_the_others_stay() {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let (old, new) = (device(), device());
    let old = log_in(&world, &wechat, "openid-zhang", &old).await.ok();
    let new = log_in(&world, &wechat, "openid-zhang", &new).await.ok();
    let (old_phone, new_phone) = (holder(&world, &old), holder(&world, &new));
    let devices = new_phone.get("/v1/me/devices").await.ok();
    let shown = |at: usize| {
        (devices["items"][at]["session"].clone(), devices["items"][at]["current"].clone())
    };
    assert_eq!(shown(0), (new["session"].clone(), json!(true)));
    assert_eq!(shown(1), (old["session"].clone(), json!(false)));
    assert_eq!(devices["items"][0]["name"], "Redmi 9A");
    let path = |session: &Value| format!("/v1/me/devices/{}", session.as_str().expect("an id"));
    assert_eq!(delete(&new_phone, &path(&old["session"])).await.ok()["ended"], 1);
    assert_eq!(delete(&new_phone, &path(&old["session"])).await.ok()["ended"], 0);
    old_phone.get("/v1/me").await.refused(401, "token_invalid");
    new_phone.get("/v1/me").await.ok();
    // Somebody else's session is as unknown as one that never was.
    let other = log_in(&world, &wechat, "openid-wang", &device()).await.ok();
    delete(&new_phone, &path(&other["session"])).await.refused(404, "not_found");
    delete(&new_phone, &path(&json!(new_id()))).await.refused(404, "not_found");
    holder(&world, &other).get("/v1/me").await.ok();
    assert_eq!(delete(&new_phone, "/v1/sessions/current").await.ok()["ended"], 1);
    new_phone.get("/v1/me").await.refused(401, "token_invalid");
}

#[actix_web::test]
async fn logging_out_everywhere_ends_every_device_and_its_refresh_tokens() {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let phone = device();
    let first = log_in(&world, &wechat, "openid-zhang", &phone).await.ok();
    let second = log_in(&world, &wechat, "openid-zhang", &device()).await.ok();
    assert_eq!(delete(&holder(&world, &first), "/v1/me/devices").await.ok()["ended"], 2);
    for session in [&first, &second] {
        holder(&world, session).get("/v1/me").await.refused(401, "token_invalid");
    }
    let body = json!({ "refresh_token": first["refresh_token"], "device": phone["id"] });
    let answer = world.anybody().send_json("/v1/sessions/refresh", &body).await;
    answer.refused(401, "refresh_token_invalid");
    log_in(&world, &wechat, "openid-zhang", &phone).await.ok();
}

#[actix_web::test]
async fn an_account_keeps_its_ten_newest_devices_and_one_session_each() {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let phone = device();
    let first = log_in(&world, &wechat, "openid-zhang", &phone).await.ok();
    let again = log_in(&world, &wechat, "openid-zhang", &phone).await.ok();
    holder(&world, &first).get("/v1/me").await.refused(401, "token_invalid");
    for _ in 0..10 {
        log_in(&world, &wechat, "openid-zhang", &device()).await.ok();
    }
    holder(&world, &again).get("/v1/me").await.refused(401, "token_invalid");
    assert_eq!(world.count("sessions WHERE ended_at IS NULL").await, 10);
}
