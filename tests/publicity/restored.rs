//! A struck line that the village makes good: not while anything about it is open, not against an appeal, and
//! nobody who took it decides about it anew.

use serde_json::{Value, json};

use super::{appealed, county, decided, id_of, line, object, objection, points, published};
use super::{township, verdict};
use crate::support::{Actor, Answer, HERE, World, at, household_id, new_id};

fn path() -> String {
    format!("/v1/villages/{HERE}/adjustments")
}

/// The line that the objection is about is to be made good.
async fn good(world: &World, objection: &str, points: i64) -> Value {
    #[derive(sea_orm::FromQueryResult)]
    struct Row {
        id: uuid::Uuid,
    }
    let id = world.uuid(id_of(objection));
    let sql = format!("SELECT line AS id FROM objections WHERE id = {id}");
    let row = api::kernel::db::one::<Row>(world.app.db.read(), &sql, []).await.expect("a row");
    json!({ "id": new_id(), "household": household_id(HERE, 1), "restores": row.expect("a line").id,
        "points": points, "reason": "核对有误" })
}

async fn approve(by: &Actor, adjustment: &Value) -> Answer {
    let path = format!("{}/{}/decision", path(), adjustment["id"].as_str().expect("an id"));
    by.post(&path, json!({ "decision": "approved", "reason": "属实" })).await
}

#[actix_web::test]
async fn two_of_the_committee_do_not_undo_what_an_appeal_decided() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    decided(&world, &objection, "upheld").await;
    let second = world.official("committee_2", HERE).await;
    let restored = good(&world, &objection, 30).await;
    let early = second.post(&path(), restored.clone()).await.refused(409, "wrong_state");
    assert_eq!(early["current"], "decided");
    appealed(&world.head(HERE, 1).await, &objection).await.ok();
    let early = second.post(&path(), restored.clone()).await.refused(409, "wrong_state");
    assert_eq!(early["current"], "appealed");
    let appeal = format!("{objection}/appeal/decision");
    township(&world).await.post(&appeal, verdict("upheld")).await.ok();
    second.post(&path(), restored).await.refused(409, "appeal_decided");
    assert_eq!(world.count("adjustments").await, 0);

    // The same of a part: the township's word is 12.
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    decided(&world, &objection, "dismissed").await;
    appealed(&world.head(HERE, 3).await, &objection).await.ok();
    let part = json!({ "decision": "amended", "points": 12, "reason": "核减" });
    let appeal = format!("{objection}/appeal/decision");
    township(&world).await.post(&appeal, part).await.ok();
    let second = world.official("committee_2", HERE).await;
    let restored = good(&world, &objection, 18).await;
    second.post(&path(), restored).await.refused(409, "appeal_decided");
    assert_eq!(points(&world, 1).await, (12, 0));
    world.verified().await;
}

#[actix_web::test]
async fn what_is_contested_anew_after_the_proposal_is_not_made_good_meanwhile() {
    let world = published().await;
    let extension = format!("/v1/villages/{HERE}/public-lists/2024-08/extension");
    let longer = json!({ "weeks": 3, "reason": "停电" });
    township(&world).await.post(&extension, longer).await.ok();
    let first = object(&world, 3, 1).await;
    let committee = world.official("committee", HERE).await;
    let amended = json!({ "decision": "amended", "points": 12, "reason": "核减" });
    committee.post(&format!("{first}/decision"), amended).await.ok();
    world.travel(at("2024-09-10 10:00")).await;
    let restored = good(&world, &first, 18).await;
    committee.post(&path(), restored.clone()).await.ok();
    object(&world, 4, 1).await;
    let second = world.official("committee_2", HERE).await;
    let open = approve(&second, &restored).await.refused(409, "wrong_state");
    assert_eq!(open["current"], "filed");
    assert_eq!(world.count("adjustments WHERE status = 'approved'").await, 0);
    world.verified().await;
}

/// The committee struck it, its second member and the township made it good: of the new line, neither they
/// nor who struck the old one decides, and one member is no quorum.
#[actix_web::test]
async fn nobody_who_struck_a_line_decides_about_the_one_that_makes_it_good() {
    let world = published().await;
    let first = object(&world, 3, 1).await;
    decided(&world, &first, "upheld").await;
    world.travel(at("2024-09-11 09:00")).await;
    let restored = good(&world, &first, 30).await;
    let second = world.official("committee_2", HERE).await;
    second.post(&path(), restored.clone()).await.ok();
    approve(&township(&world).await, &restored).await.ok();
    world.travel(at("2024-09-30 09:00")).await;
    let again = objection();
    let september = line(1).replace("2024-08", "2024-09");
    world.head(HERE, 3).await.post(&september, again.clone()).await.ok();
    let id = again["id"].as_str().expect("an id");
    let this = format!("/v1/villages/{HERE}/objections/{id}");
    let decision = format!("{this}/decision");
    let committee = world.official("committee", HERE).await;
    assert_eq!(committee.get(&this).await.ok()["allowed_actions"], json!([]));
    for who in [&committee, &second, &township(&world).await] {
        who.post(&decision, verdict("upheld")).await.refused(403, "conflict_of_interest");
    }
    let third = world.official("committee_3", HERE).await;
    third.post(&decision, verdict("upheld")).await.refused(403, "role_required");
    county(&world).await.post(&decision, verdict("dismissed")).await.ok();
    assert_eq!(points(&world, 1).await, (30, 0));
    world.verified().await;
}
