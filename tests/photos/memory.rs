use actix_web::web::Bytes;
use reqwest::Method;

use crate::support::{World, at, new_id, pictures};

use super::photos;

/// A figure of this process, in KiB.
fn kib(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("the line");
    line.trim_matches(|it: char| !it.is_ascii_digit()).parse().expect("a number")
}

/// Sixteen of the worst pictures there are, all at once: what they take is bounded.
#[actix_web::test]
async fn sixteen_bombs_at_once_take_no_more_than_200_mib() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let bombs = [
        ("PNG of 20000 x 20000", pictures::png_bomb(20_000, 20_000, 0), 422),
        ("PNG with alpha, 24 MP", pictures::png_bomb(8000, 3000, 6), 201),
        ("PNG, 24 MP", pictures::png_bomb(8000, 3000, 2), 201),
        ("JPEG, 24 MP", pictures::jpeg_bomb(8000, 3000, 0x22, false), 201),
        ("JPEG in many scans, 24 MP", pictures::jpeg_bomb(8000, 3000, 0x22, true), 201),
        ("JPEG in many scans and fine, 24 MP", pictures::jpeg_bomb(8000, 3000, 0x11, true), 422),
        ("WebP, 21 MP", pictures::webp_bomb(7000, 3000), 201),
        ("PNG of 64 MP", pictures::png_bomb(8000, 8000, 2), 422),
    ];
    let mut twice = Vec::new();
    for number in 1..=2 {
        let actor = world.head(crate::support::HERE, number).await;
        for (what, file, status) in &bombs {
            let (media, body) = pictures::upload(new_id(), file);
            twice.push((actor.clone(), *what, media, Bytes::from(body), *status));
        }
    }
    let before = kib("VmRSS:");
    let sent = twice.iter().map(async |(actor, what, media, body, status)| {
        let key = new_id().to_string();
        let upload = async || {
            let shape = |request: reqwest::RequestBuilder| {
                let request = request.header("Idempotency-Key", &key);
                request.header("Content-Type", media).body(body.clone())
            };
            actor.send(Method::POST, &photos(), shape).await
        };
        let mut answer = upload().await;
        // On a slow machine its turn may not come in time: it is told so, and tries again.
        while answer.status == 503 {
            assert_eq!(answer.header("retry-after"), Some("5"));
            answer = upload().await;
        }
        assert_eq!(answer.status, *status, "{what}: {:#}", answer.body);
    });
    futures::future::join_all(sent).await;
    let rise = (kib("VmHWM:") - before) / 1024;
    println!("figure: photos: 16 bombs at once, RSS + {rise} MiB of 200 allowed");
    assert!(rise <= 200, "{rise} MiB");
    assert_eq!(world.count("photos").await, 10);
}
