use reqwest::Method;
use serde_json::json;

use super::{photo, photos};
use crate::bad_inputs::send_bytes;
use crate::support::{HERE, NEXT, World, at, head_id, new_id, pictures};

#[actix_web::test]
async fn a_photo_is_kept_without_what_the_camera_told() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let id = new_id();
    let answer = zhang.upload(&photos(), id, &pictures::jpeg_that_tells()).await;
    assert_eq!(answer.status, 201);
    let kept = answer.ok();
    assert_eq!(kept["id"], id.to_string());
    assert_eq!((kept["width"].as_i64(), kept["height"].as_i64()), (Some(48), Some(36)));
    assert_eq!(kept["uploaded_at"], "2024-08-21T08:00:00.000+08:00");
    assert_eq!(kept["taken_at"], "2024-08-20T18:30:05.000+08:00");
    let files = world.pictures();
    assert_eq!(files.len(), 1);
    let file = std::fs::read(&files[0]).expect("the file");
    assert_eq!(kept["bytes"].as_u64(), Some(file.len() as u64));
    for told in [&b"Exif"[..], b"SECRET", b"MAKERNOTE", b"xmpmeta", b"2024:08"] {
        assert!(!file.windows(told.len()).any(|it| it == told));
    }
    // Its name is of the day, and nobody else's.
    let name = files[0].display().to_string();
    assert!(name.contains("/2024-08-21/") && !name.contains(&id.to_string()), "{name}");
    let mine = format!("photos WHERE uploaded_by = {}", world.uuid(head_id(HERE, 1)));
    assert_eq!(world.count(&mine).await, 1);
}

#[actix_web::test]
async fn a_try_after_a_lost_answer_gives_the_same_answer() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let id = new_id();
    let first = zhang.upload_as("key-1", &photos(), id, &pictures::png(1)).await;
    // With another boundary, as every try has.
    let again = zhang.upload_as("key-1", &photos(), id, &pictures::png(1)).await;
    assert!(!first.is_replay() && again.is_replay());
    assert_eq!((again.status, &again.body), (201, &first.body));
    // The key was forgotten, the id was not; packed otherwise, it is the same picture.
    let later = zhang.upload_as("key-2", &photos(), id, &pictures::webp(1)).await;
    assert_eq!((later.status, &later.body), (201, &first.body));
    let other = zhang.upload_as("key-1", &photos(), id, &pictures::png(2)).await;
    other.refused(422, "idempotency_key_reused");
    let renamed = zhang.upload_as("key-1", &photos(), new_id(), &pictures::png(1)).await;
    renamed.refused(422, "idempotency_key_reused");
    zhang.upload(&photos(), id, &pictures::png(2)).await.refused(409, "id_taken");
    let wang = world.head(HERE, 2).await;
    wang.upload(&photos(), id, &pictures::png(1)).await.refused(409, "id_taken");
    assert_eq!((world.count("photos").await, world.pictures().len()), (1, 1));
    // In another village it is another photo.
    let there = world.head(NEXT, 1).await;
    let path = format!("/v1/villages/{NEXT}/photos");
    there.upload(&path, id, &pictures::png(1)).await.ok();
    assert_eq!((world.count("photos").await, world.pictures().len()), (2, 2));
}

#[actix_web::test]
async fn of_one_id_sent_by_two_at_once_one_is_kept() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let (zhang, wang) = (world.head(HERE, 1).await, world.head(HERE, 2).await);
    let (id, path) = (new_id(), photos());
    let (one, two) = (pictures::png(1), pictures::png(2));
    let sent = futures::future::join_all([
        zhang.upload(&path, id, &one),
        wang.upload(&path, id, &two),
        zhang.upload(&path, id, &one),
    ]);
    let answers = sent.await;
    let refused = answers.iter().filter(|it| it.status == 409 && it.body["code"] == "id_taken");
    assert!((1..=2).contains(&refused.count()), "{answers:#?}");
    assert!(answers.iter().all(|it| [201, 409].contains(&it.status)));
    assert_eq!((world.count("photos").await, world.pictures().len()), (1, 1));
}

