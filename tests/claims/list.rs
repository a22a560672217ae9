use serde_json::{Value, json};

use crate::support::{Actor, FAR, HERE, NEXT, World, at, claim, grid_of, head_id, household_id};

fn path(filter: &str) -> String {
    format!("/v1/villages/{HERE}/claims{filter}")
}

/// The ids that a list holds.
async fn found(actor: &Actor, filter: &str) -> Vec<Value> {
    let list = actor.get(&path(filter)).await.ok();
    list["items"].as_array().expect("items").iter().map(|it| it["id"].clone()).collect()
}

async fn filed(actor: &Actor, body: Value) -> Value {
    actor.post(&path(""), body).await.ok()["id"].clone()
}

struct Filed {
    world: World,
    /// Household 1's own, for a deed of 18 August, in review.
    courtyard: Value,
    /// A round of inspection at household 1, on 19 August.
    inspection: Value,
    /// Household 2's, of its head as a member, on 20 August.
    cleanup: Value,
    /// Household 9's in the other grid, filed for it, approved in W34, on 21 August.
    land: Value,
}

async fn four_claims() -> Filed {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let picture =
        async |of: &Actor, kind: &str| json!({ "kind": kind, "photo": world.photo(of).await });
    let second = world.head(HERE, 2).await;
    let body = claim(
        1,
        "env.courtyard_beautify",
        json!({
            "occurred_on": "2024-08-18",
            "evidence": [
                picture(&zhang, "photo_before_after").await,
                picture(&zhang, "photo_before_after").await,
            ],
        }),
    );
    let courtyard = filed(&zhang, body).await;
    let reviews = format!("{}/reviews", path(&format!("/{}", courtyard.as_str().expect("an id"))));
    worker.post(&reviews, json!({ "decision": "approve" })).await.ok();
    let body = claim(
        1,
        "env.courtyard_weekly",
        json!({
            "occurred_on": "2024-08-19",
            "evidence": [{ "kind": "inspection_record", "reference": "第三周" }, picture(&worker, "photo").await],
        }),
    );
    let inspection = filed(&worker, body).await;
    let body = claim(
        2,
        "env.cleanup_day",
        json!({
            "occurred_on": "2024-08-20", "member": head_id(HERE, 2), "event": "大扫除",
            "evidence": [{ "kind": "sign_in_sheet", "reference": "签到表" }, picture(&second, "photo").await],
        }),
    );
    let cleanup = filed(&second, body).await;
    let land = json!(world.earn(9, 10).await);
    Filed { world, courtyard, inspection, cleanup, land }
}

#[actix_web::test]
async fn every_filter_finds_its_claims_and_filters_combine() {
    let Filed { world, courtyard, inspection, cleanup, land } = four_claims().await;
    let panel = world.official("panel", HERE).await;
    let (a, b, c, d) = (&courtyard, &inspection, &cleanup, &land);
    let (one, head) = (household_id(HERE, 1), head_id(HERE, 2));
    let cases: Vec<(String, Vec<&Value>)> = vec![
        (String::new(), vec![d, c, b, a]),
        ("?status=in_review".to_owned(), vec![a]),
        ("?status=submitted".to_owned(), vec![c, b]),
        ("?status=lapsed".to_owned(), vec![]),
        ("?category=living_environment".to_owned(), vec![c, b, a]),
        ("?category=rural_construction".to_owned(), vec![d]),
        ("?rule=con.land_give".to_owned(), vec![d]),
        ("?rule=no.such_rule".to_owned(), vec![]),
        ("?source=inspection".to_owned(), vec![b]),
        ("?week=2024-W34".to_owned(), vec![d]),
        ("?week=2024-W33".to_owned(), vec![]),
        (format!("?grid={}", grid_of(HERE, 9)), vec![d]),
        (format!("?grid={}", grid_of(HERE, 1)), vec![c, b, a]),
        (format!("?grid={HERE}009"), vec![]),
        (format!("?household={one}"), vec![b, a]),
        (format!("?household={}", household_id(FAR, 1)), vec![]),
        (format!("?member={head}"), vec![c]),
        ("?occurred_from=2024-08-19&occurred_to=2024-08-20".to_owned(), vec![c, b]),
        ("?occurred_from=2024-08-21".to_owned(), vec![d]),
        ("?occurred_to=2024-08-17".to_owned(), vec![]),
        (format!("?household={one}&status=submitted&source=inspection"), vec![b]),
        (format!("?household={one}&category=rural_construction"), vec![]),
        ("?week=2024-W34&status=approved&category=rural_construction".to_owned(), vec![d]),
    ];
    for (filter, ids) in cases {
        let ids: Vec<_> = ids.into_iter().cloned().collect();
        assert_eq!(found(&panel, &filter).await, ids, "{filter}");
    }
    assert_eq!(found(&panel, "?filed_by=me").await, Vec::<Value>::new());
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    assert_eq!(found(&worker, "?filed_by=me").await, [inspection]);
    assert_eq!(found(&worker, "").await.len(), 4, "an official sees the village");
}

#[actix_web::test]
async fn no_filter_shows_a_villager_what_is_not_their_households() {
    let Filed { world, courtyard, inspection, .. } = four_claims().await;
    let zhang = world.head(HERE, 1).await;
    assert_eq!(found(&zhang, "").await, [inspection, courtyard.clone()]);
    assert_eq!(found(&zhang, "?filed_by=me").await, [courtyard]);
    for filter in ["?category=rural_construction", "?week=2024-W34", "?rule=env.cleanup_day"] {
        assert!(found(&zhang, filter).await.is_empty(), "{filter}");
    }
    assert!(found(&zhang, &format!("?grid={}", grid_of(HERE, 9))).await.is_empty());
    assert!(found(&zhang, &format!("?member={}", head_id(HERE, 2))).await.is_empty());
    let other = format!("?household={}&status=submitted", household_id(HERE, 2));
    zhang.get(&path(&other)).await.refused(403, "other_household");
}

#[actix_web::test]
async fn unknown_words_and_odd_days_are_refused_and_not_just_without_result() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let panel = world.official("panel", HERE).await;
    for foreign in [HERE, "460205", &grid_of(NEXT, 1), &grid_of(FAR, 1)] {
        panel.get(&path(&format!("?grid={foreign}"))).await.refused(400, "invalid_query");
    }
    for odd in [
        "?status=done",
        "?status=Submitted",
        "?status=",
        "?category=housing",
        "?source=guess",
        "?filed_by=you",
        "?filed_by=0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11",
        "?week=2024-08",
        "?week=2024-W54",
        "?grid=46020510020100x",
        "?grid=1",
        "?member=me",
        "?occurred_from=2024-02-30",
        "?occurred_to=yesterday",
        "?status=submitted&status=approved",
        "?sort=points",
        "?status%5B%5D=submitted",
    ] {
        panel.get(&path(odd)).await.refused(400, "invalid_query");
    }
}

#[actix_web::test]
async fn a_cursor_belongs_to_all_of_its_filters() {
    let world = four_claims().await.world;
    let panel = world.official("panel", HERE).await;
    let page = panel.get(&path("?category=living_environment&limit=2")).await.ok();
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let next = path(&format!("?category=living_environment&cursor={cursor}"));
    assert_eq!(panel.get(&next).await.ok()["items"].as_array().expect("items").len(), 1);
    for other in ["category=patriotism", "category=living_environment&status=submitted", "limit=2"]
    {
        let mixed = path(&format!("?{other}&cursor={cursor}"));
        panel.get(&mixed).await.refused(400, "invalid_cursor");
    }
}
