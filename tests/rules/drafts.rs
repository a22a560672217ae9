use reqwest::Method;
use serde_json::{Value, json};

use super::{draft, drafted, errors, id_of, patrol, sets};
use crate::support::{FAR, HERE, NEXT, World, at, new_id};

/// Scenario 15.
#[actix_web::test]
async fn points_inside_the_range_and_an_item_inside_a_category_are_accepted() {
    let world = World::begins(at("2024-08-01 08:00")).await;
    let body = draft("2024-09-30", |draft| draft["new_items"] = json!([patrol()]));
    let committee = world.official("committee", HERE).await;
    let answer = committee.post(&sets(HERE), body.clone()).await;
    assert_eq!(answer.status, 201);
    let set = answer.ok();
    assert_eq!(
        (&set["status"], &set["rule_count"], &set["effective_on"]),
        (&json!("draft"), &json!(67), &json!("2024-09-30"))
    );
    let whole = committee.get(&format!("{}/{}", sets(HERE), id_of(&body))).await.ok();
    let items = whole["items"].as_array().expect("items");
    let of = |key: &str| items.iter().position(|item| item["key"] == key).expect("the item");
    assert_eq!(items[of("pub.donate")]["default_points"], 6);
    assert_eq!(items[of("pub.donate")]["points_max"], 10);
    // At the end of its category, reviewed as claims are.
    let (own, last, next) = (of("pub.river_patrol"), of("pub.women_class"), of("ent.training"));
    assert_eq!((own, next), (last + 1, own + 1));
    assert_eq!(items[own]["review_chain"], items[of("pub.volunteer")]["review_chain"]);
    assert_eq!(whole["allowed_actions"], json!(["revise", "consult", "withdraw"]));
    assert_eq!(world.count("rule_sets").await, 2, "nothing is published");
    assert_eq!(world.count("audit_events WHERE action = 'rule_set.draft'").await, 1);
}

#[actix_web::test]
async fn whoever_leaves_the_framework_is_told_each_place() {
    let world = World::begins(at("2024-08-01 08:00")).await;
    let body = draft("2024-09-30", |draft| {
        draft["global_caps"] = json!({
            "household_month_bonus_max": 61, "household_month_deduction_max": -40,
            "single_entry_abs_max": 100,
        });
        draft["changes"] = json!([
            { "key": "pub.donate", "default_points": 11 },
            { "key": "pub.volunteer", "points_max": 3 },
            { "key": "env.courtyard_weekly",
              "cap": { "period": "month", "max_times": 6, "max_points": 8 } },
        ]);
        let mut rich = patrol();
        rich["points_max"] = json!(51);
        let mut fine = patrol();
        fine["key"] = json!("pat.fine");
        fine["category"] = json!("patriotism");
        fine["direction"] = json!("deduction");
        for name in ["points_min", "points_max", "default_points"] {
            fine[name] = json!(-1);
        }
        fine["cap"]["max_points"] = json!(-2);
        draft["new_items"] = json!([rich, fine]);
    });
    let committee = world.official("committee", HERE).await;
    let refused = committee.post(&sets(HERE), body).await.refused(422, "outside_framework");
    let places: Vec<_> = errors(&refused).into_iter().map(|(pointer, _)| pointer).collect();
    let mut sorted = places.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "/draft/changes/0/default_points",
            "/draft/changes/1/points_max",
            "/draft/changes/2/cap",
            "/draft/global_caps/household_month_bonus_max",
            "/draft/new_items/0/points_max",
            "/draft/new_items/1/direction",
        ]
    );
    assert_eq!(refused["errors"][0]["detail"], "at most 60");
    let unknown = draft("2024-09-30", |draft| {
        draft["changes"][0]["key"] = json!("pub.nothing");
        draft["new_items"] = json!([patrol()]);
        draft["new_items"][0]["key"] = json!("pub.blood");
    });
    let refused = committee.post(&sets(HERE), unknown).await.refused(422, "outside_framework");
    assert_eq!(
        errors(&refused),
        [
            ("/draft/changes/0/key".to_owned(), "unknown_item".to_owned()),
            ("/draft/new_items/0/key".to_owned(), "known_item".to_owned()),
        ]
    );
    assert_eq!(world.count("rule_drafts").await, 0);
}

