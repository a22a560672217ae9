//! Claims, reviews, votes and objections: rows C20 to C47 of the catalogue, and what came to them since.

mod acts;
mod batches;
mod caps;
mod deductions;
mod field;
mod filing;
mod lists;
mod lives;
mod objections;
mod photos;
mod reviews;
mod versions;
mod warnings;

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Case, Catalogue, Sent};
use crate::support::{Actor, FAR, HERE, NEXT, World, claim, grid_of};

#[actix_web::test]
async fn nothing_is_claimed_decided_or_contested_but_by_the_rules() {
    let mut catalogue = Catalogue::of("claims");
    filing::try_all(&mut catalogue).await;
    photos::try_all(&mut catalogue).await;
    caps::try_all(&mut catalogue).await;
    acts::try_all(&mut catalogue).await;
    reviews::try_all(&mut catalogue).await;
    deductions::try_all(&mut catalogue).await;
    lists::try_all(&mut catalogue).await;
    objections::try_all(&mut catalogue).await;
    warnings::try_all(&mut catalogue).await;
    batches::try_all(&mut catalogue).await;
    field::try_all(&mut catalogue).await;
    versions::try_all(&mut catalogue).await;
    lives::try_all(&mut catalogue).await;
    catalogue.report();
}

/// Texts that say nothing.
const BLANK: &[&str] = &[
    " ",
    "     ",
    "\t",
    "\r\n\r\n",
    "\u{200b}",
    "\u{200b}\u{200c}\u{200d}",
    "\u{feff}",
    "\u{3000}\u{3000}",
    "\u{a0}",
    "\u{2060}",
    "\u{202e}",
    " \u{200b} \u{feff} ",
];

fn claims() -> String {
    format!("/v1/villages/{HERE}/claims")
}

/// A body with some fields changed.
fn with(mut body: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

/// A claim of household `number` that needs nothing but a certificate.
fn deed(number: usize, day: &str) -> Value {
    let evidence = json!([{ "kind": "certificate", "reference": "入社证" }]);
    claim(number, "ent.coop", json!({ "occurred_on": day, "evidence": evidence }))
}

fn decision(word: &str) -> Value {
    json!({ "decision": word, "reason": "证书看不清" })
}

/// Files a claim; its path.
async fn file(who: &Actor, body: Value) -> String {
    let filed = who.post(&claims(), body).await.ok();
    format!("{}/{}", claims(), filed["id"].as_str().expect("an id"))
}

async fn worker(world: &World) -> Actor {
    world.official("grid_worker", &grid_of(HERE, 1)).await
}

/// Somebody of every office here, by its name.
async fn offices(world: &World) -> Vec<(&'static str, Actor)> {
    let mut all = vec![("grid_worker", worker(world).await)];
    for office in ["panel", "panel_2", "committee", "committee_2", "clerk"] {
        all.push((office, world.official(office, HERE).await));
    }
    all.push(("township", world.official("township", "460205100").await));
    all.push(("county", world.official("county", "460205").await));
    all
}

/// Nobody here.
async fn strangers(world: &World) -> Vec<(&'static str, Actor)> {
    vec![
        ("somebody of the next village", world.head(NEXT, 1).await),
        ("the panel next door", world.official("panel", NEXT).await),
        ("the committee next door", world.official("committee", NEXT).await),
        ("another township", world.official("township", "440783107").await),
        ("another county", world.official("county", "440783").await),
    ]
}

/// The villages settle what is due, so that no case does it.
pub async fn settle(world: &World) {
    for village in [HERE, NEXT, FAR] {
        let village = village.parse().expect("a village");
        api::calendar::settle_village(&world.app, &village).await.expect("it settles");
    }
    // Old keys go now, not in the middle of the cases.
    let now = world.app.clock.now();
    api::kernel::idempotency::sweep(&world.app.db, now).await.expect("they go");
}

/// A PUT of what was read at a version.
fn put(
    row: &'static str,
    what: impl Into<String>,
    who: &Actor,
    path: &str,
    tag: Option<&str>,
    body: Value,
) -> Case {
    let case = Case::get(row, what, who, path);
    let headers = tag.map(|tag| ("If-Match", tag.as_bytes().to_vec())).into_iter().collect();
    Case { method: Method::PUT, headers, sent: Sent::Json(body), ..case }
}

/// A POST of JSON that no library would write.
fn text(row: &'static str, what: String, who: &Actor, path: &str, body: String) -> Case {
    Case { sent: Sent::Text(body), ..Case::post(row, what, who, path, Value::Null) }
}

async fn declare_kin(world: &World, person: Uuid, relative: Uuid) {
    let (person, relative) = (world.uuid(person), world.uuid(relative));
    let sql = format!(
        "INSERT INTO kin (village, person, relative, confirmed_at) \
         VALUES ('{HERE}', {person}, {relative}, 0)"
    );
    assert_eq!(world.run(&sql).await, 1);
}
