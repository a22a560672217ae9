//! How old a board may be, and who may keep it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use api::app::App;
use api::kernel::cache::Watch;
use api::kernel::db;
use sea_orm::ConnectionTrait;

use super::categories::{board, points};
use crate::support::{HERE, World, at};

/// A process whose watch somebody sets.
fn by(millis: &Arc<AtomicU64>) -> impl FnOnce(App) -> App {
    let watch = Watch::Set(millis.clone());
    |mut app| {
        app.cache = app.cache.by(watch);
        app
    }
}

async fn scored() -> World {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 20).await;
    world.travel(at("2024-09-02 09:00")).await;
    // What a ticker settles makes its process read afresh.
    world.settled().await;
    world
}

#[actix_web::test]
async fn a_close_by_another_process_is_seen_within_a_second_of_the_watch() {
    let world = scored().await;
    let millis = Arc::new(AtomicU64::new(0));
    let (_other, reader) = world.another_process(by(&millis)).await;
    let path = board(HERE, "2024", "");
    assert_eq!(points(&reader.get(&path).await.ok()), [20]);
    world.earn(2, 30).await;
    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(points(&world.anybody().get(&path).await.ok()), [30, 20], "its own close, at once");
    millis.store(999, Ordering::SeqCst);
    assert_eq!(points(&reader.get(&path).await.ok()), [20]);
    millis.store(1000, Ordering::SeqCst);
    assert_eq!(points(&reader.get(&path).await.ok()), [30, 20]);
}

/// Given without looking for the route: to what the route would answer alike, and to nothing else.
#[actix_web::test]
async fn a_board_at_hand_is_given_to_the_same_question_only() {
    let world = scored().await;
    // A watch that stands still: what was shown stays at hand.
    let (_other, reader) = world.another_process(by(&Arc::default())).await;
    let path = board(HERE, "2024", "");
    let built = reader.get(&path).await;
    for same in [path.clone(), board(HERE, "2024", "of=households")] {
        let answer = reader.get(&same).await;
        assert_eq!(answer.header("etag"), built.header("etag"), "{same}");
        assert_eq!((answer.status, &answer.body), (200, &built.body), "{same}");
        assert!(answer.header("x-request-id").is_some(), "{same}");
    }
    let grids = reader.get(&board(HERE, "2024", "of=grids")).await.ok();
    assert_eq!(grids["of"], "grids");
    for odd in ["of=nobody", "of=households&of=grids", "limit=50", "category=any"] {
        assert!([400, 422].contains(&reader.get(&board(HERE, "2024", odd)).await.status), "{odd}");
    }
    reader.post(&path, serde_json::json!({})).await.refused(405, "method_not_allowed");
    for elsewhere in [path.replace('?', "/?"), path.replace("/v1/", "/v2/")] {
        reader.get(&elsewhere).await.refused(404, "not_found");
    }
}

/// However fresh the board is by the watch: a week that is over is closed before anybody reads of it.
#[actix_web::test]
async fn a_board_at_hand_is_not_given_once_its_week_is_over() {
    let world = scored().await;
    world.earn(2, 30).await;
    let (other, reader) = world.another_process(by(&Arc::default())).await;
    let path = board(HERE, "2024", "");
    assert_eq!(points(&reader.get(&path).await.ok()), [20]);
    // By its own clock alone, without a word to its cache.
    assert!(other.clock.advance_to(at("2024-09-09 00:00")));
    assert_eq!(points(&reader.get(&path).await.ok()), [30, 20]);
}

