use serde_json::{Value, json};

use crate::support::{HERE, NEXT, World, at, grid_of, head_id, household_id, new_id};

fn path(number: usize) -> String {
    format!("/v1/villages/{HERE}/households/{}/consents", household_id(HERE, number))
}

async fn text(world: &World) -> Value {
    world.anybody().get("/v1/consent-text").await.ok()
}

async fn signed(world: &World, act: &str, form: &str, number: usize) -> Value {
    let text = text(world).await;
    json!({
        "id": new_id(),
        "act": act,
        "form": form,
        "text_version": text["version"],
        "text_digest": text["digest"],
        "person": head_id(HERE, number),
    })
}

fn changed(body: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut body = body.clone();
    change(&mut body);
    body
}

#[actix_web::test]
async fn anybody_reads_the_text() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let text = text(&world).await;
    assert!(text["text"].as_str().is_some_and(|text| text.contains("撤回")));
    assert_eq!(text["digest"].as_str().map(str::len), Some(64));
}

#[actix_web::test]
async fn a_member_signs_for_themselves_and_officials_take_paper() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let before = world.count("consents").await;
    assert_eq!(before, 30);
    let zhang = world.head(HERE, 1).await;
    let own = signed(&world, "given", "account", 1).await;
    let record = zhang.post_as("k", &path(1), own.clone()).await.ok();
    assert!(zhang.post_as("k", &path(1), own.clone()).await.is_replay());
    assert_eq!((&record["act"], &record["form"]), (&json!("given"), &json!("account")));
    assert_eq!(record["recorded_by"], json!(head_id(HERE, 1)));
    zhang.post(&path(1), own.clone()).await.refused(409, "id_taken");

    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let paper = signed(&world, "given", "paper", 1).await;
    worker.post(&path(1), paper.clone()).await.ok();
    let list = zhang.get(&format!("{}?limit=2", path(1))).await.ok();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
    let cursor = list["next_cursor"].as_str().expect("a cursor");
    let rest = zhang.get(&format!("{}?limit=2&cursor={cursor}", path(1))).await.ok();
    assert_eq!(rest["items"][0]["id"], paper["id"]);
    world.head(HERE, 2).await.get(&path(1)).await.refused(403, "other_household");

    let other = world.official("grid_worker", &grid_of(HERE, 10)).await;
    let next = |body: &Value| changed(body, |it| it["id"] = json!(new_id()));
    let table = [
        (world.head(HERE, 2).await, next(&own), 403, "other_household"),
        (
            zhang.clone(),
            changed(&next(&own), |it| it["person"] = json!(head_id(HERE, 2))),
            403,
            "other_household",
        ),
        (zhang.clone(), next(&paper), 403, "role_required"),
        (other, next(&paper), 403, "role_required"),
        (world.official("panel", HERE).await, next(&paper), 403, "role_required"),
        (worker.clone(), next(&own), 403, "other_household"),
        (world.head(NEXT, 1).await, next(&own), 404, "not_found"),
        (
            worker.clone(),
            changed(&next(&paper), |it| it["person"] = json!(head_id(HERE, 2))),
            404,
            "not_found",
        ),
        (
            worker.clone(),
            changed(&next(&paper), |it| it["person"] = json!(new_id())),
            404,
            "not_found",
        ),
        (
            worker.clone(),
            changed(&next(&paper), |it| it["explained_by"] = json!(head_id(HERE, 2))),
            404,
            "not_found",
        ),
        (
            worker.clone(),
            changed(&next(&paper), |it| it["text_version"] = json!("0")),
            422,
            "consent_text_changed",
        ),
        (
            worker.clone(),
            changed(&next(&paper), |it| it["text_digest"] = json!("0".repeat(64))),
            422,
            "consent_text_changed",
        ),
        (
            worker.clone(),
            changed(&next(&paper), |it| it["text_digest"] = json!("0")),
            422,
            "invalid_field",
        ),
        (
            worker.clone(),
            changed(&next(&paper), |it| it["act"] = json!("lost")),
            400,
            "malformed_json",
        ),
    ];
    let count = world.count("consents").await;
    for (actor, body, status, code) in table {
        actor.post(&path(1), body.clone()).await.refused(status, code);
    }
    assert_eq!(world.count("consents").await, count);
    assert_eq!(count, before + 2);
}

