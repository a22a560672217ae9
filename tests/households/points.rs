use api::kernel::db;
use api::kernel::ledger::{self, Account, Journal};
use serde_json::{Value, json};

use super::lives::{path, township};
use crate::support::{Actor, HERE, World, at, claim, grid_of, household_id, new_id};

const WINDOW: &str = "2024-10-07T00:00:00.000+08:00";

/// What a household's points say, once all of its figures agree.
async fn agreed(world: &World, number: usize) -> Value {
    let reader = township(world).await;
    let points = reader.get(&path(number, "/points")).await.ok();
    let entries = entries(&reader, number).await;
    let of = |name: &str| points[name].as_i64().expect("a number");
    let waiting = |reasons: &[&str]| -> i64 {
        let items = points["waiting"].as_array().expect("items");
        let items =
            items.iter().filter(|it| reasons.contains(&it["reason"].as_str().expect("one")));
        items.map(|it| it["points"].as_i64().expect("points")).sum()
    };
    let left = |reasons: &[&str]| -> i64 {
        let waits = |it: &&Value| reasons.contains(&it["waiting"].as_str().unwrap_or_default());
        entries.iter().filter(waits).map(|it| it["left"].as_i64().expect("points")).sum()
    };
    let what = format!("{points:#}");
    let spent = of("redeemed") + of("expired") - of("transferred");
    assert_eq!(of("cumulative"), of("pending") + of("available") + spent, "{what}");
    let pending = ["before_publicity", "in_publicity", "contested"];
    assert_eq!(of("pending"), waiting(&pending), "{what}");
    assert_eq!(of("pending"), left(&pending), "{what}");
    assert_eq!(of("held"), waiting(&["held"]), "{what}");
    let stuck = waiting(&["under_reversal", "debt", "file_ended"]);
    assert_eq!(of("available"), of("held") + of("spendable") + stuck, "{what}");
    let closed = waiting(&["shop_closed"]);
    assert!(closed == 0 || closed == of("spendable"), "{what}");
    let all: i64 = entries.iter().map(|it| it["left"].as_i64().expect("points")).sum();
    assert_eq!(of("cumulative"), all, "{what}");
    for item in points["waiting"].as_array().expect("items") {
        assert!(item["label_zh"].as_str().is_some_and(|it| !it.is_ascii()), "{item}");
        let in_figure = item.get("part_of").is_some();
        assert_eq!(
            in_figure,
            !["in_review", "returned", "approved"].contains(&word(item)),
            "{item}"
        );
    }
    points
}

fn word(item: &Value) -> &str {
    item["reason"].as_str().expect("a reason")
}

async fn entries(reader: &Actor, number: usize) -> Vec<Value> {
    reader.get(&path(number, "/entries")).await.ok()["items"].as_array().expect("items").clone()
}

/// Reason, points, `until` and `opens_at` of everything that waits.
fn told(points: &Value) -> Vec<(String, i64, Option<String>, Option<String>)> {
    let text = |it: &Value| it.as_str().map(str::to_owned);
    let items = points["waiting"].as_array().expect("items").iter();
    let one = |it: &Value| {
        let points = it["points"].as_i64().expect("points");
        (word(it).to_owned(), points, text(&it["until"]), text(&it["opens_at"]))
    };
    items.map(one).collect()
}

fn waits(reason: &str, points: i64, until: &str) -> (String, i64, Option<String>, Option<String>) {
    let until = (!until.is_empty()).then(|| at(until).to_string());
    (reason.to_owned(), points, until, None)
}

async fn object(world: &World, filer: usize, line: i64) -> Value {
    let path = format!("/v1/villages/{HERE}/public-lists/2024-08/lines/{line}/objections");
    let objection = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
    world.head(HERE, filer).await.post(&path, objection).await.ok()["id"].clone()
}

async fn decide(world: &World, by: (&str, &str), objection: &Value, decision: &str) {
    let id = objection.as_str().expect("an id");
    let path = format!("/v1/villages/{HERE}/objections/{id}/decision");
    let decision = json!({ "decision": decision, "reason": "核实无误" });
    world.official(by.0, by.1).await.post(&path, decision).await.ok();
}

