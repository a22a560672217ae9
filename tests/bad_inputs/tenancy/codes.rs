//! C107: household codes of elsewhere, of yesterday and made up, and requests to be bound.
//!
//! A code on paper is used again and again, so "used twice" is accepted; it is replaced, not expired,
//! so a replaced one answers 404 like any unknown one where the page says 410.

use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected};
use crate::sessions::{device, holder, log_in};
use crate::support::{Actor, FAR, HERE, NEXT, World, at, grid_of, head_id, household_id, new_id};

/// So many wrong codes in a quarter of an hour.
const GUESSES: usize = 20;

pub async fn try_all(catalogue: &mut Catalogue) {
    wrong_codes(catalogue).await;
    guesses(catalogue).await;
    requests(catalogue).await;
    decisions(catalogue).await;
}

fn code_path(village: &str, number: usize) -> String {
    format!("/v1/villages/{village}/households/{}/code", household_id(village, number))
}

fn find(village: &str, code: &str) -> String {
    format!("/v1/villages/{village}/households?code={code}")
}

async fn code_of(world: &World, village: &str, number: usize) -> String {
    let shown = world.head(village, number).await.get(&code_path(village, number)).await.ok();
    shown["code"].as_str().expect("a code").to_owned()
}

async fn wrong_codes(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let clerk = world.official("clerk", HERE).await;
    let (here, next, far) = (
        code_of(&world, HERE, 1).await,
        code_of(&world, NEXT, 1).await,
        code_of(&world, FAR, 1).await,
    );
    let old = code_of(&world, HERE, 2).await;
    let renewal = format!("{}/renewal", code_path(HERE, 2));
    world.head(HERE, 2).await.post(&renewal, json!({})).await.ok();
    let digit = |at: usize| {
        let other = if here.as_bytes()[at] == b'A' { 'B' } else { 'A' };
        format!("{}{other}{}", here.split_at(at).0, here.split_at(at + 1).1)
    };
    let mut cases = vec![
        Case::get("C107", "control: a code", &clerk, &find(HERE, &here)),
        Case::get("C107", "the same code twice, as paper is used", &clerk, &find(HERE, &here)),
    ];
    for (what, code) in [
        ("of the next village", next.clone()),
        ("of another county", far),
        ("that was replaced", old),
        ("with another first letter", digit(3)),
        ("with another last letter", digit(here.len() - 1)),
        ("cut by one", here.split_at(here.len() - 1).0.to_owned()),
        ("longer by one", format!("{here}A")),
        ("without its prefix", here.trim_start_matches("JF-").to_owned()),
        ("with another prefix", here.replacen("JF", "FJ", 1)),
        ("twice in one", format!("{here}{here}")),
        ("two at once", format!("{here},{next}")),
        ("of nothing", String::new()),
        ("of spaces", "%20%20".to_owned()),
        ("of hyphens", "----".to_owned()),
        ("LIKE", "%25".to_owned()),
        ("any letter", "JF-____-____-____-____".to_owned()),
        ("SQL", "%27%20OR%20%271%27=%271".to_owned()),
        ("Chinese", "%E6%88%B7%E7%A0%81".to_owned()),
    ] {
        let case = Case::get("C107", format!("a code {what}"), &clerk, &find(HERE, &code));
        cases.push(case.refused(404, "not_found"));
    }
    for (what, query) in [
        ("with a NUL", format!("code={here}%00")),
        ("and another", format!("code={here}&code={next}")),
        ("and a number", format!("code={here}&number=1")),
        ("and a search", format!("code={here}&search=%E5%BC%A0")),
        ("and a village", format!("code={next}&village={NEXT}")),
    ] {
        let path = format!("/v1/villages/{HERE}/households?{query}");
        let case = Case::get("C107", format!("a code {what}"), &clerk, &path);
        cases.push(case.refused(400, "invalid_query"));
    }
    for (who, actor, status, code) in [
        ("the clerk of the next village", world.official("clerk", NEXT).await, 404, "not_found"),
        (
            "a grid worker elsewhere",
            world.official("grid_worker", &format!("{FAR}001")).await,
            404,
            "not_found",
        ),
        ("the family, for itself", world.head(HERE, 1).await, 403, "role_required"),
        ("a neighbour who picked it up", world.head(HERE, 2).await, 403, "role_required"),
        ("nobody", world.anybody(), 401, "token_missing"),
    ] {
        let case = Case::get("C107", format!("a good code by {who}"), &actor, &find(HERE, &here));
        cases.push(case.refused(status, code));
    }
    // The code of here, tried where it does not belong.
    let next_clerk = world.official("clerk", NEXT).await;
    let case =
        Case::get("C107", "a code of here in the next village", &next_clerk, &find(NEXT, &here));
    cases.push(case.refused(404, "not_found"));
    catalogue.run(&world, cases).await;
    let bodies = [next.as_str(), "JF-AAAA-AAAA-AAAA-AAAA"];
    let panel = world.official("panel", HERE).await;
    let mut seen = Vec::new();
    for code in bodies {
        let mut body = panel.get(&find(HERE, code)).await.body;
        body["instance"] = Value::Null;
        seen.push(body);
    }
    catalogue.check("C107", "a foreign code is told like a made-up one", seen[0] == seen[1]);
}

