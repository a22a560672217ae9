//! No list asks the database once for every row: each is read short and long, with as many statements.

use std::collections::BTreeMap;

use api::identity::{self, NewOfficial};
use api::kernel::db;
use api::{regions, rules};
use sea_orm::Value as Sql;
use serde_json::{Value, json};

use crate::support::{
    Actor, HERE, NEXT, World, at, claim, contract, grid_of, head_id, household_id, new_id,
};

/// Who asks for what.
type Request = (&'static str, String);

/// A list of the contract, read short and long.
pub struct Row {
    pub id: &'static str,
    short: Request,
    pub long: Request,
}

/// A list in pages: one item, and as many as there are.
fn paged(id: &'static str, who: &'static str, path: &str) -> Row {
    let sign = if path.contains('?') { '&' } else { '?' };
    let path = path.replace("{V}", &format!("/v1/villages/{HERE}"));
    Row {
        id,
        short: (who, format!("{path}{sign}limit=1")),
        long: (who, format!("{path}{sign}limit=100")),
    }
}

/// A list that has no pages, of something small and of something large.
fn whole(id: &'static str, short: (&'static str, &str), long: (&'static str, &str)) -> Row {
    let village = |path: &str| {
        let path = path.replace("{V}", &format!("/v1/villages/{HERE}"));
        path.replace("{N}", &format!("/v1/villages/{NEXT}"))
    };
    Row { id, short: (short.0, village(short.1)), long: (long.0, village(long.1)) }
}

pub fn rows() -> Vec<Row> {
    let household = format!("{{V}}/households/{}", household_id(HERE, 1));
    let assignments = format!("{{V}}/grids/{}/assignments", grid_of(HERE, 1));
    let queue = |number| format!("/v1/regions/{}/review-queue", grid_of(HERE, number));
    let board = |region: &str| format!("/v1/regions/{region}/rankings/2024-Q3");
    let personas = ("", "/sandbox/personas");
    let sets = format!("/v1/regions/{NEXT}/rule-sets");
    vec![
        whole("rankings_show", ("", &board(NEXT)), ("", &board(HERE))),
        whole(
            "statistics_show_trend",
            ("", "/v1/regions/460205/statistics/trend?from=2024-08&to=2024-08&by=month"),
            ("", "/v1/regions/460205/statistics/trend?from=2024-08&to=2024-10&by=week"),
        ),
        paged("statistics_compare_villages", "", "/v1/regions/460205/statistics/villages"),
        paged("rankings_list_objections", "township", "{V}/rankings/2023/objections"),
        whole("award_schemes_show", ("", "{N}/award-scheme/2024"), ("", "{V}/award-scheme/2023")),
        paged("awards_list", "", "{V}/awards"),
        paged("dividends_list", "head 1", "{V}/dividends"),
        paged("vetoes_list", "committee", "{V}/vetoes"),
        paged("honours_list", "panel", "{V}/honours"),
        paged("honours_list_red", "", &format!("/v1/regions/{HERE}/honours")),
        whole("review_queue_show", ("worker 9", &queue(9)), ("worker 1", &queue(1))),
        whole("prizes_list", ("", "{N}/prizes"), ("", "{V}/prizes")),
        whole("rules_list", ("", "{N}/rules"), ("", "{V}/rules")),
        whole(
            "regions_list",
            ("", "/v1/regions?parent=460205"),
            ("", "/v1/regions?parent=460205100"),
        ),
        whole("grids_list", ("township", "{N}/grids"), ("township", "{V}/grids")),
        whole(
            "me_list_binding_requests",
            ("head 2", "/v1/me/binding-requests"),
            ("head 1", "/v1/me/binding-requests"),
        ),
        whole("sessions_list_devices", ("head 2", "/v1/me/devices"), ("head 3", "/v1/me/devices")),
        whole("sandbox_list_personas", personas, personas),
        paged("rule_sets_list", "", &sets),
        whole(
            "rule_sets_show",
            ("", &format!("{sets}/{}", SETS[0])),
            ("", &format!("{sets}/{}", SETS[2])),
        ),
        whole(
            "rule_sets_compare",
            ("", &format!("{sets}/{}/difference?from={}", SETS[1], SETS[0])),
            ("", &format!("{sets}/{}/difference?from={}", SETS[2], SETS[0])),
        ),
        paged("suggestions_list", "committee", "{V}/suggestions"),
        paged("claims_list", "panel", "{V}/claims"),
        paged("changes_list", "committee", &format!("{{V}}/changes?grid={}", grid_of(HERE, 1))),
        whole(
            "claims_list_hearing",
            ("panel", &format!("{{V}}/claims/{}/hearing", DEEDS[0])),
            ("panel", &format!("{{V}}/claims/{}/hearing", DEEDS[1])),
        ),
        paged(
            "warnings_list",
            "panel",
            &format!("{{V}}/warnings?household={}", household_id(HERE, 1)),
        ),
        paged("samples_list", "county", &format!("/v1/regions/{HERE}/samples")),
        paged("register_list", "county", &format!("/v1/regions/{HERE}/register")),
        paged("redemptions_list", "panel", "{V}/redemptions"),
        paged("catalogue_list", "", "/v1/regions/460205100/prizes"),
        paged("stock_moves_list", "clerk", "{V}/stock-moves"),
        whole("stock_show", ("county", "{N}/stock"), ("county", "{V}/stock")),
        paged("liability_show", "county", "/v1/regions/460205/liability"),
        whole("budgets_list", ("county", "{N}/budgets/2024-Q3"), ("county", "{V}/budgets/2024-Q3")),
        whole(
            "redemption_windows_list",
            ("", "{N}/redemption-windows"),
            ("", "{V}/redemption-windows"),
        ),
        paged("public_lists_list_lines", "", "{V}/public-lists/2024-08/lines"),
        paged("public_lists_list_households", "", "{V}/public-lists/2024-08/households"),
        paged("reversals_list", "committee", "{V}/reversals"),
        paged("corrections_list", "committee", "{V}/public-lists/2024-08/corrections"),
        paged("adjustments_list", "committee", "{V}/adjustments"),
        paged("objections_list", "committee", "{V}/objections"),
        paged("households_list", "panel", "{V}/households"),
        paged("households_list_entries", "panel", &format!("{household}/entries")),
        paged("households_list_consents", "panel", &format!("{household}/consents")),
        paged("me_list_inbox", "head 1", "/v1/me/inbox"),
        paged("grants_list", "county", &format!("/v1/regions/{HERE}/grants")),
        paged("committees_list", "county", &format!("/v1/regions/{HERE}/committees")),
        paged("kin_list", "committee", "{V}/kin?confirmed=false"),
        paged("grids_list_assignments", "panel", &assignments),
        paged("binding_requests_list", "township", "{V}/binding-requests"),
    ]
}

pub async fn actor(world: &World, who: &str) -> Actor {
    match who.split_once(' ') {
        Some(("head", number)) => world.head(HERE, number.parse().expect("a number")).await,
        Some((_, number)) => {
            let grid = grid_of(HERE, number.parse().expect("a number"));
            world.official("grid_worker", &grid).await
        }
        None if who.is_empty() => world.anybody(),
        None if who == "township" => world.official(who, "460205100").await,
        None if who == "county" => world.official(who, "460205").await,
        None => world.official(who, HERE).await,
    }
}

async fn run(world: &World, sql: &str, values: &[Sql]) {
    let done = world.app.db.write(async |tx| Ok(db::run(tx, sql, values.to_vec()).await?)).await;
    assert!(done.expect("the statement runs") > 0, "{sql}");
}

/// Three versions of a village's rules, each longer than the one before.
pub const SETS: [&str; 3] = [
    "0192f0c1-7a52-7c3e-9c58-000000000011",
    "0192f0c1-7a52-7c3e-9c58-000000000012",
    "0192f0c1-7a52-7c3e-9c58-000000000013",
];

/// Two claims of which little and much was said.
pub const DEEDS: [&str; 2] =
    ["0192f0c1-7a52-7c3e-9c58-000000000001", "0192f0c1-7a52-7c3e-9c58-000000000002"];

/// What is said, warned of, drawn and put on the register.
async fn grow_oversight(world: &World) {
    for (id, (number, words)) in DEEDS.iter().zip([(4, 1), (5, 3)]) {
        let mut deed = claim(
            number,
            "ent.coop",
            json!({
                "occurred_on": "2024-10-07",
                "evidence": [{ "kind": "certificate", "reference": "入社证" }],
            }),
        );
        deed["id"] = json!(id);
        let claims = format!("/v1/villages/{HERE}/claims");
        world.head(HERE, number).await.post(&claims, deed).await.ok();
        for _ in 0..words {
            let sql = "INSERT INTO hearings (village, claim, id, round, act, text, recorded_by, at) \
                       SELECT village, id, $2, 1, 'statement', '有话', filed_by, 0 FROM claims \
                       WHERE village = $1 AND household = $3 AND rule = 'ent.coop'";
            run(world, sql, &[HERE.into(), new_id().into(), household_id(HERE, number).into()])
                .await;
        }
    }
    for _ in 0..3 {
        let (id, household) = (Sql::from(new_id()), Sql::from(household_id(HERE, 1)));
        let sql = "INSERT INTO warnings (village, id, household, rule, occurred_on, note, \
                   given_by, at) VALUES ($1, $2, $3, 'env.pile_deduct', '2024-10-01', '请清理', $3, 0)";
        run(world, sql, &[HERE.into(), id.clone(), household]).await;
        let sql = "INSERT INTO register_entries (village, id, kind, subject, note, at) \
                   VALUES ($1, $2, 'repudiation', 'x', '没有人问过', 0)";
        run(world, sql, &[HERE.into(), id]).await;
    }
    for number in [1, 2] {
        let suggestion = json!({ "id": new_id(), "text": "晒谷场管护也应加分" });
        let suggestions = format!("/v1/villages/{HERE}/suggestions");
        world.head(HERE, number).await.post(&suggestions, suggestion).await.ok();
    }
    for number in [1, 2] {
        let lines =
            json!([{ "id": new_id(), "number": number, "points": 1, "reason": "查实有误" }]);
        let correction = json!({ "id": new_id(), "reason": "核对有误", "lines": lines });
        let corrections = format!("/v1/villages/{HERE}/public-lists/2024-08/corrections");
        world.official("committee", HERE).await.post(&corrections, correction).await.ok();
    }
    for number in [1, 2] {
        let adjustment = json!({ "id": new_id(), "household": household_id(HERE, number),
            "category": "public_welfare", "points": 2, "reason": "漏记" });
        let adjustments = format!("/v1/villages/{HERE}/adjustments");
        world.official("committee", HERE).await.post(&adjustments, adjustment).await.ok();
    }
    let sql = "INSERT INTO samples (village, claim, week, drawn_at) \
               SELECT village, id, '2024-W34', 0 FROM claims WHERE village = $1 ON CONFLICT DO NOTHING";
    run(world, sql, &[HERE.into()]).await;
}

/// A village that has something of everything.
pub async fn grow(world: &World) {
    let village = format!("/v1/villages/{HERE}");
    for number in 1..=5 {
        world.earn(number, 30).await;
    }
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let donation = claim(
        1,
        "pub.donate",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "收据" }],
        }),
    );
    world.head(HERE, 1).await.post(&format!("{village}/claims"), donation.clone()).await.ok();
    let reviews = format!("{village}/claims/{}/reviews", donation["id"].as_str().expect("an id"));
    worker.post(&reviews, json!({ "decision": "approve" })).await.ok();
    let donation = donation["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    world.approve(donation, &["panel"]).await;
    world.travel(at("2024-09-03 09:00")).await;
    for (filer, line) in [(6, 5), (7, 6)] {
        let objections = format!("{village}/public-lists/2024-08/lines/{line}/objections");
        let objection = json!({ "id": new_id(), "ground": "evidence_false", "reason": "不实" });
        world.head(HERE, filer).await.post(&objections, objection).await.ok();
    }
    world.travel(at("2024-10-08 09:00")).await;
    for number in 1..=3 {
        let redemption = crate::support::order_of("goods.soap", 1);
        let head = world.head(HERE, number).await;
        head.post(&format!("{village}/redemptions"), redemption).await.ok();
    }
    for number in [1, 2, 3, 9] {
        let courtyard = claim(
            number,
            "ent.brand_sale",
            json!({
                "occurred_on": "2024-10-07",
                "evidence": [{ "kind": "certificate", "reference": "供货单" }],
            }),
        );
        world.head(HERE, number).await.post(&format!("{village}/claims"), courtyard).await.ok();
    }
    let sql = "INSERT INTO budgets (village, quarter, funding, amount_fen, version) \
               VALUES ($1, '2024-Q3', 'bank', 5, 1)";
    run(world, sql, &[HERE.into()]).await;
    // A shop that is always open has one window.
    run(world, "UPDATE villages SET mode = 'always_open' WHERE village = $1", &[NEXT.into()]).await;
    grow_oversight(world).await;
    grow_year(world).await;
    grow_people(world).await;
    grow_places(world).await;
}

