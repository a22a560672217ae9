use serde_json::{Value, json};

use crate::ledger::tampered;
use crate::rankings::year::{ten_families, village};
use crate::redemption::helped::{code, set_pin};
use crate::support::{Actor, HERE, NEXT, World, at, head_id, household_id};

/// The year's ranking is final.
async fn awarded() -> World {
    let world = ten_families().await;
    world.travel(at("2024-01-15 09:00")).await;
    world
}

async fn awards(who: &Actor, query: &str) -> Vec<Value> {
    let page = who.get(&village(&format!("/awards?limit=100{query}"))).await.ok();
    page["items"].as_array().expect("items").clone()
}

/// The award of a household, as it sees it.
async fn own(world: &World, number: usize) -> Value {
    let query = format!("&household={}", household_id(HERE, number));
    awards(&world.head(HERE, number).await, &query).await.remove(0)
}

fn collection(award: &Value) -> String {
    village(&format!("/awards/{}/collection", award["id"].as_str().expect("an id")))
}

async fn points(world: &World, number: usize) -> Value {
    let path = village(&format!("/households/{}/points", household_id(HERE, number)));
    world.head(HERE, number).await.get(&path).await.ok()
}

/// Scenarios 4 and 5: Dong, fourth, collects a mattress for 0 points, once.
#[actix_web::test]
async fn four_mattresses_and_six_blankets_go_out_and_dong_collects_his_once() {
    let world = awarded().await;
    let all = awards(&world.official("clerk", HERE).await, "&year=2023").await;
    let items: Vec<_> = all.iter().map(|it| (it["rank"].clone(), it["item"].clone())).collect();
    let expected: Vec<_> = (1..=10)
        .map(|rank| (json!(rank), json!(if rank <= 4 { "rank.mattress" } else { "rank.blanket" })))
        .collect();
    assert_eq!(items, expected);
    assert!(all.iter().all(|it| it["allowed_actions"] == json!(["collect"])));

    let dong = own(&world, 3).await;
    assert_eq!((&dong["rank"], &dong["item"]), (&json!(4), &json!("rank.mattress")));
    let before = points(&world, 3).await;
    let clerk = world.official("clerk", HERE).await;
    let shown = json!({ "pickup_code": dong["pickup_code"] });
    let done = clerk.post(&collection(&dong), shown.clone()).await.ok();
    assert_eq!(done["status"], "collected");
    let again = world.official("clerk_2", HERE).await.post(&collection(&dong), shown).await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "collected");
    assert_eq!(points(&world, 3).await, before, "0 points, nothing redeemed");
    assert_eq!(world.count("journals WHERE kind = 'redemption'").await, 0);
    assert_eq!(world.count("audit_events WHERE action = 'award.collect'").await, 1);
    assert!(own(&world, 3).await.get("pickup_code").is_none());
    world.verified().await;
}

#[actix_web::test]
async fn a_familys_year_and_export_name_what_it_was_awarded() {
    let world = awarded().await;
    let dong = own(&world, 3).await;
    let head = world.head(HERE, 3).await;
    let summary = async |year: &str| {
        let path = format!("/households/{}/summary?year={year}", household_id(HERE, 3));
        head.get(&village(&path)).await.ok()["awards"].clone()
    };
    let named = json!([{
        "id": dong["id"], "kind": "rank_award", "rank": 4, "item": "rank.mattress",
        "name_zh": dong["name_zh"], "name_en": dong["name_en"], "value_fen": dong["value_fen"],
        "status": "granted", "lapses_at": dong["lapses_at"],
    }]);
    assert_eq!(summary("2023").await, named);
    assert_eq!(summary("2024").await, json!([]));
    let export = head.get("/v1/me/export").await.ok();
    assert_eq!(export["awards"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&export["awards"][0]["id"], &export["awards"][0]["year"], &export["awards"][0]["name"]),
        (&dong["id"], &json!("2023"), &dong["name_zh"])
    );
}

