use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, FAR, HERE, World, at, head_id, household_id, new_id};

fn file(number: usize) -> String {
    format!("/v1/villages/{HERE}/households/{}", household_id(HERE, number))
}

async fn put(actor: &Actor, path: &str, etag: &str, body: Value) -> Answer {
    actor.send(Method::PUT, path, |it| it.header("If-Match", etag).json(&body)).await
}

#[actix_web::test]
async fn a_wrong_number_is_put_right_by_whoever_read_the_file_last() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let read = township.get(&file(1)).await;
    let etag = read.header("etag").expect("an ETag").to_owned();
    township.put(&file(1), json!({ "number": 701 })).await.refused(428, "precondition_required");
    let number = |number: i64| json!({ "number": number });
    put(&township, &file(1), &etag, number(2)).await.refused(409, "id_taken");
    put(&township, &file(1), &etag, number(0)).await.refused(422, "invalid_field");
    let changed = put(&township, &file(1), &etag, number(701)).await;
    assert_ne!(changed.header("etag"), Some(etag.as_str()));
    assert_eq!(changed.ok()["number"], 701);
    put(&township, &file(1), &etag, number(702)).await.refused(412, "precondition_failed");
    let worker = world.official("grid_worker", &format!("{HERE}001")).await;
    put(&worker, &file(1), "*", number(703)).await.refused(403, "role_required");
    let far = world.official("township", "440783107").await;
    put(&far, &file(1), "*", number(703)).await.refused(404, "not_found");
    assert_eq!(world.count("audit_events WHERE action = 'household.renumber'").await, 1);
    assert_eq!(world.anybody().get(&format!("/v1/regions/{HERE}/rankings/2024")).await.status, 200);
}

#[actix_web::test]
async fn a_member_without_a_login_gets_a_phone_and_everybody_a_right_name() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let of = township.get(&file(1)).await.ok();
    let wife = of["members"][1]["person"].as_str().expect("a person").to_owned();
    let member = |person: &str| format!("{}/members/{person}", file(1));
    let facts = json!({ "name": "李金凤", "phone": "+86 138 0013 8000", "born_on": "1960-05-01" });
    let changed = put(&township, &member(&wife), "*", facts.clone()).await.ok();
    assert_eq!(changed["members"][1]["name"], "李金凤");
    assert!(!changed.to_string().contains("8000"));
    assert_eq!(world.count("persons WHERE phone_masked = '138****8000'").await, 1);
    let found = township.get(&format!("/v1/villages/{HERE}/households?search=ljf")).await.ok();
    assert_eq!(found["items"][0]["id"], json!(household_id(HERE, 1)));
    // Whoever logs in changes their phone themselves.
    let head = member(&head_id(HERE, 1).to_string());
    put(&township, &head, "*", facts.clone()).await.refused(409, "already_bound");
    put(&township, &head, "*", json!({ "name": "张守琴" })).await.ok();
    for (name, value) in [
        ("phone", json!("12345")),
        ("phone", json!("13800138")),
        ("born_on", json!("2030-01-01")),
        ("name", json!("\u{200b}")),
    ] {
        let mut odd = facts.clone();
        odd[name] = value;
        let refused = put(&township, &member(&wife), "*", odd).await.refused(422, "invalid_field");
        assert_eq!(refused["errors"][0]["pointer"], format!("/{name}"));
    }
    for stranger in [head_id(HERE, 2), head_id(FAR, 1), new_id()] {
        let path = member(&stranger.to_string());
        put(&township, &path, "*", json!({ "name": "某人" })).await.refused(404, "not_found");
    }
    assert_eq!(world.count("inbox_items WHERE kind = 'member_changed'").await, 2);
}
