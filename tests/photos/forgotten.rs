use api::photos;
use reqwest::Method;
use serde_json::Value;

use super::photo;
use crate::support::{HERE, World, at, head_id, new_id, pictures};

#[actix_web::test]
async fn an_export_lists_the_photos_and_erasure_leaves_only_evidence() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let (used, unused) = (new_id(), world.photo(&zhang).await);
    zhang.upload(&super::photos(), used, &pictures::jpeg_that_tells()).await.ok();
    let others = world.photo(&world.head(HERE, 2).await).await;
    let claim = world.earn(1, 10).await;
    let village = HERE.parse().expect("a village");
    let uses = [(claim, used)];
    let said = world.app.db.write(async |tx| photos::attach(tx, &village, &uses).await).await;
    said.expect("it is attached");

    let export = zhang.get("/v1/me/export").await.ok();
    let ids = |list: &Value| {
        let ids = list.as_array().expect("photos").iter().map(|it| it["id"].to_string());
        ids.collect::<Vec<_>>()
    };
    let own = [unused, used].map(|id| format!("\"{id}\""));
    let mut listed = ids(&export["photos"]);
    listed.sort();
    let mut expected = own.to_vec();
    expected.sort();
    assert_eq!(listed, expected);

    zhang.send(Method::DELETE, "/v1/me", |it| it).await.ok();
    assert_eq!((world.count("photos").await, world.pictures().len()), (2, 2));
    // The claim still shows what its points were given for; whose photo it was is an id without a name.
    let panel = world.official("panel", HERE).await;
    let shown = panel.get(&photo(used)).await.ok();
    assert_eq!(shown.get("taken_at"), None);
    panel.get(&photo(unused)).await.refused(404, "not_found");
    panel.get(&photo(others)).await.ok();
    let id = world.uuid(head_id(HERE, 1));
    assert_eq!(world.count(&format!("photos WHERE uploaded_by = {id}")).await, 1);
    assert_eq!(world.count(&format!("persons WHERE id = {id} AND name = ''")).await, 1);
}
