//! What is kept of a period, beside what its lines come to.

use std::collections::BTreeMap;

use api::kernel::clock::Instant;
use api::kernel::db;
use api::kernel::period::Period;
use migration::{Migrator, MigratorTrait};
use sea_orm::{FromQueryResult, Value as Sql};
use serde_json::{Value, json};

use crate::support::{HERE, NEXT, World, at, household_id, new_id};

/// Two of the committee take points of a confirmed line back.
async fn reverse(world: &World, month: &str, number: i64, points: Option<i64>) {
    let mut reversal =
        json!({ "id": new_id(), "month": month, "number": number, "reason": "面积有误" });
    if let Some(points) = points {
        reversal["points"] = json!(points);
    }
    let path = format!("/v1/villages/{HERE}/reversals");
    let proposed = world.official("committee", HERE).await.post(&path, reversal).await.ok();
    let sql = "UPDATE reversals SET reply = '没有意见', replied_by = proposed_by, \
               replied_at = proposed_at WHERE status = 'proposed' AND reply IS NULL";
    world.run(sql).await;
    let decision = format!("{path}/{}/decision", proposed["id"].as_str().expect("an id"));
    let carried = json!({ "decision": "carried", "reason": "重新丈量" });
    world.official("committee_2", HERE).await.post(&decision, carried).await.ok();
}

/// The number of a household's line of so many points on a list.
async fn number_of(world: &World, month: &str, points: i64) -> i64 {
    let path = format!("/v1/villages/{HERE}/public-lists/{month}/lines");
    let lines = world.anybody().get(&path).await.ok();
    let lines = lines["items"].as_array().expect("lines").clone();
    let line = lines.iter().find(|it| it["points"] == points).expect("the line");
    line["number"].as_i64().expect("a number")
}

/// Two years of two villages in which lines are taken back in every way: before their list closed, late in
/// their year, in the next one while the old year's ranking is open, and when it is final; in part, and wholly.
/// A family moves out. The instants at which something changed.
async fn two_years() -> (World, Vec<Instant>) {
    let world = World::begins(at("2023-11-08 08:00")).await;
    let mut instants = Vec::new();
    for number in 1..=4 {
        world.earn(number, 10 + i64::try_from(number).expect("small")).await;
    }
    world.earn_in(NEXT, 1, 10).await;
    world.travel(at("2023-12-05 08:00")).await;
    for number in 5..=8 {
        world.earn(number, 10 + i64::try_from(number).expect("small")).await;
    }
    world.deduct(5).await;
    world.travel(at("2023-12-19 08:00")).await;
    // Late in its year, after the board of its own week is final.
    reverse(&world, "2023-11", number_of(&world, "2023-11", 11).await, None).await;
    instants.push(world.app.clock.now());
    world.travel(at("2023-12-27 08:00")).await;
    world.earn_in(NEXT, 2, 12).await;
    world.travel(at("2024-01-02 09:00")).await;
    // Before the list has closed, in the line's own week of the old year.
    let number = number_of(&world, "2023-12", 16).await;
    let line = format!("/v1/villages/{HERE}/public-lists/2023-12/lines/{number}/objections");
    let id = new_id();
    let objection = json!({ "id": id, "ground": "not_this_household", "reason": "不是他家的" });
    world.head(HERE, 3).await.post(&line, objection).await.ok();
    let decisions = format!("/v1/villages/{HERE}/objections/{id}/decision");
    let upheld = json!({ "decision": "upheld", "reason": "查实" });
    world.official("committee", HERE).await.post(&decisions, upheld).await.ok();
    instants.push(world.app.clock.now());
    world.travel(at("2024-01-09 08:00")).await;
    // In the new year, while the old year's ranking is open: in part, and wholly.
    for (month, points, taken) in [("2023-11", 12, Some(5)), ("2023-12", 17, None)] {
        reverse(&world, month, number_of(&world, month, points).await, taken).await;
    }
    instants.push(world.app.clock.now());
    let moved = json!({ "reason": "全家迁往县城" });
    let out = format!("/v1/villages/{HERE}/households/{}/move-out", household_id(HERE, 3));
    world.official("township", "460205100").await.post(&out, moved).await.ok();
    instants.push(world.app.clock.now());
    for number in [1, 9] {
        world.earn(number, 20 + i64::try_from(number).expect("small")).await;
    }
    world.travel(at("2024-02-06 08:00")).await;
    world.settled().await;
    assert_eq!(world.count("year_rankings WHERE year = '2023' AND status = 'final'").await, 3);
    // When it is final.
    for (month, points) in [("2023-11", 14), ("2023-12", 18), ("2024-01", 29)] {
        reverse(&world, month, number_of(&world, month, points).await, None).await;
        instants.push(world.app.clock.now());
        world.travel(world.app.clock.now().plus_days(1)).await;
    }
    world.earn(4, 19).await;
    world.earn_in(NEXT, 1, 13).await;
    world.travel(at("2024-03-05 08:00")).await;
    (world, instants)
}