#[actix_web::test]
async fn a_worker_takes_no_paper_from_their_own_kin() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let me = worker.get("/v1/me").await.ok()["person"].as_str().expect("an id").to_owned();
    let sql = "INSERT INTO kin (village, person, relative, relation, confirmed_at) \
               VALUES ($1, $2, $3, 'sibling', 0)";
    let me: uuid::Uuid = me.parse().expect("an id");
    let values: [sea_orm::Value; 3] = [HERE.into(), me.into(), head_id(HERE, 1).into()];
    api::kernel::db::run(world.app.db.schema(), sql, values).await.expect("kin");
    let paper = signed(&world, "withdrawn", "paper", 1).await;
    worker.post(&path(1), paper).await.refused(403, "conflict_of_interest");
    worker.post(&path(2), signed(&world, "withdrawn", "paper", 2).await).await.ok();
}

#[actix_web::test]
async fn a_household_on_paper_is_registered_by_consent_and_no_longer_without() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = world.official("township", "460205100").await;
    let (id, head, child) = (new_id(), new_id(), new_id());
    let household = json!({
        "id": id, "number": 77, "grid": format!("{HERE}001"),
        "members": [
            { "person": head, "name": "王小明", "is_head": true },
            { "person": child, "name": "王小小", "is_head": false, "born_on": "2010-08-22" },
        ],
    });
    let list = format!("/v1/villages/{HERE}/households");
    assert_eq!(township.post(&list, household).await.ok()["registered"], false);
    let consents = format!("{list}/{id}/consents");
    let given =
        changed(&signed(&world, "given", "paper", 1).await, |it| it["person"] = json!(head));
    let young = changed(&given, |it| it["person"] = json!(child));
    let refused = township.post(&consents, young).await.refused(422, "invalid_field");
    assert_eq!(refused["errors"][0]["code"], "guardian");
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let explained = worker.get("/v1/me").await.ok()["person"].clone();
    let given = changed(&given, |it| it["explained_by"] = explained.clone());
    assert_eq!(township.post(&consents, given.clone()).await.ok()["explained_by"], explained);
    let file = format!("{list}/{id}");
    assert_eq!(township.get(&file).await.ok()["registered"], true);
    let taken_back = changed(&given, |it| {
        it["id"] = json!(new_id());
        it["act"] = json!("withdrawn");
    });
    township.post(&consents, taken_back).await.ok();
    assert_eq!(township.get(&file).await.ok()["registered"], false);
    assert_eq!(world.count("audit_events WHERE action = 'household.consent'").await, 2);
    let told = "inbox_items WHERE kind IN ('consent_given', 'consent_withdrawn')";
    assert_eq!(world.count(told).await, 2);
}

/// The names on the month's list, on the board, and around household 2: `-` where there is none.
async fn names(world: &World) -> Vec<Vec<String>> {
    let wang = world.head(HERE, 2).await;
    let mut all = Vec::new();
    for (place, list) in [
        (format!("/v1/villages/{HERE}/public-lists/2024-08/lines"), "items"),
        (format!("/v1/villages/{HERE}/public-lists/2024-08/households"), "items"),
        (format!("/v1/regions/{HERE}/rankings/2024"), "items"),
        (
            format!("/v1/villages/{HERE}/rankings/2024/households/{}", household_id(HERE, 2)),
            "neighbours",
        ),
    ] {
        let body = wang.get(&place).await.ok();
        let items = body[list].as_array().expect("a list").iter();
        all.push(items.map(|it| it["name"].as_str().unwrap_or("-").to_owned()).collect());
    }
    all
}

#[actix_web::test]
async fn a_household_that_withdraws_is_a_number_only_until_it_agrees_again() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    for number in [1, 2] {
        world.earn(number, 10).await;
    }
    world.travel(at("2024-09-03 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let before = names(&world).await;
    assert!(
        before.iter().all(|names| names.iter().any(|name| name.starts_with('张'))),
        "{before:?}"
    );
    zhang.post(&path(1), signed(&world, "withdrawn", "account", 1).await).await.ok();
    let hidden = names(&world).await;
    for (shown, hidden) in before.iter().zip(&hidden) {
        let gone = |name: &String| if name.starts_with('张') { "-" } else { name }.to_owned();
        let expected: Vec<_> = shown.iter().map(gone).collect();
        assert_eq!(*hidden, expected);
    }
    // Who uses the app stays registered.
    let file = format!("/v1/villages/{HERE}/households/{}", household_id(HERE, 1));
    assert_eq!(zhang.get(&file).await.ok()["registered"], true);
    zhang.post(&path(1), signed(&world, "given", "account", 1).await).await.ok();
    assert_eq!(names(&world).await, before);
    world.verified().await;
}