/// A year that is over, with what was given and decided for it.
async fn grow_year(world: &World) {
    let here = || Sql::from(HERE);
    let sql = "INSERT INTO year_rankings (village, year, status, publicity_ended, revision, \
               published_at) VALUES ($1, '2023', 'published', $2, 1, 0)";
    run(world, sql, &[here(), true.into()]).await;
    let sql =
        "INSERT INTO award_schemes (village, year, version, set_at) VALUES ($1, '2023', 1, 0)";
    run(world, sql, &[here()]).await;
    for number in 1..=3_i64 {
        let household = Sql::from(household_id(HERE, usize::try_from(number).expect("small")));
        let (id, number) = (Sql::from(new_id()), Sql::from(number));
        for sql in [
            "INSERT INTO ranking_objections (village, id, year, filed_by, filer_household, reason, \
               status, filed_at) VALUES ($1, $2, '2023', $3, $3, '不实', 'lapsed', $4)",
            "INSERT INTO awards (village, id, year, kind, place, rank, household, item, name_zh, \
               name_en, value_fen, funding, status, granted_at, lapses_at, closed_at, wrong_codes, \
               version) VALUES ($1, $2, '2023', 'rank_award', $4, $4, $3, 'rank.mattress', '床垫', \
               'Mattress', 1, 'donation', 'lapsed', 0, 0, 0, 0, 1)",
            "INSERT INTO vetoes (village, id, household, year, ground, reason, reference, status, \
               proposed_by, proposed_at, decided_by) \
               VALUES ($1, $2, $3, '2023', 'other', '有', '有', 'rejected', $2, $4, $3)",
            "INSERT INTO honours (village, id, household, item, period, reason, status, \
               proposed_by, proposed_at, decided_by, decided_at, plaque) VALUES ($1, $2, $3, \
               'honour.civilised_family', '2023', '好', 'granted', $2, 0, $3, 0, $4)",
            "INSERT INTO dividends (village, id, year, pool_fen, note, status, proposed_by, \
               proposed_at, decided_by) VALUES ($1, $2, '2023', 1, '有', 'rejected', $2, $4, $3)",
        ] {
            run(world, sql, &[here(), id.clone(), household.clone(), number.clone()]).await;
        }
        let sql = "INSERT INTO award_items (village, year, item, name_zh, name_en, rank_from, \
                   rank_to, value_fen, funding) \
                   VALUES ($1, '2023', 'x', '床垫', 'Mattress', $2, $2, 1, 'donation')";
        run(world, sql, &[here(), number]).await;
    }
}

