//! Rows are locked in one order: household balance before stock, and a redemption before either. Each test
//! holds two requests up until both have what the other would need if the order were another, and then
//! lets them go. A deadlock would be tried again and hidden from whoever asks, so the test looks at who
//! waits for whom.

use std::cell::Cell;
use std::time::Duration;

use actix_web::rt::time::sleep;
use api::kernel::db;
use api::kernel::problem::Code;
use serde_json::json;
use tokio::sync::Notify;

use super::helped::helped;
use super::redeem::{open_shop, path};
use crate::support::{Actor, Answer, HERE, World, at, grid_of, order_of};

/// How many sessions of this database wait for a lock.
const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity \
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// How many of them wait for one that waits for them.
const IN_CIRCLE: &str = "SELECT COUNT(*) FROM pg_stat_activity a JOIN pg_stat_activity b \
      ON b.pid = ANY(pg_blocking_pids(a.pid)) \
    WHERE a.datname = current_database() AND a.pid = ANY(pg_blocking_pids(b.pid))";

async fn number(world: &World, sql: &str) -> i64 {
    db::number(world.app.db.read(), sql, []).await.expect("a number")
}

async fn until_waiting(world: &World, sessions: i64) {
    for _ in 0..1_000 {
        if number(world, WAITING).await >= sessions {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("{sessions} sessions do not come to wait");
}

/// With what `sql` locks out of reach, `first` comes as far as it can, then `second`; then both go on.
async fn collide<A, B>(
    world: &World,
    sql: &str,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let (locked, release, over) = (Notify::new(), Notify::new(), Cell::new(false));
    let in_the_way = world.app.db.write(async |tx| {
        db::run(tx, sql, []).await?;
        locked.notify_one();
        release.notified().await;
        // Rolled back, and not tried again.
        Err::<(), _>(Code::Busy.into())
    });
    let one = async {
        locked.notified().await;
        first.await
    };
    let two = async {
        until_waiting(world, 1).await;
        second.await
    };
    let both = async {
        let done = futures::join!(one, two);
        over.set(true);
        done
    };
    let watch = async {
        until_waiting(world, 2).await;
        release.notify_one();
        while !over.get() {
            assert_eq!(number(world, IN_CIRCLE).await, 0, "each waits for the other");
            sleep(Duration::from_millis(5)).await;
        }
    };
    let (_, done, ()) = futures::join!(in_the_way, both, watch);
    done
}

/// SQL that has the order of this id wait before its goods leave the stock: somebody is just writing the
/// very move that it writes.
fn before_stock(order: &serde_json::Value) -> String {
    let order = order["id"].as_str().expect("an id");
    format!(
        "INSERT INTO stock_moves (village, id, prize, quantity, kind, ref, at) \
         SELECT village, gen_random_uuid(), id, -1, 'hold', '{order}', 0 FROM prizes \
         WHERE village = '{HERE}' AND key = 'goods.soap'"
    )
}

async fn soap(head: &Actor) -> String {
    let held = head.post(&path(), order_of("goods.soap", 1)).await.ok();
    format!("{}/{}", path(), held["id"].as_str().expect("an id"))
}

async fn all_is_given_back(world: &World, held: i64) {
    assert_eq!(world.count("redemptions WHERE status = 'held'").await, held);
    assert_eq!(world.count("prizes WHERE key = 'goods.soap' AND stock = 200").await, 2);
    world.verified().await;
}

/// Two families' holds of one prize expire while the second asks for another of it: it has its balance and
/// wants the stock, and the expiry has the first family's hold and wants that balance.
#[actix_web::test]
async fn holds_that_expire_take_all_balances_before_any_stock() {
    let world = open_shop(&[(1, 30), (2, 30)]).await;
    if !world.is_postgres() {
        // One writer: nothing ever waits for two things.
        return;
    }
    for number in [1, 2] {
        soap(&world.head(HERE, number).await).await;
    }
    let wang = world.head(HERE, 2).await;
    world.travel(at("2024-10-14 08:59:59.999")).await;
    let order = order_of("goods.soap", 1);
    let expiry = async {
        world.travel(at("2024-10-14 09:00")).await;
        let village = HERE.parse().expect("a village");
        api::calendar::settle_village(&world.app, &village).await.expect("settled");
    };
    let sql = before_stock(&order);
    let path = path();
    let asked = wang.post(&path, order);
    let (held, ()) = collide(&world, &sql, asked, expiry).await;
    held.ok();
    assert_eq!(world.count("redemptions WHERE status = 'expired'").await, 2);
    all_is_given_back(&world, 1).await;
}

/// A family cancels one prize and asks for another of it at once: both want its balance and the stock.
#[actix_web::test]
async fn a_cancellation_takes_the_balance_before_the_stock() {
    let world = open_shop(&[(1, 30)]).await;
    if !world.is_postgres() {
        return;
    }
    let zhang = world.head(HERE, 1).await;
    let cancel = format!("{}/cancellation", soap(&zhang).await);
    let order = order_of("goods.soap", 1);
    let sql = before_stock(&order);
    let path = path();
    let asked = zhang.post(&path, order);
    let (held, cancelled) = collide(&world, &sql, asked, zhang.post(&cancel, json!({}))).await;
    held.ok();
    cancelled.ok();
    all_is_given_back(&world, 1).await;
}

/// What a hold of a helped family comes to when it is collected and cancelled at once, the first of the two
/// being before the other: both their answers.
async fn collected_and_cancelled(collection_first: bool) -> Option<(Answer, Answer)> {
    let world = open_shop(&[(2, 30)]).await;
    if !world.is_postgres() {
        return None;
    }
    let this = helped(&world).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 2)).await;
    worker.post(&format!("{this}/witness"), json!({})).await.ok();
    let (clerk, wang) = (world.official("clerk", HERE).await, world.head(HERE, 2).await);
    let (collection, cancellation) = (format!("{this}/collection"), format!("{this}/cancellation"));
    let collect = clerk.post(&collection, json!({}));
    let cancel = wang.post(&cancellation, json!({}));
    let sql = "SELECT id FROM redemptions FOR UPDATE";
    let done = if collection_first {
        collide(&world, sql, collect, cancel).await
    } else {
        let (cancelled, collected) = collide(&world, sql, cancel, collect).await;
        (collected, cancelled)
    };
    assert_eq!(world.count("balances WHERE held <> 0").await, 0);
    world.verified().await;
    Some(done)
}

/// Whoever comes to the redemption first has it: nobody has its balance meanwhile.
#[actix_web::test]
async fn collection_and_cancellation_take_the_redemption_before_the_balance() {
    if let Some((collected, cancelled)) = collected_and_cancelled(true).await {
        assert_eq!(collected.ok()["status"], "collected");
        assert_eq!(cancelled.refused(409, "wrong_state")["current"], "collected");
    }
    if let Some((collected, cancelled)) = collected_and_cancelled(false).await {
        assert_eq!(cancelled.ok()["status"], "cancelled");
        assert_eq!(collected.refused(409, "wrong_state")["current"], "cancelled");
    }
}
