mod adjustments;
mod appeals;
mod corrections;
mod extension;
mod levels;
mod limits;
mod merged;
mod migrated;
mod names;
mod objections;
mod page;
mod proof;
mod races;
mod reading;
mod recheck;
mod restored;
mod reversals;
mod seals;
mod sequences;

use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Actor, Answer, HERE, World, at, head_id, household_id, new_id};

/// August's list is open; households 1 and 2 have a line each of 30 and 20 points.
async fn published() -> World {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 30).await;
    world.earn(2, 20).await;
    world.travel(at("2024-09-03 10:00")).await;
    world
}

fn line(number: i64) -> String {
    format!("/v1/villages/{HERE}/public-lists/2024-08/lines/{number}/objections")
}

fn objection() -> Value {
    json!({ "id": new_id(), "ground": "not_this_household", "reason": "那块地不是他家的" })
}

/// The head of household `filer` objects to a line of August; where the objection is.
async fn object(world: &World, filer: usize, number: i64) -> String {
    let body = objection();
    world.head(HERE, filer).await.post(&line(number), body.clone()).await.ok();
    format!("/v1/villages/{HERE}/objections/{}", body["id"].as_str().expect("an id"))
}

async fn township(world: &World) -> Actor {
    world.official("township", "460205100").await
}

async fn county(world: &World) -> Actor {
    world.official("county", "460205").await
}

fn verdict(word: &str) -> Value {
    json!({ "decision": word, "reason": "查过台账" })
}

/// One of the committee decides so.
async fn decided(world: &World, objection: &str, word: &str) -> Value {
    let committee = world.official("committee", HERE).await;
    committee.post(&format!("{objection}/decision"), verdict(word)).await.ok()
}

fn appeal() -> Value {
    json!({ "id": new_id(), "reason": "请核对签到表原件" })
}

async fn appealed(actor: &Actor, objection: &str) -> Answer {
    actor.post(&format!("{objection}/appeal"), appeal()).await
}

/// Pending and spendable points of a household.
async fn points(world: &World, number: usize) -> (i64, i64) {
    let path = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, number));
    let points = world.head(HERE, number).await.get(&path).await.ok();
    let of = |name: &str| points[name].as_i64().expect("points");
    (of("pending"), of("spendable"))
}

async fn inbox(actor: &Actor) -> Vec<Value> {
    actor.get("/v1/me/inbox").await.ok()["items"].as_array().expect("items").clone()
}

fn has(items: &[Value], kind: &str) -> bool {
    items.iter().any(|item| item["kind"] == kind)
}

/// Declares an official here to be kin of the head of household `number`, confirmed.
async fn declare_kin(world: &World, official: &str, number: usize) {
    let person = world.official(official, HERE).await.person().await;
    let (person, relative) = (world.uuid(person), world.uuid(head_id(HERE, number)));
    let sql = format!(
        "INSERT INTO kin (village, person, relative, confirmed_at) \
         VALUES ('{HERE}', {person}, {relative}, 0)"
    );
    assert_eq!(world.run(&sql).await, 1);
}

/// Everything that time and decisions wrote, without the ids that chance makes.
async fn story(world: &World) -> Vec<String> {
    #[derive(FromQueryResult)]
    struct Row {
        text: String,
    }
    let mut all = Vec::new();
    for sql in [
        "SELECT status || ' ' || COALESCE(decision, '-') || ' ' || COALESCE(lapsed_at, 0) || ' ' \
           || COALESCE(final_at, 0) || ' ' || COALESCE(due_at, 0) AS text FROM objections ORDER BY 1",
        "SELECT kind || ' ' || at AS text FROM journals ORDER BY at, kind",
        "SELECT kind || ' ' || week || ' ' || awarded || ' ' || approved_at AS text \
           FROM score_lines ORDER BY 1",
        "SELECT month || ' ' || number || ' ' || status || ' ' || COALESCE(confirmed_at, 0) AS text \
           FROM public_list_lines ORDER BY month, number",
        "SELECT kind || ' ' || at || ' ' || note AS text FROM register_entries ORDER BY 1",
        "SELECT kind || ' ' || at || ' ' || detail AS text FROM inbox_items ORDER BY 1",
    ] {
        let rows = api::kernel::db::all::<Row>(world.app.db.read(), sql, []).await.expect("rows");
        all.extend(rows.into_iter().map(|row| row.text));
    }
    all
}

/// Somebody looks, so that the village settles what is due.
async fn look(world: &World) {
    let village: api::kernel::region::Village = HERE.parse().expect("a village");
    api::calendar::settle_village(&world.app, &village).await.expect("it settles");
}

fn id_of(path: &str) -> Uuid {
    path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id")
}