#[actix_web::test]
async fn the_public_sees_masked_names_and_neither_ranks_nor_ids_of_households() {
    let world = awarded().await;
    let seen = awards(&world.anybody(), "").await;
    assert_eq!(seen.len(), 10);
    let text = json!(seen).to_string();
    assert!(seen[3]["name"] == "董*" && !text.contains("董建国"));
    for name in ["\"rank\"", "\"household\"", "\"id\"", "pickup_code"] {
        assert!(!text.contains(name), "{name}");
    }
    let neighbours = awards(&world.head(HERE, 1).await, "").await;
    assert_eq!(neighbours[3]["name"], "董建国");
    assert!(neighbours[3].get("household").is_none() && neighbours[0].get("household").is_some());
    let query = format!("/awards?household={}", household_id(HERE, 3));
    let wang = world.head(HERE, 2).await;
    wang.get(&village(&query)).await.refused(403, "other_household");
}

#[actix_web::test]
async fn who_has_no_phone_brings_the_households_paper_and_types_its_pin() {
    let world = awarded().await;
    let dong = own(&world, 3).await;
    let clerk = world.official("clerk", HERE).await;
    let paper = code(&world, 3).await;
    let show = |code: &Value, bearer, pin: &str| json!({ "household_code": code, "bearer": bearer, "pin": pin });
    let own_paper = |pin| show(&paper, head_id(HERE, 3), pin);
    // Paper and id are not enough: both pass through the clerk's hands.
    let alone = json!({ "household_code": paper, "bearer": head_id(HERE, 3) });
    clerk.post(&collection(&dong), alone).await.refused(422, "second_factor_missing");
    clerk.post(&collection(&dong), own_paper("2580")).await.refused(422, "second_factor_missing");
    set_pin(&world, &world.head(HERE, 3).await, 3, "2580").await;
    let wrong = show(&code(&world, 2).await, head_id(HERE, 2), "2580");
    clerk.post(&collection(&dong), wrong).await.refused(404, "not_found");
    let stranger = show(&paper, head_id(HERE, 2), "2580");
    clerk.post(&collection(&dong), stranger).await.refused(422, "invalid_field");
    for odd in [
        json!({ "household_code": paper }),
        json!({ "pickup_code": dong["pickup_code"], "pin": "2580" }),
    ] {
        clerk.post(&collection(&dong), odd).await.refused(422, "invalid_field");
    }
    clerk.post(&collection(&dong), own_paper("0000")).await.refused(422, "pin_wrong");
    assert_eq!(world.count("awards WHERE status = 'collected'").await, 0);
    clerk.post(&collection(&dong), own_paper("2580")).await.ok();
    let bearer = world.uuid(head_id(HERE, 3));
    assert_eq!(world.count(&format!("awards WHERE bearer = {bearer}")).await, 1);
    assert_eq!(world.count("idempotency_keys WHERE body LIKE '%2580%'").await, 0);
    world.verified().await;
}

#[actix_web::test]
async fn five_wrong_pins_lock_an_award_until_a_new_one_is_set() {
    let world = awarded().await;
    let dong = own(&world, 3).await;
    set_pin(&world, &world.head(HERE, 3).await, 3, "2580").await;
    let paper = code(&world, 3).await;
    let clerk = world.official("clerk", HERE).await;
    let show =
        |pin: &str| json!({ "household_code": paper, "bearer": head_id(HERE, 3), "pin": pin });
    for _ in 0..5 {
        clerk.post(&collection(&dong), show("0000")).await.refused(422, "pin_wrong");
    }
    clerk.post(&collection(&dong), show("2580")).await.refused(429, "pin_locked");
    set_pin(&world, &world.head(HERE, 3).await, 3, "14702").await;
    clerk.post(&collection(&dong), show("14702")).await.ok();
    world.verified().await;
}

