use api::kernel::chain::{self, GENESIS, Head};
use api::kernel::db;
use api::kernel::problem::{Outcome, Problem};
use migration::{Migrator, MigratorTrait};

use super::tampering::{unlock, with_history};
use crate::support::{HERE, World, at};

async fn head(world: &World) -> Head {
    let village = HERE.parse().expect("a village");
    chain::head(world.app.db.read(), &village).await.expect("a head")
}

/// What the chain says after somebody with the database's own password was there; taken back.
async fn tampered(world: &World, statements: &[&str]) -> Option<String> {
    let done = world.app.db.write(async |tx| -> Outcome<()> {
        for table in ["journals", "postings", "journal_links", "chain_heads"] {
            unlock(tx, table).await;
        }
        // So that rows can be taken out that others refer to.
        if !world.is_postgres() {
            db::run(tx, "PRAGMA defer_foreign_keys = ON", []).await?;
        }
        for sql in statements {
            assert!(db::run(tx, sql, []).await? > 0, "{sql}");
        }
        let found = chain::first_break(tx).await?;
        Err(Problem::fault(found.unwrap_or_default()))
    });
    match done.await {
        Err(Problem::Fault(found)) => Some(found).filter(|found| !found.is_empty()),
        other => panic!("{statements:?}: {other:?}"),
    }
}

/// G6: whatever is flipped, dropped, added or swapped, the chain names the first link that no longer
/// fits.
#[actix_web::test]
async fn whatever_is_changed_in_a_journal_breaks_the_chain_there() {
    let world = with_history().await;
    let Head { length, hash } = head(&world).await;
    assert!(length >= 5 && hash.len() == 64, "{length}");
    assert_eq!(tampered(&world, &["UPDATE villages SET version = version"]).await, None);
    let second = "(SELECT journal FROM journal_links WHERE sequence = 2)";
    let journal = |set: &str| format!("UPDATE journals SET {set} WHERE id = {second}");
    let posting = |set: &str| format!("UPDATE postings SET {set} WHERE journal = {second}");
    let other = world.uuid(crate::support::household_id(HERE, 9));
    let mut cases: Vec<(i64, Vec<String>)> = vec![
        (2, vec![journal("kind = 'adjustment'")]),
        (2, vec![journal("ref = 'x' || ref")]),
        (2, vec![journal("at = at + 1")]),
        (2, vec![journal(&format!("actor = {other}"))]),
        (2, vec![journal("reverses = (SELECT journal FROM journal_links WHERE sequence = 1)")]),
        (2, vec![posting("points = points * 2")]),
        (2, vec![posting("points = -points")]),
        (2, vec![posting(&format!("household = {other}")) + " AND account = 'pending'"]),
        (2, vec![posting("account = 'available'") + " AND account = 'pending'"]),
        (2, vec![format!("DELETE FROM postings WHERE journal = {second}")]),
        (2, vec!["UPDATE journal_links SET hash = '0' WHERE sequence = 2".to_owned()]),
        // The last hash flipped alone, and the head with it.
        (length, vec![format!("UPDATE journal_links SET hash = '0' WHERE sequence = {length}")]),
        (length, vec!["UPDATE chain_heads SET hash = '0'".to_owned()]),
        // A link dropped at the end, and the head left.
        (length - 1, vec![format!("DELETE FROM journal_links WHERE sequence = {length}")]),
        (1, vec!["DELETE FROM journal_links WHERE sequence = 1".to_owned()]),
        (2, vec!["DELETE FROM journal_links WHERE sequence = 2".to_owned()]),
        (length, vec!["UPDATE chain_heads SET length = 1".to_owned()]),
    ];
    // Two journals change places.
    let swap = ["sequence = -1 WHERE sequence = 1", "sequence = 1 WHERE sequence = 2"];
    let swap = swap.iter().chain(&["sequence = 2 WHERE sequence = -1"]);
    cases.push((1, swap.map(|set| format!("UPDATE journal_links SET {set}")).collect()));
    // A journal that was never linked.
    let unlinked = "INSERT INTO journals (village, id, kind, ref, at) \
                    SELECT village, household, 'score', 'x', 0 FROM balances WHERE account = 'pending' \
                    LIMIT 1";
    cases.push((length, vec![unlinked.to_owned()]));
    for (link, statements) in &cases {
        let statements: Vec<_> = statements.iter().map(String::as_str).collect();
        let found = tampered(&world, &statements).await;
        let found = found.unwrap_or_else(|| panic!("{statements:?} is not found"));
        assert!(found.contains(&format!("village {HERE}, link {link}")), "{statements:?}: {found}");
    }
    println!("figure: chain: {} ways of tampering with journals, all found", cases.len());
    world.verified().await;
}

