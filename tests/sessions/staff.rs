use reqwest::Method;
use serde_json::{Value, json};
use totp_rs::Totp;

use super::{device, holder};
use crate::support::{Actor, Answer, HERE, World, at, new_id};

pub const PASSWORD: &str = "correct horse battery";

/// The township's official with a login, made by the county.
pub struct Staff {
    pub world: World,
    factor: Totp,
    township: Actor,
}

impl Staff {
    pub async fn enrolled() -> Self {
        let world = World::begins(at("2024-08-21 08:00")).await;
        let township = world.official("township", "460205100").await;
        let county = world.official("county", "460205").await;
        let body = json!({ "person": person(&township).await, "login": "fu.wenhai", "password": PASSWORD });
        let path = "/v1/regions/460205/staff-logins";
        let made = county.post_as("once", path, body.clone()).await.ok();
        // A lost answer shows the same second factor again; it is stored nowhere.
        let again = county.post_as("once", path, body).await;
        assert!(again.is_replay());
        assert_eq!(again.ok(), made);
        let url = made["otpauth_url"].as_str().expect("a URL");
        let secret = url.split("secret=").nth(1).and_then(|it| it.split('&').next());
        let stored = format!("idempotency_keys WHERE body LIKE '%{}%'", secret.expect("a secret"));
        assert_eq!(world.count(&stored).await, 0);
        let factor = Totp::from_url(url).expect("a second factor");
        Self { world, factor, township }
    }

    /// The code that the authenticator shows, `ms` from now.
    pub fn code(&self, ms: i64) -> String {
        let now = (self.world.app.token_clock.now().0 + ms) / 1000;
        self.factor.generate(u64::try_from(now).expect("a time")).to_string()
    }

    pub async fn log_in(&self, login: &str, password: &str, totp: &str) -> Answer {
        let body =
            json!({ "login": login, "password": password, "totp": totp, "device": device() });
        self.world.anybody().send_json("/v1/staff-sessions", &body).await
    }

    async fn next_step(&self) {
        self.world.token_time_passes(30_000);
    }
}

async fn person(actor: &Actor) -> Value {
    actor.get("/v1/me").await.ok()["person"].clone()
}

#[actix_web::test]
async fn an_official_logs_in_with_password_and_code_for_a_working_day() {
    let staff = Staff::enrolled().await;
    let session = staff.log_in("Fu.Wenhai", PASSWORD, &staff.code(0)).await.ok();
    let me = holder(&staff.world, &session).get("/v1/me").await.ok();
    assert_eq!(me["person"], person(&staff.township).await);
    assert_eq!(session["refresh_expires_in"], 12 * 3600);
    let hashed = "staff_logins WHERE password LIKE '$argon2id$%'";
    assert_eq!(staff.world.count(hashed).await, 1);
}

#[actix_web::test]
async fn a_code_is_taken_once_and_one_step_early_or_late_at_most() {
    let staff = Staff::enrolled().await;
    for (ms, taken) in [(-90_000, false), (-60_000, false), (60_000, false), (-30_000, true)] {
        let answer = staff.log_in("fu.wenhai", PASSWORD, &staff.code(ms)).await;
        if taken { drop(answer.ok()) } else { drop(answer.refused(401, "login_failed")) }
    }
    let code = staff.code(0);
    staff.log_in("fu.wenhai", PASSWORD, &code).await.ok();
    staff.log_in("fu.wenhai", PASSWORD, &code).await.refused(401, "login_failed");
    // An older one that was never used is gone with it.
    staff.log_in("fu.wenhai", PASSWORD, &staff.code(-30_000)).await.refused(401, "login_failed");
    staff.log_in("fu.wenhai", PASSWORD, &staff.code(30_000)).await.ok();
}

#[actix_web::test]
async fn the_same_code_at_once_opens_one_session() {
    let staff = Staff::enrolled().await;
    let code = staff.code(0);
    let tries = (0..4).map(|_| staff.log_in("fu.wenhai", PASSWORD, &code));
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(staff.world.count("sessions WHERE kind = 'staff'").await, 1);
}

