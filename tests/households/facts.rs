use serde_json::{Value, json};

use crate::support::{HERE, NEXT, World, at, new_id};

const TOWNSHIP: &str = "460205100";

fn path(village: &str) -> String {
    format!("/v1/villages/{village}/households")
}

/// A household with the facts of its head.
fn household(number: i64, head: Value) -> Value {
    let mut body = json!({
        "id": new_id(),
        "number": number,
        "grid": format!("{HERE}001"),
        "consent": "paper",
        "members": [{ "person": new_id(), "name": "王小明", "is_head": true }],
    });
    for (name, value) in head.as_object().into_iter().flatten() {
        body["members"][0][name] = value.clone();
    }
    body
}

#[actix_web::test]
async fn phones_and_id_numbers_are_normalised_or_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", TOWNSHIP).await;
    let good = [
        json!({ "phone": "+86 138-0013-8000" }),
        json!({ "phone": "13800138000 " }),
        json!({ "phone": "１３８００１３８０００" }),
        json!({ "id_number": "11010519491231002x" }),
        json!({ "id_number": "440524800101001" }),
        json!({ "born_on": "2010-08-21" }),
        json!({ "name": "欧" }),
        json!({ "name": "买买提·吐尔逊" }),
        json!({ "name": "𠮷野" }),
        json!({ "name": "👨‍👩‍👧" }),
        json!({ "name": "长".repeat(50) }),
    ];
    for (number, head) in (100..).zip(good) {
        township.post(&path(HERE), household(number, head)).await.ok();
    }
    let digest = "persons WHERE phone_masked = '138****8000' AND LENGTH(phone_digest) = 64";
    assert_eq!(world.count(digest).await, 3);
    assert_eq!(world.count("persons WHERE born_on = '1949-12-31'").await, 1);
    assert_eq!(world.count("persons WHERE born_on = '1980-01-01'").await, 1);
    let before = (world.count("persons").await, world.count("households").await);
    let odd = [
        (json!({ "phone": "138001380001" }), "/members/0/phone"),
        (json!({ "phone": "13800abc000" }), "/members/0/phone"),
        (json!({ "phone": "" }), "/members/0/phone"),
        (json!({ "phone": "0898-88281234" }), "/members/0/phone"),
        (json!({ "id_number": "110105194912310021" }), "/members/0/id_number"),
        (json!({ "id_number": "11010520300230002X" }), "/members/0/id_number"),
        (json!({ "id_number": "440524800230001" }), "/members/0/id_number"),
        (json!({ "born_on": "2024-08-22" }), "/members/0/born_on"),
        (json!({ "born_on": "1849-01-01" }), "/members/0/born_on"),
        (
            json!({ "id_number": "11010519491231002X", "born_on": "1950-01-01" }),
            "/members/0/born_on",
        ),
        (json!({ "name": "\u{202e}\u{200b}" }), "/members/0/name"),
        (json!({ "name": "长".repeat(51) }), "/members/0/name"),
    ];
    for (head, pointer) in odd {
        let sent = head.to_string();
        let refused = township.post(&path(HERE), household(99, head)).await;
        let body = refused.refused(422, "invalid_field");
        assert_eq!(body["errors"][0]["pointer"], pointer, "{sent}");
        assert!(!body.to_string().contains("13800"), "{body:#}");
        assert!(!body.to_string().contains("194912"), "{body:#}");
    }
    for head in [json!({ "born_on": "2030-02-30" }), json!({ "phone": 13_800_138_000_i64 })] {
        let refused = township.post(&path(HERE), household(99, head)).await;
        assert!(!refused.refused(400, "malformed_json").to_string().contains("13800138000"));
    }
    assert_eq!((world.count("persons").await, world.count("households").await), before);
}

