use serde_json::{Value, json};

use crate::sessions::{device, holder, log_in};
use crate::support::{
    Actor, Answer, FAR, FakeWeChat, HERE, NEXT, Reply, World, at, grid_of, head_id, household_id,
    new_id,
};

const PHONE: &str = "13800138000";

async fn world() -> (World, FakeWeChat) {
    World::with_wechat(at("2024-08-21 08:00")).await
}

/// Somebody who has just logged in for the first time.
async fn newcomer(world: &World, wechat: &FakeWeChat, openid: &str) -> Actor {
    holder(world, &log_in(world, wechat, openid, &device()).await.ok())
}

/// The roster names this person with this phone, and they do not log in yet.
async fn roster_names(world: &World, person: uuid::Uuid, phone: &str) {
    free(world).await;
    let digest = api::identity::Phone::parse(phone).expect("a phone");
    let digest = digest.digest(world.app.config.secrets.identity());
    let sql = "UPDATE persons SET phone_digest = $1 WHERE id = $2";
    let values: [sea_orm::Value; 2] = [digest.into(), person.into()];
    let done =
        world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, values.clone()).await?));
    assert_eq!(done.await.expect("a change"), 1);
}

/// The heads of this world have never logged in.
async fn free(world: &World) {
    world.run("UPDATE accounts SET status = 'disabled' WHERE persona LIKE 'head %'").await;
}

async fn add_phone(actor: &Actor, wechat: &FakeWeChat, phone: &str) -> Answer {
    actor.post("/v1/me/phone", json!({ "code": wechat.phone_code(phone) })).await
}

#[actix_web::test]
async fn a_phone_that_the_roster_names_binds_at_once() {
    let (world, wechat) = world().await;
    world
        .run(
            "UPDATE households SET registered_at = NULL, registered_by = NULL, activated_at = NULL",
        )
        .await;
    roster_names(&world, head_id(HERE, 1), PHONE).await;
    let zhang = newcomer(&world, &wechat, "openid-zhang").await;
    let persons = world.count("persons").await;
    let added = add_phone(&zhang, &wechat, PHONE).await.ok();
    assert_eq!(added, json!({ "phone": "138****8000", "bound": true }));
    let me = zhang.get("/v1/me").await.ok();
    assert_eq!((&me["name"], &me["person"]), (&json!("张守勤"), &json!(head_id(HERE, 1))));
    assert_eq!(me["home"]["household"], json!(household_id(HERE, 1)));
    assert_eq!(me["home"]["is_head"], json!(true));
    // The nameless person is gone, the household is an active one, and the family is told.
    assert_eq!(world.count("persons").await, persons - 1);
    let active = "households WHERE registered_by = 'account' AND activated_at IS NOT NULL";
    assert_eq!(world.count(active).await, 1);
    assert_eq!(me["waiting"]["inbox"], 1);
    assert_eq!(zhang.get("/v1/me/inbox").await.ok()["items"][0]["kind"], "account_bound");
}

#[actix_web::test]
async fn a_lost_answer_is_given_again_without_asking_wechat_again() {
    let (world, wechat) = world().await;
    roster_names(&world, head_id(HERE, 1), PHONE).await;
    let zhang = newcomer(&world, &wechat, "openid-zhang").await;
    let body = json!({ "code": wechat.phone_code(PHONE) });
    let first = zhang.post_as("once", "/v1/me/phone", body.clone()).await.ok();
    let again = zhang.post_as("once", "/v1/me/phone", body.clone()).await;
    assert!(again.is_replay());
    assert_eq!(again.ok(), first);
    assert_eq!(wechat.calls(), (1, 1));
    zhang.post("/v1/me/phone", body).await.refused(401, "wechat_code_invalid");
}

#[actix_web::test]
async fn a_phone_that_nobody_is_named_with_is_kept_and_binds_nobody() {
    let (world, wechat) = world().await;
    let wang = newcomer(&world, &wechat, "openid-wang").await;
    let added = add_phone(&wang, &wechat, "+86 139-0013-9000").await.ok();
    assert_eq!(added, json!({ "phone": "139****9000", "bound": false }));
    let me = wang.get("/v1/me").await.ok();
    assert_eq!((&me["phone"], &me["home"]), (&json!("139****9000"), &Value::Null));
    add_phone(&wang, &wechat, "+852 5123 4567").await.refused(422, "invalid_field");
}