async fn grow_people(world: &World) {
    let head = |number| Sql::from(head_id(HERE, number));
    let sql = "INSERT INTO kin (village, person, relative) VALUES ($1, $2, $3)";
    for (person, relative) in [(1, 2), (3, 4), (5, 6)] {
        run(world, sql, &[HERE.into(), head(person), head(relative)]).await;
    }
    let sql = "INSERT INTO consents (village, household, id, act, form, text_version, \
               text_digest, person, recorded_by, at) \
               VALUES ($1, $2, $3, 'given', 'paper', '1', 'x', $4, $4, $5)";
    for at in [1_i64, 2] {
        let (household, id) = (household_id(HERE, 1).into(), new_id().into());
        run(world, sql, &[HERE.into(), household, id, head(1), at.into()]).await;
    }
    let sql = "INSERT INTO binding_requests (village, id, account, person, household, name, \
               status, at) SELECT $1, $2, a.id, a.person, $3, '张', $4, 0 FROM accounts a \
               WHERE a.persona = $5";
    for (number, status) in [(1, "waiting"), (1, "refused"), (1, "refused"), (2, "waiting")] {
        let persona = format!("head {HERE} {number}");
        let (id, household) = (new_id().into(), household_id(HERE, 1).into());
        run(world, sql, &[HERE.into(), id, household, status.into(), persona.into()]).await;
    }
    for _ in 0..3 {
        world.head(HERE, 3).await;
    }
    let officials: Vec<_> = (1..=3)
        .map(|number| NewOfficial {
            person: new_id(),
            name: "新人".to_owned(),
            persona: Some(format!("newcomer {number}")),
            grants: Vec::new(),
        })
        .collect();
    let now = world.app.clock.now();
    let done = world.app.db.write(async |tx| identity::appoint(tx, None, &officials, now).await);
    done.await.expect("newcomers");
}