#[actix_web::test]
async fn nothing_shows_a_phone_or_an_id_number_again() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", TOWNSHIP).await;
    let (phone, number) = ("13900139000", "11010519491231002X");
    let body = household(100, json!({ "phone": phone, "id_number": number }));
    let opened = township.post(&path(HERE), body.clone()).await.ok();
    let id = opened["id"].as_str().expect("an id");
    let read = township.get(&format!("{}/{id}", path(HERE))).await.ok();
    let list = township.get(&format!("{}?number=100", path(HERE))).await.ok();
    for body in [opened.clone(), read, list] {
        for secret in [phone, number, "139****9000", "1949-12-31", "id_digest"] {
            assert!(!body.to_string().contains(secret), "{secret} in {body:#}");
        }
    }
    for table in ["idempotency_keys", "audit_events"] {
        let column = if table == "audit_events" { "detail" } else { "body" };
        for secret in [phone, number] {
            let found = format!("{table} WHERE {column} LIKE '%{secret}%'");
            assert_eq!(world.count(&found).await, 0, "{found}");
        }
    }
    let clear = "persons WHERE phone_masked LIKE '1390%' OR id_digest LIKE '110105%'";
    assert_eq!(world.count(clear).await, 0);
}

#[actix_web::test]
async fn a_person_belongs_to_one_active_household_and_keeps_their_id() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", TOWNSHIP).await;
    let number = json!({ "id_number": "11010519491231002X" });
    let first = township.post(&path(HERE), household(100, number.clone())).await.ok();
    let somebody = township.post(&path(HERE), household(102, json!({}))).await.ok();
    let person = first["members"][0]["person"].clone();
    let refused = township.post(&path(HERE), household(101, number.clone())).await;
    let body = refused.refused(409, "already_bound");
    assert_eq!(body["errors"][0]["pointer"], "/members/0/id_number");
    let mut there = household(7, number.clone());
    there["number"] = json!(100);
    there["grid"] = json!(format!("{NEXT}001"));
    township.post(&path(NEXT), there.clone()).await.refused(409, "already_bound");
    assert_eq!(world.count("households WHERE number > 10").await, 2);

    let sql = "UPDATE bindings SET ended_at = 1 WHERE ended_at IS NULL AND person = \
               (SELECT id FROM persons WHERE id_digest IS NOT NULL)";
    api::kernel::db::run(world.app.db.schema(), sql, []).await.expect("the binding ends");
    let mut taken = there.clone();
    taken["members"][0]["person"] = somebody["members"][0]["person"].clone();
    township.post(&path(NEXT), taken).await.refused(409, "id_taken");
    let moved = township.post(&path(NEXT), there).await.ok();
    assert_eq!(moved["members"][0]["person"], person);
    assert_eq!(world.count("persons WHERE id_digest IS NOT NULL").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn the_same_person_twice_in_a_household_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", TOWNSHIP).await;
    let number = "11010519491231002X";
    let mut body = household(100, json!({ "id_number": number }));
    let twin = json!({
        "person": new_id(), "name": "李芳", "is_head": false, "id_number": "110105491231002",
    });
    body["members"].as_array_mut().expect("members").push(twin);
    let refused = township.post(&path(HERE), body).await.refused(422, "invalid_field");
    assert_eq!(refused["errors"][0]["pointer"], "/members/1/id_number");
    assert_eq!(world.count("households WHERE number = 100").await, 0);
}

#[actix_web::test]
async fn a_head_younger_than_fourteen_is_not_named() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", TOWNSHIP).await;
    let mut body = household(100, json!({ "born_on": "2010-08-22" }));
    township.post(&path(HERE), body.clone()).await.refused(422, "invalid_field");
    let guardian = json!({ "person": new_id(), "name": "李芳", "is_head": false });
    body["members"].as_array_mut().expect("members").push(guardian.clone());
    township.post(&path(HERE), body).await.ok();
    let hidden = "households WHERE number = 100 AND name_hidden";
    assert_eq!(world.count(hidden).await, 1);
    assert_eq!(world.count("shown_heads WHERE name = '王小明'").await, 0);
    // The grown-up signed, not the head.
    let signed = "consents c JOIN persons p ON p.id = c.person WHERE p.name = '李芳'";
    assert_eq!(world.count(signed).await, 1);
    township.post(&path(HERE), household(101, json!({ "born_on": "2010-08-21" }))).await.ok();
    assert_eq!(world.count("households WHERE number = 101 AND NOT name_hidden").await, 1);
}

#[actix_web::test]
async fn an_official_cannot_consent_in_the_app_for_a_family() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", TOWNSHIP).await;
    let mut body = household(100, json!({}));
    body["consent"] = json!("account");
    township.post(&path(HERE), body).await.refused(422, "invalid_field");
    assert_eq!(world.count("households WHERE number = 100").await, 0);
}