#[actix_web::test]
async fn sixty_a_day_and_two_hundred_unused_are_enough() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let id = world.photo(&zhang).await;
    let copies = async |count: i64, used: &str, at: i64| {
        let random = if world.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
        let sql = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
             INSERT INTO photos SELECT village, {random}, uploaded_by, \
               name || '-' || {at} || '-' || {used} || '-' || n.i, media, width, height, bytes, \
               pixels, likeness, taken_at, {used}, {at} FROM photos, n WHERE id = {}",
            world.uuid(id)
        );
        assert_eq!(world.run(&sql).await, count as u64);
    };
    let today = at("2024-08-21 00:00");
    copies(58, "TRUE", today.0).await;
    zhang.upload(&photos(), new_id(), &pictures::png(1)).await.ok();
    let refused = zhang.upload(&photos(), new_id(), &pictures::png(2)).await;
    // Until midnight.
    assert_eq!(refused.header("retry-after"), Some("57601"));
    refused.refused(429, "photo_quota");
    // What was sent before is answered all the same, and others are not concerned.
    let wang = world.head(HERE, 2).await;
    wang.upload(&photos(), new_id(), &pictures::png(2)).await.ok();
    world.travel(at("2024-08-22 00:00")).await;
    copies(197, "FALSE", at("2024-08-20 00:00").0).await;
    zhang.upload(&photos(), new_id(), &pictures::png(3)).await.ok();
    let refused = zhang.upload(&photos(), new_id(), &pictures::png(4)).await;
    // Until the oldest of them is swept: on the day after its week.
    assert_eq!(refused.header("retry-after"), Some((6 * 86_400 + 1).to_string().as_str()));
    refused.refused(429, "photo_quota");
    assert_eq!(world.pictures().len(), 4);
}

#[actix_web::test]
async fn who_has_no_business_here_uploads_nothing() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let there = world.head(NEXT, 1).await;
    there.upload(&photos(), new_id(), &pictures::png(1)).await.refused(404, "not_found");
    let nobody = world.anybody();
    nobody.upload(&photos(), new_id(), &pictures::png(1)).await.refused(401, "token_missing");
    assert_eq!((world.count("photos").await, world.pictures().len()), (0, 0));
}

/// What is too long is refused by what its head says; a body that does not say it, when it is too long.
#[actix_web::test]
async fn a_file_that_is_too_long_is_not_read_to_its_end() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let token = zhang.token.clone().expect("a token");
    let head = |length: &str| {
        format!(
            "POST {} HTTP/1.1\r\nHost: jifen\r\nAuthorization: Bearer {token}\r\n\
             Idempotency-Key: k\r\nContent-Type: multipart/form-data; boundary=b\r\n\
             Connection: close\r\n{length}\r\n\r\n",
            photos()
        )
    };
    let said = head("Content-Length: 10000000000");
    send_bytes(&world.base, said.as_bytes()).await.refused(413, "body_too_large");
    let mut bytes = head("Transfer-Encoding: chunked").into_bytes();
    let part = "--b\r\nContent-Disposition: form-data; name=\"photo\"\r\n\r\n";
    bytes.extend(format!("{:x}\r\n{part}\r\n", part.len()).into_bytes());
    for _ in 0..6 {
        bytes.extend(format!("{:x}\r\n", 1 << 20).into_bytes());
        bytes.extend(vec![b'x'; 1 << 20]);
        bytes.extend(b"\r\n");
    }
    // Whoever goes on sending is listened to, and nothing of it is kept.
    bytes.extend(b"0\r\n\r\n");
    send_bytes(&world.base, &bytes).await.refused(413, "body_too_large");
    assert_eq!(world.count("idempotency_keys").await, 0);
}

#[actix_web::test]
async fn a_claim_still_takes_no_picture_from_elsewhere() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let body = json!({ "image_url": "http://127.0.0.1/x.jpg" });
    let refused = zhang.post(&photos(), body).await;
    refused.refused(415, "unsupported_media_type");
    let get = zhang.send(Method::GET, &photos(), |it| it).await;
    get.refused(405, "method_not_allowed");
    zhang.get(&photo(new_id())).await.refused(404, "not_found");
}
