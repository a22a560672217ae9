//! C106: boards and figures are public and masked by design, at every level: the same bytes for whoever
//! asks, before and after a change of roles. What is not public is not cached, and is asked anew.

use serde_json::json;

use super::super::{Case, Catalogue, Expected};
use crate::support::{Actor, Answer, FAR, HERE, NEXT, World, at, household_id, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-09-03 09:00")).await;
    for region in ["460205", "440783"] {
        // What is due is settled first, by whoever asks.
        world.anybody().get(&format!("/v1/regions/{region}/rankings/2024")).await.ok();
    }
    odd_questions(catalogue, &world).await;
    names_for_neighbours_only(catalogue, &world).await;
    the_same_for_everybody(catalogue, &world).await;
    not_shared(catalogue, &world).await;
}

async fn odd_questions(catalogue: &mut Catalogue, world: &World) {
    let nobody = world.anybody();
    let board =
        |region: &str, query: &str| format!("/v1/regions/{region}/rankings/2024-Q3?{query}");
    let mut cases = Vec::new();
    for query in [
        "group_by=household",
        "group_by=person",
        "of=persons",
        "of=members",
        "of=",
        "of=Households",
        "of=households,grids",
        "of=households&of=grids",
        "of[]=grids",
        "level=4",
        "village_id=1",
        "sort=name",
        "limit=1000000",
        "cursor=x",
        "mask=false",
        "unmasked=1",
        "fields=phone",
        "of=%27%20OR%201%3D1",
        "of=%00",
        "as=county",
        "_=1",
    ] {
        for region in [HERE, FAR, "460205"] {
            let case = Case::get(
                "C106",
                format!("a board of {region} with {query}"),
                &nobody,
                &board(region, query),
            );
            cases.push(case.refused(400, "invalid_query"));
        }
        let path = format!("/v1/regions/{FAR}/statistics?{query}");
        let case = Case::get("C106", format!("figures with {query}"), &nobody, &path);
        cases.push(case.refused(400, "invalid_query"));
    }
    // A category is one of the eight, by its word.
    for query in [
        "category=all",
        "category=",
        "category=PATRIOTISM",
        "category=%E7%88%B1%E5%9B%BD",
        "category=1",
    ] {
        let case = Case::get("C106", format!("a board with {query}"), &nobody, &board(HERE, query));
        cases.push(case.refused(422, "invalid_field"));
    }
    for query in [
        "category=patriotism&category=patriotism",
        "category[]=patriotism",
        "categories=patriotism",
    ] {
        let case = Case::get("C106", format!("a board with {query}"), &nobody, &board(HERE, query));
        cases.push(case.refused(400, "invalid_query"));
    }
    for period in ["ALL", "all-time", "to-2023", "alltime", "%61ll"] {
        let path = format!("/v1/regions/{HERE}/rankings/{period}");
        let case = Case::get("C106", format!("a board of {period}"), &nobody, &path);
        cases.push(case.refused(400, "invalid_path"));
    }
    for region in ["46020510020", "4602051002010010", "x", "460205100201*"] {
        let case =
            Case::get("C106", format!("a board of {region}"), &nobody, &board(region, "of=grids"));
        cases.push(case.refused(400, "invalid_path"));
    }
    for region in ["99", "460205999", "460205100999", "990205100201001"] {
        let case =
            Case::get("C106", format!("a board of {region}"), &nobody, &board(region, "of=grids"));
        cases.push(case.refused(404, "not_found"));
        let path = format!("/v1/regions/{region}/statistics");
        let case = Case::get("C106", format!("figures of {region}"), &nobody, &path);
        cases.push(case.refused(404, "not_found"));
    }
    catalogue.run(world, cases).await;
}

