//! Objections that come too late, without a ground, or in floods.

use serde_json::json;

use super::{decided, line, object, objection, published};
use crate::support::{HERE, World, at, new_id};

/// Scenarios 10 and 11.
#[actix_web::test]
async fn the_last_millisecond_counts_and_whoever_comes_later_learns_whom_to_ask() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 30).await;
    world.earn(2, 20).await;
    let filer = world.head(HERE, 3).await;
    world.travel(at("2024-09-01 23:59:59.999")).await;
    filer.post(&line(1), objection()).await.refused(409, "list_not_open");
    world.travel(at("2024-09-08 23:59:59.999")).await;
    filer.post(&line(1), objection()).await.ok();
    world.travel(at("2024-09-09 00:00:00.000")).await;
    let late = filer.post(&line(2), objection()).await.refused(409, "list_not_open");
    let detail = late["detail"].as_str().expect("a detail");
    assert!(detail.contains("监督管理委员会") && detail.contains("township"), "{detail}");
    assert_eq!(super::points(&world, 1).await, (30, 0));
    assert_eq!(super::points(&world, 2).await, (0, 20));
    world.verified().await;
}

#[actix_web::test]
async fn an_objection_names_its_ground_and_is_not_repeated_while_it_can_be_appealed() {
    let world = published().await;
    let filer = world.head(HERE, 3).await;
    let mut body = objection();
    body["ground"] = json!("envy");
    filer.post(&line(1), body.clone()).await.refused(400, "malformed_json");
    body.as_object_mut().expect("an object").remove("ground");
    filer.post(&line(1), body).await.refused(400, "malformed_json");
    let first = object(&world, 3, 1).await;
    filer.post(&line(1), objection()).await.refused(409, "objection_exists");
    decided(&world, &first, "dismissed").await;
    filer.post(&line(1), objection()).await.refused(409, "objection_exists");
    world.head(HERE, 4).await.post(&line(1), objection()).await.ok();
    assert_eq!(world.count("objections").await, 2);
    let sql = "UPDATE objections SET filer_household = (SELECT filer_household FROM objections \
               WHERE status = 'decided') WHERE status = 'filed'";
    let done = world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, []).await?)).await;
    assert!(done.is_err(), "the database itself refuses");
}

/// C41.
#[actix_web::test]
async fn a_flood_of_objections_is_stopped() {
    let world = published().await;
    let (third, fourth) = (world.head(HERE, 3).await, world.head(HERE, 4).await);
    let mut refused = 0;
    for _ in 0..100 {
        let answer = third.post(&line(99), objection()).await;
        match answer.status {
            429 => {
                assert!(answer.header("retry-after").is_some());
                answer.refused(429, "too_many_tries");
                refused += 1;
            }
            _ => _ = answer.refused(404, "not_found"),
        }
    }
    assert_eq!(refused, 40, "60 a minute are heard");
    fourth.post(&line(1), objection()).await.ok();
    world.travel(at("2024-09-03 10:01:01")).await;
    third.post(&line(1), objection()).await.ok();
}

#[actix_web::test]
async fn a_household_objects_twenty_times_a_day() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 10).await;
    world.earn(2, 20).await;
    world.travel(at("2024-09-03 10:00")).await;
    let filer = world.head(HERE, 3).await;
    filer.post(&line(1), objection()).await.ok();
    // As if there had been nineteen more, all of them over.
    for _ in 0..19 {
        let sql = format!(
            "INSERT INTO objections (village, id, month, number, line, filed_by, filer_household, \
             ground, reason, status, filed_at, lapsed_at, final_at) SELECT village, {}, month, number, \
             line, filed_by, filer_household, ground, reason, 'final', filed_at, filed_at, filed_at \
             FROM objections WHERE status = 'filed'",
            world.uuid(new_id())
        );
        assert_eq!(world.run(&sql).await, 1);
    }
    let refused = filer.post(&line(2), objection()).await;
    assert_eq!(refused.header("retry-after"), Some("86401"));
    refused.refused(429, "objection_limit");
    world.head(HERE, 4).await.post(&line(2), objection()).await.ok();
    world.travel(at("2024-09-04 10:00:01")).await;
    filer.post(&line(2), objection()).await.ok();
    world.verified().await;
}
