use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{
    FAR, HERE, World, at, claim, consent, grid_of, head_id, household_id, new_id,
};

fn courtyard(number: usize) -> Value {
    claim(
        number,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "门前" }],
        }),
    )
}

/// Filed by somebody else, with the head's consent.
fn proxied(number: usize) -> Value {
    let mut body = courtyard(number);
    body["consent"] = consent(number);
    body
}

fn path() -> String {
    format!("/v1/villages/{HERE}/claims")
}

async fn world() -> World {
    World::begins(at("2024-08-21 08:00")).await
}

#[actix_web::test]
async fn own_household_is_filed_and_audited() {
    let world = world().await;
    let body = courtyard(1);
    let answer = world.head(HERE, 1).await.post(&path(), body.clone()).await;
    assert_eq!(answer.status, 201);
    let filed = answer.ok();
    assert_eq!(
        (&filed["id"], &filed["status"], &filed["points"]),
        (&body["id"], &json!("submitted"), &json!(3))
    );
    assert_eq!(filed["step"]["step"], "precheck");
    assert_eq!(filed["allowed_actions"], json!(["withdraw", "correct"]));
    assert_eq!(world.count("claims").await, 1);
    assert_eq!(world.count("audit_events WHERE action = 'claim.submit'").await, 1);
}

#[actix_web::test]
async fn another_household_is_refused_to_a_villager_and_unknown_beyond_the_village() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    zhang.post(&path(), courtyard(2)).await.refused(403, "other_household");
    let mut foreign = courtyard(1);
    foreign["household"] = json!(household_id(FAR, 1));
    let foreign = zhang.post(&path(), foreign).await.refused(404, "not_found");
    let mut unknown = courtyard(1);
    unknown["household"] = json!(new_id());
    let unknown = zhang.post(&path(), unknown).await.refused(404, "not_found");
    assert_eq!(foreign["detail"], unknown["detail"]);
    zhang.post(&format!("/v1/villages/{FAR}/claims"), courtyard(1)).await.refused(404, "not_found");
    assert_eq!(world.count("claims").await, 0);
}

#[actix_web::test]
async fn the_grids_worker_files_for_a_household_and_nobody_elses() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let filed = worker.post(&path(), proxied(1)).await.ok();
    assert_eq!(filed["on_behalf"], true);
    assert_eq!(filed["allowed_actions"], json!(["withdraw", "correct"]), "not to review it");
    worker.post(&path(), courtyard(9)).await.refused(403, "other_household");
}

#[actix_web::test]
async fn a_retry_is_the_same_claim_however_often_it_is_sent() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let body = courtyard(1);
    let key = new_id().to_string();
    let claims = path();
    let sent = join_all((0..20).map(|_| zhang.post_as(&key, &claims, body.clone()))).await;
    let first = sent.iter().filter(|it| it.status == 201 && !it.is_replay()).count();
    assert_eq!(first, 1);
    for answer in sent {
        // On PostgreSQL a twin that is still at work is told to wait.
        assert!(answer.status == 201 || answer.body["code"] == "idempotency_in_flight");
    }
    let again = zhang.post_as(&key, &path(), body.clone()).await;
    assert!(again.is_replay());
    assert_eq!(again.ok()["id"], body["id"]);
    let mut other = body.clone();
    other["note"] = json!("改了");
    zhang.post_as(&key, &path(), other).await.refused(422, "idempotency_key_reused");
    zhang.post(&path(), body).await.refused(409, "id_taken");
    assert_eq!(world.count("claims").await, 1);
}

/// Scenario 18.
#[actix_web::test]
async fn the_same_deed_again_names_the_first_claim() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let first = zhang.post(&path(), courtyard(1)).await.ok();
    let second = zhang.post(&path(), courtyard(1)).await.refused(409, "duplicate_claim");
    assert_eq!(second["existing"], first["id"]);
    let withdrawal = format!("{}/{}/withdrawal", path(), first["id"].as_str().expect("an id"));
    zhang.post(&withdrawal, json!({})).await.ok();
    zhang.post(&withdrawal, json!({})).await.refused(409, "wrong_state");
    zhang.post(&path(), courtyard(1)).await.ok();
}

