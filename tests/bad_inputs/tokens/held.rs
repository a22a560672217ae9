//! C58 and C59: tokens that were good once, and refresh tokens in the wrong hands.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected};
use crate::sessions::{PASSWORD, Staff, device, holder, log_in};
use crate::support::{Actor, FakeWeChat, HERE, World, at, head_id, household_id, new_id};

const REFRESH: &str = "/v1/sessions/refresh";
/// Everything that the end of a betrayed session writes.
const BETRAYAL: &[&str] = &["sessions", "audit_events"];

pub async fn try_all(catalogue: &mut Catalogue) {
    of_people_who_are_gone(catalogue).await;
    of_sessions_that_ended(catalogue).await;
    of_roles_that_ended(catalogue).await;
    after_a_new_password(catalogue).await;
    refreshed_by_two(catalogue).await;
    odd_refresh_tokens(catalogue).await;
}

fn refresh(row: &'static str, what: &str, world: &World, session: &Value, device: &Value) -> Case {
    let body = json!({ "refresh_token": session["refresh_token"], "device": device });
    Case::post(row, what, &world.anybody(), REFRESH, body).refused(401, "refresh_token_invalid")
}

/// Neither token of a session opens anything.
fn dead(
    row: &'static str,
    what: &str,
    world: &World,
    session: &Value,
    device: &Value,
) -> Vec<Case> {
    let who = holder(world, session);
    let village = format!("/v1/villages/{HERE}");
    let mut cases = Vec::new();
    for path in [
        "/v1/me",
        "/v1/me/export",
        "/v1/me/devices",
        &format!("{village}/claims"),
        &format!("{village}/households"),
        &format!("{village}/households/{}", household_id(HERE, 1)),
        "/v1/regions/460205/grants",
    ] {
        let case = Case::get(row, format!("{what}: {path}"), &who, path);
        cases.push(case.refused(401, "token_invalid"));
    }
    let body = json!({ "id": new_id(), "village": HERE, "household_number": 1, "name": "张" });
    let case = Case::post(row, format!("{what}: a POST"), &who, "/v1/me/binding-requests", body);
    cases.push(case.refused(401, "token_invalid"));
    let case = Case::get(row, format!("{what}: a DELETE"), &who, "/v1/me/devices");
    cases.push(Case { method: Method::DELETE, ..case }.refused(401, "token_invalid"));
    cases.push(refresh(row, &format!("{what}: refreshing"), world, session, device));
    cases
}

/// Logs a persona in on a device.
async fn persona(world: &World, name: &str, device: &Value) -> Value {
    let body = json!({ "persona": name, "device": device });
    world.anybody().send_json("/sandbox/sessions", &body).await.ok()
}

/// Disabled, erased, died.
async fn of_people_who_are_gone(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let phone = device();
    let disabled = persona(&world, &format!("head {HERE} 1"), &phone).await;
    let name = format!("head {HERE} 1");
    world.run(&format!("UPDATE accounts SET status = 'disabled' WHERE persona = '{name}'")).await;
    catalogue.run(&world, dead("C58", "disabled", &world, &disabled, &phone["id"])).await;

    let erased = persona(&world, &format!("head {HERE} 2"), &phone).await;
    let leaver = holder(&world, &erased);
    let gone = leaver.send(Method::DELETE, "/v1/me", |it| it).await.ok();
    catalogue.run(&world, dead("C58", "erased", &world, &erased, &phone["id"])).await;
    // Only the question whether it is done is answered, and the same as before.
    let again = Case::get("C58", "erased: asking once more", &leaver, "/v1/me");
    let again = Case { method: Method::DELETE, ..again }.expecting(Expected::Same(gone));
    catalogue.run(&world, [again]).await;

    let dies = persona(&world, &format!("head {HERE} 3"), &phone).await;
    let household = format!("/v1/villages/{HERE}/households/{}", household_id(HERE, 3));
    let township = world.official("township", "460205100").await;
    let file = township.get(&household).await.ok();
    let members = file["members"].as_array().expect("members");
    let heir = members.iter().find(|it| it["is_head"] == json!(false)).expect("an heir");
    let body = json!({ "because": "died", "new_head": heir["person"] });
    let departure = format!("{household}/members/{}/departure", head_id(HERE, 3));
    township.post(&departure, body).await.ok();
    catalogue.run(&world, dead("C58", "died", &world, &dies, &phone["id"])).await;
}

