use api::kernel::db::{self, Tx};
use api::kernel::problem::{Outcome, Problem};
use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::json;

use crate::support::{HERE, World, at};

/// A village with earned, confirmed and spent points.
pub async fn with_history() -> World {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 30).await;
    world.earn(2, 20).await;
    world.travel(at("2024-10-07 09:00")).await;
    let zhang = world.head(HERE, 1).await;
    let body = crate::support::order_of("goods.laundry_liquid", 1);
    let held = zhang.post(&format!("/v1/villages/{HERE}/redemptions"), body).await.ok();
    let collection = format!(
        "/v1/villages/{HERE}/redemptions/{}/collection",
        held["id"].as_str().expect("an id")
    );
    let code = json!({ "pickup_code": held["pickup_code"] });
    world.official("clerk", HERE).await.post(&collection, code).await.ok();
    world
}

/// Rows changed behind the program's back, with the triggers out of the way: each is named.
#[actix_web::test]
async fn verify_names_what_was_changed_behind_its_back() {
    let cases = [
        (
            "balances",
            "UPDATE balances SET points = points + 1 WHERE account = 'available'",
            "a balance is",
        ),
        (
            "balances",
            "UPDATE balances SET held = 1 WHERE account = 'available' AND points > 0",
            "held of a balance",
        ),
        (
            "postings",
            "UPDATE postings SET points = points + 1 WHERE account = 'pending'",
            "sum to 0",
        ),
        ("postings", "DELETE FROM postings WHERE account = 'redeemed'", "sum to 0"),
        ("postings", "DELETE FROM postings", "has postings"),
        (
            "score_lines",
            "UPDATE score_lines SET awarded = awarded - 1",
            "add up to the household's",
        ),
        ("score_sheets", "UPDATE score_sheets SET points = 0 WHERE points > 0", "a closed sheet"),
        ("public_lists", "UPDATE public_lists SET points = 0 WHERE points > 0", "a public list"),
        (
            "public_list_lines",
            "UPDATE public_list_lines SET confirmed_at = NULL",
            "confirmed lines",
        ),
        ("claims", "UPDATE claims SET points = points + 1", "a scored claim"),
        ("prizes", "UPDATE prizes SET stock = stock + 1 WHERE key = 'goods.soap'", "stock is"),
        (
            "redemptions",
            "UPDATE redemptions SET points = 1 WHERE status = 'collected'",
            "collected redemptions",
        ),
        (
            "standings",
            "UPDATE standings SET points = points + 1 WHERE period = '2024-Q3'",
            "a standing is the sum of its categories: village 460205100201, 2024-Q3",
        ),
        (
            "category_standings",
            "UPDATE category_standings SET points = points + 1 WHERE period = '2024-Q3'",
            "a standing is the sum of its categories: village 460205100201, 2024-Q3",
        ),
        (
            "category_standings",
            "UPDATE category_standings SET points = points + 1 WHERE period = 'all'",
            "a standing is the sum of its categories: village 460205100201, all",
        ),
        (
            "category_standings",
            "INSERT INTO category_standings SELECT village, 'to-2023', category, household, \
             points, deductions, categories, reached_at FROM category_standings \
             WHERE period = 'all'",
            "until a year",
        ),
        (
            "period_totals",
            "UPDATE period_totals SET rural_construction = rural_construction + 1 \
             WHERE period = '2024-Q3' AND village = '460205100201'",
            "the points of a period are what its lines come to: village 460205100201, 2024-Q3",
        ),
        (
            "period_totals",
            "UPDATE period_totals SET households = households + 1 \
             WHERE period = '2024' AND village = '460205100201'",
            "the households of a period are what its lines come to: village 460205100201, 2024",
        ),
        (
            "period_totals",
            "DELETE FROM period_totals WHERE period = 'all' AND village = '460205100201'",
            "the points of a period are what its lines come to: village 460205100201, all",
        ),
        ("members", "UPDATE members SET left_at = 1 WHERE is_head", "a present head"),
        ("households", "UPDATE households SET status = 'closed'", "says how"),
        (
            "households",
            "UPDATE households SET status = 'moved_out', ended_at = 1",
            "nothing is left with",
        ),
        ("standings", "DELETE FROM standings WHERE period = '2024-09'", "sum of its categories"),
    ];
    let world = with_history().await;
    world.verified().await;
    for (table, sql, named) in cases {
        let report = tampered(&world, table, sql).await;
        assert!(report.contains(named), "{sql}: {report}");
    }
    world.verified().await;
}

/// The report on what somebody with the database's own password can do, taken back afterwards.
pub async fn tampered(world: &World, table: &str, sql: &str) -> String {
    let done = world.app.db.write(async |tx| -> Outcome<()> {
        unlock(tx, table).await;
        for statement in sql.split("; ") {
            db::run(tx, statement, []).await?;
        }
        let report = api::verify::verify_on(tx, None).await?;
        // An error rolls the change back and carries the report out.
        Err(Problem::fault(report.to_string()))
    });
    match done.await {
        Err(Problem::Fault(report)) => report,
        other => panic!("{sql}: {other:?}"),
    }
}

/// Takes a table's triggers out of the way until the transaction ends.
pub async fn unlock(tx: &Tx, table: &str) {
    #[derive(sea_orm::FromQueryResult)]
    struct Trigger {
        name: String,
    }
    let off = if tx.get_database_backend() == DbBackend::Postgres {
        vec![format!("ALTER TABLE {table} DISABLE TRIGGER USER")]
    } else {
        let triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = $1";
        let found = db::all::<Trigger>(tx, triggers, [table.into()]).await.expect("triggers");
        found.iter().map(|it| format!("DROP TRIGGER {}", it.name)).collect()
    };
    for statement in off {
        db::run(tx, &statement, []).await.expect("the triggers are out of the way");
    }
}
