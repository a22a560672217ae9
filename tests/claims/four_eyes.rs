use api::kernel::db;
use sea_orm::Value as Sql;
use serde_json::{Value, json};

use crate::support::{HERE, World, at, claim, grid_of, head_id, new_id};

fn approve() -> Value {
    json!({ "decision": "approve" })
}

async fn world() -> World {
    World::begins(at("2024-08-28 08:00")).await
}

/// A claim of household 1 that waits for the panel.
async fn prechecked(world: &World) -> String {
    let body = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-27",
            "evidence": [{ "kind": "certificate", "reference": "门前" }],
        }),
    );
    let claims = format!("/v1/villages/{HERE}/claims");
    let filed = world.head(HERE, 1).await.post(&claims, body).await.ok();
    let reviews = format!("{claims}/{}/reviews", filed["id"].as_str().expect("an id"));
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    worker.post(&reviews, approve()).await.ok();
    reviews
}

async fn declare_kin(world: &World, person: uuid::Uuid, relative: uuid::Uuid) {
    let sql = "INSERT INTO kin (village, person, relative, confirmed_at) VALUES ($1, $2, $3, 0)";
    let values: [Sql; 3] = [HERE.into(), person.into(), relative.into()];
    let done = world.app.db.write(async |tx| Ok(db::run(tx, sql, values.clone()).await?)).await;
    done.expect("kin are declared");
}

#[actix_web::test]
async fn kin_do_not_review_whoever_of_the_two_declared_it() {
    for officer_first in [true, false] {
        let world = world().await;
        let reviews = prechecked(&world).await;
        let panel = world.official("panel", HERE).await;
        let (officer, head) = (panel.person().await, head_id(HERE, 1));
        let (a, b) = if officer_first { (officer, head) } else { (head, officer) };
        declare_kin(&world, a, b).await;
        panel.post(&reviews, approve()).await.refused(403, "conflict_of_interest");
        let queue = panel.get(&format!("/v1/regions/{HERE}/review-queue")).await.ok();
        assert_eq!(queue["count"], 0);
        world.official("panel_2", HERE).await.post(&reviews, approve()).await.ok();
    }
}

#[actix_web::test]
async fn an_official_does_not_review_their_own_household() {
    let world = world().await;
    let reviews = prechecked(&world).await;
    // The spouse of household 1 sits on the panel, with an account of their own.
    let sql = "UPDATE members SET person = $1 WHERE household = $2 AND NOT is_head";
    let panel = world.official("panel", HERE).await;
    let household = crate::support::household_id(HERE, 1);
    let values: [Sql; 2] = [panel.person().await.into(), household.into()];
    let done = world.app.db.write(async |tx| Ok(db::run(tx, sql, values.clone()).await?)).await;
    assert_eq!(done.expect("a change"), 1);
    panel.post(&reviews, approve()).await.refused(403, "conflict_of_interest");
}

/// The list of August is open with a line of household 1, filed by its grid worker.
async fn contested(world: &World, filer: usize) -> (String, Value) {
    world.travel(at("2024-09-03 09:00")).await;
    let objection = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
    let path = format!("/v1/villages/{HERE}/public-lists/2024-08/lines/1/objections");
    world.head(HERE, filer).await.post(&path, objection.clone()).await.ok();
    let id = objection["id"].as_str().expect("an id");
    (format!("/v1/villages/{HERE}/objections/{id}/decision"), objection)
}

