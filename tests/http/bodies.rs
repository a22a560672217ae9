use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, HERE, World, at, claim};

/// A body as it is written, and how it is refused.
const BODIES: &[(&str, u16, &str)] = &[
    ("", 400, "body_missing"),
    ("   ", 400, "body_missing"),
    ("{", 400, "malformed_json"),
    ("{\"id\":1,}", 400, "malformed_json"),
    ("{'id':1}", 400, "malformed_json"),
    ("{\"count\":NaN}", 400, "malformed_json"),
    ("{\"count\":Infinity}", 400, "malformed_json"),
    ("// a comment\n{}", 400, "malformed_json"),
    ("[]", 400, "malformed_json"),
    ("[\"a\",\"b\"]", 400, "malformed_json"),
    ("null", 400, "malformed_json"),
    ("\"text\"", 400, "malformed_json"),
    ("{} {}", 400, "malformed_json"),
    ("{\"points\":9999}", 400, "unknown_field"),
    ("{\"status\":\"approved\"}", 400, "unknown_field"),
    ("{\"image_url\":\"http://169.254.169.254/\"}", 400, "unknown_field"),
    ("{\"rule\":\"a\",\"rule\":\"b\"}", 400, "malformed_json"),
    ("{\"count\":\"3\"}", 400, "malformed_json"),
    ("{\"count\":1.5}", 400, "malformed_json"),
    ("{\"count\":1e3}", 400, "malformed_json"),
    ("{\"count\":99999999999999999999}", 400, "malformed_json"),
    ("{\"id\":\"not-a-uuid\"}", 400, "malformed_json"),
    ("{\"occurred_on\":\"2024-02-30\"}", 400, "malformed_json"),
    ("{\"evidence\":{}}", 400, "malformed_json"),
    ("\u{feff}{}", 400, "malformed_json"),
    ("{\"note\":\"a\\u0000b\"}", 400, "malformed_json"),
];

async fn send(world: &World, body: String, media: &str) -> Answer {
    let zhang = world.head(HERE, 1).await;
    let path = format!("/v1/villages/{HERE}/claims");
    zhang
        .send(Method::POST, &path, |request| {
            request.header("Idempotency-Key", "k").header("Content-Type", media).body(body)
        })
        .await
}

#[actix_web::test]
async fn a_malformed_body_is_refused_and_leaves_nothing() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    for (body, status, code) in BODIES {
        send(&world, (*body).to_owned(), "application/json").await.refused(*status, code);
    }
    let deep = "[".repeat(10_000);
    send(&world, deep, "application/json").await.refused(400, "malformed_json");
    let long = format!("{{\"note\":\"{}\"}}", "x".repeat(256 * 1024));
    send(&world, long, "application/json").await.refused(413, "body_too_large");
    send(&world, "{}".to_owned(), "text/plain").await.refused(415, "unsupported_media_type");
    for table in ["claims", "idempotency_keys"] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
}

#[actix_web::test]
async fn an_id_that_is_not_a_uuid_of_version_7_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let odd = [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "3db2d2bc-e76e-4298-96b2-2b47b96cbcec",
    ];
    for id in odd {
        let body = claim(1, "pub.donate", json!({ "id": id, "occurred_on": "2024-08-20" }));
        let refused = send(&world, body.to_string(), "application/json").await;
        assert_eq!(refused.refused(422, "invalid_field")["errors"][0]["code"], "uuid_v7");
    }
}

/// What is settled must be what is routed: an escaped village would be read past its closing.
#[actix_web::test]
async fn an_escaped_path_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let escaped = HERE.replacen("460205", "46020%35", 1);
    let zhang = world.head(HERE, 1).await;
    zhang.get(&format!("/v1/villages/{escaped}/claims")).await.refused(400, "invalid_path");
}

