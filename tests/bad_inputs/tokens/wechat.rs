//! C61 and C62: codes that WeChat does not know, and a WeChat that does not answer as it should.

use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected};
use crate::sessions::{device, holder, log_in};
use crate::support::{FakeWeChat, Reply, SESSION_KEY, World, at};

const UNAVAILABLE: (u16, &str) = (503, "wechat_unavailable");
const INVALID: (u16, &str) = (401, "wechat_code_invalid");

pub async fn try_all(catalogue: &mut Catalogue) {
    odd_codes(catalogue).await;
    odd_answers(catalogue).await;
    odd_answers_about_phones(catalogue).await;
}

fn login(row: &'static str, what: &str, world: &World, code: impl Into<Value>) -> Case {
    let body = json!({ "code": code.into(), "device": device() });
    Case::post(row, what, &world.anybody(), "/v1/sessions", body)
}

async fn odd_codes(catalogue: &mut Catalogue) {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let used = wechat.login_code("openid-zhang");
    let body = json!({ "code": used, "device": device() });
    world.anybody().send_json("/v1/sessions", &body).await.ok();
    let phone = wechat.phone_code("13800138000");
    // 422 where the page says 400: a bound of a field is always `invalid_field`.
    let (odd, malformed) = ((422, "invalid_field"), (400, "malformed_json"));
    let long = "x".repeat(4096);
    let table: Vec<(&str, Value, (u16, &'static str))> = vec![
        ("an empty code", json!(""), odd),
        ("4 KB", json!(long), odd),
        ("129 letters", json!("x".repeat(129)), odd),
        ("null", json!(null), malformed),
        ("a number", json!(123_456), malformed),
        ("a list", json!([used]), malformed),
        ("a NUL in it", json!("a\0b"), malformed),
        ("used already", json!(used), INVALID),
        ("made up", json!("made-up"), INVALID),
        ("a phone's code", json!(phone), INVALID),
        ("of another app", json!("code-of-wx9999999999999999"), INVALID),
        ("spaces", json!("   "), INVALID),
        ("more parameters", json!(format!("x&appid=other&js_code={used}")), INVALID),
        ("a line end", json!("x\r\nHost: other"), INVALID),
        ("a fragment", json!("x#y"), INVALID),
        ("a path", json!("../../cgi-bin/stable_token"), INVALID),
        ("Chinese", json!("登录"), INVALID),
        ("128 emoji", json!("🏡".repeat(128)), INVALID),
        ("SQL", json!("' OR '1'='1"), INVALID),
    ];
    let mut cases = Vec::new();
    for (what, code, (status, refusal)) in table {
        cases.push(login("C61", what, &world, code).refused(status, refusal));
    }
    let fresh = wechat.login_code("openid-wang");
    let good = device();
    for (what, device, (status, refusal)) in [
        ("no device", json!(null), malformed),
        ("a device without id", json!({ "name": "Redmi" }), malformed),
        ("an odd id", json!({ "id": "phone" }), malformed),
        ("a random id", json!({ "id": "3db2d2bc-e76e-4298-96b2-2b47b96cbcec" }), odd),
        ("a name of nothing", json!({ "id": good["id"], "name": "" }), odd),
        ("a name of 61 letters", json!({ "id": good["id"], "name": "机".repeat(61) }), odd),
        ("a name with a NUL", json!({ "id": good["id"], "name": "a\0" }), malformed),
        ("an owner", json!({ "id": good["id"], "account": good["id"] }), (400, "unknown_field")),
    ] {
        let body = json!({ "code": fresh, "device": device });
        let what = format!("a device with {what}");
        let case = Case::post("C61", what, &world.anybody(), "/v1/sessions", body);
        cases.push(case.refused(status, refusal));
    }
    for name in ["openid", "appid", "unionid", "account", "person", "role", "kind"] {
        let mut body = json!({ "code": fresh, "device": good });
        body[name] = json!("openid-zhang");
        let case =
            Case::post("C61", format!("{name} besides"), &world.anybody(), "/v1/sessions", body);
        cases.push(case.refused(400, "unknown_field"));
    }
    catalogue.run(&world, cases).await;
    // None of these used the code up.
    let well = login("C61", "control: a good code", &world, fresh).expecting(Expected::Taken(201));
    catalogue.run(&world, [well]).await;
    let without = World::begins(at("2024-08-21 08:00")).await;
    let case = login("C61", "where no app is configured", &without, "code");
    catalogue.run(&without, [case.refused(503, "wechat_unavailable")]).await;
}

fn errcode(code: Value) -> Reply {
    Reply::Json(json!({ "errcode": code, "errmsg": "said WeChat", "rid": "0-1-2" }))
}

/// What WeChat says instead of an openid, and what we say then.
fn replies() -> Vec<(&'static str, &'static str, Reply, (u16, &'static str))> {
    let openid =
        |openid: Value| Reply::Json(json!({ "openid": openid, "session_key": SESSION_KEY }));
    let (limited, blocked) = ((429, "wechat_limited"), (403, "wechat_blocked"));
    vec![
        ("C61", "40029", errcode(json!(40029)), INVALID),
        ("C61", "40029 as a text", errcode(json!("40029")), INVALID),
        ("C61", "40163", errcode(json!(40163)), INVALID),
        ("C61", "45011", errcode(json!(45011)), limited),
        ("C61", "45011 as a text", errcode(json!("45011")), limited),
        ("C61", "40226", errcode(json!(40226)), blocked),
        ("C61", "-1", errcode(json!(-1)), UNAVAILABLE),
        ("C61", "-1 as a text", errcode(json!("-1")), UNAVAILABLE),
        ("C61", "40013, our app id is wrong", errcode(json!(40013)), UNAVAILABLE),
        ("C61", "40125, our secret is wrong", errcode(json!(40125)), UNAVAILABLE),
        ("C61", "41002", errcode(json!(41002)), UNAVAILABLE),
        ("C61", "48001", errcode(json!(48001)), UNAVAILABLE),
        ("C61", "50002", errcode(json!(50002)), UNAVAILABLE),
        ("C61", "99999", errcode(json!(99999)), UNAVAILABLE),
        ("C61", "a word", errcode(json!("what")), UNAVAILABLE),
        ("C61", "a list", errcode(json!([40029])), UNAVAILABLE),
        ("C61", "true", errcode(json!(true)), UNAVAILABLE),
        ("C61", "a fraction", errcode(json!(40029.5)), UNAVAILABLE),
        ("C61", "a huge number", errcode(json!(u64::MAX)), UNAVAILABLE),
        (
            "C61",
            "an error and an openid",
            Reply::Json(json!({ "errcode": 40029, "openid": "openid-zhang" })),
            INVALID,
        ),
        ("C62", "500", Reply::Status(500), UNAVAILABLE),
        ("C62", "502", Reply::Status(502), UNAVAILABLE),
        ("C62", "404", Reply::Status(404), UNAVAILABLE),
        ("C62", "401", Reply::Status(401), UNAVAILABLE),
        ("C62", "a redirect to nowhere", Reply::Status(302), UNAVAILABLE),
        ("C62", "204", Reply::Status(204), UNAVAILABLE),
        ("C62", "HTML", Reply::Html, UNAVAILABLE),
        ("C62", "100 MB", Reply::Endless(100), UNAVAILABLE),
        ("C62", "1 MB", Reply::Endless(1), UNAVAILABLE),
        ("C62", "nothing", Reply::Json(json!({})), UNAVAILABLE),
        ("C62", "errcode 0 alone", Reply::Json(json!({ "errcode": 0 })), UNAVAILABLE),
        ("C62", "a list", Reply::Json(json!([{ "openid": "openid-zhang" }])), UNAVAILABLE),
        ("C62", "a text", Reply::Json(json!("openid-zhang")), UNAVAILABLE),
        ("C62", "null", Reply::Json(json!(null)), UNAVAILABLE),
        ("C62", "openid null", openid(json!(null)), UNAVAILABLE),
        ("C62", "openid empty", openid(json!("")), UNAVAILABLE),
        ("C62", "openid a number", openid(json!(7)), UNAVAILABLE),
        ("C62", "openid a list", openid(json!(["openid-zhang"])), UNAVAILABLE),
        ("C62", "openid an object", openid(json!({ "a": 1 })), UNAVAILABLE),
        ("C62", "openid of 129 letters", openid(json!("x".repeat(129))), UNAVAILABLE),
        ("C62", "openid of 60 KB", openid(json!("x".repeat(60_000))), UNAVAILABLE),
        ("C62", "openid with a NUL", openid(json!("openid\0zhang")), UNAVAILABLE),
        ("C62", "no answer", Reply::Never, UNAVAILABLE),
    ]
}

async fn odd_answers(catalogue: &mut Catalogue) {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    for (row, what, reply, (status, code)) in replies() {
        wechat.answers("jscode2session", reply);
        let case =
            login(row, &format!("WeChat says {what}"), &world, wechat.login_code("openid-x"));
        catalogue.run(&world, [case.refused(status, code)]).await;
    }
    for table in ["sessions", "wechat_logins", "refresh_tokens"] {
        let empty = world.count(table).await == 0;
        catalogue.check("C62", &format!("nothing is in {table}"), empty);
    }
    // A key that would break a careless parser is never looked at.
    for (at, (what, key)) in [
        ("quotes", json!("a\"b\\\"c'd")),
        ("a NUL", json!("a\0b")),
        ("10 KB", json!("k".repeat(10_000))),
        ("null", json!(null)),
        ("a list", json!([1, [2]])),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = json!({ "openid": format!("openid-{at}"), "session_key": key });
        wechat.answers("jscode2session", Reply::Json(reply));
        let case = login("C62", &format!("a session_key of {what}"), &world, "a-code");
        let went = catalogue.try_one(&world, case.expecting(Expected::Taken(201))).await;
        let stored = "wechat_logins WHERE openid LIKE '%\"%' OR openid LIKE '%key%'";
        let clean = went && world.count(stored).await == 0;
        catalogue.check("C62", &format!("a session_key of {what} is not kept"), clean);
    }
    wechat.answers_as_usual();
    let case = login("C62", "control: WeChat is well again", &world, wechat.login_code("openid-y"));
    catalogue.run(&world, [case.expecting(Expected::Taken(201))]).await;
}

/// The phone button goes the same way twice: for an access token, then for the number.
async fn odd_answers_about_phones(catalogue: &mut Catalogue) {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let session = log_in(&world, &wechat, "openid-zhang", &device()).await.ok();
    let zhang = holder(&world, &session);
    let phone = |number: Value| {
        Reply::Json(json!({ "errcode": 0, "phone_info": { "purePhoneNumber": number } }))
    };
    let ask = |row, what: String, wechat: &FakeWeChat| {
        let body = json!({ "code": wechat.phone_code("13800138000") });
        Case::post(row, what, &zhang, "/v1/me/phone", body)
    };
    let token = "stable_token";
    let number = "getuserphonenumber";
    for (path, what, reply) in [
        (token, "500", Reply::Status(500)),
        (token, "HTML", Reply::Html),
        (token, "-1", errcode(json!(-1))),
        (token, "100 MB", Reply::Endless(100)),
        (token, "no token", Reply::Json(json!({ "expires_in": 7200 }))),
        (token, "an empty token", Reply::Json(json!({ "access_token": "", "expires_in": 7200 }))),
        (token, "no time", Reply::Json(json!({ "access_token": "t" }))),
        (token, "a past time", Reply::Json(json!({ "access_token": "t", "expires_in": -1 }))),
        (number, "500", Reply::Status(500)),
        (number, "HTML", Reply::Html),
        (number, "-1", errcode(json!(-1))),
        (number, "100 MB", Reply::Endless(100)),
        (number, "no number", Reply::Json(json!({ "errcode": 0 }))),
        (number, "null", phone(json!(null))),
        (number, "a list", phone(json!(["13800138000"]))),
    ] {
        wechat.answers(path, reply);
        let case = ask("C62", format!("{path} says {what}"), &wechat);
        catalogue.run(&world, [case.refused(503, "wechat_unavailable")]).await;
        wechat.answers_as_usual();
    }
    // A number is one, of a phone that we do not serve.
    for (what, text) in [
        ("nothing", String::new()),
        ("letters", "phone".to_owned()),
        ("a foreign number", "0085212345678".to_owned()),
        ("a NUL", "1380013800\0".to_owned()),
        ("10 KB", "1".repeat(10_000)),
        ("SQL", "13800138000' --".to_owned()),
    ] {
        wechat.answers(number, phone(json!(text)));
        let case = ask("C62", format!("{number} says {what}"), &wechat);
        catalogue.run(&world, [case.refused(422, "invalid_field")]).await;
    }
    for (what, code) in [("40029", 40029), ("40163", 40163)] {
        wechat.answers(number, errcode(json!(code)));
        let case = ask("C61", format!("{number} says {what}"), &wechat);
        catalogue.run(&world, [case.refused(401, "wechat_code_invalid")]).await;
    }
    wechat.answers(number, errcode(json!(45011)));
    let case = ask("C61", format!("{number} says 45011"), &wechat);
    catalogue.run(&world, [case.refused(429, "wechat_limited")]).await;
}
