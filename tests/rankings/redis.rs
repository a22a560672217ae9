//! Redis absent, slow, emptied or full of garbage changes no answer; and what it holds can be checked.

use std::collections::BTreeMap;

use api::kernel::cache::Cache;
use api::rankings;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::categories::board;
use crate::support::{Actor, FakeRedis, HERE, Mood, World, at, jifen};

async fn scored(redis: &FakeRedis) -> World {
    let world = World::before_redis(at("2024-08-28 08:00"), &redis.url).await;
    world.earn(1, 20).await;
    world.earn(6, 30).await;
    world.travel(at("2024-09-02 09:00")).await;
    world
}

fn boards(week: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for query in ["", "of=grids", "of=villages", "category=rural_construction"] {
        for (region, period) in [(HERE, week), ("460205", "all")] {
            paths.push(board(region, period, query));
        }
    }
    paths
}

fn paths() -> Vec<String> {
    let mut paths = boards("2024-W35");
    paths.push(format!("/v1/villages/{HERE}/public-lists/2024-08"));
    paths.push(format!("/v1/villages/{HERE}/rules"));
    paths
}

/// What each path answers: its ETag and its body. All at once.
async fn read(reader: &Actor) -> BTreeMap<String, (String, Value)> {
    read_all(reader, &paths()).await
}

async fn read_all(reader: &Actor, paths: &[String]) -> BTreeMap<String, (String, Value)> {
    let answers = paths.iter().map(|path| async move {
        let answer = reader.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {:#}", answer.body);
        (path.clone(), (answer.header("etag").expect("an ETag").to_owned(), answer.body))
    });
    futures::future::join_all(answers).await.into_iter().collect()
}

#[actix_web::test]
async fn redis_gone_slow_talking_nonsense_or_emptied_changes_no_answer() {
    let redis = FakeRedis::start();
    let world = scored(&redis).await;
    let expected = read(&world.anybody()).await;
    assert!(redis.names().len() >= paths().len(), "{:?}", redis.names());
    for mood in [Mood::Gone, Mood::Serves, Mood::Slow, Mood::Nonsense, Mood::Serves] {
        redis.be(mood);
        let asked = redis.asked();
        // A process that knows nothing yet, so that it asks for everything.
        let (_app, reader) = world.another_process(|app| app).await;
        assert_eq!(read(&reader).await, expected, "{mood:?}");
        world.run("UPDATE villages SET version = version + 1").await;
        world.app.cache.refresh();
        assert_eq!(read(&world.anybody()).await, expected, "{mood:?}, anew");
        assert!(mood == Mood::Gone || redis.asked() > asked, "{mood:?}: nobody asked");
    }
    // Its moods change while many read.
    let moods = [Mood::Nonsense, Mood::Gone, Mood::Slow, Mood::Serves];
    let readers = (0..4).map(|_| async {
        for _ in 0..5 {
            world.app.cache.refresh();
            world.run("UPDATE villages SET version = version + 1").await;
            assert_eq!(read(&world.anybody()).await, expected);
        }
    });
    let changing = async {
        for mood in moods.iter().cycle().take(12) {
            redis.be(*mood);
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        }
    };
    futures::future::join(futures::future::join_all(readers), changing).await;
    redis.be(Mood::Serves);
    // Nobody listens where it should be.
    let nowhere = Cache::connect(Some("redis://127.0.0.1:1"), "jifen:").await;
    nowhere.belong_to("nobody's");
    let (_app, reader) = world
        .another_process(|mut app| {
            app.cache = nowhere;
            app
        })
        .await;
    assert_eq!(read(&reader).await, expected, "absent");
    redis.forget_all();
    let (_app, reader) = world.another_process(|app| app).await;
    assert_eq!(read(&reader).await, expected, "emptied");
}

#[actix_web::test]
async fn what_somebody_else_wrote_under_our_names_is_not_read() {
    let redis = FakeRedis::start();
    let world = scored(&redis).await;
    let expected = read(&world.anybody()).await;
    let garbage: [fn(&mut Vec<u8>); 6] = [
        |value| value.clear(),
        |value| value.truncate(20),
        |value| *value = b"{\"items\":[]}".to_vec(),
        |value| *value = vec![0; 4096],
        |value| value.push(b' '),
        |value| value[40] ^= 1,
    ];
    for change in garbage {
        redis.change(|_, value| change(value));
        let (_app, reader) = world.another_process(|app| app).await;
        assert_eq!(read(&reader).await, expected);
    }
}

/// Somebody who can write to Redis, and knows the form, can deceive readers: the check names the board.
#[actix_web::test]
async fn verify_names_each_board_in_redis_that_is_not_what_sql_makes() {
    let redis = FakeRedis::start();
    // In the middle of a month: a list would be signed by the sandbox's key, which production does not trust.
    let world = World::before_redis(at("2024-08-14 08:00"), &redis.url).await;
    world.earn(1, 20).await;
    world.earn(6, 30).await;
    world.travel(at("2024-08-19 09:00")).await;
    let path = board(HERE, "2024-W33", "");
    // What is due is settled by whoever asks first.
    world.anybody().get("/v1/regions/460205/rankings/2024").await.ok();
    redis.forget_all();
    let before = read_all(&world.anybody(), &boards("2024-W33")).await;
    let compared = rankings::compare_kept(&world.app).await.expect("a comparison");
    assert_eq!((compared.boards, compared.answered), (8, true));
    assert!(compared.differing.is_empty(), "{compared}");
    let changed = "board:{460205100201}:2024-W33:households:";
    redis.change(|name, value| {
        if name.contains(changed) && !name.contains("rural_construction") {
            let text = String::from_utf8_lossy(value.split_off(33).as_slice()).into_owned();
            let rest = [&[0], text.replace("\"points\":30", "\"points\":90").as_bytes()].concat();
            *value = [Sha256::digest(&rest).as_slice(), &rest].concat();
        }
    });
    // Who has nothing in memory believes it.
    let (app, reader) = world.another_process(|app| app).await;
    assert_ne!(reader.get(&path).await.ok(), before[&path].1);
    let compared = rankings::compare_kept(&app).await.expect("a comparison");
    assert_eq!((compared.boards, compared.differing.as_slice()), (8, &[changed.to_owned()][..]));
    let prefix = format!("{}:", world.database.name);
    let line = ["--redis-url", &redis.url, "--redis-prefix", &prefix, "verify"];
    let verified = jifen(&world.database, &line);
    let told = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(!verified.status.success() && told.contains(changed), "{told}");
    assert!(told.contains("every row agrees"), "SQL itself is as it was: {told}");
    // The next version is built from SQL again, and boards of former ones are read by nobody.
    world.run("UPDATE villages SET version = version + 1").await;
    app.cache.refresh();
    assert_eq!(reader.get(&path).await.ok(), before[&path].1);
    let verified = jifen(&world.database, &line);
    let told = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && told.contains("boards in Redis: 1 compared"), "{told}");
    redis.be(Mood::Gone);
    let verified = jifen(&world.database, &line);
    let told = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && told.contains("it does not answer"), "{told}");
}