/// A quarter of household 1: at every step each point says what it waits for, and the sums agree.
#[actix_web::test]
async fn every_point_says_what_it_waits_for_and_no_sum_contradicts_another() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let courtyard = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "入社证" }],
        }),
    );
    let village = format!("/v1/villages/{HERE}");
    zhang.post(&format!("{village}/claims"), courtyard.clone()).await.ok();
    world.earn(1, 30).await;
    let points = agreed(&world, 1).await;
    assert_eq!(
        told(&points),
        [waits("in_review", 3, ""), waits("approved", 30, "2024-08-26 00:00")]
    );
    assert_eq!((&points["pending"], &points["spendable"]), (&json!(0), &json!(0)));

    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let id: uuid::Uuid = courtyard["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let approve = json!({ "decision": "approve" });
    worker.post(&format!("{village}/claims/{id}/reviews"), approve).await.ok();
    world.approve(id, &["panel"]).await;
    world.travel(at("2024-08-26 00:00")).await;
    let points = agreed(&world, 1).await;
    assert_eq!(told(&points), [waits("before_publicity", 33, "2024-09-02 00:00")]);
    let forecast = entries(&zhang, 1).await;
    assert!(forecast.iter().all(|it| it["spendable_from"] == WINDOW), "{forecast:#?}");

    world.travel(at("2024-09-02 00:00")).await;
    assert_eq!(told(&agreed(&world, 1).await), [waits("in_publicity", 33, "2024-09-09 00:00")]);
    let lines = world.anybody().get(&format!("{village}/public-lists/2024-08/lines")).await.ok();
    let line = |points: i64| {
        let lines = lines["items"].as_array().expect("lines");
        let line = lines.iter().find(|it| it["points"] == points).expect("a line");
        line["number"].as_i64().expect("a number")
    };
    let (of_land, of_courtyard) =
        (object(&world, 2, line(30)).await, object(&world, 3, line(3)).await);
    assert_eq!(told(&agreed(&world, 1).await), [waits("contested", 33, "")]);
    let contested = entries(&zhang, 1).await;
    assert!(
        contested
            .iter()
            .all(|it| it["waiting"] == "contested" && it.get("spendable_from").is_none())
    );
    decide(&world, ("committee", HERE), &of_courtyard, "upheld").await;
    assert_eq!(told(&agreed(&world, 1).await), [waits("contested", 30, "")]);
    let struck = entries(&zhang, 1).await;
    let struck: Vec<_> = struck.iter().filter(|it| it["left"] == 0).collect();
    assert_eq!(struck.len(), 2, "the line and its reversal");
    assert!(
        struck.iter().all(|it| it.get("waiting").is_none() && it.get("spendable_from").is_none())
    );

    world.travel(at("2024-09-09 00:00")).await;
    assert_eq!(told(&agreed(&world, 1).await), [waits("contested", 30, "")]);
    // Seven days have passed: it has left the village.
    decide(&world, ("township", "460205100"), &of_land, "dismissed").await;
    let points = agreed(&world, 1).await;
    let closed = ("shop_closed".to_owned(), 30, None, Some(WINDOW.to_owned()));
    assert_eq!(told(&points), [closed]);
    assert_eq!((&points["spendable"], &points["available"]), (&json!(30), &json!(30)));
    let confirmed = entries(&zhang, 1).await;
    let land = confirmed.iter().find(|it| it["left"] == 30).expect("the entry");
    assert_eq!(
        (&land["waiting"], &land["spendable_from"]),
        (&json!("shop_closed"), &json!(WINDOW))
    );

    world.travel(at("2024-10-07 00:00")).await;
    assert_eq!(told(&agreed(&world, 1).await), []);
    let redemption = crate::support::order_of("goods.laundry_liquid", 1);
    let held = zhang.post(&format!("{village}/redemptions"), redemption).await.ok();
    let points = agreed(&world, 1).await;
    assert_eq!(told(&points), [waits("held", 20, "2024-10-14 00:00")]);
    assert_eq!(points["waiting"][0]["redemption"], held["id"]);
    let entry = entries(&zhang, 1).await;
    let land = entry.iter().find(|it| it["left"] == 30).expect("the entry");
    assert_eq!((land.get("waiting"), &land["spendable_from"]), (None, &json!(WINDOW)));
    world.travel(at("2024-10-14 00:00")).await;
    assert_eq!(told(&agreed(&world, 1).await), [], "what nobody collected is free again");
    world.verified().await;
}