#[actix_web::test]
async fn the_same_deed_from_two_phones_at_once_is_one_claim() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let sent = join_all((0..10).map(|_| async { zhang.post(&path(), courtyard(1)).await })).await;
    assert_eq!(sent.iter().filter(|it| it.status == 201).count(), 1);
    assert!(
        sent.iter().filter(|it| it.status != 201).all(|it| it.body["code"] == "duplicate_claim")
    );
    assert_eq!(world.count("claims").await, 1);
}

#[actix_web::test]
async fn what_breaks_the_rule_is_refused_with_its_own_code_and_leaves_no_row() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let donate = |rest: Value| {
        let mut body = claim(
            1,
            "pub.donate",
            json!({
                "occurred_on": "2024-08-20",
                "evidence": [{ "kind": "certificate", "reference": "收据" }],
            }),
        );
        for (name, value) in rest.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let cases = [
        (donate(json!({ "occurred_on": "2024-08-22" })), 422, "claim_in_future"),
        (donate(json!({ "occurred_on": "2024-07-21" })), 422, "claim_too_late"),
        (donate(json!({ "occurred_on": "2022-12-31" })), 422, "rule_not_in_force"),
        (donate(json!({ "evidence": [] })), 422, "evidence_missing"),
        (
            donate(json!({ "evidence": [{ "kind": "certificate", "reference": "\u{200b} " }] })),
            422,
            "evidence_missing",
        ),
        (donate(json!({ "points_each": 11 })), 422, "outside_range"),
        (donate(json!({ "points_each": 1 })), 422, "outside_range"),
        (donate(json!({ "rule": "no.such_rule" })), 422, "rule_not_in_force"),
        (donate(json!({ "rule": "pat.online_study" })), 403, "role_required"),
        (donate(json!({ "rule": "env.courtyard_weekly" })), 403, "role_required"),
        (donate(json!({ "rule": "env.courtyard_model" })), 403, "role_required"),
        (donate(json!({ "member": new_id() })), 404, "not_found"),
        (donate(json!({ "member": head_id(HERE, 2) })), 404, "not_found"),
        (donate(json!({ "level": "county" })), 422, "invalid_field"),
        (donate(json!({ "late_reason": "住院" })), 403, "role_required"),
        (
            donate(json!({ "consent": { "by": head_id(HERE, 2), "form": "oral" } })),
            404,
            "not_found",
        ),
        (donate(json!({ "evidence": [{ "kind": "certificate" }] })), 422, "invalid_field"),
        (donate(json!({ "count": 0 })), 422, "invalid_field"),
        (donate(json!({ "count": -1 })), 422, "invalid_field"),
        (donate(json!({ "count": 1.5 })), 400, "malformed_json"),
        (donate(json!({ "count": "3" })), 400, "malformed_json"),
        (donate(json!({ "count": 1e3 })), 400, "malformed_json"),
        (donate(json!({ "count": 1_i64 << 31 })), 422, "invalid_field"),
        (donate(json!({ "count": 1_u64 << 63 })), 400, "malformed_json"),
        (donate(json!({ "count": 1001 })), 422, "invalid_field"),
        (donate(json!({ "count": 9_007_199_254_740_993_i64 })), 422, "invalid_field"),
    ];
    for (body, status, code) in cases {
        zhang.post(&path(), body).await.refused(status, code);
    }
    let switched_off = donate(json!({ "rule": "fam.harmony_quarter" }));
    world
        .official("panel", HERE)
        .await
        .post(&path(), switched_off)
        .await
        .refused(422, "rule_not_in_force");
    let photo = world.picture(&zhang, "all of us").await;
    let cleanup = |rest: Value| {
        let mut body = donate(json!({ "rule": "env.cleanup_day", "evidence": [
            { "kind": "sign_in_sheet", "reference": "签到表" }, { "kind": "photo", "photo": photo },
        ] }));
        for (name, value) in rest.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let no_member = cleanup(json!({ "event": "大扫除" }));
    zhang.post(&path(), no_member).await.refused(422, "member_required");
    let no_event = cleanup(json!({ "member": head_id(HERE, 1) }));
    zhang.post(&path(), no_event).await.refused(422, "event_required");
    assert_eq!(world.count("claims").await, 0);
    // That of the photo.
    assert_eq!(world.count("idempotency_keys").await, 1);
}

#[actix_web::test]
async fn each_claim_of_a_batch_has_its_own_result() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let good = proxied(1);
    let mut late = proxied(2);
    late["occurred_on"] = json!("2024-06-01");
    let twin = proxied(1);
    let far = proxied(9);
    let batch = json!({ "claims": [good, late, twin, far, proxied(3)] });
    let path = format!("{}/batch", path());
    let key = new_id().to_string();
    let done = worker.post_as(&key, &path, batch.clone()).await.ok();
    let results: Vec<_> = done["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|it| (it["result"].as_str().unwrap_or(""), it["code"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        results,
        [
            ("applied", ""),
            ("rejected", "claim_too_late"),
            ("duplicate", "duplicate_claim"),
            ("rejected", "other_household"),
            ("applied", ""),
        ]
    );
    assert!(worker.post_as(&key, &path, batch).await.is_replay());
    assert_eq!(world.count("claims").await, 2);
    world
        .head(HERE, 1)
        .await
        .post(&path, json!({ "claims": [courtyard(1)] }))
        .await
        .refused(403, "role_required");
    worker.post(&path, json!({ "claims": [] })).await.refused(422, "invalid_field");
}