/// After logging out here, there and everywhere, and when its time is over.
async fn of_sessions_that_ended(catalogue: &mut Catalogue) {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let phone = device();
    let login = async |device: &Value| log_in(&world, &wechat, "openid-zhang", device).await.ok();
    let delete = async |who: &Actor, path: &str| {
        who.send(Method::DELETE, path, |it| it).await.ok();
    };
    let session = login(&phone).await;
    delete(&holder(&world, &session), "/v1/sessions/current").await;
    catalogue.run(&world, dead("C58", "logged out", &world, &session, &phone["id"])).await;

    let (old, new) = (login(&phone).await, login(&device()).await);
    let path = format!("/v1/me/devices/{}", old["session"].as_str().expect("an id"));
    delete(&holder(&world, &new), &path).await;
    catalogue.run(&world, dead("C58", "ended from afar", &world, &old, &phone["id"])).await;

    let replaced = login(&phone).await;
    let present = login(&phone).await;
    catalogue.run(&world, dead("C58", "logged in again", &world, &replaced, &phone["id"])).await;

    delete(&holder(&world, &new), "/v1/me/devices").await;
    for (what, session, device) in
        [("this device", &new, &device()), ("that device", &present, &phone)]
    {
        let what = format!("logged out everywhere, {what}");
        catalogue.run(&world, dead("C58", &what, &world, session, &device["id"])).await;
    }

    let expired = login(&phone).await;
    world.token_time_passes(15 * 60_000 + 5_000);
    let who = holder(&world, &expired);
    let case = Case::get("C58", "a quarter of an hour and the leeway later", &who, "/v1/me");
    catalogue.run(&world, [case.refused(401, "token_invalid")]).await;
    world.token_time_passes(30 * 86_400_000);
    catalogue.run(&world, dead("C58", "after a month", &world, &expired, &phone["id"])).await;
}

/// A token outlives a role, what it opens does not: roles are read at every request.
async fn of_roles_that_ended(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let county = world.official("county", "460205").await;
    let grants = |region: &str| format!("/v1/regions/{region}/grants");
    for (office, region, status, code) in [
        ("panel", HERE, 404, "not_found"),
        ("committee", HERE, 404, "not_found"),
        ("clerk", HERE, 404, "not_found"),
        ("township", "460205100", 404, "not_found"),
    ] {
        let official = world.official(office, region).await;
        let list = format!("/v1/villages/{HERE}/grids");
        official.get(&list).await.ok();
        let person = official.get("/v1/me").await.ok()["person"].clone();
        let person = person.as_str().expect("an id");
        let held = county.get(&format!("{}?person={person}", grants(region))).await.ok();
        let id = held["items"][0]["id"].as_str().expect("an id");
        let end = format!("{}/{id}/termination", grants(region));
        county.post(&end, json!({ "reason": "工作调动" })).await.ok();
        let what = |path: &str| format!("the {office} who was: {path}");
        let mut cases = Vec::new();
        for path in [
            list,
            format!("/v1/villages/{HERE}/claims"),
            format!("/v1/villages/{HERE}/households/{}", household_id(HERE, 1)),
            format!("/v1/villages/{HERE}/objections"),
            format!("/v1/regions/{HERE}/review-queue"),
            grants(region),
        ] {
            cases.push(Case::get("C58", what(&path), &official, &path).refused(status, code));
        }
        let grant = json!({ "id": new_id(), "person": head_id(HERE, 3), "role": "panel" });
        let post = Case::post("C58", what("a grant"), &official, &grants(HERE), grant);
        cases.push(post.refused(status, code));
        catalogue.run(&world, cases).await;
    }
    // One who lives here is still a neighbour, and no more than that.
    let head = world.head(HERE, 4).await;
    let body = json!({ "id": new_id(), "person": head_id(HERE, 4), "role": "panel",
        "ends_on": "2024-08-23" });
    county.post(&grants(HERE), body).await.ok();
    let list = format!("/v1/villages/{HERE}/households");
    head.get(&list).await.ok();
    world.travel(at("2024-08-23 00:00")).await;
    let case = Case::get("C58", "a villager whose term is over", &head, &list);
    catalogue.run(&world, [case.refused(403, "role_required")]).await;
}

