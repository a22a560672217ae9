use api::kernel::clock::{Clock, DAY_MS};
use api::kernel::db;
use api::kernel::period::Week;

use crate::support::{HERE, Replica, World, eventually};

/// The first replica with a close in progress, if one has.
async fn in_mid_close<'a>(world: &World, replicas: &'a [Replica]) -> Option<&'a Replica> {
    for replica in replicas {
        let sql = format!(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = '{}' AND xact_start IS NOT NULL \
             AND query LIKE '%INTO score_lines%'",
            replica.name
        );
        if db::number(world.app.db.read(), &sql, []).await.expect("a count") > 0 {
            return Some(replica);
        }
    }
    None
}

/// Whether a transaction of the paused replica is still open.
async fn is_in_transaction(world: &World, replica: &Replica) -> bool {
    let sql = format!(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = '{}' \
         AND datname = current_database() AND state = 'idle in transaction'",
        replica.name
    );
    // What it had asked for before it was paused may still be at work.
    let running = sql.replace("'idle in transaction'", "'active'");
    eventually("the end of its last statement", async || {
        let running = db::number(world.app.db.read(), &running, []).await.expect("a count");
        (running == 0).then_some(())
    })
    .await;
    db::number(world.app.db.read(), &sql, []).await.expect("a count") > 0
}

async fn number(world: &World, sql: &str) -> i64 {
    db::number(world.app.db.read(), sql, []).await.expect("a number")
}

/// A deed approved in the village's first week, and a thousand like it in each of the four after.
async fn approve_many(world: &World, first: Week) -> i64 {
    world.earn(1, 10).await;
    let mut week = first;
    for later in 1..=4_i64 {
        week = week.next();
        let sql = format!(
            "INSERT INTO claims SELECT (jsonb_populate_record(c, jsonb_build_object( \
               'id', gen_random_uuid(), 'household', h.id, 'member', NULL, 'week', '{week}', \
               'approved_at', c.approved_at + {}, 'dedupe', gen_random_uuid()))).* \
             FROM claims c, generate_series(1, 100), households h \
             WHERE c.village = '{HERE}' AND h.village = c.village AND c.week = '{first}'",
            later * 7 * DAY_MS
        );
        world.run(&sql).await;
    }
    number(world, "SELECT COUNT(*) FROM claims WHERE status = 'approved'").await
}

/// G3: three replicas after an outage of two months; the one that closes is paused in the middle of a close,
/// another takes over, and the first goes on afterwards. No line is there twice and none is missing.
#[actix_web::test]
async fn a_leader_paused_in_mid_close_and_continued_closes_nothing_twice() {
    let long_ago = Clock::System.now().plus_days(-60);
    let world = World::begins(long_ago).await;
    if !world.is_postgres() {
        return; // Several servers on one SQLite file wait for one writer: nothing is in the middle.
    }
    let approved = approve_many(&world, Week::of(long_ago)).await;
    let replicas: Vec<_> = ["replica-1", "replica-2", "replica-3"]
        .map(|name| Replica::start(&world.database, name))
        .into();
    let paused = eventually("a pause in the middle of a close", async || {
        let leader = in_mid_close(&world, &replicas).await?;
        leader.pause();
        if is_in_transaction(&world, leader).await {
            return Some(leader);
        }
        leader.resume();
        None
    })
    .await;
    let epoch = "SELECT epoch FROM leases WHERE name = 'calendar'";
    let before = number(&world, epoch).await;
    let open = "SELECT COUNT(*) FROM villages WHERE next_due_at <= \
                CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT)";
    eventually("the take-over", async || (number(&world, open).await == 0).then_some(())).await;
    assert!(number(&world, epoch).await > before, "nobody took the lease over");
    paused.resume();
    // It answers again, and asks the database to do so.
    let path = format!("{}/v1/villages/{HERE}/calendar", paused.base);
    let client = world.anybody().client;
    eventually("an answer of the one that was paused", async || {
        let answer = client.get(&path).send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    let lines = "SELECT COUNT(*) FROM score_lines WHERE kind = 'claim'";
    assert_eq!(number(&world, lines).await, approved);
    let left = "SELECT COUNT(*) FROM claims WHERE status = 'approved'";
    assert_eq!(number(&world, left).await, 0, "every week is closed");
    world.verified().await;
    println!(
        "figure: replicas: {approved} claims closed by two of three replicas, one paused in mid-close"
    );
}
