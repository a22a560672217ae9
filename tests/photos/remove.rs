use api::kernel::clock::DAY_MS;
use api::photos;
use reqwest::Method;
use uuid::Uuid;

use super::photo;
use crate::support::{Actor, Answer, HERE, World, at};

async fn delete(actor: &Actor, id: Uuid) -> Answer {
    actor.send(Method::DELETE, &photo(id), |it| it).await
}

/// A claim of household `number` here, and that it uses these photos.
async fn used(world: &World, number: usize, ids: &[Uuid]) -> Uuid {
    let claim = world.earn(number, 10).await;
    let village = HERE.parse().expect("a village");
    let uses: Vec<_> = ids.iter().map(|photo| (claim, *photo)).collect();
    let said = world.app.db.write(async |tx| photos::attach(tx, &village, &uses).await).await;
    said.expect("they are attached");
    claim
}

#[actix_web::test]
async fn a_photo_that_no_claim_uses_is_taken_back_with_its_file() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let (id, other) = (world.photo(&zhang).await, world.photo(&zhang).await);
    // Somebody who may see it is told that it is not theirs; others that there is nothing.
    delete(&world.official("panel", HERE).await, id).await.refused(403, "role_required");
    delete(&world.head(HERE, 2).await, id).await.refused(404, "not_found");
    assert_eq!(delete(&zhang, id).await.ok()["id"], id.to_string());
    delete(&zhang, id).await.refused(404, "not_found");
    assert_eq!((world.count("photos").await, world.pictures().len()), (1, 1));
    used(&world, 1, &[other]).await;
    let refused = delete(&zhang, other).await.refused(409, "wrong_state");
    assert_eq!(refused["current"], "used");
    assert_eq!((world.count("photos").await, world.pictures().len()), (1, 1));
}

#[actix_web::test]
async fn what_nobody_needs_is_swept() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let (kept, unused) = (world.photo(&zhang).await, world.photo(&zhang).await);
    used(&world, 1, &[kept]).await;
    // An upload that came to nothing, of the same day.
    let day = world.pictures()[0].parent().expect("a folder").to_owned();
    std::fs::write(day.join("0123456789abcdef0123456789abcdef.jpg"), b"x").expect("a file");
    let sweep = async |ms: i64| {
        let now = api::kernel::clock::Instant(at("2024-08-21 08:00").0 + ms);
        world.travel(now).await;
        photos::sweep(&world.app).await.expect("it is swept");
        (world.count("photos").await, world.pictures().len())
    };
    // It may still be written down, for all that the sweep knows.
    assert_eq!(sweep(DAY_MS).await, (2, 3));
    assert_eq!(sweep(2 * DAY_MS).await, (2, 2));
    assert_eq!(sweep(7 * DAY_MS).await, (2, 2));
    assert_eq!(sweep(7 * DAY_MS + 1).await, (1, 1));
    zhang.get(&photo(unused)).await.refused(404, "not_found");
    zhang.get(&photo(kept)).await.ok();
    assert_eq!(sweep(400 * DAY_MS).await, (1, 1));
}

#[actix_web::test]
async fn a_claim_that_uses_other_photos_lets_the_first_ones_go() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let (one, both) = (world.photo(&zhang).await, world.photo(&zhang).await);
    let claim = used(&world, 1, &[one, both]).await;
    used(&world, 2, &[both]).await;
    let village = HERE.parse().expect("a village");
    let corrected = world.app.db.write(async |tx| photos::detach(tx, &village, claim).await).await;
    corrected.expect("it is detached");
    delete(&zhang, one).await.ok();
    delete(&zhang, both).await.refused(409, "wrong_state");
    assert_eq!(world.count("photo_uses").await, 1);
}