#[actix_web::test]
async fn what_no_points_may_be_given_for_is_refused_with_the_reason() {
    let world = World::begins(at("2024-08-01 08:00")).await;
    let committee = world.official("committee", HERE).await;
    for (field, text, code) in [
        ("name_zh", "每日登 录小程序", "online_time"),
        ("name_zh", "线上会议签到", "online_time"),
        ("name_zh", "不参与上\u{200b}访", "petition"),
        ("name_en", "L O G I N every day", "online_time"),
        ("note", "信\u{3000}教群众除外", "religion"),
        ("name_zh", "照料艾滋病人", "illness"),
        ("unit", "每生育一孩", "births"),
        ("key", "fam.exam_scores", "marks"),
        ("name_zh", "子女考試成績優秀", "marks"),
    ] {
        let body = draft("2024-09-30", |draft| {
            draft["new_items"] = json!([patrol()]);
            draft["new_items"][0][field] = json!(text);
        });
        let refused = committee.post(&sets(HERE), body).await.refused(422, "item_forbidden");
        let place = format!("/draft/new_items/0/{field}");
        assert_eq!(errors(&refused), [(place, code.to_owned())], "{text}");
    }
    let tricked = draft("2024-09-30", |draft| {
        draft["changes"][0]["evidence_added"] = json!(["打卡截图"]);
    });
    let refused = committee.post(&sets(HERE), tricked).await.refused(422, "item_forbidden");
    assert_eq!(refused["errors"][0]["pointer"], "/draft/changes/0/evidence_added");
    assert_eq!(world.count("rule_drafts").await, 0);
    // What came with the catalogue and is off, a village may switch on.
    let study = draft("2024-09-30", |draft| {
        draft["changes"] = json!([{ "key": "pat.online_study", "enabled": true }]);
    });
    committee.post(&sets(HERE), study).await.ok();
}

#[actix_web::test]
async fn a_draft_that_makes_no_sense_is_refused_and_writes_nothing() {
    let world = World::begins(at("2024-08-01 08:00")).await;
    let committee = world.official("committee", HERE).await;
    let item = |change: fn(&mut Value)| {
        draft("2024-09-30", move |draft| {
            draft["new_items"] = json!([patrol()]);
            change(&mut draft["new_items"][0]);
        })
    };
    let cases = [
        (draft("2024-10-07", |_| ()), 422, "invalid_field"),
        (draft("2024-07-01", |_| ()), 422, "invalid_field"),
        (draft("2024-09-30", |it| it["version"] = json!("\u{200b}")), 422, "invalid_field"),
        (
            draft("2024-09-30", |it| it["changes"][0]["default_points"] = json!(1e9)),
            400,
            "malformed_json",
        ),
        (
            draft("2024-09-30", |it| it["changes"][0]["requires_hearing"] = json!(false)),
            400,
            "unknown_field",
        ),
        (draft("2024-09-30", |it| it["suggestions"] = json!([new_id()])), 422, "invalid_field"),
        (
            draft("2024-09-30", |it| {
                let twice = it["changes"][0].clone();
                it["changes"] = json!([twice, twice]);
            }),
            422,
            "invalid_field",
        ),
        (item(|it| it["category"] = json!("ninth")), 400, "malformed_json"),
        (item(|it| it["points_min"] = json!(4)), 422, "outside_range"),
        (item(|it| it["cap"]["max_points"] = json!(-6)), 422, "outside_range"),
        (item(|it| it["key"] = json!("pub river")), 422, "invalid_field"),
        (item(|it| it["dedupe"] = json!("event+moon")), 422, "invalid_field"),
        (item(|it| it["evidence"] = json!([])), 422, "invalid_field"),
        (item(|it| it["evidence"] = json!(["x".repeat(41)])), 422, "invalid_field"),
        (item(|it| it["source"] = json!("import")), 422, "outside_framework"),
    ];
    for (body, status, code) in cases {
        committee.post(&sets(HERE), body).await.refused(status, code);
    }
    let both = {
        let mut body = draft("2024-09-30", |_| ());
        let catalogue = api::rules::builtin().expect("the catalogue");
        body["catalogue"] = serde_json::to_value(catalogue).expect("JSON");
        body
    };
    committee.post(&sets(HERE), both.clone()).await.refused(422, "invalid_field");
    let county = world.official("county", "460205").await;
    county.post(&sets("460205"), both).await.refused(422, "invalid_field");
    county.post(&sets("460205"), draft("2024-09-30", |_| ())).await.refused(422, "invalid_field");
    county
        .post(&sets("460205100201001"), draft("2024-09-30", |_| ()))
        .await
        .refused(422, "invalid_field");
    assert_eq!(world.count("rule_drafts").await, 0);
    assert_eq!(world.count("rule_sets").await, 2);
}

#[actix_web::test]
async fn a_draft_is_for_who_writes_it_until_the_village_is_asked() {
    let (world, path) = drafted(|_| ()).await;
    let mine = world.official("committee", HERE).await;
    let zhang = world.head(HERE, 1).await;
    for reader in [&zhang, &world.anybody(), &world.official("committee", NEXT).await] {
        reader.get(&path).await.refused(404, "not_found");
        reader.get(&format!("{path}/difference")).await.refused(404, "not_found");
        assert_eq!(reader.get(&sets(HERE)).await.ok()["items"], json!([]));
    }
    assert_eq!(mine.get(&sets(HERE)).await.ok()["items"].as_array().map(Vec::len), Some(1));
    mine.post(&format!("{path}/consultation"), json!({ "days": 7 })).await.ok();
    let read = world.anybody().get(&path).await.ok();
    assert_eq!(read["status"], "consulting");
    assert_eq!(read["consultation_ends_at"], "2024-08-09T00:00:00.000+08:00");
    assert_eq!(read["allowed_actions"], json!([]));
    assert_eq!(world.count("inbox_items WHERE kind = 'rule_set_consulting'").await, 10);
    // Only under the region whose it is.
    let elsewhere = path.replace(HERE, NEXT);
    world.anybody().get(&elsewhere).await.refused(404, "not_found");
}

