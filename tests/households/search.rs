use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, HERE, NEXT, World, at, new_id};

fn path(village: &str) -> String {
    format!("/v1/villages/{village}/households")
}

async fn open(world: &World, village: &str, number: i64, name: &str) {
    let township = world.official("township", "460205100").await;
    let body = json!({
        "id": new_id(),
        "number": number,
        "grid": format!("{village}002"),
        "consent": "paper",
        "members": [{ "person": new_id(), "name": name, "is_head": true }],
    });
    township.post(&path(village), body).await.ok();
}

/// Searches as it was typed; the query is escaped as browsers do.
async fn search(actor: &Actor, text: &str) -> crate::support::Answer {
    actor.send(Method::GET, &path(HERE), |it| it.query(&[("search", text)])).await
}

fn numbers(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().expect("items");
    items.iter().filter_map(|it| it["number"].as_i64()).collect()
}

#[actix_web::test]
async fn households_are_found_by_name_and_by_how_it_sounds() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    for (number, name) in (101..).zip(["单小丹", "买买提·吐尔逊", "𠮷野", "Anna 王", "e\u{301}lan"])
    {
        open(&world, HERE, number, name).await;
    }
    open(&world, NEXT, 201, "单大丹").await;
    let panel = world.official("panel", HERE).await;
    for (typed, found) in [
        ("张守勤", vec![1, 6]),
        ("守", vec![1, 6]),
        (" 张 ", vec![1, 6]),
        ("zsq", vec![1, 6]),
        ("ZSQ", vec![1, 6]),
        ("zhangs", vec![1, 6]),
        ("sxd", vec![101]),
        ("dxd", vec![101]),
        ("shanxiao", vec![101]),
        ("买买提·吐", vec![102]),
        ("mmttex", vec![102]),
        ("𠮷", vec![103]),
        ("anna", vec![104]),
        ("Anna 王", vec![104]),
        ("aw", vec![104]),
        ("élan", vec![105]),
        ("e\u{301}", vec![105]),
        ("hq", vec![]),
        ("没有这个人", vec![]),
    ] {
        assert_eq!(numbers(&search(&panel, typed).await.ok()), found, "{typed}");
    }
}

#[actix_web::test]
async fn what_is_typed_means_itself() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    for (number, name) in (101..).zip(["百分%号", "下_划", "引'号", "反\\斜", "叹!号"]) {
        open(&world, HERE, number, name).await;
    }
    let panel = world.official("panel", HERE).await;
    for (typed, found) in [
        ("%", vec![101]),
        ("_", vec![102]),
        ("'", vec![103]),
        ("\\", vec![104]),
        ("!", vec![105]),
        ("%%", vec![]),
        ("__", vec![]),
        ("' OR '1'='1", vec![]),
        ("(a+)+$", vec![]),
        ("[张]", vec![]),
        ("*", vec![]),
        ("张%", vec![]),
    ] {
        assert_eq!(numbers(&search(&panel, typed).await.ok()), found, "{typed}");
    }
    for odd in ["", " ", "   \u{3000}", "\u{200b}", "a\0b", &"张".repeat(51), &"x".repeat(10_000)]
    {
        search(&panel, odd).await.refused(400, "invalid_query");
    }
    assert_eq!(numbers(&search(&panel, &"张".repeat(50)).await.ok()), Vec::<i64>::new());
}

#[actix_web::test]
async fn a_search_is_read_in_pages_of_its_own() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let panel = world.official("panel", HERE).await;
    let list = |rest: &str| format!("{}?limit=3{rest}", path(HERE));
    // Everybody here lives with somebody of this name.
    let first = panel.get(&list("&search=%E9%85%8D%E5%81%B6")).await.ok();
    assert_eq!(numbers(&first), [1, 2, 3]);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let next = panel.get(&list(&format!("&search=%E9%85%8D%E5%81%B6&cursor={cursor}"))).await.ok();
    assert_eq!(numbers(&next), [4, 5, 6]);
    for other in [format!("&cursor={cursor}"), format!("&search=po&cursor={cursor}")] {
        panel.get(&list(&other)).await.refused(400, "invalid_cursor");
    }
    let one = panel.get(&list("&search=peiou&number=4")).await.ok();
    assert_eq!(numbers(&one), [4]);
}

#[actix_web::test]
async fn only_those_who_work_here_search() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let list = format!("{}?search=zsq", path(HERE));
    for (office, region) in
        [("grid_worker", "460205100201002"), ("committee", HERE), ("panel", HERE)]
    {
        let found = world.official(office, region).await.get(&list).await.ok();
        assert_eq!(numbers(&found), [1, 6], "{office}");
    }
    world.head(HERE, 1).await.get(&list).await.refused(403, "role_required");
    world.official("clerk", HERE).await.get(&list).await.refused(403, "role_required");
    world.official("panel", NEXT).await.get(&list).await.refused(404, "not_found");
    world.anybody().get(&list).await.refused(401, "token_missing");
}