/// There is no change of the second factor alone: it comes with a login, which is made once.
async fn after_a_new_password(catalogue: &mut Catalogue) {
    let staff = Staff::enrolled().await;
    let (one, other) = (device(), device());
    let login = async |phone: &Value| {
        let body = json!({ "login": "fu.wenhai", "password": PASSWORD, "totp": staff.code(0), "device": phone });
        let session = staff.world.anybody().send_json("/v1/staff-sessions", &body).await.ok();
        staff.world.token_time_passes(30_000);
        session
    };
    let sessions = [(login(&one).await, one), (login(&other).await, other)];
    let body = json!({ "present": PASSWORD, "new": "four other words" });
    holder(&staff.world, &sessions[0].0).put("/v1/me/password", body).await.ok();
    for (session, phone) in &sessions {
        let cases = dead("C58", "before a new password", &staff.world, session, &phone["id"]);
        catalogue.run(&staff.world, cases).await;
    }
}

/// What two people with one token do, and which session must be dead afterwards.
async fn refreshed_by_two(catalogue: &mut Catalogue) {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let phone = device();
    let own = &phone["id"];
    let mut betrayed = 0;
    for (what, turns, seconds, presented, thief) in [
        ("used again after the grace", 1, 21, 0, false),
        ("used again a day later", 1, 86_400, 0, false),
        ("a grandparent in the grace", 2, 0, 0, false),
        ("a grandparent after the grace", 2, 21, 0, false),
        ("a great-grandparent in the grace", 3, 0, 0, false),
        ("a parent whose child was used, after the grace", 2, 21, 1, false),
        ("another device, unused", 0, 0, 0, true),
        ("another device in the grace", 1, 0, 0, true),
        ("another device after the grace", 1, 21, 0, true),
        ("another device with the newest", 2, 0, 2, true),
    ] {
        let family = family(&world, &wechat, &phone, turns).await;
        world.token_time_passes(seconds * 1000);
        let device = if thief { &json!(new_id()) } else { own };
        let case = refresh("C59", what, &world, &family[presented], device).writes(BETRAYAL);
        catalogue.run(&world, [case]).await;
        betrayed += 1;
        for session in &family {
            let what = format!("{what}, then any of the family");
            let cases = dead("C59", &what, &world, session, own);
            catalogue.run(&world, cases.into_iter().rev().take(1)).await;
            let case = Case::get("C59", what, &holder(&world, session), "/v1/me");
            catalogue.run(&world, [case.refused(401, "token_invalid")]).await;
        }
        let rows = "audit_events WHERE action = 'session.betrayed'";
        let told = world.count(rows).await == betrayed;
        catalogue.check("C59", &format!("{what}: the audit says so, once"), told);
        let open = world.count("sessions WHERE ended_at IS NULL").await;
        catalogue.check("C59", &format!("{what}: the session has ended"), open == 0);
    }
    // Both hands at once: whoever comes second, the family ends or one of them never had anything.
    let family = family(&world, &wechat, &phone, 0).await;
    let body =
        |device: Value| json!({ "refresh_token": family[0]["refresh_token"], "device": device });
    let nobody = world.anybody();
    let (mine, theirs) = (body(own.clone()), body(json!(new_id())));
    let (mine, theirs) =
        tokio::join!(nobody.send_json(REFRESH, &mine), nobody.send_json(REFRESH, &theirs));
    catalogue.check("C59", "two devices at once: the thief gets nothing", theirs.status == 401);
    let open = world.count("sessions WHERE ended_at IS NULL").await;
    catalogue.check("C59", "two devices at once: the session has ended", open == 0);
    let won = holder(&world, &mine.body).get("/v1/me").await.status == 200;
    catalogue.check("C59", "two devices at once: what was won is worth nothing", !won);
}