#[actix_web::test]
async fn five_wrong_codes_lock_the_code_and_kin_do_not_hand_over() {
    let world = awarded().await;
    let dong = own(&world, 3).await;
    let right = dong["pickup_code"].as_str().expect("a code");
    let clerk = world.official("clerk", HERE).await;
    let next = world.official("clerk", NEXT).await;
    next.post(&collection(&dong), json!({ "pickup_code": right })).await.refused(404, "not_found");
    let (person, head) = (world.uuid(clerk.person().await), world.uuid(head_id(HERE, 3)));
    let kin = format!(
        "INSERT INTO kin (village, person, relative, confirmed_at) \
         VALUES ('{HERE}', {person}, {head}, 0)"
    );
    assert_eq!(world.run(&kin).await, 1);
    let refused = clerk.post(&collection(&dong), json!({ "pickup_code": right })).await;
    refused.refused(403, "conflict_of_interest");
    let other = world.official("clerk_2", HERE).await;
    let wrong = json!({ "pickup_code": if right == "000000" { "000001" } else { "000000" } });
    for _ in 0..5 {
        other.post(&collection(&dong), wrong.clone()).await.refused(422, "pickup_code_wrong");
    }
    let locked = other.post(&collection(&dong), json!({ "pickup_code": right })).await;
    locked.refused(429, "pickup_code_locked");
    assert_eq!(world.count("awards WHERE status = 'collected'").await, 0);
    // The way out: the paper, and the PIN that only the family knows.
    set_pin(&world, &world.head(HERE, 3).await, 3, "2580").await;
    let shown = json!({ "household_code": code(&world, 3).await, "bearer": head_id(HERE, 3),
                        "pin": "2580" });
    other.post(&collection(&dong), shown).await.ok();
    world.verified().await;
}

#[actix_web::test]
async fn what_nobody_collects_in_ninety_days_lapses() {
    let world = awarded().await;
    world.travel(at("2024-04-13 23:59:59.999")).await;
    assert_eq!(own(&world, 3).await["status"], "granted");
    world.travel(at("2024-04-14 00:00")).await;
    let dong = own(&world, 3).await;
    assert_eq!(dong["status"], "lapsed");
    assert_eq!(dong["closed_at"], "2024-04-14T00:00:00.000+08:00");
    let clerk = world.official("clerk", HERE).await;
    let late = clerk.post(&collection(&dong), json!({ "pickup_code": "000000" })).await;
    assert_eq!(late.refused(409, "wrong_state")["current"], "lapsed");
    world.verified().await;
}

/// Those who are gone and those who are vetoed keep their rank; the next ones get what is awarded.
#[actix_web::test]
async fn the_vetoed_and_the_gone_are_skipped_and_the_next_ones_are_awarded() {
    let world = ten_families().await;
    let township = world.official("township", "460205100").await;
    let scheme = village("/award-scheme/2023");
    assert_eq!(township.get(&scheme).await.ok()["items"].as_array().map(Vec::len), Some(2));
    let item = |name: &str, from: i64, to: i64| {
        json!({ "item": name, "name_zh": "奖品", "name_en": "Prize", "rank_from": from,
                "rank_to": to, "value_fen": 100, "funding": "donation" })
    };
    let items = json!({ "items": [item("b", 3, 4), item("a", 1, 2)] });
    township.put_at(0, &scheme, items.clone()).await.ok();
    township.put_at(0, &scheme, items.clone()).await.refused(412, "precondition_failed");
    veto(&world, 2).await;
    world.travel(at("2024-01-02 09:00")).await;
    let late = township.put_at(1, &scheme, items).await;
    assert_eq!(late.refused(409, "wrong_state")["current"], "year_over");
    // The fourth household, third of the year, moves out before the awards are given.
    let moved = village(&format!("/households/{}/move-out", household_id(HERE, 4)));
    township.post(&moved, json!({ "reason": "全家迁往县城" })).await.ok();
    world.travel(at("2024-01-15 09:00")).await;
    let given = awards(&world.official("panel", HERE).await, "").await;
    let given: Vec<_> = given
        .iter()
        .map(|it| (it["place"].as_i64(), it["rank"].as_i64(), it["item"].as_str()))
        .collect();
    let row = |place, rank, item| (Some(place), Some(rank), Some(item));
    assert_eq!(given, [row(1, 1, "a"), row(2, 4, "a"), row(3, 5, "b"), row(4, 6, "b")]);
    let board = world.anybody().get(&format!("/v1/regions/{HERE}/rankings/2023")).await.ok();
    assert_eq!(board["items"][1]["points"], 29, "the vetoed keeps the rank");
    world.verified().await;
}