#[actix_web::test]
async fn the_sixth_try_is_locked_for_a_quarter_of_an_hour_also_with_the_right_code() {
    let staff = Staff::enrolled().await;
    let tries = (0..12).map(|_| staff.log_in("fu.wenhai", PASSWORD, "000000"));
    let answers = futures::future::join_all(tries).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(401), count(429)), (5, 7));
    let locked = staff.log_in("fu.wenhai", PASSWORD, &staff.code(0)).await;
    assert_eq!(locked.header("retry-after"), Some("900"));
    locked.refused(429, "login_locked");
    // The name of nobody is locked in the same way; another name is not.
    for _ in 0..5 {
        staff.log_in("nobody", PASSWORD, "000000").await.refused(401, "login_failed");
    }
    staff.log_in("nobody", PASSWORD, "000000").await.refused(429, "login_locked");
    staff.log_in("somebody", PASSWORD, "000000").await.refused(401, "login_failed");
    staff.world.token_time_passes(15 * 60_000 - 1);
    staff.log_in("fu.wenhai", PASSWORD, &staff.code(0)).await.refused(429, "login_locked");
    staff.world.token_time_passes(1);
    staff.log_in("fu.wenhai", PASSWORD, &staff.code(0)).await.ok();
    // A success forgets the failures.
    for _ in 0..4 {
        staff
            .log_in("fu.wenhai", "wrong horse battery", "000000")
            .await
            .refused(401, "login_failed");
    }
    staff.next_step().await;
    staff.log_in("fu.wenhai", PASSWORD, &staff.code(0)).await.ok();
    assert_eq!(staff.world.count("staff_failures WHERE login = 'fu.wenhai'").await, 0);
}

/// C65: what is wrong does not show in the body. That it costs the same work stands in the catalogue.
#[actix_web::test]
async fn an_unknown_name_is_answered_like_a_wrong_password() {
    let staff = Staff::enrolled().await;
    let mut bodies = Vec::new();
    // Within the limit of five.
    for _ in 0..4 {
        for login in ["fu.wenhai", "nobody"] {
            let answer = staff.log_in(login, "wrong horse battery", "000000").await;
            let mut body = answer.refused(401, "login_failed");
            body["instance"] = Value::Null;
            bodies.push(body);
        }
    }
    assert!(bodies.iter().all(|body| body == &bodies[0]));
}

#[actix_web::test]
async fn a_new_password_ends_every_session_and_needs_the_present_one() {
    let staff = Staff::enrolled().await;
    let session = staff.log_in("fu.wenhai", PASSWORD, &staff.code(0)).await.ok();
    let official = holder(&staff.world, &session);
    let change = async |present: &str, new: &str| {
        official.put("/v1/me/password", json!({ "present": present, "new": new })).await
    };
    change("wrong horse battery", "four other words").await.refused(403, "password_wrong");
    change(PASSWORD, "short").await.refused(422, "invalid_field");
    assert_eq!(change(PASSWORD, "four other words").await.ok()["ended"], 1);
    official.get("/v1/me").await.refused(401, "token_invalid");
    staff.next_step().await;
    staff.log_in("fu.wenhai", PASSWORD, &staff.code(0)).await.refused(401, "login_failed");
    staff.log_in("fu.wenhai", "four other words", &staff.code(0)).await.ok();
    let villager = staff.world.head(HERE, 1).await;
    let refused =
        villager.put("/v1/me/password", json!({ "present": "x", "new": "four other words" }));
    refused.await.refused(403, "role_required");
}

#[actix_web::test]
async fn nobody_makes_a_login_for_themself_or_for_one_who_is_not_below_them() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let county = world.official("county", "460205").await;
    let panel = world.official("panel", HERE).await;
    let login =
        |person: Value| json!({ "person": person, "login": "some.body", "password": PASSWORD });
    let township_path = "/v1/regions/460205100/staff-logins";
    let county_path = "/v1/regions/460205/staff-logins";
    let own = login(person(&county).await);
    county.post(county_path, own.clone()).await.refused(403, "conflict_of_interest");
    // One who serves above does not serve here.
    township.post(township_path, own).await.refused(404, "not_found");
    let mate = login(person(&township).await);
    township.post(township_path, mate.clone()).await.refused(403, "conflict_of_interest");
    for path in ["/v1/regions/440783/staff-logins", "/v1/regions/46020510/staff-logins"] {
        let answer = county.post(path, mate.clone()).await;
        let bad = answer.status == 400;
        answer.refused(if bad { 400 } else { 404 }, if bad { "invalid_path" } else { "not_found" });
    }
    panel
        .post(&format!("/v1/regions/{HERE}/staff-logins"), mate)
        .await
        .refused(403, "role_required");
    for person in [json!(new_id()), person(&world.head(HERE, 1).await).await] {
        township.post(township_path, login(person)).await.refused(404, "not_found");
    }
    // Whoever made the login could log in as them: those who watch a village make their own.
    let weighs = login(person(&panel).await);
    for (official, path) in [(&township, township_path), (&county, county_path)] {
        official.post(path, weighs.clone()).await.refused(403, "role_required");
    }
    assert_eq!(world.count("staff_logins").await, 0);
    for odd in ["Fu", "FU.WENHAI", "符文海", "a b c"] {
        let mut body = login(person(&township).await);
        body["login"] = json!(odd);
        county.post(county_path, body).await.refused(422, "invalid_field");
    }
}

