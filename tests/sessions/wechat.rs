use serde_json::{Value, json};

use super::{device, holder, log_in};
use crate::support::{Reply, SESSION_KEY, World, at};

#[actix_web::test]
async fn a_villager_logs_in_twice_and_is_the_same_account() {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let first = log_in(&world, &wechat, "openid-zhang", &device()).await.ok();
    let second = log_in(&world, &wechat, "openid-zhang", &device()).await.ok();
    assert_eq!(
        (&first["expires_in"], &first["refresh_expires_in"]),
        (&json!(900), &json!(2_592_000))
    );
    let person = |me: Value| me["person"].as_str().map(str::to_owned);
    let me = holder(&world, &first).get("/v1/me").await.ok();
    assert_eq!((&me["name"], &me["grants"], &me["home"]), (&Value::Null, &json!([]), &Value::Null));
    assert_eq!(person(me), person(holder(&world, &second).get("/v1/me").await.ok()));
    let other = log_in(&world, &wechat, "openid-wang", &device()).await.ok();
    assert_ne!(
        person(holder(&world, &first).get("/v1/me").await.ok()),
        person(holder(&world, &other).get("/v1/me").await.ok())
    );
    assert_eq!(world.count("wechat_logins").await, 2);
}

/// Page 3.3, and what else WeChat has been seen to answer.
#[actix_web::test]
async fn every_answer_of_wechat_becomes_its_documented_problem_and_nothing_is_stored() {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let error = |code: Value| Reply::Json(json!({ "errcode": code, "errmsg": "said WeChat" }));
    let unavailable = (503, "wechat_unavailable");
    let table = [
        (error(json!(-1)), unavailable),
        (error(json!("-1")), unavailable),
        (error(json!(40029)), (401, "wechat_code_invalid")),
        (error(json!("40029")), (401, "wechat_code_invalid")),
        (error(json!(40163)), (401, "wechat_code_invalid")),
        (error(json!(45011)), (429, "wechat_limited")),
        (error(json!(40226)), (403, "wechat_blocked")),
        // Our own configuration is wrong, or something that no page documents.
        (error(json!(40013)), unavailable),
        (error(json!(40125)), unavailable),
        (error(json!(99999)), unavailable),
        (error(json!("what")), unavailable),
        (error(json!([])), unavailable),
        (Reply::Json(json!({ "errcode": 0 })), unavailable),
        (Reply::Json(json!({ "openid": null, "session_key": SESSION_KEY })), unavailable),
        (Reply::Json(json!({ "openid": "", "session_key": SESSION_KEY })), unavailable),
        (Reply::Json(json!({ "openid": 7, "session_key": SESSION_KEY })), unavailable),
        (Reply::Json(json!({ "openid": "x".repeat(129) })), unavailable),
        (Reply::Json(json!(["openid"])), unavailable),
        (Reply::Json(json!("openid")), unavailable),
        (Reply::Status(500), unavailable),
        (Reply::Status(302), unavailable),
        (Reply::Html, unavailable),
        (Reply::Endless(100), unavailable),
    ];
    for (reply, (status, code)) in table {
        wechat.answers("jscode2session", reply);
        let answer = log_in(&world, &wechat, "openid-zhang", &device()).await;
        let retry = answer.header("retry-after").is_some();
        answer.refused(status, code);
        assert_eq!(retry, status == 503 || status == 429, "{code}");
    }
    for table in ["sessions", "wechat_logins", "refresh_tokens"] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
    wechat.answers_as_usual();
    // Also with an errcode of 0, as a text, and a key with quotes in it.
    let odd = json!({ "openid": "openid-zhang", "errcode": "0", "session_key": "a\"b\\\"" });
    wechat.answers("jscode2session", Reply::Json(odd));
    log_in(&world, &wechat, "openid-zhang", &device()).await.ok();
}

#[actix_web::test]
async fn a_wechat_that_never_answers_is_given_up() {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    wechat.answers("jscode2session", Reply::Never);
    log_in(&world, &wechat, "openid-zhang", &device()).await.refused(503, "wechat_unavailable");
    // The database was not held meanwhile.
    assert_eq!(world.count("sessions").await, 0);
}

#[actix_web::test]
async fn a_code_is_good_once_and_only_in_its_form() {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let nobody = world.anybody();
    let code = wechat.login_code("openid-zhang");
    let login = |code: &str| json!({ "code": code, "device": device() });
    nobody.send_json("/v1/sessions", &login(&code)).await.ok();
    nobody.send_json("/v1/sessions", &login(&code)).await.refused(401, "wechat_code_invalid");
    nobody.send_json("/v1/sessions", &login("made-up")).await.refused(401, "wechat_code_invalid");
    for odd in [String::new(), "x".repeat(129), "x".repeat(4096)] {
        nobody.send_json("/v1/sessions", &login(&odd)).await.refused(422, "invalid_field");
    }
    let nameless =
        json!({ "code": "made-up", "device": { "id": "0192f0c1-7a52-4c3e-9c58-2f1f6f0c9a11" } });
    nobody.send_json("/v1/sessions", &nameless).await.refused(422, "invalid_field");
    let foreign = json!({ "code": "made-up", "device": device(), "openid": "openid-zhang" });
    nobody.send_json("/v1/sessions", &foreign).await.refused(400, "unknown_field");
    assert_eq!(world.count("sessions").await, 1);
}

#[actix_web::test]
async fn without_an_app_id_nobody_logs_in_by_wechat() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let body = json!({ "code": "made-up", "device": device() });
    world.anybody().send_json("/v1/sessions", &body).await.refused(503, "wechat_unavailable");
}

#[actix_web::test]
async fn two_first_logins_at_once_make_one_account() {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let logins = (0..8).map(|_| async {
        log_in(&world, &wechat, "openid-zhang", &device()).await.ok();
    });
    futures::future::join_all(logins).await;
    assert_eq!((world.count("wechat_logins").await, world.count("sessions").await), (1, 8));
}

#[actix_web::test]
async fn a_disabled_account_does_not_log_in() {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let session = log_in(&world, &wechat, "openid-zhang", &device()).await.ok();
    world.run("UPDATE accounts SET status = 'disabled' WHERE persona IS NULL").await;
    log_in(&world, &wechat, "openid-zhang", &device()).await.refused(403, "account_disabled");
    holder(&world, &session).get("/v1/me").await.refused(401, "token_invalid");
}
