//! Boards of all time: the years together, each as it was left.

use api::kernel::db;
use migration::{Migrator, MigratorTrait};
use serde_json::json;

use super::categories::{board, deed, points};
use crate::support::{HERE, World, at, household_id};

/// Three years with a deed in each, and the first weeks of a fourth.
async fn years() -> World {
    let world = World::begins(at("2023-12-20 08:00")).await;
    for (now, number, earned) in [
        ("2023-12-20 09:00", 1, 10),
        ("2024-06-19 09:00", 2, 30),
        ("2025-06-18 09:00", 1, 30),
        ("2026-01-07 09:00", 3, 20),
    ] {
        // The sandbox's clock goes at most 400 days at a time.
        world.travel(at(now)).await;
        world.anybody().get(&board(HERE, "all", "")).await.ok();
        world.earn(number, earned).await;
    }
    world.travel(at("2026-01-12 09:00")).await;
    world.anybody().get(&board(HERE, "all", "")).await.ok();
    world
}

#[actix_web::test]
async fn all_time_is_the_sum_of_the_years_and_never_final() {
    let world = years().await;
    let all = world.anybody().get(&board(HERE, "all", "")).await.ok();
    assert_eq!(points(&all), [40, 30, 20]);
    assert_eq!((&all["period"], &all["status"]), (&json!("all"), &json!("provisional")));
    let land = board(HERE, "all", "category=rural_construction");
    assert_eq!(points(&world.anybody().get(&land).await.ok()), [40, 30, 20]);
    let grids = world.anybody().get(&board(HERE, "all", "of=grids")).await.ok();
    assert_eq!(points(&grids), [90, 0]);
    let path = format!("/v1/villages/{HERE}/rankings/all/households/{}", household_id(HERE, 2));
    let rank = world.head(HERE, 2).await.get(&path).await.ok();
    assert_eq!(
        (&rank["rank"], &rank["of"], &rank["status"]),
        (&json!(2), &json!(3), &json!("provisional"))
    );
    let figures = format!("/v1/regions/{HERE}/statistics?period=all");
    let figures = world.anybody().get(&figures).await.ok();
    assert_eq!((&figures["period"], &figures["cumulative"]), (&json!("all"), &json!(90)));
    for odd in ["ALL", "all-2024", "All"] {
        let odd = board(HERE, odd, "");
        world.anybody().get(&odd).await.refused(400, "invalid_path");
    }
    world.verified().await;
}

/// However many years there were, a close reads this year's rows and one more.
#[actix_web::test]
async fn a_close_adds_one_year_and_not_all_of_them() {
    let world = years().await;
    let kept = |period: &str| format!("category_standings WHERE period = '{period}'");
    // Whoever earned in one year or more, once a year.
    for (period, rows) in [("to-2023", 1), ("to-2024", 2), ("to-2025", 2), ("all", 3)] {
        assert_eq!(world.count(&kept(period)).await, rows, "{period}");
    }
    assert_eq!(world.count("category_standings WHERE period > 'to-2025'").await, 0);
    // Years long ago are not read again.
    world.run("DELETE FROM category_standings WHERE period IN ('2023', '2024', 'to-2023')").await;
    deed(&world, 2, "fam.simple_wedding", &["committee_record"]).await;
    world.travel(at("2026-01-19 09:00")).await;
    let all = world.anybody().get(&board(HERE, "all", "")).await.ok();
    assert_eq!(points(&all), [40, 40, 20]);
}

/// A line of December that is struck in January changes the year that is over, and so all time.
#[actix_web::test]
async fn what_is_corrected_of_last_year_goes_through_to_all_time() {
    let world = World::begins(at("2023-12-27 08:00")).await;
    world.earn(1, 30).await;
    world.earn(2, 20).await;
    world.travel(at("2024-01-03 09:00")).await;
    deed(&world, 2, "fam.simple_wedding", &["committee_record"]).await;
    let lines = format!("/v1/villages/{HERE}/public-lists/2023-12/lines");
    let listed = world.anybody().get(&lines).await.ok();
    let line = listed["items"].as_array().expect("lines").iter().find(|it| it["points"] == 30);
    let number = &line.expect("the line of the first")["number"];
    let id = crate::support::new_id();
    let objection = json!({ "id": id, "ground": "did_not_happen", "reason": "没有让地" });
    let objections = format!("{lines}/{number}/objections");
    world.head(HERE, 3).await.post(&objections, objection).await.ok();
    let decision = json!({ "decision": "upheld", "reason": "查实" });
    let decisions = format!("/v1/villages/{HERE}/objections/{id}/decision");
    world.official("committee", HERE).await.post(&decisions, decision).await.ok();
    let all = world.anybody().get(&board(HERE, "all", "")).await.ok();
    assert_eq!(points(&all), [20, 0]);
    assert_eq!(world.count("category_standings WHERE period = 'to-2023' AND points = 0").await, 1);
    world.travel(at("2024-01-08 09:00")).await;
    let all = world.anybody().get(&board(HERE, "all", "")).await.ok();
    assert_eq!(points(&all), [30, 0]);
    world.verified().await;
}

/// What stood before there were categories gets the same rows as what was closed since.
#[actix_web::test]
async fn the_migration_makes_the_rows_that_the_closes_made() {
    let world = years().await;
    deed(&world, 2, "fam.simple_wedding", &["committee_record"]).await;
    world.deduct(6).await;
    world.travel(at("2026-01-19 09:00")).await;
    world.settled().await;
    let rows = async || {
        #[derive(Debug, PartialEq, sea_orm::FromQueryResult)]
        struct Row {
            period: String,
            category: String,
            household: uuid::Uuid,
            points: i64,
            deductions: i64,
            categories: i64,
            reached_at: i64,
        }
        let sql = "SELECT period, category, household, points, deductions, categories, reached_at \
                   FROM category_standings UNION ALL SELECT period, 'all', household, points, \
                   deductions, categories, reached_at FROM standings ORDER BY 1, 2, 3";
        db::all::<Row>(world.app.db.read(), sql, []).await.expect("rows")
    };
    let before = rows().await;
    assert!(before.len() > 40, "{}", before.len());
    let later = Migrator::migrations().len()
        - Migrator::migrations()
            .iter()
            .position(|it| it.name().ends_with("rank_categories"))
            .expect("the step");
    let steps = Some(u32::try_from(later).expect("few"));
    Migrator::down(world.app.db.schema(), steps).await.expect("down");
    Migrator::up(world.app.db.schema(), None).await.expect("up");
    assert_eq!(rows().await, before);
    world.verified().await;
}