/// Scenario 19.
#[actix_web::test]
async fn who_files_for_another_household_records_who_of_it_agreed() {
    let world = world().await;
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let refused = worker.post(&path(), courtyard(1)).await.refused(422, "consent_missing");
    assert_eq!(refused["errors"][0]["pointer"], "/consent");
    let mut strange = courtyard(1);
    for by in [new_id(), head_id(HERE, 2), worker.person().await] {
        strange["consent"] = json!({ "by": by, "form": "paper" });
        worker.post(&path(), strange.clone()).await.refused(404, "not_found");
    }
    strange["consent"] = json!({ "by": head_id(HERE, 1), "form": "nodded" });
    worker.post(&path(), strange).await.refused(400, "malformed_json");
    assert_eq!(world.count("claims").await, 0);
    let filed = worker.post(&path(), proxied(1)).await.ok();
    assert_eq!(filed["consent"], consent(1));
    let reviews = format!("{}/{}/reviews", path(), filed["id"].as_str().expect("an id"));
    let approve = json!({ "decision": "approve" });
    worker.post(&reviews, approve).await.refused(403, "conflict_of_interest");
    let told = world.head(HERE, 1).await.get("/v1/me/inbox").await.ok();
    assert_eq!(told["items"][0]["kind"], "claim_filed");
}

#[actix_web::test]
async fn what_a_phone_recorded_in_time_is_in_time_for_seven_days() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let deed = |device_at: &str| {
        let mut body = courtyard(1);
        body["device_at"] = json!(device_at);
        body
    };
    // The thirty days of a deed of 20 August ended with 19 September.
    for (device_at, why) in [
        ("2024-09-18T07:59:59.999+08:00", "longer ago than seven days"),
        ("2024-09-20T00:00:00+08:00", "too late when it was recorded"),
        ("2024-10-01T00:00:00+08:00", "a clock that is ahead"),
    ] {
        let body = zhang.post(&path(), deed(device_at)).await.refused(422, "claim_too_late");
        assert!(body["detail"].is_string(), "{why}");
    }
    zhang.post(&path(), deed("yesterday")).await.refused(400, "malformed_json");
    let filed = zhang.post(&path(), deed("2024-09-19T15:59:59Z")).await.ok();
    assert_eq!(filed["device_at"], "2024-09-19T23:59:59.000+08:00");
    assert_eq!(filed["submitted_at"], "2024-09-25T08:00:00.000+08:00");
    assert_eq!(world.count("claims").await, 1);
}