#[actix_web::test]
async fn a_draft_is_revised_by_who_read_it_last_and_its_consultation_begins_anew() {
    let (world, path) = drafted(|_| ()).await;
    let committee = world.official("committee", HERE).await;
    let etag = |answer: &crate::support::Answer| answer.header("etag").expect("an etag").to_owned();
    let read = etag(&committee.get(&path).await);
    let put = async |tag: Option<&str>, points: i64| {
        let mut body = draft("2024-12-30", |it| it["changes"][0]["default_points"] = json!(points));
        body.as_object_mut().expect("an object").remove("id");
        let shape = |it: reqwest::RequestBuilder| match tag {
            Some(tag) => it.header("If-Match", tag).json(&body),
            None => it.json(&body),
        };
        committee.send(Method::PUT, &path, shape).await
    };
    put(None, 7).await.refused(428, "precondition_required");
    put(Some("\"99\""), 7).await.refused(412, "precondition_failed");
    put(Some(&read), 11).await.refused(422, "outside_framework");
    let revised = put(Some(&read), 7).await;
    let fresh = etag(&revised);
    assert_eq!(revised.ok()["effective_on"], "2024-12-30");
    put(Some(&read), 8).await.refused(412, "precondition_failed");
    committee.post(&format!("{path}/consultation"), json!({ "days": 7 })).await.ok();
    put(Some(&fresh), 8).await.refused(412, "precondition_failed");
    let consulting = etag(&committee.get(&path).await);
    let again = put(Some(&consulting), 8).await.ok();
    assert_eq!(again["status"], "draft", "nobody votes on what the village has not read");
    assert_eq!(again.get("consultation_ends_at"), None);
    assert_eq!(world.count("rule_drafts WHERE content LIKE '%:8%'").await, 1);
    assert_eq!(world.count("audit_events WHERE action = 'rule_set.revise'").await, 2);
}

#[actix_web::test]
async fn what_is_withdrawn_is_over() {
    let (world, path) = drafted(|_| ()).await;
    let township = world.official("township", "460205100").await;
    let withdrawal = format!("{path}/withdrawal");
    let blank = json!({ "reason": " \u{200b} " });
    township.post(&withdrawal, blank).await.refused(422, "reason_required");
    let withdrawn = township.post(&withdrawal, json!({ "reason": "改为下季度再议" })).await.ok();
    assert_eq!(withdrawn["status"], "withdrawn");
    for (action, body) in [
        ("withdrawal", json!({ "reason": "再撤" })),
        ("consultation", json!({ "days": 7 })),
        ("publication", json!({})),
    ] {
        let refused = township.post(&format!("{path}/{action}"), body).await;
        assert_eq!(refused.refused(409, "wrong_state")["current"], "withdrawn", "{action}");
    }
    world.anybody().get(&path).await.refused(404, "not_found");
    // The version's name is free again.
    let committee = world.official("committee", HERE).await;
    committee.post(&sets(HERE), draft("2024-09-30", |_| ())).await.ok();
    committee.post(&sets(HERE), draft("2024-09-30", |_| ())).await.refused(409, "id_taken");
}

#[actix_web::test]
async fn an_id_belongs_to_one_draft_wherever_it_is() {
    let (world, path) = drafted(|_| ()).await;
    let id = path.rsplit('/').next().expect("an id").to_owned();
    let squat = |change: fn(&mut Value)| {
        let mut body = draft("2024-09-30", |_| ());
        body["id"] = json!(id.clone());
        change(&mut body);
        body
    };
    let far = world.official("committee", FAR).await;
    far.post(&sets(FAR), squat(|_| ())).await.refused(409, "id_taken");
    let county = world.official("county", "440783").await;
    let framework = squat(|body| {
        let catalogue = api::rules::builtin().expect("the catalogue");
        body["catalogue"] = serde_json::to_value(catalogue).expect("JSON");
        body["catalogue"]["version"] = json!("x");
        body.as_object_mut().expect("an object").remove("draft");
    });
    county.post(&sets("440783"), framework).await.refused(409, "id_taken");
}

#[actix_web::test]
async fn only_the_committee_and_who_governs_write_a_villages_rules() {
    let world = World::begins(at("2024-08-01 08:00")).await;
    let body = || draft("2024-09-30", |_| ());
    world.anybody().post(&sets(HERE), body()).await.refused(401, "token_missing");
    for (office, code, status, refusal) in [
        ("panel", HERE, 403, "role_required"),
        ("clerk", HERE, 403, "role_required"),
        ("committee", NEXT, 404, "not_found"),
        ("township", "440783107", 404, "not_found"),
    ] {
        let actor = world.official(office, code).await;
        actor.post(&sets(HERE), body()).await.refused(status, refusal);
    }
    world.head(HERE, 1).await.post(&sets(HERE), body()).await.refused(403, "role_required");
    let committee = world.official("committee", HERE).await;
    committee.post(&sets("460205100"), body()).await.refused(403, "role_required");
    world.official("township", "460205100").await.post(&sets(HERE), body()).await.ok();
}