#[actix_web::test]
async fn an_unknown_field_is_named() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let mut body = claim(1, "pub.donate", json!({ "occurred_on": "2024-08-20" }));
    body["evidence"] = json!([{ "kind": "certificate", "reference": "x", "points": 9 }]);
    let answer = send(&world, body.to_string(), "application/json").await;
    let refused = answer.refused(400, "unknown_field");
    assert_eq!(refused["errors"][0]["pointer"], "/evidence/0/points");
}

#[actix_web::test]
async fn the_idempotency_key_is_required_and_has_a_form() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let path = format!("/v1/villages/{HERE}/claims");
    let bare = zhang.send(Method::POST, &path, |it| it.json(&json!({}))).await;
    bare.refused(400, "idempotency_key_missing");
    for key in ["", "two words", &"k".repeat(256), "\"\""] {
        zhang.post_as(key, &path, json!({})).await.refused(400, "idempotency_key_invalid");
    }
    let twice = zhang
        .send(Method::POST, &path, |it| {
            it.header("Idempotency-Key", "a").header("Idempotency-Key", "b").json(&json!({}))
        })
        .await;
    twice.refused(400, "invalid_header");
}

#[actix_web::test]
async fn a_key_belongs_to_its_account() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let body = |number| {
        claim(
            number,
            "ent.coop",
            json!({
                "occurred_on": "2024-08-20",
                "evidence": [{ "kind": "certificate", "reference": "门前" }],
            }),
        )
    };
    let path = format!("/v1/villages/{HERE}/claims");
    for number in [1, 2] {
        let answer = world.head(HERE, number).await.post_as("the-same", &path, body(number)).await;
        assert!(!answer.is_replay());
        answer.ok();
    }
    assert_eq!(world.count("claims").await, 2);
}

#[actix_web::test]
async fn paths_queries_and_overrides_are_taken_literally() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let village = format!("/v1/villages/{HERE}");
    for id in [
        "x",
        "00000000-0000-0000-0000-000000000000",
        "0192F0C1-7A52-7C3E-9C58-2F1F6F0C9A11",
        "%7B0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11%7D",
        "urn:uuid:0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11",
    ] {
        zhang.get(&format!("{village}/claims/{id}")).await.refused(400, "invalid_path");
    }
    for query in [
        "status=%00",
        "limit=x",
        "limit=0",
        "limit=101",
        "limit=1&limit=2",
        "sort=password",
        "status[]=a",
    ] {
        zhang.get(&format!("{village}/claims?{query}")).await.refused(400, "invalid_query");
    }
    zhang.get(&format!("{village}/claims?cursor=garbage")).await.refused(400, "invalid_cursor");
    zhang.get("/v1/villages/46020510020/claims").await.refused(400, "invalid_path");
    zhang.get("/v1/regions/46020/statistics").await.refused(400, "invalid_path");
    zhang.get("/v1/regions/99/statistics").await.refused(404, "not_found");
    zhang.get(&format!("/v1/regions/{HERE}/rankings/2024-W54")).await.refused(400, "invalid_path");
    let put = zhang.send(Method::PUT, &format!("{village}/claims"), |it| it.json(&json!({}))).await;
    put.refused(405, "method_not_allowed");
    let overridden = zhang
        .send(Method::GET, &format!("{village}/claims"), |it| {
            it.header("X-HTTP-Method-Override", "DELETE")
        })
        .await;
    assert_eq!(overridden.status, 200);
}

#[actix_web::test]
async fn refusals_speak_chinese_or_english_and_echo_the_request_id() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let nobody = world.anybody();
    assert_eq!(nobody.get("/v1/me").await.body["title"], "请先登录");
    let english = nobody
        .send(Method::GET, "/v1/me", |it| {
            it.header("Accept-Language", "en-GB,zh;q=0.5").header("X-Request-Id", "abc-1")
        })
        .await;
    assert_eq!(english.body["title"], "No access token was sent");
    assert_eq!(english.body["instance"], "abc-1");
    let odd =
        nobody.send(Method::GET, "/v1/me", |it| it.header("X-Request-Id", "a b<script>")).await;
    assert_ne!(odd.header("x-request-id"), Some("a b<script>"));
}
