use std::collections::BTreeMap;

use api::kernel::ledger::{self, Account, Journal};
use api::kernel::problem::{Code, Outcome, Problem};
use api::kernel::region::Village;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::{HERE, World, at, household_id};

/// Something that is asked of the ledger.
#[derive(Clone, Debug)]
enum Command {
    /// The meaning decides: the same one twice moves points once.
    Post {
        meaning: u8,
        household: usize,
        points: i64,
        confirm: bool,
    },
    Hold {
        household: usize,
        points: i64,
    },
    Release {
        household: usize,
        points: i64,
    },
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (any::<u8>(), 1..4_usize, -20..40_i64, any::<bool>()).prop_map(
            |(meaning, household, points, confirm)| Command::Post {
                meaning,
                household,
                points,
                confirm
            }
        ),
        (1..4_usize, 0..30_i64).prop_map(|(household, points)| Command::Hold { household, points }),
        (1..4_usize, 0..30_i64)
            .prop_map(|(household, points)| Command::Release { household, points }),
    ]
}

/// The ledger as a villager would keep it on paper.
#[derive(Default)]
struct Paper {
    posted: BTreeMap<(bool, u8, usize), i64>,
    held: BTreeMap<usize, i64>,
}

impl Paper {
    fn available(&self, household: usize) -> i64 {
        let confirmed =
            self.posted.iter().filter(|((confirm, _, of), _)| *confirm && *of == household);
        confirmed.map(|(_, points)| points).sum()
    }

    fn held(&self, household: usize) -> i64 {
        self.held.get(&household).copied().unwrap_or_default()
    }
}

/// I1: every journal sums to 0 and every balance is the sum of its postings. I2: nothing is held that
/// is not available. I6: the same meaning twice is once. After every command the database agrees with
/// the paper, and what the paper refuses the database refuses.
#[actix_web::test]
async fn any_sequence_of_commands_leaves_the_ledger_whole() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let village: Village = HERE.parse().expect("a village");
    let mut runner = TestRunner::deterministic();
    let commands = proptest::collection::vec(command(), 150).new_tree(&mut runner);
    let mut paper = Paper::default();
    for command in commands.expect("commands").current() {
        let expected = expect(&paper, &command);
        let done = world.app.db.write(async |tx| apply(tx, &village, &command).await).await;
        match (expected, done) {
            (Ok(()), Ok(_)) => record(&mut paper, &command),
            (Err(()), Err(_)) => {}
            (expected, done) => panic!("{command:?}: expected {expected:?}, found {done:?}"),
        }
        for household in 1..4 {
            let found = balance(&world, household).await;
            assert_eq!(found, (paper.available(household), paper.held(household)), "{command:?}");
        }
    }
    let held = "UPDATE balances SET held = 0";
    world
        .app
        .db
        .write(async |tx| Ok(api::kernel::db::run(tx, held, []).await?))
        .await
        .expect("no holds");
    let report = api::verify::verify(&world.app.db).await.expect("a report");
    // These journals stand for no score lines; every check of the ledger itself comes before that one.
    assert!(report.is_clean() || report.to_string().contains("score lines"), "{report}");
}

fn expect(paper: &Paper, command: &Command) -> Result<(), ()> {
    match command {
        Command::Post { .. } => Ok(()),
        Command::Hold { household, points } => {
            let free = paper.available(*household) - paper.held(*household);
            let known = paper.posted.keys().any(|(confirm, _, of)| *confirm && of == household);
            if known && free >= *points { Ok(()) } else { Err(()) }
        }
        Command::Release { household, points } => {
            let known = paper.posted.keys().any(|(confirm, _, of)| *confirm && of == household);
            if known && paper.held(*household) >= *points { Ok(()) } else { Err(()) }
        }
    }
}

fn record(paper: &mut Paper, command: &Command) {
    match *command {
        Command::Post { meaning, household, points, confirm } => {
            paper.posted.entry((confirm, meaning, household)).or_insert(points);
        }
        Command::Hold { household, points } => *paper.held.entry(household).or_default() += points,
        Command::Release { household, points } => {
            *paper.held.entry(household).or_default() -= points
        }
    }
}

async fn apply(tx: &api::kernel::db::Tx, village: &Village, command: &Command) -> Outcome<()> {
    match *command {
        Command::Post { meaning, household, points, confirm } => {
            let id = household_id(HERE, household);
            let (kind, from, to) = if confirm {
                ("confirm", Account::Pending(id), Account::Available(id))
            } else {
                ("score", Account::Issued, Account::Pending(id))
            };
            let journal =
                Journal::transfer(kind, format!("{meaning}:{household}"), from, to, points);
            ledger::post(tx, village, None, at("2024-08-21 08:00"), &[journal]).await?;
            Ok(())
        }
        Command::Hold { household, points } => {
            ledger::hold(tx, village, household_id(HERE, household), points).await
        }
        Command::Release { household, points } => {
            ledger::release(tx, village, household_id(HERE, household), points).await
        }
    }
}

async fn balance(world: &World, household: usize) -> (i64, i64) {
    let of = async |column: &str| {
        let sql = format!(
            "SELECT {column} FROM balances WHERE village = $1 AND household = $2 AND account = 'available'"
        );
        let values = [HERE.into(), household_id(HERE, household).into()];
        api::kernel::db::number(world.app.db.read(), &sql, values).await.expect("a balance")
    };
    (of("points").await, of("held").await)
}

#[actix_web::test]
async fn a_journal_that_does_not_sum_to_zero_is_not_posted() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let village: Village = HERE.parse().expect("a village");
    let odd = Journal {
        kind: "score",
        reference: "odd".to_owned(),
        reverses: None,
        postings: vec![(Account::Issued, -5), (Account::Pending(household_id(HERE, 1)), 6)],
    };
    let now = at("2024-08-21 08:00");
    let done = world
        .app
        .db
        .write(async |tx| ledger::post(tx, &village, None, now, std::slice::from_ref(&odd)).await);
    assert!(matches!(done.await, Err(Problem::Fault(_))));
    assert_eq!(world.count("postings").await, 0);
}

#[actix_web::test]
async fn a_hold_without_a_balance_is_refused_as_insufficient() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let village: Village = HERE.parse().expect("a village");
    let done =
        world.app.db.write(async |tx| ledger::hold(tx, &village, household_id(HERE, 1), 1).await);
    match done.await {
        Err(Problem::Refused(refusal)) => assert_eq!(refusal.code, Code::InsufficientPoints),
        other => panic!("{other:?}"),
    }
}
