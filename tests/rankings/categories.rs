//! Boards of one category: the rules of the competition, within it.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{HERE, NEXT, World, at, claim, consent, grid_of, household_id, new_id};

/// Has household `number` here do a deed that its grid worker and the panel approve now.
pub async fn deed(world: &World, number: usize, rule: &str, evidence: &[&str]) -> Uuid {
    let evidence: Vec<_> =
        evidence.iter().map(|kind| json!({ "kind": kind, "reference": "编号2024-7" })).collect();
    let rest = json!({
        "occurred_on": world.app.clock.now().day().to_string(),
        "consent": consent(number),
        "evidence": evidence,
    });
    let claim = claim(number, rule, rest);
    let claims = format!("/v1/villages/{HERE}/claims");
    world.head(HERE, number).await.post(&claims, claim.clone()).await.ok();
    let id: Uuid = claim["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let worker = world.official("grid_worker", &grid_of(HERE, number)).await;
    let review = json!({ "decision": "approve" });
    worker.post(&format!("{claims}/{id}/reviews"), review).await.ok();
    world.approve(id, &["panel"]).await;
    id
}

/// A week in which 1, 2 and 6 gave land, 1 and 3 kept a wedding simple, and 6 was fined.
async fn scored() -> World {
    let world = World::begins(at("2024-08-28 08:00")).await;
    for (number, points) in [(1, 20), (2, 30), (6, 20)] {
        world.earn(number, points).await;
    }
    for number in [1, 3] {
        deed(&world, number, "fam.simple_wedding", &["committee_record"]).await;
    }
    world.deduct(6).await;
    world.travel(at("2024-09-02 09:00")).await;
    world
}

pub fn board(region: &str, period: &str, query: &str) -> String {
    format!("/v1/regions/{region}/rankings/{period}?{query}")
}

pub fn points(board: &Value) -> Vec<i64> {
    let rows = board["items"].as_array().expect("rows").iter();
    rows.map(|row| row["points"].as_i64().expect("points")).collect()
}

async fn shown(world: &World, period: &str, query: &str) -> Value {
    world.anybody().get(&board(HERE, period, query)).await.ok()
}

#[actix_web::test]
async fn a_category_ranks_only_households_with_entries_in_it() {
    let world = scored().await;
    for period in ["2024-W35", "2024-08", "2024-Q3", "2024", "all"] {
        let all = shown(&world, period, "").await;
        assert_eq!(points(&all), [30, 30, 10, 10], "{period}");
        assert!(all.get("category").is_none());
        let land = shown(&world, period, "category=rural_construction").await;
        assert_eq!(points(&land), [30, 20, 20], "{period}");
        assert_eq!(land["category"], "rural_construction");
        assert_eq!(land["items"][1]["tie"], true);
        let family = shown(&world, period, "category=family_virtue").await;
        assert_eq!(points(&family), [10, 10], "{period}");
        let law = shown(&world, period, "category=law_abiding").await;
        assert_eq!(points(&law), [-10], "{period}");
        assert!(points(&shown(&world, period, "category=patriotism").await).is_empty());
    }
    world.verified().await;
}

#[actix_web::test]
async fn a_household_sees_its_rank_in_a_category_and_what_decided_there() {
    let world = scored().await;
    let path = |number: usize, query: &str| {
        let household = household_id(HERE, number);
        format!("/v1/villages/{HERE}/rankings/2024-08/households/{household}{query}")
    };
    let six = world.head(HERE, 6).await;
    // In all, a deduction has put it behind the other 10; among those who gave land it does not count.
    let all = six.get(&path(6, "")).await.ok();
    assert_eq!((&all["rank"], &all["points"]), (&json!(4), &json!(10)));
    assert_eq!(all["behind_by"], "fewer_deductions");
    let land = six.get(&path(6, "?category=rural_construction")).await.ok();
    assert_eq!((&land["rank"], &land["of"], &land["points"]), (&json!(3), &json!(3), &json!(20)));
    assert_eq!(
        (&land["category"], &land["behind_by"]),
        (&json!("rural_construction"), &json!("household_number"))
    );
    six.get(&path(6, "?category=family_virtue")).await.refused(404, "not_found");
    six.get(&path(6, "?category=virtue")).await.refused(422, "invalid_field");
    six.get(&path(6, "?category=")).await.refused(422, "invalid_field");
    six.get(&path(6, "?kind=family_virtue")).await.refused(400, "invalid_query");
    let other = path(6, "?category=rural_construction");
    world.head(HERE, 1).await.get(&other).await.refused(403, "other_household");
}

#[actix_web::test]
async fn a_category_that_is_none_is_refused_and_says_which_there_are() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    for query in ["category=virtue", "category=", "category=Patriotism", "category=1&of=grids"] {
        let refused = world.anybody().get(&board(HERE, "2024", query)).await;
        let refused = refused.refused(422, "invalid_field");
        assert_eq!(refused["errors"][0]["pointer"], "/category");
        assert!(refused.to_string().contains("safety_deliberation"));
    }
    let twice = board(HERE, "2024", "category=patriotism&category=patriotism");
    world.anybody().get(&twice).await.refused(400, "invalid_query");
}