async fn grow_places(world: &World) {
    let grid = Sql::from(grid_of(HERE, 1));
    let sql = "INSERT INTO grants (id, person, role, region, starts_at, kind) \
               VALUES ($1, $2, 'grid_worker', $3, 0, 'part_time')";
    run(world, sql, &[new_id().into(), head_id(HERE, 3).into(), grid]).await;
    for _ in 0..3 {
        let (id, end) = (new_id(), at("2030-01-01 00:00").0);
        let sql = "INSERT INTO committees (region, id, kind, name, starts_at, ends_at, created_at) \
                   VALUES ($1, $2, 'panel', '评议小组', 0, $3, 0)";
        run(world, sql, &[HERE.into(), id.into(), end.into()]).await;
        let sql = "INSERT INTO committee_members (region, committee, person, duty, starts_at, \
                   ends_at) VALUES ($1, $2, $3, 'member', 0, $4)";
        for number in 1..=3 {
            let person = head_id(HERE, number).into();
            run(world, sql, &[HERE.into(), id.into(), person, end.into()]).await;
        }
    }
    let sql = "INSERT INTO prizes (village, id, key, name_zh, name_en, kind, points, value_fen, \
               stock, household_limit, funding, position) \
               VALUES ($1, $2, 'goods.more', '毛巾', 'Towel', 'goods', 5, 500, 0, 1, 'donation', 900)";
    run(world, sql, &[HERE.into(), new_id().into()]).await;
    let sql = "INSERT INTO standings (village, period, household, points, deductions, categories, \
               reached_at) VALUES ($1, '2024-Q3', $2, 5, 0, 1, 0)";
    run(world, sql, &[NEXT.into(), household_id(NEXT, 1).into()]).await;
    let code = |text: &str| text.parse().expect("a code");
    let now = world.app.clock.now();
    let done = world.app.db.write(async |tx| {
        for (id, (day, items)) in
            SETS.iter().zip([("2023-01-02", 1), ("2023-04-03", 2), ("2023-07-03", 5)])
        {
            let mut catalogue = rules::builtin().expect("the catalogue");
            catalogue.items.truncate(items);
            catalogue.version = day.to_owned();
            let (id, day) = (id.parse().expect("an id"), day.parse().expect("a day"));
            rules::import(tx, &code(NEXT), id, &catalogue, day, None, now).await?;
        }
        regions::add(tx, &[(code(&format!("{HERE}003")), "第3网格".to_owned())]).await
    });
    done.await.expect("a set of rules and a grid");
}

