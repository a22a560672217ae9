use api::kernel::problem::Code;
use api::kernel::region::Village;
use api::photos::{self, Similar};
use image::imageops;

use crate::support::{
    FAR, HERE, NEXT, World, at, head_id, new_id,
    pictures::{packed, picture},
};

fn village(code: &str) -> Village {
    code.parse().expect("a village")
}

#[actix_web::test]
async fn a_claim_knows_whose_photos_they_are_and_who_used_the_same_picture() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let (zhang, wang) = (world.head(HERE, 1).await, world.head(HERE, 2).await);
    let path = super::photos();
    let [one, two, same] = [new_id(), new_id(), new_id()];
    for (actor, id, seed) in [(&zhang, one, 1), (&zhang, two, 2), (&wang, same, 1)] {
        actor.upload(&path, id, &crate::support::pictures::png(seed)).await.ok();
    }
    let (on, here) = (world.app.db.read(), village(HERE));
    let known = photos::known(on, &here, &[one, same, new_id(), one]).await.expect("photos");
    assert_eq!(known.len(), 2);
    assert_eq!(
        (known[&one].uploaded_by, known[&same].uploaded_by),
        (head_id(HERE, 1), head_id(HERE, 2))
    );
    assert_eq!(known[&one].pixels, known[&same].pixels);
    assert_eq!(photos::known(on, &village(FAR), &[one]).await.expect("none").len(), 0);
    assert_eq!(photos::known(on, &here, &[]).await.expect("none").len(), 0);

    let (first, second) = (world.earn(1, 10).await, world.earn(2, 20).await);
    let attach = async |village: &Village, uses: &[(uuid::Uuid, uuid::Uuid)]| {
        let done = world.app.db.write(async |tx| photos::attach(tx, village, uses).await).await;
        done.map_err(|problem| problem.refusal().code)
    };
    attach(&here, &[(first, one), (first, two), (first, one)]).await.expect("attached");
    attach(&here, &[]).await.expect("nothing");
    assert_eq!(attach(&here, &[(second, same), (second, new_id())]).await, Err(Code::NotFound));
    assert_eq!(attach(&village(NEXT), &[(second, same)]).await, Err(Code::NotFound));
    assert_eq!(world.count("photo_uses").await, 2);
    assert_eq!(world.count("photos WHERE used").await, 2);
    let pixels = [known[&same].pixels.clone(), "0".repeat(64)];
    let used = photos::first_uses(on, &here, &pixels).await.expect("claims");
    assert_eq!(used.into_iter().collect::<Vec<_>>(), [(pixels[0].clone(), first)]);
    attach(&here, &[(second, same)]).await.expect("attached");
    let used = photos::first_uses(on, &here, &pixels).await.expect("claims");
    assert_eq!(used[&pixels[0]], first.min(second));
}

#[actix_web::test]
async fn a_picture_packed_anew_or_cropped_a_little_is_found_again() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let (zhang, wang) = (world.head(HERE, 1).await, world.head(HERE, 2).await);
    // Nine by eight places of brightness, smooth as in a photo.
    let scene = imageops::resize(&picture(11), 480, 360, imageops::FilterType::CatmullRom);
    let smaller = imageops::resize(&scene, 300, 225, imageops::FilterType::Triangle);
    let cropped = imageops::crop_imm(&scene, 6, 4, 468, 352).to_image();
    let other = imageops::resize(&picture(12), 480, 360, imageops::FilterType::CatmullRom);
    let plain = image::RgbImage::from_pixel(90, 60, image::Rgb([200, 200, 190]));
    let mut ids = Vec::new();
    for (at, it) in [&scene, &smaller, &cropped, &other, &plain].into_iter().enumerate() {
        let id = new_id();
        let actor = if at == 0 { &zhang } else { &wang };
        let file = packed(it, image::ImageFormat::Jpeg);
        actor.upload(&super::photos(), id, &file).await.ok();
        ids.push(id);
    }
    let of = async |id| {
        let found = photos::similar(world.app.db.read(), &village(HERE), id).await;
        found.expect("photos")
    };
    let found = of(ids[1]).await;
    assert!(found.iter().any(|it| it.id == ids[0] && it.bits <= 3), "{found:?}");
    assert!(found.iter().all(|it| it.id != ids[3] && it.id != ids[4]), "{found:?}");
    let found = of(ids[2]).await;
    let whose = |it: &Similar| it.id == ids[0] && it.uploaded_by == head_id(HERE, 1);
    assert!(found.iter().any(whose), "{found:?}");
    assert!(of(ids[3]).await.is_empty());
    assert!(of(ids[4]).await.is_empty());
    assert!(of(new_id()).await.is_empty());
}