/// Whoever asked first, and whatever they were then.
async fn the_same_for_everybody(catalogue: &mut Catalogue, world: &World) {
    let panel = world.official("panel", HERE).await;
    let county = world.official("county", "460205").await;
    let forged = Actor { token: Some("x.y.z".to_owned()), ..world.anybody() };
    let askers = [
        ("the county", county.clone()),
        ("another county", world.official("county", "440783").await),
        ("the panel", panel.clone()),
        ("the family", world.head(HERE, 1).await),
        ("a neighbour", world.head(HERE, 2).await),
        ("the next village", world.head(NEXT, 1).await),
        ("nobody", world.anybody()),
        ("one with a forged token, which is not looked at", forged),
    ];
    let paths = [
        format!("/v1/regions/{HERE}/rankings/2024-Q3"),
        format!("/v1/regions/{HERE}/rankings/2024-Q3?of=grids"),
        "/v1/regions/460205/rankings/2024-Q3".to_owned(),
        "/v1/regions/460205/rankings/2024-Q3?of=villages".to_owned(),
        "/v1/regions/460205/rankings/all?category=rural_construction".to_owned(),
        format!("/v1/regions/{FAR}/rankings/2024-Q3"),
        format!("/v1/regions/{HERE}/statistics"),
        "/v1/regions/460205/statistics?period=2024-Q3".to_owned(),
        format!("/v1/villages/{HERE}/public-lists/2024-08"),
        format!("/v1/villages/{HERE}/prizes"),
        format!("/v1/villages/{HERE}/rules"),
        format!("/v1/villages/{HERE}/calendar"),
    ];
    for round in ["first", "after the panel's grant has ended"] {
        for path in &paths {
            // Each in turn is the one whose answer the cache keeps.
            let known = askers[0].1.get(path).await;
            let etag = known.header("etag").map(str::to_owned);
            let mut cases = Vec::new();
            for (who, actor) in &askers {
                let what = format!("{who}, {round}: {path}");
                let case = Case::get("C106", what, actor, path);
                cases.push(case.expecting(Expected::Same(known.body.clone())));
                let there = format!("{who} in {NEXT}, {round}: {path}");
                let case = Case::get("C106", there, actor, path).header("X-Village-Id", NEXT);
                cases.push(case.expecting(Expected::Same(known.body.clone())));
            }
            catalogue.run(world, cases).await;
            let masked = !known.body.to_string().contains("张守勤");
            catalogue.check("C106", &format!("no full name, {round}: {path}"), masked);
            let last = world.anybody().get(path).await;
            let same = last.header("etag").map(str::to_owned) == etag;
            catalogue.check("C106", &format!("one ETag for all, {round}: {path}"), same);
        }
        if round == "first" {
            dismiss(&county, &panel).await;
        }
    }
}

/// Lists that show neighbours more than others: each is shown their own, in whatever order they ask.
async fn names_for_neighbours_only(catalogue: &mut Catalogue, world: &World) {
    let county = world.official("county", "460205").await;
    let committee = world.official("committee", HERE).await;
    let inside = [
        ("the county", county.clone()),
        ("the committee", committee.clone()),
        ("the family", world.head(HERE, 1).await),
        ("a neighbour", world.head(HERE, 2).await),
    ];
    let forged = Actor { token: Some("x.y.z".to_owned()), ..world.anybody() };
    let outside = [
        ("nobody", world.anybody()),
        ("another county", world.official("county", "440783").await),
        ("the next village", world.head(NEXT, 1).await),
        ("one with a forged token", forged),
    ];
    let list = |part: &str| format!("/v1/villages/{HERE}/public-lists/2024-08/{part}");
    let paths = [list("lines"), list("households"), list("lines?limit=1")];
    for path in &paths {
        let (shown, masked) = (county.get(path).await, world.anybody().get(path).await);
        let names = |answer: &Answer| answer.body.to_string().contains("张守勤");
        let public = shown.header("cache-control").is_some_and(|it| it.contains("public"));
        catalogue.check("C106", &format!("no full name outside: {path}"), !names(&masked));
        let kept = names(&shown) && public;
        catalogue.check("C106", &format!("names are not for shared caches: {path}"), !kept);
        let mut cases = Vec::new();
        for ((insider, one), (outsider, other)) in inside.iter().zip(&outside) {
            for turn in ["at first", "again"] {
                let case = Case::get("C106", format!("{insider}, {turn}: {path}"), one, path);
                cases.push(case.expecting(Expected::Same(shown.body.clone())));
                let what = format!("{outsider}, {turn}: {path}");
                let asked = Case::get("C106", what, other, path);
                let what = format!("{outsider}, {turn}, says they are of here: {path}");
                let claimed = Case::get("C106", what, other, path).header("X-Village-Id", HERE);
                for case in [asked, claimed] {
                    cases.push(case.expecting(match outsider.contains("forged") {
                        // Who they are is looked at here, so a bad token is told.
                        true => Expected::Refused(401, "token_invalid"),
                        false => Expected::Same(masked.body.clone()),
                    }));
                }
            }
        }
        catalogue.run(world, cases).await;
    }
    dismiss(&county, &committee).await;
    for path in &paths {
        let masked = world.anybody().get(path).await;
        let case = Case::get("C106", format!("the committee that was: {path}"), &committee, path);
        catalogue.run(world, [case.expecting(Expected::Same(masked.body))]).await;
    }
}