/// Guessing ends after twenty, also when all come at once; a thousand bring no more than twenty.
async fn guesses(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let clerk = world.official("clerk", HERE).await;
    let right = code_of(&world, HERE, 1).await;
    let paths: Vec<_> =
        (0..1_000).map(|number| find(HERE, &format!("JF-AAAA-AAAA-AAAA-{number:04}"))).collect();
    let mut statuses = Vec::new();
    for burst in paths.chunks(50) {
        let answers = futures::future::join_all(burst.iter().map(|path| clerk.get(path))).await;
        statuses.extend(answers.into_iter().map(|answer| answer.status));
    }
    let count = |status: u16| statuses.iter().filter(|it| **it == status).count();
    let looked_at = (count(404), count(429)) == (GUESSES, statuses.len() - GUESSES);
    catalogue.check("C107", "of 1 000 guesses, 50 at a time, 20 are looked at", looked_at);
    let locked = |what: &str, path: &str| {
        Case::get("C107", what.to_owned(), &clerk, path).refused(429, "too_many_tries")
    };
    let mut cases = vec![
        locked("the right code after guessing", &find(HERE, &right)),
        locked("a code of another village after guessing", &find(HERE, "JF-AAAA")),
    ];
    for header in ["X-Forwarded-For", "X-Real-IP", "Forwarded"] {
        let case = locked("the right code, from another address", &find(HERE, &right));
        cases.push(case.header(header, "203.0.113.7"));
    }
    // Another session of the same person is not another person.
    let again = world.official("clerk", HERE).await;
    let case =
        Case::get("C107", "the right code after logging in again", &again, &find(HERE, &right));
    cases.push(case.refused(429, "too_many_tries"));
    let other = world.official("clerk_2", HERE).await;
    cases.push(Case::get("C107", "control: a colleague", &other, &find(HERE, &right)));
    let list = format!("/v1/villages/{HERE}/grids");
    cases.push(Case::get("C107", "control: what needs no code", &clerk, &list));
    catalogue.run(&world, cases).await;
    world.travel(at("2024-08-21 08:15")).await;
    let case =
        Case::get("C107", "control: a quarter of an hour later", &clerk, &find(HERE, &right));
    catalogue.run(&world, [case]).await;
}

fn request(village: impl Into<Value>, number: impl Into<Value>) -> Value {
    json!({ "id": new_id(), "village": village.into(), "household_number": number.into(),
        "name": "王明娜" })
}

/// Who asks to be bound to what they may not be.
async fn requests(catalogue: &mut Catalogue) {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let session = log_in(&world, &wechat, "openid-wang", &device()).await.ok();
    let wang = holder(&world, &session);
    let path = "/v1/me/binding-requests";
    let (none, odd) = ((404, "not_found"), (422, "invalid_field"));
    let (malformed, field) = ((400, "malformed_json"), (400, "unknown_field"));
    let with = |name: &str, value: Value| {
        let mut body = request(HERE, 2);
        body[name] = value;
        body
    };
    let mut cases = Vec::new();
    for (what, body, (status, code)) in [
        ("a number that no door has", request(HERE, 999), none),
        ("a village that is not there", request("110101001001", 1), none),
        ("a village of zeros", request("000000000000", 1), none),
        ("number 0", request(HERE, 0), odd),
        ("number -1", request(HERE, -1), odd),
        ("a number of seven digits", request(HERE, 1_000_000), odd),
        ("a number beyond 64 bits", with("household_number", json!(u64::MAX)), malformed),
        ("a fraction", request(HERE, 1.5), malformed),
        ("a number as text", request(HERE, "2"), malformed),
        ("a township", request("460205100", 2), malformed),
        ("a grid", request(format!("{HERE}001"), 2), malformed),
        ("two villages", request(json!([HERE, NEXT]), 2), malformed),
        ("a village with SQL", request(format!("{HERE}' --"), 2), malformed),
        ("a household besides", with("household", json!(household_id(HERE, 2))), field),
        ("a member besides", with("member", json!(head_id(HERE, 2))), field),
        ("a status besides", with("status", json!("approved")), field),
        ("somebody else's account", with("account", json!(new_id())), field),
        ("a name of nothing", with("name", json!("")), odd),
        ("a name nobody can read", with("name", json!("\u{200b}\u{200b}")), odd),
        ("a name of 51 letters", with("name", json!("长".repeat(51))), odd),
        ("an id that is no UUIDv7", with("id", json!(uuid::Uuid::nil())), odd),
    ] {
        let case = Case::post("C107", format!("asking for {what}"), &wang, path, body);
        cases.push(case.refused(status, code));
    }
    for (who, actor, status, code) in [
        ("one who lives here", world.head(HERE, 1).await, 409, "already_bound"),
        ("one who lives elsewhere", world.head(NEXT, 1).await, 409, "already_bound"),
        ("an official", world.official("clerk", HERE).await, 409, "already_bound"),
        ("nobody", world.anybody(), 401, "token_missing"),
    ] {
        let case = Case::post("C107", format!("asking as {who}"), &actor, path, request(HERE, 2));
        cases.push(case.refused(status, code));
    }
    catalogue.run(&world, cases).await;
    let asked = request(HERE, 2);
    wang.post(path, asked.clone()).await.ok();
    let session = log_in(&world, &wechat, "openid-li", &device()).await.ok();
    let li = holder(&world, &session);
    let mut same = request(HERE, 3);
    same["id"] = asked["id"].clone();
    catalogue
        .run(
            &world,
            [
                Case::post("C107", "asking a second time", &wang, path, request(HERE, 2))
                    .refused(409, "request_waiting"),
                Case::post("C107", "asking elsewhere meanwhile", &wang, path, request(FAR, 2))
                    .refused(409, "request_waiting"),
                Case::post("C107", "another's id", &li, path, same).refused(409, "id_taken"),
            ],
        )
        .await;
}

