//! The figures that townships are asked for.

mod charts;
pub mod comparison;
mod export;
mod totals;
mod trend;

use serde_json::{Value, json};

use crate::support::{HERE, World, at, new_id};

const FIGURES: &str = "/v1/regions/460205100201/statistics";

async fn figures(world: &World, query: &str) -> Value {
    world.anybody().get(&format!("{FIGURES}{query}")).await.ok()
}

/// Scenario 24: August, computed when its list opened and again after an objection was upheld.
#[actix_web::test]
async fn a_period_computed_again_as_of_then_has_the_figures_of_then() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    world.earn(2, 20).await;
    world.travel(at("2024-09-03 09:00")).await;
    let then = "2024-09-03T09:00:00.000+08:00";
    let first = figures(&world, "?period=2024-08").await;
    assert_eq!(
        (&first["cumulative"], &first["participation_rate"]["numerator"]),
        (&json!(50), &json!(2))
    );
    let lists = format!("/v1/villages/{HERE}/public-lists/2024-08/lines");
    let lines = world.anybody().get(&lists).await.ok();
    let line = lines["items"].as_array().expect("lines").iter().find(|it| it["points"] == 20);
    let number = &line.expect("the line of the second")["number"];
    let id = new_id();
    world.travel(at("2024-09-03 09:01")).await;
    let objection =
        json!({ "id": id, "ground": "not_this_household", "reason": "那块地不是他家的" });
    let objections = format!("{lists}/{number}/objections");
    world.head(HERE, 3).await.post(&objections, objection).await.ok();
    let decision = json!({ "decision": "upheld", "reason": "查实" });
    let decisions = format!("/v1/villages/{HERE}/objections/{id}/decision");
    world.official("committee", HERE).await.post(&decisions, decision).await.ok();
    let now = figures(&world, "?period=2024-08").await;
    assert_eq!(
        (&now["cumulative"], &now["participation_rate"]["numerator"]),
        (&json!(30), &json!(1))
    );
    // As a client writes it, and with the plus escaped.
    for plus in ["+", "%2B"] {
        let query = format!("?period=2024-08&as_of={}", then.replace('+', plus));
        let mut again = figures(&world, &query).await;
        assert_eq!(again["as_of"], then);
        again.as_object_mut().expect("an object").remove("as_of");
        assert_eq!(again, first);
    }
    // Over time and beside one another, too.
    trend::knows_what_was_known(&world, then).await;
    comparison::knows_what_was_known(&world, then).await;
    // Before the week closed nothing was awarded; a moment later, everything.
    let before = figures(&world, "?as_of=2024-08-25T23:59:59.999%2B08:00").await;
    assert_eq!(before["cumulative"], 0);
    let after = figures(&world, "?as_of=2024-08-26T00:00:00.000%2B08:00").await;
    assert_eq!(after["cumulative"], 50);
}

/// Scenario 23: a category without entries shows 0.
#[actix_web::test]
async fn all_eight_categories_are_shown_and_the_neglected_ones_named() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-08-26 09:00")).await;
    let figures = figures(&world, "").await;
    let by_category = figures["by_category"].as_array().expect("categories");
    assert_eq!(by_category.len(), 8);
    let zeros = by_category.iter().filter(|it| it["points"] == 0).count();
    // Of eight totals of which seven are nothing, the median is nothing: none is below half of it.
    assert_eq!((zeros, &figures["weak_categories"]), (7, &json!([])));
}

#[actix_web::test]
async fn what_is_no_instant_is_named() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let answer = world.anybody().get(&format!("{FIGURES}?as_of=yesterday")).await;
    assert_eq!(answer.status, 400);
}
