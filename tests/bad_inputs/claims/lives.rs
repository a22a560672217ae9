//! C46 and C47: somebody of one household bound to another, and files that change while prizes are held.

use serde_json::{Value, json};

use super::super::{Case, Catalogue};
use super::{offices, settle, strangers};
use crate::support::{FAR, HERE, NEXT, World, at, household_id, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-09-25 08:00")).await;
    for number in [1, 2] {
        world.earn(number, 30).await;
    }
    world.travel(at("2024-10-07 09:00")).await;
    settle(&world).await;
    let cases = bound(&world).await;
    catalogue.run(&world, cases).await;
    held(catalogue, &world).await;
    world.verified().await;
}

async fn bound(world: &World) -> Vec<Case> {
    let request = |village: &str, number: i64| json!({ "id": new_id(), "village": village, "household_number": number, "name": "张守勤" });
    let mut people = offices(world).await;
    for (name, village, number) in
        [("a head", HERE, 1), ("a neighbour", HERE, 6), ("next door", NEXT, 1), ("far", FAR, 1)]
    {
        people.push((name, world.head(village, number).await));
    }
    let mut cases = Vec::new();
    for (name, who) in &people {
        for (village, number) in [(HERE, 1), (HERE, 2), (NEXT, 2), (FAR, 3), (HERE, 999)] {
            let what = format!("{name} asks for household {number} of {village}");
            let body = request(village, number);
            let case = Case::post("C46", what, who, "/v1/me/binding-requests", body);
            cases.push(case.refused(409, "already_bound"));
        }
    }
    let township = world.official("township", "460205100").await;
    let worker = super::worker(world).await;
    for (number, person) in [
        (2, wife(world, HERE, 1).await),
        (1, wife(world, HERE, 2).await),
        (1, wife(world, NEXT, 1).await),
        (1, wife(world, HERE, 1).await),
        (3, json!(worker.person().await)),
        (3, json!(township.person().await)),
    ] {
        let path = format!("/v1/villages/{HERE}/households/{}/members", household_id(HERE, number));
        let body = json!({ "person": person, "name": "某人" });
        for (name, who) in [("the township", &township), ("the worker", &worker)] {
            let what = format!("{name} adds {person} to household {number}");
            let case = Case::post("C46", what, who, &path, body.clone());
            cases.push(case.refused(409, "already_bound"));
        }
    }
    cases
}

/// The one member of a household who is not its head.
async fn wife(world: &World, village: &str, number: usize) -> Value {
    let township = world.official("township", "460205100").await;
    let path = format!("/v1/villages/{village}/households/{}", household_id(village, number));
    let file = township.get(&path).await.ok();
    let mut members = file["members"].as_array().expect("members").iter();
    members.find(|it| it["is_head"] == false).expect("one")["person"].clone()
}

fn path(number: usize, act: &str) -> String {
    format!("/v1/villages/{HERE}/households/{}/{act}", household_id(HERE, number))
}

async fn held(catalogue: &mut Catalogue, world: &World) {
    let township = world.official("township", "460205100").await;
    let county = world.official("county", "460205").await;
    let order = crate::support::order_of("goods.laundry_liquid", 1);
    let redemptions = format!("/v1/villages/{HERE}/redemptions");
    world.head(HERE, 1).await.post(&redemptions, order).await.ok();
    let wife = wife(world, HERE, 1).await;
    let changes: Vec<(usize, &str, Value)> = vec![
        (1, "split", json!({ "id": new_id(), "number": 77, "members": [wife], "head": wife })),
        (
            1,
            "split",
            json!({ "id": new_id(), "number": 78, "members": [wife], "head": wife, "points": 5 }),
        ),
        (1, "merge", json!({ "into": household_id(HERE, 2) })),
        (2, "merge", json!({ "into": household_id(HERE, 1) })),
        (9, "merge", json!({ "into": household_id(HERE, 1) })),
        (1, "closure", json!({ "reason": "销户" })),
    ];
    let mut cases = Vec::new();
    for (number, act, body) in &changes {
        let mut tried =
            |name: &str, who: &crate::support::Actor, (status, code): (u16, &'static str)| {
                let what = format!("{name}: {act} of household {number}, prizes held");
                let case = Case::post("C47", what, who, &path(*number, act), body.clone());
                cases.push(case.refused(status, code));
            };
        tried("the township", &township, (409, "open_holds"));
        tried("the county", &county, (409, "open_holds"));
        for (name, who) in offices(world).await {
            if !["township", "county"].contains(&name) {
                tried(name, &who, (403, "role_required"));
            }
        }
        for own in [1, 2, 6] {
            tried("a family", &world.head(HERE, own).await, (403, "role_required"));
        }
        for (name, who) in strangers(world).await {
            tried(name, &who, (404, "not_found"));
        }
    }
    catalogue.run(world, cases).await;
}