/// A lost authenticator is replaced: the old factor and every session by it are worth nothing.
#[actix_web::test]
async fn a_login_made_anew_has_a_new_second_factor() {
    let staff = Staff::enrolled().await;
    let session = staff.log_in("fu.wenhai", PASSWORD, &staff.code(0)).await.ok();
    let county = staff.world.official("county", "460205").await;
    let body = json!({ "person": person(&staff.township).await, "login": "fu.wenhai", "password": PASSWORD });
    let made = county.post("/v1/regions/460205/staff-logins", body.clone()).await.ok();
    holder(&staff.world, &session).get("/v1/me").await.refused(401, "token_invalid");
    staff.next_step().await;
    staff.log_in("fu.wenhai", PASSWORD, &staff.code(0)).await.refused(401, "login_failed");
    let factor = Totp::from_url(made["otpauth_url"].as_str().expect("a URL")).expect("a factor");
    let now = u64::try_from(staff.world.app.token_clock.now().seconds()).expect("a time");
    let code = factor.generate(now).to_string();
    staff.log_in("fu.wenhai", PASSWORD, &code).await.ok();
    let other = json!({ "login": "other.name", "person": body["person"], "password": PASSWORD });
    county.post("/v1/regions/460205/staff-logins", other).await.refused(409, "login_taken");
}

#[actix_web::test]
async fn the_officials_of_a_village_make_their_own_login() {
    let staff = Staff::enrolled().await;
    let panel = staff.world.official("panel", HERE).await;
    let own = json!({ "login": "wang.xiuying", "password": PASSWORD });
    let made = panel.post("/v1/me/staff-login", own.clone()).await.ok();
    let factor = Totp::from_url(made["otpauth_url"].as_str().expect("a URL")).expect("a factor");
    let now = u64::try_from(staff.world.app.token_clock.now().seconds()).expect("a time");
    let session =
        staff.log_in("wang.xiuying", PASSWORD, &factor.generate(now).to_string()).await.ok();
    let me = holder(&staff.world, &session).get("/v1/me").await.ok();
    assert_eq!(me["person"], person(&panel).await);
    // A villager has nothing to do there, and a township's login is made above it.
    for persona in [format!("head {HERE} 1"), "township 460205100".to_owned()] {
        let somebody = staff.world.persona(&persona).await;
        somebody.post("/v1/me/staff-login", own.clone()).await.refused(403, "role_required");
    }
    let other = staff.world.official("panel_2", HERE).await;
    other.post("/v1/me/staff-login", own).await.refused(409, "login_taken");
}

/// Many names from one address, and one name from many addresses, gain nothing either.
#[actix_web::test]
async fn guessing_is_bounded_for_an_address_and_for_a_name_as_well() {
    let staff = Staff::enrolled().await;
    let mut answers = Vec::new();
    for number in 0..52 {
        let name = format!("nobody.{number}");
        answers.push(staff.log_in(&name, PASSWORD, "000000").await.status);
    }
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 50);
    assert_eq!(answers.last(), Some(&429));
}

#[actix_web::test]
async fn a_staff_session_is_not_prolonged_by_refreshing() {
    let staff = Staff::enrolled().await;
    let phone = device();
    let body = json!({ "login": "fu.wenhai", "password": PASSWORD, "totp": staff.code(0), "device": phone });
    let mut held = staff.world.anybody().send_json("/v1/staff-sessions", &body).await.ok();
    for _ in 0..11 {
        staff.world.token_time_passes(3_600_000);
        let body = json!({ "refresh_token": held["refresh_token"], "device": phone["id"] });
        held = staff.world.anybody().send_json("/v1/sessions/refresh", &body).await.ok();
    }
    assert_eq!(held["refresh_expires_in"], 3600);
    staff.world.token_time_passes(3_600_000);
    let body = json!({ "refresh_token": held["refresh_token"], "device": phone["id"] });
    let answer = staff.world.anybody().send_json("/v1/sessions/refresh", &body).await;
    answer.refused(401, "refresh_token_invalid");
    let out = holder(&staff.world, &held).send(Method::GET, "/v1/me", |it| it).await;
    out.refused(401, "token_invalid");
}