#[actix_web::test]
async fn the_committee_admits_what_is_too_late_with_a_reason_and_never_its_own() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    let member = world.official("committee", HERE).await;
    let late = |reason: &str| {
        let mut body = proxied(1);
        body["late_reason"] = json!(reason);
        body
    };
    member.post(&path(), proxied(1)).await.refused(403, "role_required");
    member.post(&path(), late("  \u{200b}")).await.refused(422, "reason_required");
    for office in ["panel", "grid_worker 460205100201001", "township"] {
        let official = match office {
            "panel" => world.official("panel", HERE).await,
            "township" => world.official("township", "460205100").await,
            worker => world.persona(worker).await,
        };
        official.post(&path(), late("住院")).await.refused(403, "role_required");
    }
    let kin = world.official("committee_2", HERE).await;
    let sql = format!(
        "INSERT INTO kin (village, person, relative, confirmed_at) \
         SELECT '{HERE}', a.person, m.person, 0 FROM accounts a, members m \
         WHERE a.persona = 'committee_2 {HERE}' AND m.village = '{HERE}' AND m.is_head"
    );
    world.run(&sql).await;
    kin.post(&path(), late("住院")).await.refused(403, "conflict_of_interest");
    assert_eq!(world.count("claims").await, 0);
    let filed = member.post(&path(), late(" 住院，出院后补报 ")).await.ok();
    assert_eq!(filed["late_reason"], "住院，出院后补报");
    assert_eq!(world.count("audit_events WHERE action = 'claim.admit_late'").await, 1);
    // In time, nothing is late.
    let mut timely = late("多余");
    timely["occurred_on"] = json!("2024-09-20");
    let refused = member.post(&path(), timely).await.ok();
    assert!(refused.get("late_reason").is_none());
    assert_eq!(world.count("audit_events WHERE action = 'claim.admit_late'").await, 1);
}

fn beautified(number: usize, day: &str, photos: &[uuid::Uuid]) -> Value {
    let evidence: Vec<_> = photos
        .iter()
        .map(|photo| json!({ "kind": "photo_before_after", "photo": photo }))
        .collect();
    claim(number, "env.courtyard_beautify", json!({ "occurred_on": day, "evidence": evidence }))
}

/// C28.
#[actix_web::test]
async fn photos_are_ones_own_two_for_before_and_after_and_shown_for_one_deed() {
    let world = world().await;
    let (zhang, wang) = (world.head(HERE, 1).await, world.head(HERE, 2).await);
    let mut photos = Vec::new();
    for picture in ["before", "after", "3", "4", "5", "6", "7", "8", "9", "10"] {
        photos.push(world.picture(&zhang, picture).await);
    }
    let (before, after) = (photos[0], photos[1]);
    let day = "2024-08-20";
    for (named, status, code) in [
        (&[][..], 422, "evidence_missing"),
        (&[before][..], 422, "evidence_missing"),
        (&[before, before][..], 422, "invalid_field"),
        (&photos[..], 422, "invalid_field"),
        (&[before, new_id()][..], 404, "not_found"),
        (&[before, world.picture(&wang, "a neighbour's").await][..], 404, "not_found"),
        (&[before, world.picture(&zhang, "before").await][..], 422, "invalid_field"),
    ] {
        zhang.post(&path(), beautified(1, day, named)).await.refused(status, code);
    }
    assert_eq!((world.count("claims").await, world.count("photo_uses").await), (0, 0));
    let first = zhang.post(&path(), beautified(1, day, &[before, after])).await.ok();
    assert_eq!(first["evidence"][1]["photo"], json!(after));
    assert_eq!(world.count("photo_uses").await, 2);
    // The same picture uploaded anew, by anybody, for another deed.
    let copy = world.picture(&wang, "after").await;
    let other = world.picture(&wang, "a wall").await;
    let again = beautified(2, day, &[other, copy]);
    let refused = wang.post(&path(), again.clone()).await.refused(409, "duplicate_claim");
    assert_eq!(refused["existing"], first["id"]);
    // What was withdrawn shows nothing any more.
    let withdrawal = format!("{}/{}/withdrawal", path(), first["id"].as_str().expect("an id"));
    zhang.post(&withdrawal, json!({})).await.ok();
    wang.post(&path(), again).await.ok();
    world.verified().await;
}