/// The same meaning at the same instants has the same hashes: on SQLite, on PostgreSQL, and when what
/// was due is done late.
#[actix_web::test]
async fn the_chain_is_the_same_on_both_databases_and_when_settled_late() {
    let mut heads = Vec::new();
    for late in [false, true] {
        let world = World::begins(at("2024-08-28 08:00")).await;
        assert_eq!(head(&world).await, Head { length: 0, hash: GENESIS.to_owned() });
        world.earn(1, 30).await;
        world.earn(2, 20).await;
        if !late {
            for monday in ["2024-09-02 00:00", "2024-09-09 00:00"] {
                world.travel(at(monday)).await;
                let calendar = format!("/v1/villages/{HERE}/calendar");
                world.anybody().get(&calendar).await.ok();
            }
        }
        world.travel(at("2024-09-12 08:00")).await;
        world.anybody().get(&format!("/v1/villages/{HERE}/calendar")).await.ok();
        heads.push(head(&world).await);
        world.verified().await;
    }
    assert_eq!(heads[0].length, 4);
    assert_eq!(heads[0], heads[1]);
    assert_eq!(heads[0].hash, "a751747ae9e52f57ee470d626e988e37dddedef1a57c88bbba50d4ce1344ea26");
}

/// A database that was filled before there was a chain gets one: every journal once, oldest first.
#[actix_web::test]
async fn what_was_posted_before_is_linked_by_the_migration() {
    let world = with_history().await;
    // So that nothing is left to do while the schema changes.
    world.settled().await;
    let before = head(&world).await;
    let steps = Migrator::migrations();
    let ours = steps.iter().position(|step| step.name().ends_with("add_proofs")).expect("a step");
    let down = u32::try_from(steps.len() - ours).expect("a number");
    Migrator::down(world.app.db.schema(), Some(down)).await.expect("down");
    Migrator::up(world.app.db.schema(), None).await.expect("up");
    assert_eq!(head(&world).await.length, before.length);
    assert_eq!(world.count("journal_links").await, world.count("journals").await);
    let found = chain::first_break(world.app.db.read()).await.expect("a report");
    assert_eq!(found, None);
}

/// Who posts waits for whoever has the head: no link is written twice, and none is left out.
#[actix_web::test]
async fn posts_at_once_make_one_chain() {
    let world = with_history().await;
    let village: api::kernel::region::Village = HERE.parse().expect("a village");
    let before = head(&world).await.length;
    let post = async |number: usize| {
        use api::kernel::ledger::{self, Account, Journal};
        let household = crate::support::household_id(HERE, number);
        let (from, to) = (Account::Available(household), Account::Expired);
        let journal = Journal::transfer("expiry", format!("at once {number}"), from, to, 0);
        let now = at("2024-10-07 09:30");
        let done = world.app.db.write(async |tx| {
            ledger::post(tx, &village, None, now, std::slice::from_ref(&journal)).await
        });
        assert!(done.await.expect("a post"));
    };
    futures::future::join_all((1..=10).map(post)).await;
    assert_eq!(head(&world).await.length, before + 10);
    assert_eq!(chain::first_break(world.app.db.read()).await.expect("a report"), None);
}
