//! C64 and C65: officials' passwords and second factors.

use api::kernel::db;
use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected};
use crate::sessions::{PASSWORD, Staff, device};
use crate::support::canary;

const LOGIN: &str = "/v1/staff-sessions";
const NAME: &str = "fu.wenhai";
const WRONG: &str = "wrong horse battery";
/// A failure is counted, and nothing else.
const COUNTED: &[&str] = &["staff_failures"];
const LOCK_MS: i64 = 15 * 60_000;

pub async fn try_all(catalogue: &mut Catalogue) {
    second_factors(catalogue).await;
    malformed(catalogue).await;
    locks(catalogue).await;
    names_that_do_not_exist(catalogue).await;
}

fn login(
    row: &'static str,
    what: &str,
    staff: &Staff,
    name: &str,
    password: &str,
    totp: &str,
) -> Case {
    let body = json!({ "login": name, "password": password, "totp": totp, "device": device() });
    let case = Case::post(row, what, &staff.world.anybody(), LOGIN, body);
    case.refused(401, "login_failed").writes(COUNTED)
}

/// Codes of other times, used codes, and codes that only look like one.
async fn second_factors(catalogue: &mut Catalogue) {
    let staff = Staff::enrolled().await;
    // On the first second of a step what is 31 s old is two steps old.
    let into = staff.world.app.token_clock.now().0 % 30_000;
    staff.world.token_time_passes(30_000 - into);
    let code = staff.code(0);
    let wide = |code: &str| {
        let digit = |c: char| char::from_u32(u32::from(c) + 0xFEE0).unwrap_or(c);
        code.chars().map(digit).collect::<String>()
    };
    let mut tried: Vec<(String, String)> = Vec::new();
    for seconds in [31, 32, 45, 59, 60, 61, 75, 89, 90, 120, 3600, 86_400] {
        tried.push((format!("a code of {seconds} s ago"), staff.code(-seconds * 1000)));
        tried.push((format!("a code in {} s", seconds + 30), staff.code((seconds + 30) * 1000)));
    }
    tried.extend([
        ("full-width digits".to_owned(), wide(&code)),
        ("digits of another script".to_owned(), "٤٩٢٠٣٩".to_owned()),
        (
            "backwards and shifted".to_owned(),
            format!("{}{}", code.split_at(3).1, code.split_at(3).0),
        ),
        ("letters".to_owned(), "abcdef".to_owned()),
        ("spaces".to_owned(), "      ".to_owned()),
        ("a sign".to_owned(), "-12345".to_owned()),
        ("SQL".to_owned(), "' OR 1".to_owned()),
        ("zeros".to_owned(), "000000".to_owned()),
    ]);
    for (what, totp) in tried {
        if totp == code || totp == staff.code(-30_000) || totp == staff.code(30_000) {
            // One in a million: the same digits in another step.
            continue;
        }
        staff.world.token_time_passes(0);
        catalogue.run(&staff.world, [login("C64", &what, &staff, NAME, PASSWORD, &totp)]).await;
        // Each is looked at: none meets the lock of those before it.
        staff.world.run("DELETE FROM staff_failures").await;
    }
    let taken = |what: &str, totp: &str| {
        login("C64", what, &staff, NAME, PASSWORD, totp).expecting(Expected::Taken(201))
    };
    let again = |what: &str, totp: &str| login("C64", what, &staff, NAME, PASSWORD, totp);
    catalogue
        .run(
            &staff.world,
            [
                taken("control: the code of the step before", &staff.code(-30_000)),
                taken("control: the code of now", &code),
                again("the same code twice", &code),
                again("an older one after it", &staff.code(-30_000)),
                taken("control: the code of the next step", &staff.code(30_000)),
                again("that of now after the next", &code),
            ],
        )
        .await;
    staff.world.token_time_passes(30_000);
    catalogue.run(&staff.world, [again("the next one, once it is now", &staff.code(0))]).await;
    let open = staff.world.count("sessions WHERE kind = 'staff' AND ended_at IS NULL").await;
    catalogue.check("C64", "three codes opened three sessions", open == 3);
}

