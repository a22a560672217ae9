//! Lists of objections and of lines, by what one looks for.

use serde_json::json;

use super::{decided, object, published, township};
use crate::support::{HERE, NEXT, World, at};

fn count(page: &serde_json::Value) -> usize {
    page["items"].as_array().expect("items").len()
}

#[actix_web::test]
async fn objections_are_found_by_state_and_month_and_ones_own_by_anybody() {
    let world = published().await;
    let first = object(&world, 3, 1).await;
    object(&world, 4, 1).await;
    object(&world, 3, 2).await;
    decided(&world, &first, "dismissed").await;
    let list = format!("/v1/villages/{HERE}/objections");
    let committee = world.official("committee", HERE).await;
    for (query, expected) in [
        ("", 3),
        ("?status=filed", 2),
        ("?status=decided", 1),
        ("?status=final", 0),
        ("?month=2024-08", 3),
        ("?month=2024-07", 0),
        ("?status=filed&month=2024-08", 2),
        ("?mine=true", 0),
    ] {
        let page = committee.get(&format!("{list}{query}")).await.ok();
        assert_eq!(count(&page), expected, "{query}");
    }
    let page = committee.get(&format!("{list}?status=filed&limit=1")).await.ok();
    assert_eq!(page["items"][0]["lies_with"], "committee");
    assert_eq!(page["items"][0]["allowed_actions"], json!(["investigate", "decide"]));
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let next = committee.get(&format!("{list}?status=filed&cursor={cursor}")).await.ok();
    assert_eq!(count(&next), 1);
    committee.get(&format!("{list}?cursor={cursor}")).await.refused(400, "invalid_cursor");
    committee.get(&format!("{list}?status=lost")).await.refused(400, "invalid_query");

    let filer = world.head(HERE, 3).await;
    let own = filer.get(&format!("{list}?mine=true")).await.ok();
    assert_eq!(count(&own), 2);
    assert_eq!(own["items"][1]["allowed_actions"], json!(["appeal"]));
    assert!(own["items"][0]["filed_by"].is_string());
    assert_eq!(count(&world.head(HERE, 5).await.get(&format!("{list}?mine=true")).await.ok()), 0);
    for query in ["", "?mine=false", "?status=filed"] {
        filer.get(&format!("{list}{query}")).await.refused(403, "role_required");
    }
    // Whoever has no part in it, or lives elsewhere, does not learn that it is there.
    world.head(HERE, 4).await.get(&first).await.refused(404, "not_found");
    world.official("panel", HERE).await.get(&first).await.refused(404, "not_found");
    world.head(NEXT, 1).await.get(&first).await.refused(404, "not_found");
    world.official("committee", NEXT).await.get(&first).await.refused(404, "not_found");
    assert_eq!(township(&world).await.get(&first).await.ok()["status"], "decided");
}

#[actix_web::test]
async fn lines_are_found_by_category_and_household_and_counted_by_state() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    let list = format!("/v1/villages/{HERE}/public-lists/2024-08");
    let counts = world.anybody().get(&list).await.ok()["lines"].clone();
    assert_eq!(
        counts,
        json!({ "open": 1, "contested": 1, "upheld": 0, "adjusted": 0, "struck": 0 })
    );
    for (query, expected) in [
        ("?category=rural_construction", 2),
        ("?category=living_environment", 0),
        ("?household_number=2", 1),
        ("?household_number=9", 0),
        ("?category=rural_construction&household_number=1", 1),
    ] {
        let page = world.anybody().get(&format!("{list}/lines{query}")).await.ok();
        assert_eq!(count(&page), expected, "{query}");
    }
    let page = world.anybody().get(&format!("{list}/lines?limit=1")).await.ok();
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let other = format!("{list}/lines?household_number=2&cursor={cursor}");
    world.anybody().get(&other).await.refused(400, "invalid_cursor");
    world.anybody().get(&format!("{list}/lines?category=x")).await.refused(400, "invalid_query");
    world.travel(at("2024-09-04 10:00")).await;
    decided(&world, &objection, "upheld").await;
    let page = world.anybody().get(&format!("{list}/lines?household_number=1")).await.ok();
    let line = &page["items"][0];
    assert_eq!((&line["points"], &line["points_left"]), (&json!(30), &json!(0)));
    assert_eq!(line["decided_at"], "2024-09-04T10:00:00.000+08:00");
    assert_eq!(world.anybody().get(&list).await.ok()["lines"]["struck"], 1);
}

#[actix_web::test]
async fn an_empty_month_can_be_read_and_has_nothing_to_object_to() {
    let world = World::begins(at("2024-08-01 08:00")).await;
    world.travel(at("2024-09-03 08:00")).await;
    let list = format!("/v1/villages/{HERE}/public-lists/2024-08");
    let shown = world.anybody().get(&list).await.ok();
    assert_eq!((&shown["status"], &shown["lines"]["open"]), (&json!("open"), &json!(0)));
    assert_eq!(count(&world.anybody().get(&format!("{list}/lines")).await.ok()), 0);
    let filer = world.head(HERE, 1).await;
    filer.post(&super::line(1), super::objection()).await.refused(404, "not_found");
    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(world.anybody().get(&list).await.ok()["status"], "closed");
    world.verified().await;
}