#[actix_web::test]
async fn bonus_and_deduction_in_review_do_not_cancel_each_other_out() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    let evidence = json!([{ "kind": "committee_record", "reference": "会议记录" }]);
    let rest = json!({ "occurred_on": "2024-08-20", "evidence": evidence });
    let deduction = claim(1, "law.fraud_claim_deduct", rest);
    world.official("committee", HERE).await.post(&claims, deduction).await.ok();
    let courtyard = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "入社证" }],
        }),
    );
    world.head(HERE, 1).await.post(&claims, courtyard).await.ok();
    let expected = [waits("in_review", 3, ""), waits("in_review", -10, "")];
    assert_eq!(told(&agreed(&world, 1).await), expected);
}

/// Points of household `number` that are confirmed while the shop is closed.
async fn confirmed(number: usize, points: i64) -> World {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(number, points).await;
    world.travel(at("2024-09-09 00:00")).await;
    agreed(&world, number).await;
    world
}

#[actix_web::test]
async fn a_debt_says_so_and_nothing_is_spendable() {
    let world = confirmed(1, 10).await;
    // Taken back after it was confirmed, more than is left.
    let here = HERE.parse().expect("a village");
    let journal = || {
        let (from, to) = (Account::Available(household_id(HERE, 1)), Account::Issued);
        Journal::transfer("reversal", "a lost appeal".to_owned(), from, to, 15)
    };
    let sql = "INSERT INTO score_lines (village, id, kind, week, household, reverses, rule_set, \
               rule, category, occurred_on, approved_at, times, claimed, awarded) \
               SELECT village, $1, 'reversal', week, household, id, rule_set, rule, category, \
               occurred_on, approved_at, 0, -15, -15 FROM score_lines";
    let done = world.app.db.write(async |tx| {
        ledger::post(tx, &here, None, at("2024-09-10 08:00"), &[journal()]).await?;
        Ok(db::run(tx, sql, [new_id().into()]).await?)
    });
    assert_eq!(done.await.expect("a reversal"), 1);
    let points = agreed(&world, 1).await;
    assert_eq!(told(&points), [waits("debt", -5, "")]);
    assert_eq!((&points["spendable"], &points["available"]), (&json!(0), &json!(-5)));
}

#[actix_web::test]
async fn one_that_moved_out_spends_in_its_term_and_reads_until_when() {
    let world = confirmed(1, 10).await;
    let moved = json!({ "reason": "全家迁往县城" });
    township(&world).await.post(&path(1, "/move-out"), moved).await.ok();
    let points = agreed(&world, 1).await;
    assert_eq!(told(&points), [], "the shop is open to it");
    assert_eq!(points["spend_until"], "2024-10-21T00:00:00.000+08:00");
    let entry = entries(&township(&world).await, 1).await;
    assert_eq!(entry[0]["spendable_from"], "2024-09-09T00:00:00.000+08:00");
    world.travel(at("2024-10-21 00:00")).await;
    let points = agreed(&world, 1).await;
    assert_eq!((&points["expired"], &points["available"]), (&json!(10), &json!(0)));
    assert!(points.get("spend_until").is_none());
    let entry = entries(&township(&world).await, 1).await;
    assert_eq!(
        (&entry[0]["waiting"], entry[0].get("spendable_from")),
        (&json!("file_ended"), None)
    );
}

#[actix_web::test]
async fn what_is_left_in_an_ended_file_says_so() {
    let world = confirmed(1, 10).await;
    world.run("UPDATE households SET status = 'closed', ended_at = 1 WHERE number = 1").await;
    let points = agreed(&world, 1).await;
    assert_eq!(told(&points), [waits("file_ended", 10, "")]);
    assert_eq!(points["spendable"], 0);
}
