//! A list hangs longer, where an outage ate into its weeks.

use serde_json::json;

use super::{line, objection, points, published, township};
use crate::support::{HERE, at};

#[actix_web::test]
async fn the_township_has_an_open_list_hang_longer_and_everybody_sees_why() {
    let world = published().await;
    let list = format!("/v1/villages/{HERE}/public-lists/2024-08");
    let extension = format!("{list}/extension");
    let longer = |weeks: i64| json!({ "weeks": weeks, "reason": "停电断网三天" });
    for who in [
        world.official("committee", HERE).await,
        super::county(&world).await,
        world.head(HERE, 1).await,
    ] {
        who.post(&extension, longer(2)).await.refused(403, "role_required");
    }
    let township = township(&world).await;
    for weeks in [-1, 0, 1, 5] {
        township.post(&extension, longer(weeks)).await.refused(422, "invalid_field");
    }
    let blank = json!({ "weeks": 2, "reason": " " });
    township.post(&extension, blank).await.refused(422, "reason_required");
    let coming = format!("/v1/villages/{HERE}/public-lists/2024-09/extension");
    township.post(&coming, longer(2)).await.refused(409, "list_not_open");
    let never = format!("/v1/villages/{HERE}/public-lists/2020-01/extension");
    township.post(&never, longer(2)).await.refused(404, "not_found");

    township.post(&extension, longer(2)).await.ok();
    township.post(&extension, longer(2)).await.refused(422, "invalid_field");
    township.post(&extension, longer(3)).await.ok();
    let shown = world.anybody().get(&list).await.ok();
    assert_eq!(shown["closes_at"], "2024-09-23T00:00:00.000+08:00");
    assert_eq!(shown["extended_from"], "2024-09-09T00:00:00.000+08:00");
    assert_eq!(shown["extension_reason"], "停电断网三天");
    let calendar = world.anybody().get(&format!("/v1/villages/{HERE}/calendar")).await.ok();
    assert_eq!(calendar["public_lists"][0]["closes_at"], shown["closes_at"]);
    assert_eq!(world.count("register_entries WHERE kind = 'extension'").await, 2);
    assert_eq!(world.count("audit_events WHERE action = 'public_list.extend'").await, 2);

    // The old close passes and confirms nothing; the last millisecond is the new one.
    world.travel(at("2024-09-22 23:59:59.999")).await;
    assert_eq!(points(&world, 1).await, (30, 0));
    world.head(HERE, 3).await.post(&line(2), objection()).await.ok();
    world.travel(at("2024-09-23 00:00")).await;
    assert_eq!((points(&world, 1).await, points(&world, 2).await), ((0, 30), (20, 0)));
    world.head(HERE, 4).await.post(&line(1), objection()).await.refused(409, "list_not_open");
    township.post(&extension, longer(4)).await.refused(409, "list_not_open");
    let confirmed = at("2024-09-23 00:00").0;
    let nominal = format!("public_list_lines WHERE confirmed_at = {confirmed}");
    assert_eq!(world.count(&nominal).await, 1);
    world.verified().await;
}
