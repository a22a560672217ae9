use api::kernel::derive::{derived, hex};
use reqwest::Response;
use uuid::Uuid;

use super::{photo, photos};
use crate::support::{
    HERE, NEXT, World, at, claim, grid_of, head_id, household_id, new_id, pictures,
};

/// What a link leads to, asked without a token as an `<image>` asks.
async fn open(world: &World, url: &str) -> Response {
    reqwest::Client::builder()
        .tls_certs_only([])
        .build()
        .expect("a client")
        .get(format!("{}{url}", world.base))
        .send()
        .await
        .expect("the server answers")
}

/// A claim of household 1 here that uses the photo.
async fn used_in_a_claim(world: &World, photo: Uuid) -> Uuid {
    let body = claim(
        1,
        "ent.coop",
        serde_json::json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "社员证" }],
        }),
    );
    let path = format!("/v1/villages/{HERE}/claims");
    world.head(HERE, 1).await.post(&path, body.clone()).await.ok();
    let id: Uuid = body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let village = HERE.parse().expect("a village");
    let uses = [(id, photo)];
    let said = world.app.db.write(async |tx| api::photos::attach(tx, &village, &uses).await);
    said.await.expect("it is attached");
    id
}

#[actix_web::test]
async fn a_link_shows_the_photo_for_ten_minutes() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let id = world.photo(&zhang).await;
    let answer = zhang.get(&photo(id)).await;
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    let link = answer.ok();
    let url = link["url"].as_str().expect("a link").to_owned();
    assert!(url.starts_with(&format!("{}/content?expires=", photo(id))), "{url}");
    let shown = open(&world, &url).await;
    assert_eq!(shown.status(), 200);
    let header = |name: &str| shown.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-type"), "image/jpeg");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "private, max-age=600");
    let bytes = shown.bytes().await.expect("the picture");
    assert_eq!(bytes.to_vec(), std::fs::read(&world.pictures()[0]).expect("the file"));
    assert_eq!(link["bytes"].as_u64(), Some(bytes.len() as u64));
    // The sandbox's clock does not concern it.
    world.travel(at("2024-08-22 08:00")).await;
    world.token_time_passes(599_000);
    let shown = open(&world, &url).await;
    assert_eq!(shown.status(), 200);
    assert_eq!(shown.headers()["cache-control"], "private, max-age=1");
    world.token_time_passes(1_000);
    world.anybody().get(&url).await.refused(403, "link_expired");
}

#[actix_web::test]
async fn only_whom_it_concerns_sees_a_photo() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let id = world.photo(&worker).await;
    let family = world.head(HERE, 1).await;
    family.get(&photo(id)).await.refused(404, "not_found");
    used_in_a_claim(&world, id).await;
    family.get(&photo(id)).await.ok();
    for (office, region) in [
        ("grid_worker", grid_of(HERE, 1)),
        ("panel", HERE.to_owned()),
        ("committee", HERE.to_owned()),
        ("township", "460205100".to_owned()),
        ("county", "460205".to_owned()),
    ] {
        world.official(office, &region).await.get(&photo(id)).await.ok();
    }
    let unknown = family.get(&photo(new_id())).await.refused(404, "not_found");
    for other in [world.head(HERE, 2).await, world.official("clerk", HERE).await] {
        let mut refused = other.get(&photo(id)).await.refused(404, "not_found");
        refused["instance"] = unknown["instance"].clone();
        assert_eq!(refused, unknown);
    }
    world.head(NEXT, 1).await.get(&photo(id)).await.refused(404, "not_found");
    world.anybody().get(&photo(id)).await.refused(401, "token_missing");
    // The same id in another village is nothing, or another photo.
    let there = format!("/v1/villages/{NEXT}/photos/{id}");
    world.official("township", "460205100").await.get(&there).await.refused(404, "not_found");
}

#[actix_web::test]
async fn a_link_opens_nothing_else() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let (id, other) = (world.photo(&zhang).await, world.photo(&zhang).await);
    let url = zhang.get(&photo(id)).await.ok()["url"].as_str().expect("a link").to_owned();
    let (path, query) = url.split_once('?').expect("a query");
    let (expires, signature) = query.split_once('&').expect("two parts");
    let nobody = world.anybody();
    let later = format!("expires={}", expires.trim_start_matches("expires=").len());
    let flipped = match signature.strip_suffix('0') {
        Some(rest) => format!("{rest}1"),
        None => format!("{}0", &signature[..signature.len() - 1]),
    };
    let short = &signature[..signature.len() - 1];
    let signed = |secret: &[u8], text: String| hex(&derived(secret, "photo link", text.as_bytes()));
    let seconds = expires.trim_start_matches("expires=");
    let forged = signed(b"another secret", format!("{HERE}|{id}|{seconds}"));
    for target in [
        format!("{}/content?{query}", photo(other)),
        format!("/v1/villages/{NEXT}/photos/{id}/content?{query}"),
        format!("{path}?{later}&{signature}"),
        format!("{path}?expires=9999999999&{signature}"),
        format!("{path}?expires=0{seconds}&{signature}"),
        format!("{path}?expires=&{signature}"),
        format!("{path}?expires=x&{signature}"),
        format!("{path}?{expires}&{flipped}"),
        format!("{path}?{expires}&{short}"),
        format!("{path}?{expires}&{}", signature.to_uppercase().replace("SIGNATURE", "signature")),
        format!("{path}?{expires}&signature="),
        format!("{path}?{expires}&signature={forged}"),
        format!("{path}?{expires}&signature={}", "0".repeat(64)),
        format!("{path}?{expires}&signature={}", "9".repeat(10_000)),
    ] {
        nobody.get(&target).await.refused(404, "not_found");
    }
    for target in
        [path.to_owned(), format!("{path}?{query}&{expires}"), format!("{path}?{query}&x=1")]
    {
        nobody.get(&target).await.refused(400, "invalid_query");
    }
    nobody.get(&url).await.ok();
    // Gone with the photo.
    zhang.send(reqwest::Method::DELETE, &photo(id), |it| it).await.ok();
    nobody.get(&url).await.refused(404, "not_found");
}

#[actix_web::test]
async fn two_who_upload_the_same_picture_have_two_photos() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let (zhang, wang) = (world.head(HERE, 1).await, world.head(HERE, 2).await);
    let (mine, hers) = (new_id(), new_id());
    zhang.upload(&photos(), mine, &pictures::png(1)).await.ok();
    wang.upload(&photos(), hers, &pictures::png(1)).await.ok();
    zhang.send(reqwest::Method::DELETE, &photo(mine), |it| it).await.ok();
    let url = wang.get(&photo(hers)).await.ok()["url"].as_str().expect("a link").to_owned();
    assert_eq!(open(&world, &url).await.status(), 200);
    assert_eq!((world.count("photos").await, world.pictures().len()), (1, 1));
    assert_ne!(head_id(HERE, 1), household_id(HERE, 1));
}