#[actix_web::test]
async fn whoever_belongs_to_a_household_is_not_bound_to_a_second_one() {
    let (world, wechat) = world().await;
    roster_names(&world, head_id(HERE, 1), PHONE).await;
    roster_names(&world, head_id(NEXT, 2), "13900139000").await;
    let zhang = newcomer(&world, &wechat, "openid-zhang").await;
    add_phone(&zhang, &wechat, PHONE).await.ok();
    add_phone(&zhang, &wechat, "13900139000").await.refused(409, "already_bound");
    let asked = request(HERE, 3);
    zhang.post("/v1/me/binding-requests", asked).await.refused(409, "already_bound");
    assert_eq!(zhang.get("/v1/me").await.ok()["person"], json!(head_id(HERE, 1)));
}

#[actix_web::test]
async fn two_families_that_name_one_phone_are_not_told_apart_by_it() {
    let (world, wechat) = world().await;
    for number in [1, 2] {
        roster_names(&world, head_id(HERE, number), PHONE).await;
    }
    let somebody = newcomer(&world, &wechat, "openid-x").await;
    assert_eq!(add_phone(&somebody, &wechat, PHONE).await.ok()["bound"], json!(false));
}

#[actix_web::test]
async fn under_fourteen_nobody_logs_in_alone() {
    let (world, wechat) = world().await;
    roster_names(&world, head_id(HERE, 1), PHONE).await;
    let child = |day: &str| format!("UPDATE members SET born_on = '{day}' WHERE is_head");
    world.run(&child("2010-08-22")).await;
    let zhang = newcomer(&world, &wechat, "openid-zhang").await;
    add_phone(&zhang, &wechat, PHONE).await.refused(422, "guardian_needed");
    assert_eq!(zhang.get("/v1/me").await.ok()["home"], Value::Null);
    world.run(&child("2010-08-21")).await;
    add_phone(&zhang, &wechat, PHONE).await.ok();
}

#[actix_web::test]
async fn the_access_token_is_fetched_once_for_many_and_renewed_when_wechat_forgets_it() {
    let (world, wechat) = world().await;
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(newcomer(&world, &wechat, &format!("openid-{number}")).await);
    }
    let all = people.iter().enumerate().map(|(at, actor)| {
        let (phone, wechat) = (format!("1380013800{at}"), wechat.clone());
        async move { add_phone(actor, &wechat, &phone).await.ok() }
    });
    futures::future::join_all(all).await;
    assert_eq!(wechat.calls().0, 1);
    wechat.renews_its_token();
    add_phone(&people[0], &wechat, PHONE).await.ok();
    assert_eq!(wechat.calls().0, 2);
    // It ends after two hours; WeChat's limit is not asked for before.
    world.token_time_passes(6_899_000);
    people[1] = newcomer(&world, &wechat, "openid-1").await;
    add_phone(&people[1], &wechat, PHONE).await.ok();
    assert_eq!(wechat.calls().0, 2);
    world.token_time_passes(1_000);
    add_phone(&people[1], &wechat, PHONE).await.ok();
    assert_eq!(wechat.calls().0, 3);
}

#[actix_web::test]
async fn a_failing_token_or_phone_is_its_documented_problem() {
    let (world, wechat) = world().await;
    let zhang = newcomer(&world, &wechat, "openid-zhang").await;
    let error = |code: i64| Reply::Json(json!({ "errcode": code, "errmsg": "said WeChat" }));
    let table = [
        ("stable_token", error(40013), (503, "wechat_unavailable")),
        ("stable_token", error(45009), (503, "wechat_unavailable")),
        ("stable_token", Reply::Json(json!({ "access_token": "" })), (503, "wechat_unavailable")),
        ("stable_token", Reply::Html, (503, "wechat_unavailable")),
        ("getuserphonenumber", error(40029), (401, "wechat_code_invalid")),
        ("getuserphonenumber", error(45011), (429, "wechat_limited")),
        ("getuserphonenumber", error(40001), (503, "wechat_unavailable")),
        ("getuserphonenumber", error(-1), (503, "wechat_unavailable")),
        ("getuserphonenumber", Reply::Json(json!({ "errcode": 0 })), (503, "wechat_unavailable")),
        ("getuserphonenumber", Reply::Status(502), (503, "wechat_unavailable")),
    ];
    for (path, reply, (status, code)) in table {
        wechat.answers(path, reply);
        add_phone(&zhang, &wechat, PHONE).await.refused(status, code);
        wechat.answers_as_usual();
    }
    assert_eq!(world.count("persons WHERE phone_masked IS NOT NULL").await, 0);
}

