use serde_json::{Value, json};

use crate::support::{Actor, FAR, HERE, NEXT, World, at};

async fn names(reader: &Actor, what: &str) -> Vec<Value> {
    let path = format!("/v1/villages/{HERE}/public-lists/2024-08/{what}");
    let page = reader.get(&path).await;
    let cache = page.header("cache-control").map(str::to_owned);
    let vary = page.header("vary").map(str::to_owned);
    let items = page.ok()["items"].as_array().cloned().expect("items");
    let clear = items.iter().any(|item| item["name"] == "张守勤");
    // What neighbours see, no cache keeps; what everybody sees says whom it is for.
    match clear {
        true => assert_eq!(cache.as_deref(), Some("private, no-store")),
        false => {
            assert_eq!(
                (cache.as_deref(), vary.as_deref()),
                (Some("public, max-age=1, must-revalidate"), Some("Authorization"))
            );
        }
    }
    items.into_iter().map(|item| item["name"].clone()).collect()
}

/// Three 张* cannot be contested otherwise.
#[actix_web::test]
async fn neighbours_see_the_names_of_heads_who_consented_and_nobody_else_does() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    for number in [1, 2, 3] {
        world.earn(number, 30).await;
    }
    // The second never consented, the third took it back.
    world.run("UPDATE households SET registered_at = NULL WHERE number = 2").await;
    world.run("UPDATE households SET name_hidden = TRUE WHERE number = 3").await;
    world.travel(at("2024-09-03 09:00")).await;
    let masked = [json!("张*"), json!("王*"), Value::Null];
    let clear = [json!("张守勤"), json!("王*"), Value::Null];
    for what in ["lines", "households"] {
        // Whoever asked before changes nothing for whoever asks next.
        for _ in 0..2 {
            for reader in [
                world.anybody(),
                world.head(NEXT, 1).await,
                world.head(FAR, 1).await,
                world.official("panel", FAR).await,
            ] {
                assert_eq!(names(&reader, what).await, masked);
            }
            for reader in [
                world.head(HERE, 2).await,
                world.official("committee", HERE).await,
                world.official("county", "460205").await,
            ] {
                assert_eq!(names(&reader, what).await, clear);
            }
        }
    }
    let forged = Actor { token: Some("made.up.token".to_owned()), ..world.anybody() };
    let path = format!("/v1/villages/{HERE}/public-lists/2024-08/lines");
    forged.get(&path).await.refused(401, "token_invalid");
    let rank = format!(
        "/v1/villages/{HERE}/rankings/2024-Q3/households/{}",
        crate::support::household_id(HERE, 2)
    );
    let rank = world.head(HERE, 2).await.get(&rank).await.ok();
    let shown: Vec<_> = rank["neighbours"].as_array().expect("neighbours").iter().collect();
    assert!(shown.iter().any(|it| it["name"] == "张守勤"), "{rank:#}");
}