/// Ends the one grant that an official holds here.
async fn dismiss(county: &Actor, official: &Actor) {
    let person = official.get("/v1/me").await.ok()["person"].clone();
    let person = person.as_str().expect("an id");
    let grants = format!("/v1/regions/{HERE}/grants");
    let held = county.get(&format!("{grants}?person={person}")).await.ok();
    let id = held["items"][0]["id"].as_str().expect("an id");
    let end = format!("{grants}/{id}/termination");
    county.post(&end, json!({ "reason": "工作调动" })).await.ok();
}

/// A household's own place among its neighbours is read for each caller, and forgotten at once.
async fn not_shared(catalogue: &mut Catalogue, world: &World) {
    let path = |village: &str, number: usize| {
        let household = household_id(village, number);
        format!("/v1/villages/{village}/rankings/2024-Q3/households/{household}")
    };
    let own = path(HERE, 1);
    let (family, county) = (world.head(HERE, 1).await, world.official("county", "460205").await);
    let clerk = world.official("clerk", HERE).await;
    let known = family.get(&own).await;
    let shared = known.header("cache-control").is_some_and(|it| it.contains("public"));
    catalogue.check("C106", "a household's place is not for shared caches", !shared);
    let etag = known.header("etag").unwrap_or("\"0\"").to_owned();
    let mut cases = Vec::new();
    for (who, actor, status, code) in [
        ("a neighbour", world.head(HERE, 2).await, 403, "other_household"),
        ("the next village", world.head(NEXT, 1).await, 404, "not_found"),
        ("another county", world.official("county", "440783").await, 404, "not_found"),
        ("nobody", world.anybody(), 401, "token_missing"),
    ] {
        // In turn with those who may see it.
        cases.push(Case::get("C106", "the family's place, by itself", &family, &own));
        cases.push(
            Case::get("C106", format!("the family's place, by {who}"), &actor, &own)
                .refused(status, code),
        );
        let case =
            Case::get("C106", format!("the same with the family's ETag, by {who}"), &actor, &own);
        cases.push(case.header("If-None-Match", etag.clone()).refused(status, code));
        let case = Case::get("C106", format!("the same with any ETag, by {who}"), &actor, &own);
        cases.push(case.header("If-None-Match", "*").refused(status, code));
        cases.push(Case::get("C106", "the family's place, by the clerk", &clerk, &own));
    }
    for (what, foreign) in [
        (
            "of another village's household",
            own.replace(&household_id(HERE, 1).to_string(), &household_id(FAR, 1).to_string()),
        ),
        (
            "of a made-up household",
            own.replace(&household_id(HERE, 1).to_string(), &new_id().to_string()),
        ),
        ("in another village", path(FAR, 1)),
        ("in the next village", path(NEXT, 1)),
    ] {
        for (who, actor) in [("the family", &family), ("the clerk", &clerk)] {
            let case = Case::get("C106", format!("a place {what}, by {who}"), actor, &foreign);
            cases.push(case.refused(404, "not_found"));
        }
    }
    catalogue.run(world, cases).await;
    dismiss(&county, &clerk).await;
    let case = Case::get("C106", "the family's place, by the clerk who was", &clerk, &own);
    catalogue.run(world, [case.refused(404, "not_found")]).await;
}