/// All boards of a region share its version: it is asked for once a second, however many are read.
#[actix_web::test]
async fn many_boards_of_a_region_cost_one_statement_a_second() {
    let world = scored().await;
    let millis = Arc::new(AtomicU64::new(0));
    let (_other, reader) = world.another_process(by(&millis)).await;
    let mut paths = Vec::new();
    for period in ["2024-W35", "2024-08", "2024-Q3", "2024", "all"] {
        for of in ["households", "grids", "villages"] {
            paths.push(board(HERE, period, &format!("of={of}")));
            paths.push(board(HERE, period, &format!("of={of}&category=rural_construction")));
        }
    }
    let read = async || {
        let before = db::statements();
        for path in &paths {
            reader.get(path).await.ok();
        }
        db::statements() - before
    };
    let first = read().await;
    assert_eq!(read().await, 0, "within the second");
    millis.store(1000, Ordering::SeqCst);
    assert_eq!(read().await, 1);
    println!("figure: {} boards: {first} statements to build, then 1 a second", paths.len());
}

/// Final boards of grids and villages change no more; names can be hidden at any time.
#[actix_web::test]
async fn only_final_boards_without_names_are_kept_by_others() {
    let world = scored().await;
    let kept = async |period: &str, query: &str| {
        let answer = world.anybody().get(&board("460205", period, query)).await;
        let header = answer.header("cache-control").expect("a header").to_owned();
        (answer.ok()["status"].clone(), header.contains("immutable"))
    };
    for of in ["of=households", "of=grids", "of=villages&category=law_abiding"] {
        assert_eq!(kept("2024-W35", of).await, ("provisional".into(), false), "{of}");
    }
    world.travel(at("2024-09-09 00:00")).await;
    for (of, immutable) in [
        ("of=households", false),
        ("of=grids", true),
        ("of=villages", true),
        ("of=grids&category=law_abiding", true),
        ("of=households&category=rural_construction", false),
    ] {
        for period in ["2024-W35", "2024-08"] {
            assert_eq!(kept(period, of).await, ("final".into(), immutable), "{period} {of}");
        }
        for period in ["2024-Q3", "2024", "all", "2024-W36"] {
            assert_eq!(kept(period, of).await, ("provisional".into(), false), "{period} {of}");
        }
    }
    let grids = board(HERE, "2024-W35", "of=grids");
    let final_one = world.anybody().get(&grids).await;
    let long = Some("public, max-age=86400, immutable");
    assert_eq!(final_one.header("cache-control"), long);
    // Whatever happens later, it is the same.
    world.earn(6, 30).await;
    world.travel(at("2024-10-21 09:00")).await;
    let later = world.anybody().get(&grids).await;
    assert_eq!(later.header("etag"), final_one.header("etag"));
    assert_eq!(later.body, final_one.body);
}

/// A province's version is a sum over its villages: what that costs.
#[actix_web::test]
async fn the_version_of_a_province_is_read_by_a_range_of_keys() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    let numbers = "WITH RECURSIVE n (i) AS (SELECT 100000 UNION ALL SELECT i + 1 FROM n \
                   WHERE i < 105999)";
    let code = "'99' || CAST(i AS TEXT) || '0201'";
    for sql in [
        format!(
            "INSERT INTO regions (code, level, name) {numbers} SELECT {code}, 'village', 'x' FROM n"
        ),
        format!(
            "INSERT INTO villages (village, mode, publicity_weeks, window_weeks, \
             window_points_max, starts_at, next_due_at, version) {numbers} \
             SELECT {code}, 'quarterly', 1, 2, 100, 0, 9000000000000000, i FROM n"
        ),
    ] {
        let done = world.app.db.schema().execute_unprepared(&sql).await;
        done.expect("rows");
    }
    let sql = "SELECT CAST(SUM(version + 1) AS BIGINT) FROM villages \
               WHERE village >= $1 AND village < $2";
    let began = std::time::Instant::now();
    for _ in 0..100 {
        let span = [sea_orm::Value::from("99"), sea_orm::Value::from("9:")];
        let sum = db::number(world.app.db.read(), sql, span).await.expect("a sum");
        assert_eq!(sum, (100_000..=105_999).map(|it| it + 1).sum::<i64>());
    }
    let micros = began.elapsed().as_micros() / 100;
    println!("figure: the version of a province of 6000 villages: {micros} µs");
}
