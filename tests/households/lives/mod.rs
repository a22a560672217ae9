//! How households live: members come and go, files split, merge, move and end.

mod ending;
mod members;
mod moving;
mod properties;
mod split_merge;

use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, household_id};

/// The address of household `number` here, or of something of it.
pub fn path(number: usize, action: &str) -> String {
    of(&json!(household_id(HERE, number)), action)
}

/// The same, by id.
pub fn of(id: &Value, action: &str) -> String {
    format!("/v1/villages/{HERE}/households/{}{action}", id.as_str().expect("an id"))
}

pub async fn township(world: &World) -> Actor {
    world.official("township", "460205100").await
}

pub async fn file(world: &World, number: usize) -> Value {
    township(world).await.get(&path(number, "")).await.ok()
}

pub async fn points(world: &World, number: usize) -> Value {
    township(world).await.get(&path(number, "/points")).await.ok()
}

/// The one member of a fixture's household who is not its head.
pub async fn spouse(world: &World, number: usize) -> Value {
    let file = file(world, number).await;
    let members = file["members"].as_array().expect("members");
    members.iter().find(|it| it["is_head"] == false).expect("a spouse")["person"].clone()
}

pub async fn board(world: &World, period: &str, of: &str) -> Value {
    world.anybody().get(&format!("/v1/regions/{HERE}/rankings/{period}?of={of}")).await.ok()
}

pub async fn declare_kin(world: &World, person: uuid::Uuid, relative: uuid::Uuid) {
    let sql = "INSERT INTO kin (village, person, relative, confirmed_at) VALUES ($1, $2, $3, 0)";
    let values: [sea_orm::Value; 3] = [HERE.into(), person.into(), relative.into()];
    let done =
        world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, values.clone()).await?));
    done.await.expect("kin are declared");
}

pub async fn person(actor: &Actor) -> uuid::Uuid {
    let me = actor.get("/v1/me").await.ok();
    me["person"].as_str().and_then(|id| id.parse().ok()).expect("a person")
}