fn request(village: &str, number: i64) -> Value {
    json!({ "id": new_id(), "village": village, "household_number": number, "name": "王明娜" })
}

fn decision(request: &Value) -> String {
    let id = request["id"].as_str().expect("an id");
    format!("/v1/villages/{HERE}/binding-requests/{id}/decision")
}

#[actix_web::test]
async fn a_request_that_the_grid_worker_approves_binds_to_the_member_they_name() {
    let (world, wechat) = world().await;
    free(&world).await;
    let wang = newcomer(&world, &wechat, "openid-wang").await;
    let asked = wang.post("/v1/me/binding-requests", request(HERE, 2)).await.ok();
    assert_eq!(asked["household"], Value::Null);
    assert_eq!((&asked["status"], &asked["household_number"]), (&json!("waiting"), &json!(2)));
    wang.post("/v1/me/binding-requests", request(HERE, 3)).await.refused(409, "request_waiting");
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    assert_eq!(worker.get("/v1/me").await.ok()["waiting"]["binding_requests"], 1);
    let list = format!("/v1/villages/{HERE}/binding-requests");
    assert_eq!(worker.get(&list).await.ok()["items"][0]["name"], "王明娜");
    // The other grid's worker neither sees nor decides it.
    let other = world.official("grid_worker", &format!("{HERE}002")).await;
    assert_eq!(other.get(&list).await.ok()["items"], json!([]));
    let approve = |member: uuid::Uuid| json!({ "decision": "approve", "member": member });
    let path = decision(&asked);
    other.post(&path, approve(head_id(HERE, 2))).await.refused(403, "role_required");
    worker.post(&path, approve(head_id(HERE, 3))).await.refused(404, "not_found");
    worker.post(&path, json!({ "decision": "approve" })).await.refused(422, "invalid_field");
    worker
        .post(&path, json!({ "decision": "refuse", "reason": " " }))
        .await
        .refused(422, "reason_required");
    assert_eq!(worker.post(&path, approve(head_id(HERE, 2))).await.ok()["status"], "approved");
    worker.post(&path, approve(head_id(HERE, 2))).await.refused(409, "wrong_state");
    let me = wang.get("/v1/me").await.ok();
    assert_eq!(me["home"]["household"], json!(household_id(HERE, 2)));
    assert_eq!(wang.get("/v1/me/binding-requests").await.ok()["items"][0]["status"], "approved");
}

#[actix_web::test]
async fn a_refused_request_says_why_and_another_may_follow() {
    let (world, wechat) = world().await;
    let wang = newcomer(&world, &wechat, "openid-wang").await;
    let asked = wang.post("/v1/me/binding-requests", request(HERE, 2)).await.ok();
    let township = world.official("township", "460205100").await;
    let refused = json!({ "decision": "refuse", "reason": "查无此人" });
    township.post(&decision(&asked), refused).await.ok();
    let own = wang.get("/v1/me/binding-requests").await.ok();
    assert_eq!(own["items"][0]["reason"], "查无此人");
    assert_eq!(wang.get("/v1/me").await.ok()["home"], Value::Null);
    wang.post("/v1/me/binding-requests", request(HERE, 3)).await.ok();
}

#[actix_web::test]
async fn nobody_asks_for_or_decides_what_lies_elsewhere_or_close_to_them() {
    let (world, wechat) = world().await;
    let wang = newcomer(&world, &wechat, "openid-wang").await;
    for (village, number) in [(HERE, 999), ("110101001001", 1)] {
        wang.post("/v1/me/binding-requests", request(village, number))
            .await
            .refused(404, "not_found");
    }
    let asked = wang.post("/v1/me/binding-requests", request(HERE, 2)).await.ok();
    let refuse = || json!({ "decision": "refuse", "reason": "查无此人" });
    let foreign = world.official("grid_worker", &format!("{FAR}001")).await;
    let foreign = foreign.post(&decision(&asked), refuse()).await.refused(404, "not_found");
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    let unknown = json!({ "id": new_id() });
    let unknown = worker.post(&decision(&unknown), refuse()).await.refused(404, "not_found");
    assert_eq!(foreign["detail"], unknown["detail"]);
    let zhang = world.head(HERE, 1).await;
    zhang.post(&decision(&asked), refuse()).await.refused(403, "role_required");
    // The worker is the spouse of that household's head.
    let person = worker.get("/v1/me").await.ok()["person"].clone();
    let person = person.as_str().expect("a person").replace('-', "");
    let blob = if world.is_postgres() { format!("'{person}'") } else { format!("X'{person}'") };
    world
        .run(&format!(
            "UPDATE members SET person = {blob} WHERE NOT is_head AND village = '{HERE}' \
             AND household IN (SELECT id FROM households WHERE number = 2)"
        ))
        .await;
    worker.post(&decision(&asked), refuse()).await.refused(403, "conflict_of_interest");
    assert_eq!(world.count("binding_requests WHERE status = 'waiting'").await, 1);
}