/// Who took part and what was earned in villages between two codes, from every line there is: the definition
/// that figures had before anything was kept.
async fn from_lines(world: &World, region: &str, period: Period, as_of: Option<Instant>) -> Value {
    #[derive(FromQueryResult)]
    struct Points {
        category: String,
        points: i64,
    }
    const KNOWN: &str = "l.village >= $1 AND l.village < $2 AND l.week BETWEEN $3 AND $4 \
        AND CASE WHEN l.kind = 'reversal' THEN l.approved_at < $5 ELSE l.week < $6 END";
    let (first, last) = period.weeks();
    let after = as_of.map_or(i64::MAX, |at| at.0 + 1);
    let open =
        as_of.map_or_else(|| ":".to_owned(), |at| api::kernel::period::Week::of(at).to_string());
    let text = |text: String| Sql::from(text);
    let values = || -> [Sql; 6] {
        [
            text(region.to_owned()),
            text(format!("{region}:")),
            text(first.to_string()),
            text(last.to_string()),
            after.into(),
            text(open.clone()),
        ]
    };
    let sql = format!(
        "SELECT l.category, CAST(SUM(l.awarded) AS BIGINT) AS points FROM score_lines l \
         WHERE {KNOWN} GROUP BY l.category"
    );
    let rows = db::all::<Points>(world.app.db.read(), &sql, values()).await.expect("points");
    let points: BTreeMap<_, _> =
        rows.into_iter().filter(|it| it.points != 0).map(|it| (it.category, it.points)).collect();
    let ends = period.ends_at().0.min(after);
    let sql = format!(
        "SELECT COUNT(DISTINCT l.household) FROM score_lines l JOIN households h \
           ON h.village = l.village AND h.id = l.household \
         WHERE {KNOWN} AND h.created_at < {ends} AND (h.status = 'active' OR h.ended_at >= {ends}) \
         AND l.kind <> 'reversal' AND l.remedies IS NULL AND l.awarded > COALESCE(( \
           SELECT -SUM(r.awarded) FROM score_lines r WHERE r.village = l.village \
           AND r.reverses = l.id AND r.week BETWEEN $3 AND $4 AND r.approved_at < $5), 0)"
    );
    let households = db::number(world.app.db.read(), &sql, values()).await.expect("households");
    json!({ "points": points, "households": households })
}

/// The same as the API has it.
async fn as_told(world: &World, region: &str, period: Period, as_of: Option<Instant>) -> Value {
    let as_of = as_of.map_or_else(String::new, |at| format!("&as_of={at}").replace('+', "%2B"));
    let path = format!("/v1/regions/{region}/statistics?period={period}{as_of}");
    let told = world.anybody().get(&path).await.ok();
    let categories = told["by_category"].as_array().expect("categories").iter();
    let points: BTreeMap<_, _> = categories
        .filter(|it| it["points"] != 0)
        .map(|it| (it["category"].as_str().expect("a word"), it["points"].clone()))
        .collect();
    json!({ "points": points, "households": told["participation_rate"]["numerator"] })
}

/// Rows of what is kept, as text.
async fn kept(world: &World) -> Vec<String> {
    #[derive(FromQueryResult)]
    struct Row {
        text: String,
    }
    let columns = "households living_environment family_virtue patriotism law_abiding \
                   public_welfare enterprise rural_construction safety_deliberation";
    let columns: Vec<_> = columns.split_whitespace().collect();
    let sql = format!(
        "SELECT village || ' ' || period || ' ' || since || ' ' || {} AS text \
         FROM period_totals ORDER BY village, period, since",
        columns.join(" || ' ' || ")
    );
    let rows = db::all::<Row>(world.app.db.read(), &sql, []).await.expect("rows");
    rows.into_iter().map(|row| row.text).collect()
}

#[actix_web::test]
async fn what_is_kept_is_what_lines_come_to_at_every_instant_of_two_years() {
    let (world, mut instants) = two_years().await;
    world.verified().await;
    let all = "all 2023 2024 2023-Q4 2024-Q1 2023-11 2023-12 2024-01 2024-02 \
               2023-W45 2023-W49 2023-W51 2023-W52 2024-W01 2024-W02 2024-W06 2024-W07";
    for closes in ["2023-11-13", "2023-12-11", "2024-01-01", "2024-01-15", "2024-02-12"] {
        instants.push(at(&format!("{closes} 00:00")));
    }
    let around = instants.iter().flat_map(|it| [-1, 0].map(|by| Instant(it.0 + by)));
    let mut asked: Vec<_> = around.map(Some).collect();
    asked.push(None);
    let (mut compared, mut answers) = (0, std::collections::BTreeSet::new());
    for period in all.split_whitespace() {
        let period: Period = period.parse().expect("a period");
        for as_of in &asked {
            for region in [HERE, "460205"] {
                let told = as_told(&world, region, period, *as_of).await;
                let lines = from_lines(&world, region, period, *as_of).await;
                assert_eq!(told, lines, "{region} {period} {as_of:?}");
                compared += 1;
                answers.insert(told.to_string());
            }
        }
    }
    println!(
        "figure: totals: {compared} answers as lines have them, {} different ones",
        answers.len()
    );
    assert!(answers.len() > 30, "{answers:?}");
}

#[actix_web::test]
async fn what_stood_before_is_counted_when_the_schema_comes_up() {
    let (world, _) = two_years().await;
    let before = kept(&world).await;
    assert!(before.len() > 100, "{}", before.len());
    let name = "m20261122_000030_keep_totals";
    let steps = Migrator::migrations().iter().rev().position(|it| it.name() == name);
    let steps = u32::try_from(steps.expect("the step") + 1).expect("few");
    Migrator::down(world.app.db.schema(), Some(steps)).await.expect("down");
    Migrator::up(world.app.db.schema(), None).await.expect("up");
    assert_eq!(kept(&world).await, before);
}
