use serde_json::json;

use super::{drafted, id_of, patrol, published, sets};
use crate::support::{HERE, NEXT, World, new_id};

/// The set that the world's county begins with.
async fn framework(world: &World) -> String {
    let listed = world.anybody().get(&sets("460205")).await.ok();
    id_of(&listed["items"][0])
}

#[actix_web::test]
async fn a_draft_tells_what_it_changes_of_the_rules_in_force() {
    let (world, path) = drafted(|draft| draft["new_items"] = json!([patrol()])).await;
    let committee = world.official("committee", HERE).await;
    let changed = committee.get(&format!("{path}/difference")).await.ok();
    assert_eq!(changed["from"], json!(framework(&world).await));
    assert_eq!(
        changed["items"],
        json!([
            {
                "item": "pub.donate", "field": "default_points", "from": "2", "to": "6",
                "text_zh": "捐款捐物：默认分值由2改为6",
                "text_en": "Donation of money or goods: usual points from 2 to 6",
            },
            {
                "item": "pub.river_patrol", "field": "item", "to": "pub.river_patrol",
                "text_zh": "新增条目“参加河道巡护”，默认2分",
                "text_en": "New: Patrols the river, usually 2 points",
            },
        ])
    );
}

#[actix_web::test]
async fn any_version_of_the_region_or_above_can_be_compared_with() {
    let (world, path) = published(|_| ()).await;
    let reader = world.anybody();
    let framework = framework(&world).await;
    let there = reader.get(&format!("{path}/difference?from={framework}")).await.ok();
    assert_eq!(there["items"].as_array().map(Vec::len), Some(1));
    let itself = path.rsplit('/').next().expect("an id").to_owned();
    let same = reader.get(&format!("{path}/difference?from={itself}")).await.ok();
    assert_eq!(same["items"], json!([]));
    let first = format!("{}/{framework}/difference", sets("460205"));
    let first = reader.get(&first).await.ok();
    assert_eq!(first.get("from"), None, "there was none before");
    assert_eq!(first["items"].as_array().map(Vec::len), Some(66));
    let unknown = format!("{path}/difference?from={}", new_id());
    reader.get(&unknown).await.refused(404, "not_found");
    reader.get(&format!("{path}/difference?from=x")).await.refused(400, "invalid_query");
    // Another village's versions are none of this one's.
    let theirs = reader.get(&format!("{}/{itself}", sets(NEXT))).await;
    theirs.refused(404, "not_found");
}