/// Grids and villages by points per eligible household of the category, and by which rule one is ahead.
#[actix_web::test]
async fn grids_and_villages_of_a_category_tell_ties_and_what_decided() {
    let world = scored().await;
    let rows = |board: &Value| -> Vec<Value> {
        let rows = board["items"].as_array().expect("rows").iter();
        rows.map(|row| json!([row["points"], row["tie"], row["ahead_by"]])).collect()
    };
    let land = shown(&world, "2024-08", "of=grids&category=rural_construction").await;
    assert_eq!(rows(&land), [json!([50, false, "more_per_household"]), json!([20, false, null])]);
    let law = shown(&world, "2024-08", "of=grids&category=law_abiding").await;
    assert_eq!(rows(&law), [json!([0, false, "more_per_household"]), json!([-10, false, null])]);
    // Nobody did anything: the code decides, and it is a tie.
    let patriots = shown(&world, "2024-08", "of=grids&category=patriotism").await;
    assert_eq!(rows(&patriots), [json!([0, true, "lower_code"]), json!([0, true, null])]);
    let villages = board("460205100", "2024-08", "of=villages&category=family_virtue");
    let villages = world.anybody().get(&villages).await.ok();
    assert_eq!(
        rows(&villages),
        [json!([20, false, "more_per_household"]), json!([0, false, null])]
    );
    assert_eq!(villages["items"][1]["region"], NEXT);
    // No household's row tells the public what decided.
    let households = shown(&world, "2024-08", "").await;
    assert!(!households.to_string().contains("ahead_by"));
}

/// As many points on ten households each: fewer deducted, then more families with points.
#[actix_web::test]
async fn equal_grids_are_decided_by_deductions_then_by_how_many_take_part() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 20).await;
    for (number, points) in [(6, 10), (7, 10)] {
        world.earn(number, points).await;
    }
    world.travel(at("2024-09-02 09:00")).await;
    let grids = shown(&world, "2024-W35", "of=grids").await;
    let first = &grids["items"][0];
    assert_eq!(first["region"], grid_of(HERE, 6));
    assert_eq!(
        (&first["tie"], &first["ahead_by"]),
        (&json!(true), &json!("more_households_with_points"))
    );
    world.earn(2, 10).await;
    world.earn(8, 20).await;
    world.deduct(8).await;
    world.travel(at("2024-09-09 09:00")).await;
    let grids = shown(&world, "2024-W36", "of=grids").await;
    let first = &grids["items"][0];
    assert_eq!(first["region"], grid_of(HERE, 2));
    assert_eq!(first["ahead_by"], "fewer_deductions_per_household");
    assert_eq!(grids["items"][1]["tie"], true);
}

/// A household counts in a period if its file was open when the period ended.
#[actix_web::test]
async fn who_moved_out_stays_on_past_boards_and_is_on_no_later_one() {
    let world = scored().await;
    let moved = json!({ "reason": "举家迁往外省" });
    let path = format!("/v1/villages/{HERE}/households/{}/move-out", household_id(HERE, 2));
    let officer = world.official("township", "460205100").await;
    officer.post(&path, moved).await.ok();
    let category = "category=rural_construction";
    for (period, expected) in
        [("2024-W35", 3), ("2024-08", 3), ("2024-Q3", 2), ("2024", 2), ("all", 2)]
    {
        let board = shown(&world, period, category).await;
        assert_eq!(points(&board).len(), expected, "{period}");
        let grids = shown(&world, period, &format!("of=grids&{category}")).await;
        let households = grids["items"].as_array().expect("rows").iter();
        let households: i64 = households.map(|row| row["households"].as_i64().expect("some")).sum();
        assert_eq!(households, 7 + i64::try_from(expected).expect("few"), "{period}");
    }
    world.verified().await;
}

/// A line struck in its publicity leaves its week, month, quarter, year, and all time.
#[actix_web::test]
async fn what_is_struck_leaves_its_category_in_every_period() {
    let world = scored().await;
    let lines = format!("/v1/villages/{HERE}/public-lists/2024-08/lines");
    let listed = world.anybody().get(&lines).await.ok();
    let line = listed["items"].as_array().expect("lines").iter().find(|it| it["points"] == 30);
    let number = &line.expect("the line of the second")["number"];
    let id = new_id();
    let objection = json!({ "id": id, "ground": "did_not_happen", "reason": "没有让地" });
    let objections = format!("{lines}/{number}/objections");
    world.head(HERE, 3).await.post(&objections, objection).await.ok();
    let decision = json!({ "decision": "upheld", "reason": "查实" });
    let decisions = format!("/v1/villages/{HERE}/objections/{id}/decision");
    world.official("committee", HERE).await.post(&decisions, decision).await.ok();
    for period in ["2024-W35", "2024-08", "2024-Q3", "2024", "all"] {
        let land = shown(&world, period, "category=rural_construction").await;
        assert_eq!(points(&land), [20, 20, 0], "{period}");
    }
    world.verified().await;
}