/// Rows changed behind the program's back are each named.
#[actix_web::test]
async fn verify_names_what_disagrees_about_a_year() {
    let world = awarded().await;
    let committee = world.official("committee", HERE).await;
    let dividend = json!({ "id": crate::support::new_id(), "year": 2023, "pool_fen": 100,
                           "note": "村民代表会议决议" });
    let dividend = committee.post(&village("/dividends"), dividend).await.ok();
    let path = format!("/dividends/{}/decision", dividend["id"].as_str().expect("an id"));
    let second = world.official("committee_2", HERE).await;
    second.post(&village(&path), json!({ "decision": "approve" })).await.ok();
    world.verified().await;
    let honour = json!({ "id": crate::support::new_id(), "household": household_id(HERE, 1),
        "item": "honour.clean_household", "period": "2023-12", "reason": "庭院整洁" });
    let honour = committee.post(&village("/honours"), honour).await.ok();
    let path = format!("/honours/{}/decision", honour["id"].as_str().expect("an id"));
    second.post(&village(&path), json!({ "decision": "approve" })).await.ok();
    world.verified().await;
    for (table, change, named) in [
        ("dividends", "UPDATE dividends SET pool_fen = 99", "of a dividend"),
        (
            "awards",
            "UPDATE awards SET rank = 11 WHERE kind = 'rank_award' AND place = 10",
            "its household's final rank",
        ),
        (
            "awards",
            // The first has none, and the third is before the second: each with its own rank.
            "DELETE FROM awards WHERE kind = 'rank_award' AND place = 1; \
             UPDATE awards SET place = 1 WHERE kind = 'rank_award' AND place = 3",
            "awards go out in order of rank",
        ),
        (
            "final_standings",
            // The first stays the first.
            "UPDATE final_standings SET points = points + 1 WHERE rank = 1",
            "a final ranking is",
        ),
        (
            "final_standings",
            "UPDATE final_standings SET rank = 11 WHERE rank = 10",
            "ranks are in order of points",
        ),
        ("honours", "UPDATE honours SET decided_by = NULL", "an honour was proposed and decided"),
        (
            "honours",
            "UPDATE honours SET status = 'withdrawn', withdrawn_at = 1",
            "an honour was proposed and decided",
        ),
    ] {
        let report = tampered(&world, table, change).await;
        assert!(report.contains(named), "{change}: {report}");
    }
    world.verified().await;
}

/// Has household `number` here vetoed for 2023, with its answer.
pub async fn veto(world: &World, number: usize) {
    let id = crate::support::new_id();
    let veto = json!({
        "id": id, "household": household_id(HERE, number), "year": 2023, "ground": "gambling",
        "reason": "参与赌博，已受行政处罚", "reference": "行罚决字〔2023〕12号",
    });
    world.official("committee", HERE).await.post(&village("/vetoes"), veto).await.ok();
    let statement = village(&format!("/vetoes/{id}/statement"));
    world.head(HERE, number).await.post(&statement, json!({ "text": "认错" })).await.ok();
    let decided = json!({ "decision": "approve", "reason": "处罚决定已生效" });
    let second = world.official("committee_2", HERE).await;
    second.post(&village(&format!("/vetoes/{id}/decision")), decided).await.ok();
}