/// How many statements a list took, and how many items it had: the fewer of two times, because what falls
/// due in between is settled by whoever asks first.
async fn read(world: &World, actor: &Actor, path: &str) -> (u64, usize) {
    let first = read_once(world, actor, path).await;
    let second = read_once(world, actor, path).await;
    (first.0.min(second.0), second.1)
}

/// Nothing is in memory before.
async fn read_once(world: &World, actor: &Actor, path: &str) -> (u64, usize) {
    world.app.cache.refresh();
    world.app.rule_books.invalidate_all();
    let before = db::statements();
    let body = actor.get(path).await.ok();
    (db::statements() - before, body["items"].as_array().map_or(0, Vec::len))
}

/// Operations of the contract whose answer has `items`.
fn lists() -> Vec<String> {
    let is_list = |operation: &Value| {
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        let pointer = schema["$ref"].as_str().unwrap_or_default().trim_start_matches('#');
        contract().pointer(&format!("{pointer}/properties/items")).is_some()
    };
    let paths = contract()["paths"].as_object().expect("paths").values();
    let gets = paths.filter_map(|item| item.get("get")).filter(|it| is_list(it));
    gets.map(|it| it["operationId"].as_str().expect("an id").to_owned()).collect()
}

#[actix_web::test]
async fn a_long_list_takes_as_many_statements_as_a_short_one() {
    let rows = rows();
    for id in lists() {
        assert!(rows.iter().any(|row| row.id == id), "{id} has no row: how is it read long?");
    }
    let world = World::begins(at("2024-08-21 08:00")).await;
    let mut before = BTreeMap::new();
    for row in rows.iter().filter(|row| row.short == row.long) {
        before.insert(row.id, read(&world, &actor(&world, row.short.0).await, &row.short.1).await);
    }
    grow(&world).await;
    // Everything due is settled everywhere, and the next limit known, before anything is counted: as
    // long as one village waits for the ticker, every request looks whether it is its own.
    for province in ["46", "44"] {
        world.anybody().get(&format!("/v1/regions/{province}/statistics")).await.ok();
    }
    let next = world.app.next_due.load(std::sync::atomic::Ordering::Acquire);
    assert!(next > world.app.clock.now().0, "something is still due");
    let mut worst = 0;
    for row in &rows {
        let (few, many) = (actor(&world, row.short.0).await, actor(&world, row.long.0).await);
        let short = match before.get(row.id) {
            Some(short) => *short,
            None => read(&world, &few, &row.short.1).await,
        };
        let long = read(&world, &many, &row.long.1).await;
        let what = format!("{}: {short:?} {long:?} (statements, items)", row.id);
        assert!(short.1 > 0 && long.1 > short.1, "{what}");
        assert_eq!(short.0, long.0, "{what}");
        assert!(short.0 > 0, "{what}");
        worst = worst.max(long.0);
    }
    println!("figure: statements: {} lists, as many short as long, {worst} at most", rows.len());
}

/// The counter sees a statement for each row, were there one, and only what requests ask.
#[actix_web::test]
async fn statements_of_requests_are_counted_one_by_one() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let before = db::statements();
    let three = async {
        for _ in 0..3 {
            world.count("claims").await;
        }
    };
    db::counted(three).await;
    assert_eq!(db::statements() - before, 3);
    world.count("claims").await;
    assert_eq!(db::statements() - before, 3, "this was no request");
}
