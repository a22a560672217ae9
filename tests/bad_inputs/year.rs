//! What concerns the year: objections to its ranking, awards, dividends, vetoes and honours, by everybody who
//! may not and with what they do not take (rows C16, C23, C34, C35, C40, C88, C91, C101 and C109).

use reqwest::Method;
use serde_json::{Value, json};

use super::{Case, Catalogue, Sent};
use crate::rankings::year::{ten_families, village};
use crate::support::{Actor, HERE, NEXT, World, at, household_id, new_id};

const BLANK: &[&str] = &[" ", "\u{200b}\u{200c}", "\u{3000}", "\r\n", "\u{202e}"];

struct People {
    zhang: Actor,
    committee: Actor,
    township: Actor,
    county: Actor,
    clerk: Actor,
    panel: Actor,
    next: Actor,
}

impl People {
    async fn of(world: &World) -> Self {
        Self {
            zhang: world.head(HERE, 1).await,
            committee: world.official("committee", HERE).await,
            township: world.official("township", "460205100").await,
            county: world.official("county", "460205").await,
            clerk: world.official("clerk", HERE).await,
            panel: world.official("panel", HERE).await,
            next: world.official("committee", NEXT).await,
        }
    }
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

fn dividend() -> Value {
    json!({ "id": new_id(), "year": 2023, "pool_fen": 100, "note": "决议" })
}

fn veto() -> Value {
    json!({ "id": new_id(), "household": household_id(HERE, 1), "year": 2024,
            "ground": "gambling", "reason": "赌博", "reference": "12号" })
}

fn honour() -> Value {
    json!({ "id": new_id(), "household": household_id(HERE, 1),
            "item": "honour.clean_household", "period": "2023-12", "reason": "整洁" })
}

#[actix_web::test]
async fn nothing_of_the_year_is_moved_but_by_the_rules() {
    let world = ten_families().await;
    world.travel(at("2024-01-15 09:00")).await;
    for place in [HERE, NEXT, "440783107201"] {
        let place = place.parse().expect("a village");
        api::calendar::settle_village(&world.app, &place).await.expect("it settles");
    }
    let now = world.app.clock.now();
    api::kernel::idempotency::sweep(&world.app.db, now).await.expect("they go");
    let people = People::of(&world).await;
    let mut catalogue = Catalogue::of("the year");
    catalogue.run(&world, roles(&people)).await;
    catalogue.run(&world, fields(&people)).await;
    catalogue.run(&world, unknown(&people)).await;
    catalogue.run(&world, reads(&people)).await;
    catalogue.report();
    world.verified().await;
}

fn roles(people: &People) -> Vec<Case> {
    let People { zhang, township, county, clerk, panel, next, .. } = people;
    let mut cases = Vec::new();
    for (path, body) in [("/dividends", dividend()), ("/vetoes", veto()), ("/honours", honour())] {
        let path = village(path);
        for who in [zhang, township, county, clerk, panel] {
            let case = Case::post("C101", format!("{path} by another"), who, &path, body.clone());
            cases.push(case.refused(403, "role_required"));
        }
        let case = Case::post("C101", format!("{path} from next door"), next, &path, body);
        cases.push(case.refused(404, "not_found"));
    }
    let late = json!({ "id": new_id(), "reason": "名次不对" });
    let objections = village("/rankings/2023/objections");
    let case = Case::post("C40", "to a final ranking", zhang, &objections, late.clone());
    cases.push(case.refused(409, "list_not_open"));
    let coming = village("/rankings/2024/objections");
    let case = Case::post("C40", "to a year that is not over", zhang, &coming, late.clone());
    cases.push(case.refused(409, "list_not_open"));
    let case = Case::post("C40", "by one who lives elsewhere", panel, &objections, late);
    cases.push(case.refused(403, "role_required"));
    let extension = village("/rankings/2023/extension");
    let longer = || json!({ "weeks": 2, "reason": "停电" });
    let case = Case::post("C121", "a final ranking for longer", township, &extension, longer());
    cases.push(case.refused(409, "list_not_open"));
    for who in [zhang, clerk, panel] {
        let case = Case::post("C121", "a ranking for longer by another", who, &extension, longer());
        cases.push(case.refused(403, "role_required"));
    }
    for (name, value, status, code) in [
        ("weeks", json!(0), 422, "invalid_field"),
        ("weeks", json!(5), 422, "invalid_field"),
        ("weeks", json!(1.5), 400, "malformed_json"),
        ("reason", json!(""), 422, "invalid_field"),
        ("reason", json!(" "), 422, "reason_required"),
        ("until", json!(1), 400, "unknown_field"),
    ] {
        let body = with(longer(), name, value);
        let case = Case::post("C121", format!("longer: {body}"), township, &extension, body);
        cases.push(case.refused(status, code));
    }
    cases
}

fn fields(people: &People) -> Vec<Case> {
    let committee = &people.committee;
    let mut cases = Vec::new();
    for pool in [json!(0), json!(-1), json!(1_000_000_000_001_i64)] {
        let body = with(dividend(), "pool_fen", pool);
        let case = Case::post("C23", "an odd pool", committee, &village("/dividends"), body);
        cases.push(case.refused(422, "invalid_field"));
    }
    for pool in [json!(1.5), json!("3"), json!(null), json!(1e30)] {
        let body = with(dividend(), "pool_fen", pool);
        let case = Case::post("C23", "no number of fen", committee, &village("/dividends"), body);
        cases.push(case.refused(400, "malformed_json"));
    }
    for year in [json!(1999), json!(2200), json!("2023"), json!(2023.5)] {
        for (path, body) in [("/dividends", dividend()), ("/vetoes", veto())] {
            let body = with(body, "year", year.clone());
            let case =
                Case::post("C92", format!("{path} of {year}"), committee, &village(path), body);
            cases.push(case.refused(400, "malformed_json"));
        }
    }
    let case = |what: &str, path: &str, body: Value| {
        Case::post("C34", what.to_owned(), committee, &village(path), body)
    };
    for (path, body, name) in [
        ("/dividends", dividend(), "note"),
        ("/vetoes", veto(), "reason"),
        ("/vetoes", veto(), "reference"),
        ("/honours", honour(), "reason"),
    ] {
        for blank in BLANK {
            let body = with(body.clone(), name, json!(blank));
            let tried =
                Case::post("C35", format!("{path} {name}"), committee, &village(path), body);
            cases.push(tried.refused(422, "reason_required"));
        }
        let long = with(body, name, json!("字".repeat(501)));
        cases.push(case("too long", path, long).refused(422, "invalid_field"));
    }
    for (path, body) in [("/dividends", dividend()), ("/vetoes", veto()), ("/honours", honour())] {
        for name in ["status", "decided_by", "plaque", "proposed_by", "points"] {
            let body = with(body.clone(), name, json!(1));
            cases.push(case(name, path, body).refused(400, "unknown_field"));
        }
        let nil = with(body.clone(), "id", json!("00000000-0000-0000-0000-000000000000"));
        cases.push(case("a nil id", path, nil).refused(422, "invalid_field"));
    }
    let future = with(veto(), "year", json!(2025));
    cases.push(case("a year to come", "/vetoes", future).refused(422, "invalid_field"));
    let over = with(veto(), "year", json!(2023));
    cases.push(case("a final year", "/vetoes", over).refused(409, "wrong_state"));
    let open = with(dividend(), "year", json!(2024));
    cases.push(case("not final", "/dividends", open).refused(409, "ranking_not_final"));
    for (name, value, code) in [
        ("item", json!("goods.soap"), (422, "invalid_field")),
        ("item", json!("honour.none"), (422, "invalid_field")),
        ("period", json!("2023"), (422, "invalid_field")),
        ("period", json!("2023-Q4"), (422, "invalid_field")),
        ("period", json!("2024-02"), (422, "invalid_field")),
        ("period", json!("2024-13"), (400, "malformed_json")),
        ("household", json!(new_id()), (404, "not_found")),
        ("household", json!(household_id(NEXT, 1)), (404, "not_found")),
    ] {
        let body = with(honour(), name, value);
        cases.push(case(name, "/honours", body).refused(code.0, code.1));
    }
    cases.extend(schemes(people));
    cases
}

/// What a year awards, set too late or oddly.
fn schemes(people: &People) -> Vec<Case> {
    let item = json!({ "item": "a", "name_zh": "奖品", "name_en": "Prize", "rank_from": 1,
        "rank_to": 2, "value_fen": 1, "funding": "donation" });
    let put = |what: &str, year: &str, tag: Option<&str>, items: Value| {
        let get =
            Case::get("C91", what, &people.township, &village(&format!("/award-scheme/{year}")));
        let headers = tag.map(|tag| ("If-Match", tag.as_bytes().to_vec())).into_iter().collect();
        let sent = Sent::Json(json!({ "items": items }));
        Case { method: Method::PUT, headers, sent, ..get }
    };
    let one = json!([item]);
    let odd = |name: &str, value: Value| json!([with(item.clone(), name, value)]);
    let mut cases = vec![
        put("a year that is over", "2023", Some("\"1\""), one.clone()).refused(409, "wrong_state"),
        put("an old version", "2024", Some("\"7\""), one.clone())
            .refused(412, "precondition_failed"),
        put("no version", "2024", None, one.clone()).refused(428, "precondition_required"),
        put("no year", "2024-08", Some("*"), one).refused(400, "invalid_path"),
        put("twice the same places", "2024", Some("*"), json!([item, item]))
            .refused(422, "invalid_field"),
    ];
    for (name, value) in [
        ("rank_from", json!(3)),
        ("rank_from", json!(0)),
        ("rank_to", json!(1001)),
        ("value_fen", json!(-1)),
        ("funding", json!("magic")),
        ("item", json!("a b")),
        ("name_zh", json!("\u{200b}")),
    ] {
        let what = format!("{name} {value}");
        cases.push(put(&what, "2024", Some("*"), odd(name, value)).refused(422, "invalid_field"));
    }
    cases
}

/// Decisions and collections of what is not there.
fn unknown(people: &People) -> Vec<Case> {
    let People { zhang, committee, township, clerk, .. } = people;
    let approve = || json!({ "decision": "approve", "reason": "好" });
    let mut cases = Vec::new();
    let acts = |id: &str| {
        [
            (committee, format!("/dividends/{id}/decision"), approve()),
            (committee, format!("/vetoes/{id}/decision"), approve()),
            (zhang, format!("/vetoes/{id}/statement"), json!({ "text": "有话" })),
            (committee, format!("/honours/{id}/decision"), approve()),
            (
                committee,
                format!("/honours/{id}/withdrawal"),
                json!({ "reason": "杂物", "plaque_returned": false }),
            ),
            (clerk, format!("/awards/{id}/collection"), json!({ "pickup_code": "000000" })),
            (
                township,
                format!("/rankings/2023/objections/{id}/decision"),
                json!({ "decision": "dismissed", "reason": "无误" }),
            ),
        ]
    };
    for (who, path, body) in acts(&new_id().to_string()) {
        let case = Case::post("C16", path.clone(), who, &village(&path), body.clone());
        cases.push(case.refused(404, "not_found"));
        let extra = with(body, "status", json!("approved"));
        let case = Case::post("C34", path.clone(), who, &village(&path), extra);
        cases.push(case.refused(400, "unknown_field"));
    }
    for id in ["1", "00000000-0000-0000-0000-000000000000", "x".repeat(2000).as_str()] {
        for (who, path, body) in acts(id) {
            let what = path.chars().take(60).collect::<String>();
            let case = Case::post("C16", what, who, &village(&path), body);
            cases.push(case.refused(400, "invalid_path"));
        }
    }
    let award = village(&format!("/awards/{}/collection", new_id()));
    for body in [
        json!({}),
        json!({ "pickup_code": "12345" }),
        json!({ "pickup_code": "123456", "bearer": new_id() }),
        json!({ "household_code": "JF-AAAA" }),
        json!({ "bearer": new_id() }),
    ] {
        let case = Case::post("C88", body.to_string(), clerk, &award, body);
        cases.push(case.refused(422, "invalid_field"));
    }
    cases
}

fn reads(people: &People) -> Vec<Case> {
    let nobody = Actor { token: None, ..people.zhang.clone() };
    let mut cases = Vec::new();
    for query in ["?year=abc", "?year=1999", "?kind=none", "?limit=0", "?limit=101", "?sort=name"] {
        let case = Case::get("C109", query, &nobody, &village(&format!("/awards{query}")));
        cases.push(case.refused(400, "invalid_query"));
    }
    let case = Case::get("C109", "a made-up cursor", &nobody, &village("/awards?cursor=x"));
    cases.push(case.refused(400, "invalid_cursor"));
    let household = format!("/awards?household={}", household_id(HERE, 2));
    let case = Case::get("C20", "another household's awards", &people.zhang, &village(&household));
    cases.push(case.refused(403, "other_household"));
    for query in ["?limit=0", "?village=a", "?item=a&item=b"] {
        let path = format!("/v1/regions/{HERE}/honours{query}");
        cases.push(Case::get("C109", query, &nobody, &path).refused(400, "invalid_query"));
    }
    cases
}