fn swept(number: usize, event: &str, photo: uuid::Uuid) -> Value {
    claim(
        number,
        "env.cleanup_day",
        json!({
            "member": head_id(HERE, number), "event": event, "occurred_on": "2024-08-20",
            "evidence": [
                { "kind": "sign_in_sheet", "reference": "签到表" }, { "kind": "photo", "photo": photo },
            ],
        }),
    )
}

#[actix_web::test]
async fn a_group_photo_shows_many_at_one_event_and_at_no_other() {
    let world = world().await;
    let (zhang, wang) = (world.head(HERE, 1).await, world.head(HERE, 2).await);
    let (his, hers) = (world.picture(&zhang, "group").await, world.picture(&wang, "group").await);
    let first = zhang.post(&path(), swept(1, "8月大扫除", his)).await.ok();
    wang.post(&path(), swept(2, " 8月 大扫除", hers)).await.ok();
    let refused = wang.post(&path(), swept(2, "另一次", hers)).await;
    assert_eq!(refused.refused(409, "duplicate_claim")["existing"], first["id"]);
}

#[actix_web::test]
async fn one_picture_from_many_phones_at_once_is_shown_once() {
    let world = world().await;
    let mut filings = Vec::new();
    for number in 1..=8 {
        let head = world.head(HERE, number).await;
        let (wall, own) = (world.picture(&head, "the same wall").await, format!("own {number}"));
        let photos = [wall, world.picture(&head, &own).await];
        filings.push((head, beautified(number, "2024-08-20", &photos)));
    }
    let path = path();
    let sent = join_all(filings.iter().map(|(head, body)| head.post(&path, body.clone()))).await;
    assert_eq!(sent.iter().filter(|it| it.status == 201).count(), 1);
    for answer in sent.into_iter().filter(|it| it.status != 201) {
        assert!(answer.refused(409, "duplicate_claim")["existing"].is_string());
    }
    assert_eq!((world.count("claims").await, world.count("photo_uses").await), (1, 2));
}

#[actix_web::test]
async fn a_level_has_its_points_and_another_members_claim_for_the_event_is_pointed_out() {
    let world = world().await;
    let zhang = world.head(HERE, 1).await;
    let honoured = claim(
        1,
        "fam.model_family",
        json!({
            "level": "province", "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "证书" }],
        }),
    );
    let filed = zhang.post(&path(), honoured).await.ok();
    assert_eq!((&filed["points"], &filed["level"]), (&json!(20), &json!("province")));
    let file = format!("/v1/villages/{HERE}/households/{}", household_id(HERE, 1));
    let spouse = zhang.get(&file).await.ok()["members"][1]["person"].clone();
    let photo = world.picture(&zhang, "group").await;
    let first = zhang.post(&path(), swept(1, "大扫除", photo)).await.ok();
    assert!(first.get("possible_duplicate").is_none());
    let mut second = swept(1, "大扫除", photo);
    second["member"] = spouse;
    let second = zhang.post(&path(), second).await.ok();
    assert_eq!(second["possible_duplicate"], first["id"]);
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let queue = worker.get(&format!("/v1/regions/{}/review-queue", grid_of(HERE, 1))).await.ok();
    let items = queue["items"].as_array().expect("items");
    let suspect = items.iter().find(|it| it["id"] == second["id"]).expect("it waits");
    assert_eq!(suspect["possible_duplicate"], first["id"]);
}