#[actix_web::test]
async fn whoever_voted_on_the_claim_does_not_decide_the_objection() {
    let world = world().await;
    let panel = world.official("panel", HERE).await;
    let body = claim(
        1,
        "env.courtyard_model",
        json!({
            "occurred_on": "2024-08-27",
            "evidence": [{ "kind": "committee_record", "reference": "8月评议" }],
        }),
    );
    let filed = panel.post(&format!("/v1/villages/{HERE}/claims"), body).await.ok();
    let id = filed["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    world.approve(id, &["panel_2", "committee", "committee_2", "committee_3"]).await;
    let (decision, _) = contested(&world, 2).await;
    let dismissed = json!({ "decision": "dismissed", "reason": "无误" });
    for office in ["committee", "committee_2", "committee_3"] {
        let member = world.official(office, HERE).await;
        member.post(&decision, dismissed.clone()).await.refused(403, "conflict_of_interest");
    }
    let sql = "UPDATE objections SET decided_by = (SELECT person FROM reviews LIMIT 1)";
    let done = world.app.db.write(async |tx| Ok(db::run(tx, sql, []).await?)).await;
    assert!(done.is_err(), "the database itself refuses");
}

#[actix_web::test]
async fn kin_of_either_side_do_not_decide_the_objection() {
    let world = world().await;
    world.earn(1, 30).await;
    let (decision, _) = contested(&world, 2).await;
    let dismissed = || json!({ "decision": "dismissed", "reason": "无误" });
    for (office, number) in [("committee", 1), ("committee_2", 2)] {
        let member = world.official(office, HERE).await;
        declare_kin(&world, member.person().await, head_id(HERE, number)).await;
        member.post(&decision, dismissed()).await.refused(403, "conflict_of_interest");
    }
    // One of three is no quorum: the township decides, at once.
    let third = world.official("committee_3", HERE).await;
    third.post(&decision, dismissed()).await.refused(403, "role_required");
    world.official("township", "460205100").await.post(&decision, dismissed()).await.ok();
}

/// A credit that its own family contests would be shielded from the neighbours.
#[actix_web::test]
async fn nobody_shields_their_own_line_and_a_dismissal_does_not_end_the_list() {
    let world = world().await;
    world.earn(1, 30).await;
    world.travel(at("2024-09-03 09:00")).await;
    let path = format!("/v1/villages/{HERE}/public-lists/2024-08/lines/1/objections");
    let objection = || json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
    world.head(HERE, 1).await.post(&path, objection()).await.refused(403, "conflict_of_interest");
    let first = objection();
    world.head(HERE, 2).await.post(&path, first.clone()).await.ok();
    let id = first["id"].as_str().expect("an id");
    let decision = format!("/v1/villages/{HERE}/objections/{id}/decision");
    let dismissed = json!({ "decision": "dismissed", "reason": "无误" });
    world.official("committee", HERE).await.post(&decision, dismissed).await.ok();
    world.head(HERE, 3).await.post(&path, objection()).await.ok();
    world.travel(at("2024-09-09 09:00")).await;
    let points =
        format!("/v1/villages/{HERE}/households/{}/points", crate::support::household_id(HERE, 1));
    assert_eq!(world.head(HERE, 1).await.get(&points).await.ok()["spendable"], 0);
    world.verified().await;
}

#[actix_web::test]
async fn a_household_does_not_withdraw_what_is_proposed_against_it() {
    let world = world().await;
    let committee = world.official("committee", HERE).await;
    let body = claim(
        1,
        "law.property_deduct",
        json!({
            "occurred_on": "2024-08-27",
            "evidence": [
                { "kind": "photo", "photo": world.picture(&committee, "a ditch").await }, { "kind": "two_witnesses", "reference": "甲、乙" },
            ],
        }),
    );
    let claims = format!("/v1/villages/{HERE}/claims");
    let filed = committee.post(&claims, body).await.ok();
    assert_eq!(filed["points"], -10);
    let this = format!("{claims}/{}", filed["id"].as_str().expect("an id"));
    let zhang = world.head(HERE, 1).await;
    assert_eq!(zhang.get(&this).await.ok()["allowed_actions"], json!(["reply"]));
    zhang.post(&format!("{this}/withdrawal"), json!({})).await.refused(403, "role_required");
    committee.post(&format!("{this}/withdrawal"), json!({})).await.ok();
}

/// Whoever has shared a household stays out of its matters, also after a split.
#[actix_web::test]
async fn a_spouse_who_was_split_off_is_still_kin() {
    let world = world().await;
    let home = crate::support::household_id(HERE, 1);
    let grant = format!(
        "INSERT INTO grants (id, person, role, region, starts_at) \
         SELECT id, person, 'panel', '{HERE}', 0 FROM accounts WHERE persona = 'head {HERE} 1'"
    );
    assert_eq!(world.run(&grant).await, 1);
    let township = world.official("township", "460205100").await;
    let households = format!("/v1/villages/{HERE}/households/{home}");
    let spouse = township.get(&households).await.ok()["members"][1]["person"].clone();
    let split = json!({ "id": new_id(), "number": 901, "members": [spouse], "head": spouse });
    township.post(&format!("{households}/split"), split.clone()).await.ok();
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let mut body = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-27",
            "evidence": [{ "kind": "certificate", "reference": "入社证" }],
            "consent": { "by": spouse, "form": "oral" },
        }),
    );
    body["household"] = split["id"].clone();
    let claims = format!("/v1/villages/{HERE}/claims");
    let filed = worker.post(&claims, body).await.ok();
    let reviews = format!("{claims}/{}/reviews", filed["id"].as_str().expect("an id"));
    world.official("grid_worker", &format!("{HERE}002")).await.post(&reviews, approve()).await.ok();
    let panel = world.head(HERE, 1).await;
    panel.post(&reviews, approve()).await.refused(403, "conflict_of_interest");
    world.official("panel", HERE).await.post(&reviews, approve()).await.ok();
}