async fn malformed(catalogue: &mut Catalogue) {
    let staff = Staff::enrolled().await;
    let (odd, malformed) = ((422, "invalid_field"), (400, "malformed_json"));
    let good = staff.code(0);
    let table: Vec<(&str, &str, Value, (u16, &'static str))> = vec![
        ("totp", "of 5 digits", json!("12345"), odd),
        ("totp", "of 7 digits", json!("1234567"), odd),
        ("totp", "empty", json!(""), odd),
        ("totp", "with a space before", json!(format!(" {good}")), odd),
        ("totp", "with a line end", json!(format!("{good}\n")), odd),
        ("totp", "of 10 KB", json!("1".repeat(10_240)), odd),
        ("totp", "as a number", json!(123_456), malformed),
        ("totp", "null", json!(null), malformed),
        ("totp", "a list", json!([good]), malformed),
        ("totp", "with a NUL", json!("12345\0"), malformed),
        ("password", "empty", json!(""), odd),
        ("password", "of 129 letters", json!("x".repeat(129)), odd),
        ("password", "of 100 KB", json!("x".repeat(102_400)), odd),
        ("password", "as a number", json!(12_345_678), malformed),
        ("password", "null", json!(null), malformed),
        ("password", "true", json!(true), malformed),
        ("password", "an object", json!({ "$ne": "" }), malformed),
        ("password", "with a NUL", json!(format!("{PASSWORD}\0")), malformed),
        ("login", "empty", json!(""), odd),
        ("login", "of 61 letters", json!("x".repeat(61)), odd),
        ("login", "null", json!(null), malformed),
        ("login", "a list", json!([NAME]), malformed),
        ("login", "with a NUL", json!(format!("{NAME}\0")), malformed),
        ("device", "null", json!(null), malformed),
        ("role", "besides", json!("county"), (400, "unknown_field")),
        ("trusted", "besides", json!(true), (400, "unknown_field")),
        ("otp_verified", "besides", json!(true), (400, "unknown_field")),
    ];
    let mut cases = Vec::new();
    for (field, what, value, (status, code)) in table {
        let mut body =
            json!({ "login": NAME, "password": PASSWORD, "totp": good, "device": device() });
        body[field] = value;
        let case =
            Case::post("C64", format!("{field} {what}"), &staff.world.anybody(), LOGIN, body);
        cases.push(case.refused(status, code));
    }
    catalogue.run(&staff.world, cases).await;
    let counted = staff.world.count("staff_failures").await;
    catalogue.check("C64", "what is no login is not counted as a failure", counted == 0);
    // Names that a careless comparison would take for the same.
    for (what, name) in [
        ("a space after it", "fu.wenhai "),
        ("a space before it", " fu.wenhai"),
        ("LIKE", "fu%"),
        ("one letter of any kind", "fu_wenhai"),
        ("SQL", "fu.wenhai' --"),
        ("a zero-width letter", "fu.wen\u{200b}hai"),
        ("Cyrillic", "fu.wеnhai"),
        ("full-width letters", "ｆｕ.wenhai"),
    ] {
        let case = login("C64", &format!("a name with {what}"), &staff, name, PASSWORD, &good);
        catalogue.run(&staff.world, [case]).await;
    }
}

/// Five failures, then nothing for a quarter of an hour, also not the right code.
async fn locks(catalogue: &mut Catalogue) {
    let staff = Staff::enrolled().await;
    let wrong = |what: String| login("C64", &what, &staff, NAME, PASSWORD, "000000");
    for attempt in 1..=5 {
        catalogue.run(&staff.world, [wrong(format!("wrong code {attempt}"))]).await;
    }
    let locked = |case: Case| case.refused(429, "login_locked").writes(&[]);
    let right =
        || login("C64", "the right code while locked", &staff, NAME, PASSWORD, &staff.code(0));
    catalogue.run(&staff.world, [locked(wrong("wrong code 6".to_owned())), locked(right())]).await;
    for (header, value) in [
        ("X-Forwarded-For", "203.0.113.7"),
        ("X-Real-IP", "203.0.113.8"),
        ("Forwarded", "for=203.0.113.9"),
        ("True-Client-IP", "203.0.113.10"),
        ("X-Client-IP", "127.0.0.1"),
    ] {
        let case = wrong(format!("locked, and {header} says another address"));
        catalogue.run(&staff.world, [locked(case.header(header, value))]).await;
    }
    for name in ["FU.WENHAI", "Fu.Wenhai"] {
        let case =
            login("C64", "locked, and the name in capitals", &staff, name, PASSWORD, "000000");
        catalogue.run(&staff.world, [locked(case)]).await;
    }
    staff.world.token_time_passes(LOCK_MS - 1);
    catalogue.run(&staff.world, [locked(right())]).await;
    staff.world.token_time_passes(1);
    let case =
        login("C64", "control: after a quarter of an hour", &staff, NAME, PASSWORD, &staff.code(0));
    catalogue.run(&staff.world, [case.expecting(Expected::Taken(201))]).await;
}

/// C65: what is wrong shows neither in the answer nor in the time.
async fn names_that_do_not_exist(catalogue: &mut Catalogue) {
    let staff = Staff::enrolled().await;
    let good = staff.code(0);
    let reference = staff.log_in("nobody", WRONG, "000000").await;
    let shape = |answer: &crate::support::Answer| {
        let mut body = answer.body.clone();
        body["instance"] = Value::Null;
        let names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        (answer.status, body, names)
    };
    for (what, name, password, totp) in [
        ("a name that exists, wrong password", NAME, WRONG, "000000"),
        ("a name that exists, wrong password, right code", NAME, WRONG, good.as_str()),
        ("a name that exists, right password, wrong code", NAME, PASSWORD, "000000"),
        ("another name that does not", "county.admin", WRONG, "000000"),
        ("a name that cannot be", "符文海", WRONG, "000000"),
        ("a villager's name", "张守勤", PASSWORD, "000000"),
    ] {
        let answer = staff.log_in(name, password, totp).await;
        catalogue.check(
            "C65",
            &format!("{what}: the same answer"),
            shape(&answer) == shape(&reference),
        );
        let case = login("C65", what, &staff, name, password, totp);
        catalogue.run(&staff.world, [case]).await;
        staff.world.run("DELETE FROM staff_failures").await;
    }
    staff
        .world
        .run("UPDATE accounts SET status = 'disabled' WHERE id IN (SELECT account FROM staff_logins)")
        .await;
    let answer = staff.log_in(NAME, PASSWORD, &good).await;
    let same = shape(&answer) == shape(&reference);
    catalogue.check("C65", "a disabled account with everything right: the same answer", same);
    staff
        .world
        .run("UPDATE accounts SET status = 'active' WHERE id IN (SELECT account FROM staff_logins)")
        .await;
    // The time is that of the work, and a machine with other work tells no more than the work itself.
    let known = work_of_login(&staff, NAME).await;
    let unknown = work_of_login(&staff, "nobody").await;
    catalogue.check("C65", "as many statements", known.0 > 0 && known.0 == unknown.0);
    let same = known.1.len() == 1 && known.1 == unknown.1;
    catalogue.check("C65", "one hash of the same cost", same);
}

/// What a wrong password costs: statements, and the cost of each hash that was computed.
async fn work_of_login(staff: &Staff, name: &str) -> (u64, Vec<String>) {
    canary::with(|seen| seen.log.clear());
    let before = db::statements();
    staff.log_in(name, WRONG, "000000").await;
    let statements = db::statements() - before;
    staff.world.run("DELETE FROM staff_failures").await;
    let log = canary::with(|seen| String::from_utf8_lossy(&seen.log).into_owned());
    let cost = |line: &str| line.split_once("compared a password cost=").map(|it| it.1.to_owned());
    (statements, log.lines().filter_map(cost).collect())
}