/// A session and what its refresh tokens bought in turn, the oldest first.
async fn family(world: &World, wechat: &FakeWeChat, phone: &Value, turns: usize) -> Vec<Value> {
    let mut family = vec![log_in(world, wechat, "openid-zhang", phone).await.ok()];
    for turn in 0..turns {
        let body = json!({ "refresh_token": family[turn]["refresh_token"], "device": phone["id"] });
        family.push(world.anybody().send_json(REFRESH, &body).await.ok());
    }
    family
}

/// What is no refresh token buys nothing, and ends nothing.
async fn odd_refresh_tokens(catalogue: &mut Catalogue) {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let phone = device();
    let session = log_in(&world, &wechat, "openid-zhang", &phone).await.ok();
    let other = log_in(&world, &wechat, "openid-wang", &device()).await.ok();
    let good = session["refresh_token"].as_str().expect("a token").to_owned();
    let access = session["access_token"].clone();
    let unknown = (401, "refresh_token_invalid");
    let (odd, malformed) = ((422, "invalid_field"), (400, "malformed_json"));
    let mut cases = Vec::new();
    for (what, token, (status, code)) in [
        ("an access token", access, odd),
        ("nothing", json!(""), odd),
        ("10 KB", json!("A".repeat(10 * 1024)), odd),
        ("101 letters", json!("A".repeat(101)), odd),
        ("a NUL in it", json!(format!("{good}\0")), malformed),
        ("null", json!(null), malformed),
        ("a number", json!(12_345_678), malformed),
        ("a list", json!([good]), malformed),
        ("an object", json!({ "$ne": "" }), malformed),
        ("made up", json!("A".repeat(43)), unknown),
        ("in capitals", json!(good.to_uppercase()), unknown),
        ("a space after it", json!(format!("{good} ")), unknown),
        ("padded", json!(format!("{good}=")), unknown),
        ("cut by one", json!(good.split_at(good.len() - 1).0), unknown),
        ("longer by one", json!(format!("{good}A")), unknown),
        ("SQL", json!("' OR '1'='1"), unknown),
        ("LIKE", json!("%"), unknown),
        ("Chinese", json!("刷新令牌"), unknown),
        ("its own digest", json!("0".repeat(64)), unknown),
    ] {
        let body = json!({ "refresh_token": token, "device": phone["id"] });
        let what = format!("as refresh token: {what}");
        cases.push(Case::post("C59", what, &world.anybody(), REFRESH, body).refused(status, code));
    }
    for (what, body, (status, code)) in [
        ("no device", json!({ "refresh_token": good }), malformed),
        ("an odd device", json!({ "refresh_token": good, "device": "phone" }), malformed),
        (
            "a device that is no UUIDv7",
            json!({ "refresh_token": good, "device": "00000000-0000-0000-0000-000000000000" }),
            odd,
        ),
        (
            "a session besides",
            json!({ "refresh_token": good, "device": phone["id"], "session": other["session"] }),
            (400, "unknown_field"),
        ),
        (
            "a lifetime besides",
            json!({ "refresh_token": good, "device": phone["id"], "expires_in": 9_999_999 }),
            (400, "unknown_field"),
        ),
        ("a list of bodies", json!([{ "refresh_token": good, "device": phone["id"] }]), malformed),
        ("nothing at all", json!(null), malformed),
    ] {
        let case =
            Case::post("C59", format!("refreshing with {what}"), &world.anybody(), REFRESH, body);
        cases.push(case.refused(status, code));
    }
    // C56: the one is not the other.
    for door in ["/v1/me", "/v1/me/devices", "/v1/me/export"] {
        let swapped = holder(&world, &json!({ "access_token": good }));
        let case =
            Case::get("C56", format!("a refresh token as access token at {door}"), &swapped, door);
        cases.push(case.refused(401, "token_invalid"));
    }
    catalogue.run(&world, cases).await;
    // Nothing of that was taken for a theft.
    let well = refresh("C59", "the good one still is one", &world, &session, &phone["id"]);
    let well = well.expecting(Expected::Taken(200)).writes(&["refresh_tokens", "sessions"]);
    catalogue.run(&world, [well]).await;
}
