use reqwest::Method;
use serde_json::{Value, json};

use crate::sessions::{device, holder, log_in};
use crate::support::{Actor, Answer, HERE, World, at, head_id};

async fn erase(actor: &Actor) -> Answer {
    actor.send(Method::DELETE, "/v1/me", |it| it).await
}

#[actix_web::test]
async fn an_export_is_one_file_with_what_is_held_of_the_person_and_nobody_else() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 30).await;
    world.earn(2, 20).await;
    world.travel(at("2024-09-03 09:00")).await;
    let zhang = world.head(HERE, 1).await;
    let export = zhang.get("/v1/me/export").await;
    assert_eq!(
        export.header("content-disposition"),
        Some("attachment; filename=\"jifen-export.json\"")
    );
    assert_eq!(export.header("cache-control"), Some("no-store"));
    let export = export.ok();
    assert_eq!(export["person"]["name"], "张守勤");
    assert_eq!(export["households"][0]["number"], 1);
    assert_eq!(export["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(export["entries"][0]["awarded"], 30);
    assert!(!export["inbox"].as_array().expect("notices").is_empty());
    assert_eq!(export["devices"].as_array().map(Vec::len), Some(2));
    assert!(!export.to_string().contains("王明娜"));
    // Another person's export has no address at all.
    let other = format!("/v1/persons/{}/export", head_id(HERE, 2));
    zhang.get(&other).await.refused(404, "not_found");
}

#[actix_web::test]
async fn who_is_forgotten_is_named_nowhere_and_the_ledger_stays_valid() {
    let (world, wechat) = World::with_wechat(at("2024-08-28 08:00")).await;
    world.earn(1, 30).await;
    world.run("UPDATE persons SET phone_digest = 'digest', phone_masked = '138****8000', id_digest = 'id' \
        WHERE id = (SELECT person FROM members WHERE is_head AND name = '张守勤' ORDER BY village LIMIT 1)").await;
    world.run("UPDATE members SET name = '钱三强', initials = ' qsq ' WHERE name = '张守勤'").await;
    world.run("UPDATE persons SET name = '钱三强' WHERE name = '张守勤'").await;
    world.travel(at("2024-09-03 09:00")).await;
    let list = format!("/v1/villages/{HERE}/public-lists/2024-08/lines");
    assert_eq!(world.anybody().get(&list).await.ok()["items"][0]["name"], "钱*");
    let zhang = world.head(HERE, 1).await;
    let phone = log_in(&world, &wechat, "openid-zhang", &device()).await.ok();
    world.run("UPDATE accounts SET person = (SELECT person FROM accounts WHERE persona = 'head 460205100201 1') \
        WHERE persona IS NULL").await;
    let phone = holder(&world, &phone);
    assert_eq!(phone.get("/v1/me").await.ok()["name"], "钱三强");
    let erased = erase(&zhang).await.ok();
    // Asked again with the same token, it is answered again; anything else is over, on every device.
    assert_eq!(erase(&zhang).await.ok(), erased);
    for actor in [&zhang, &phone] {
        actor.get("/v1/me").await.refused(401, "token_invalid");
    }
    let dead = json!({ "persona": format!("head {HERE} 1") });
    world.anybody().send_json("/sandbox/sessions", &dead).await.refused(404, "not_found");
    let stranger = holder(&world, &log_in(&world, &wechat, "openid-zhang", &device()).await.ok());
    assert_eq!(stranger.get("/v1/me").await.ok()["home"], Value::Null);
    let line = &world.anybody().get(&list).await.ok()["items"][0];
    assert_eq!((&line["name"], &line["points"]), (&Value::Null, &json!(30)));
    let named = "persons WHERE erased_at IS NOT NULL AND (name <> '' OR phone_digest IS NOT NULL \
                 OR phone_masked IS NOT NULL OR id_digest IS NOT NULL)";
    assert_eq!(world.count(named).await, 0);
    assert_eq!(world.count("persons WHERE erased_at IS NOT NULL").await, 1);
    // Two bear that name in each village.
    assert_eq!(world.count("members WHERE name = '钱三强'").await, 5);
    world.verified().await;
}

#[actix_web::test]
async fn who_holds_a_prize_or_an_office_is_not_forgotten_yet() {
    let world = World::begins(at("2024-09-24 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-10-08 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let order = crate::support::order_of("goods.laundry_liquid", 1);
    let order = zhang.post(&format!("/v1/villages/{HERE}/redemptions"), order).await.ok();
    erase(&zhang).await.refused(409, "open_holds");
    let refused = erase(&world.official("panel", HERE).await).await.refused(409, "wrong_state");
    assert_eq!(refused["current"], "in_office");
    assert_eq!(world.count("persons WHERE erased_at IS NOT NULL").await, 0);
    let path = format!(
        "/v1/villages/{HERE}/redemptions/{}/cancellation",
        order["id"].as_str().expect("an id")
    );
    zhang.post(&path, json!({})).await.ok();
    erase(&zhang).await.ok();
    world.verified().await;
}