/// Who decides on what is not theirs, or is decided.
async fn decisions(catalogue: &mut Catalogue) {
    let (world, wechat) = World::with_wechat(at("2024-08-21 08:00")).await;
    let newcomer =
        async |openid: &str| holder(&world, &log_in(&world, &wechat, openid, &device()).await.ok());
    let ask = async |who: &Actor, village: &str| {
        let asked = who.post("/v1/me/binding-requests", request(village, 2)).await.ok();
        asked["id"].as_str().expect("an id").to_owned()
    };
    let (wang, li, chen) =
        (newcomer("openid-wang").await, newcomer("openid-li").await, newcomer("openid-chen").await);
    let (here, next, far) = (ask(&wang, HERE).await, ask(&li, NEXT).await, ask(&chen, FAR).await);
    let path =
        |village: &str, id: &str| format!("/v1/villages/{village}/binding-requests/{id}/decision");
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    let township = world.official("township", "460205100").await;
    let approve = |member: Value| json!({ "decision": "approve", "member": member });
    let own = || approve(json!(head_id(HERE, 2)));
    let none = (404, "not_found");
    let mut cases = Vec::new();
    for (what, who, village, id, body, (status, code)) in [
        ("of the next village, there", &worker, NEXT, &next, own(), none),
        ("of the next village, under here", &worker, HERE, &next, own(), none),
        ("of another county, under here", &worker, HERE, &far, own(), none),
        ("of another county, by the township", &township, FAR, &far, own(), none),
        ("of another county, under here, by the township", &township, HERE, &far, own(), none),
        ("of here, under the next village", &township, NEXT, &here, own(), none),
        ("that is made up", &worker, HERE, &new_id().to_string(), own(), none),
        (
            "for a member of another household",
            &worker,
            HERE,
            &here,
            approve(json!(head_id(HERE, 3))),
            none,
        ),
        ("for a member elsewhere", &worker, HERE, &here, approve(json!(head_id(FAR, 2))), none),
        ("for nobody", &worker, HERE, &here, approve(json!(new_id())), none),
        (
            "without saying who",
            &worker,
            HERE,
            &here,
            json!({ "decision": "approve" }),
            (422, "invalid_field"),
        ),
        (
            "with another word",
            &worker,
            HERE,
            &here,
            json!({ "decision": "approved" }),
            (400, "malformed_json"),
        ),
        (
            "without a reason",
            &worker,
            HERE,
            &here,
            json!({ "decision": "refuse" }),
            (422, "reason_required"),
        ),
        ("by the one who asks", &wang, HERE, &here, own(), none),
        ("by another who asks", &li, HERE, &here, own(), none),
    ] {
        let case =
            Case::post("C107", format!("deciding on one {what}"), who, &path(village, id), body);
        cases.push(case.refused(status, code));
    }
    let (panel, head) = (world.official("panel", HERE).await, world.head(HERE, 2).await);
    let other = world.official("grid_worker", &format!("{HERE}002")).await;
    for (who, actor) in
        [("the panel", &panel), ("the head", &head), ("the other grid's worker", &other)]
    {
        let case = Case::post("C107", format!("{who} decides"), actor, &path(HERE, &here), own());
        cases.push(case.refused(403, "role_required"));
    }
    catalogue.run(&world, cases).await;
    // The member has never logged in: only then a colleague's word is enough.
    world.run("UPDATE accounts SET status = 'disabled' WHERE persona LIKE 'head %'").await;
    worker.post(&path(HERE, &here), own()).await.ok();
    let mut cases = Vec::new();
    for body in
        [own(), approve(json!(new_id())), json!({ "decision": "refuse", "reason": "查无此人" })]
    {
        for (who, actor) in [("the worker", &worker), ("the township", &township)] {
            let what = format!("{who} decides a second time");
            let case = Case::post("C107", what, actor, &path(HERE, &here), body.clone());
            cases.push(case.refused(409, "wrong_state"));
        }
    }
    let case =
        Case::get("C107", "control: bound to the household that was approved", &wang, "/v1/me");
    cases.push(case.expecting(Expected::Taken(200)));
    catalogue.run(&world, cases).await;
}