/// A colleague's word, or a phone that changed hands, makes nobody an official or a neighbour who logs in.
#[actix_web::test]
async fn nobody_becomes_somebody_who_logs_in_or_holds_an_office() {
    let (world, wechat) = world().await;
    let thief = newcomer(&world, &wechat, "openid-thief").await;
    let asked = thief.post("/v1/me/binding-requests", request(HERE, 2)).await.ok();
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    let approve = json!({ "decision": "approve", "member": head_id(HERE, 2) });
    worker.post(&decision(&asked), approve.clone()).await.refused(409, "already_bound");
    // Without a login, but with an office that is still to come.
    free(&world).await;
    let wang = head_id(HERE, 2);
    let sql =
        "INSERT INTO grants (id, person, role, region, starts_at) VALUES ($1, $2, $3, $4, $5)";
    let values: [sea_orm::Value; 5] = [
        new_id().into(),
        wang.into(),
        "county".into(),
        "460205".into(),
        (world.app.clock.now().0 + 86_400_000).into(),
    ];
    let done =
        world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, values.clone()).await?));
    assert_eq!(done.await.expect("a grant"), 1);
    worker.post(&decision(&asked), approve).await.refused(409, "already_bound");
    roster_names(&world, wang, PHONE).await;
    let found = newcomer(&world, &wechat, "openid-finder").await;
    assert_eq!(add_phone(&found, &wechat, PHONE).await.ok()["bound"], json!(false));
    for actor in [&thief, &found] {
        let me = actor.get("/v1/me").await.ok();
        assert_eq!((&me["home"], &me["grants"]), (&Value::Null, &json!([])));
    }
}

/// Above a village nobody acts by a phone alone.
#[actix_web::test]
async fn a_townships_role_does_not_count_in_a_wechat_session() {
    let (world, wechat) = world().await;
    let township = newcomer(&world, &wechat, "openid-township").await;
    let person = "(SELECT person FROM accounts WHERE persona = 'township 460205100')";
    world.run(&format!("UPDATE accounts SET person = {person} WHERE persona IS NULL")).await;
    let me = township.get("/v1/me").await.ok();
    assert_eq!((&me["name"], &me["grants"]), (&json!("官township 460205100"), &json!([])));
    let files = format!("/v1/villages/{HERE}/households");
    township.get(&files).await.refused(404, "not_found");
}

#[actix_web::test]
async fn a_login_in_the_wrong_hands_is_taken_away_and_the_right_one_bound_anew() {
    let (world, wechat) = world().await;
    roster_names(&world, head_id(HERE, 1), PHONE).await;
    let thief = newcomer(&world, &wechat, "openid-thief").await;
    assert_eq!(add_phone(&thief, &wechat, PHONE).await.ok()["bound"], json!(true));
    let path = format!(
        "/v1/villages/{HERE}/households/{}/members/{}/unbinding",
        household_id(HERE, 1),
        head_id(HERE, 1)
    );
    let township = world.official("township", "460205100").await;
    township.post(&path, json!({ "reason": " " })).await.refused(422, "reason_required");
    township.post(&path, json!({ "reason": "手机丢失" })).await.ok();
    thief.get("/v1/me").await.refused(401, "token_invalid");
    let again = newcomer(&world, &wechat, "openid-thief").await;
    assert_eq!(again.get("/v1/me").await.ok()["home"], Value::Null);
    let zhang = newcomer(&world, &wechat, "openid-zhang").await;
    assert_eq!(add_phone(&zhang, &wechat, PHONE).await.ok()["bound"], json!(true));
    let inbox = zhang.get("/v1/me/inbox").await.ok();
    let kinds: Vec<_> =
        inbox["items"].as_array().expect("items").iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["account_bound", "account_unbound", "account_bound"]);
}
