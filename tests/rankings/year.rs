use api::kernel::db;
use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, at, head_id, household_id, new_id};

/// Ten families of 2023 in the last full week of its last month: 董建国, the third, and the fifth have 20
/// points each, and the fifth a deduction.
pub async fn ten_families() -> World {
    let world = World::begins(at("2023-12-18 08:00")).await;
    let points = [30, 29, 20, 28, 30, 19, 18, 17, 16, 15];
    for (number, points) in (1..).zip(points) {
        world.earn(number, points).await;
    }
    world.deduct(5).await;
    world
}

pub fn village(rest: &str) -> String {
    format!("/v1/villages/{HERE}{rest}")
}

pub async fn board(world: &World, year: i32) -> Value {
    world.anybody().get(&format!("/v1/regions/{HERE}/rankings/{year}")).await.ok()
}

fn points(board: &Value) -> Vec<i64> {
    let rows = board["items"].as_array().expect("rows").iter();
    rows.map(|row| row["points"].as_i64().expect("points")).collect()
}

async fn township(world: &World) -> Actor {
    world.official("township", "460205100").await
}

async fn object(world: &World, number: usize) -> Value {
    let objection = json!({ "id": new_id(), "reason": "第一名有一笔积分重复" });
    let path = village("/rankings/2023/objections");
    world.head(HERE, number).await.post(&path, objection).await.ok()
}

fn decision(objection: &Value) -> String {
    let id = objection["id"].as_str().expect("an id");
    village(&format!("/rankings/2023/objections/{id}/decision"))
}

/// What an official may do about the one objection to the ranking.
async fn may(who: &Actor) -> Value {
    let page = who.get(&village("/rankings/2023/objections")).await.ok();
    page["items"][0]["allowed_actions"].clone()
}

/// Scenario 6 on the way: ranks 4 and 5 have equal totals, and fewer deductions decide.
#[actix_web::test]
async fn a_years_ranking_is_provisional_then_seven_days_published_then_final() {
    let world = ten_families().await;
    let expected = [30, 29, 28, 20, 20, 19, 18, 17, 16, 15];
    for (now, status) in [
        ("2024-01-01 00:00", "provisional"),
        ("2024-01-07 23:59:59.999", "provisional"),
        ("2024-01-08 00:00", "published"),
        ("2024-01-14 23:59:59.999", "published"),
        ("2024-01-15 00:00", "final"),
    ] {
        world.travel(at(now)).await;
        let board = board(&world, 2023).await;
        assert_eq!(
            (&board["status"], points(&board)),
            (&json!(status), expected.to_vec()),
            "{now}"
        );
        let taken = board.get("objections_until").is_some();
        assert_eq!(taken, status == "published", "{now}");
    }
    let ranked = board(&world, 2023).await;
    assert_eq!(ranked["published_at"], "2024-01-08T00:00:00.000+08:00");
    assert_eq!(ranked["final_at"], "2024-01-15T00:00:00.000+08:00");
    let ties: Vec<_> =
        ranked["items"].as_array().expect("rows").iter().map(|row| row["tie"] == true).collect();
    assert_eq!(ties, [false, false, false, true, true, false, false, false, false, false]);
    let rank = async |number| {
        let path = format!("/rankings/2023/households/{}", household_id(HERE, number));
        world.head(HERE, number).await.get(&village(&path)).await.ok()
    };
    let (dong, fifth) = (rank(3).await, rank(5).await);
    assert_eq!((&dong["rank"], &dong["status"]), (&json!(4), &json!("final")));
    assert_eq!(dong["ahead_by"], "fewer_deductions");
    assert_eq!((&fifth["rank"], &fifth["behind_by"]), (&json!(5), &json!("fewer_deductions")));
    let told = world.head(HERE, 1).await.get("/v1/me/inbox").await.ok();
    assert!(told.to_string().contains("ranking_published"));
    world.verified().await;
}

#[actix_web::test]
async fn a_final_ranking_stays_as_it_was_whatever_comes_later() {
    let world = ten_families().await;
    world.travel(at("2024-01-15 00:00")).await;
    let before = board(&world, 2023).await;
    for sql in [
        "UPDATE standings SET points = points + 1000 WHERE period = '2023' AND points < 20",
        "UPDATE households SET number = number + 100",
    ] {
        assert!(world.run(sql).await > 0);
    }
    world.app.cache.refresh();
    world.run("UPDATE villages SET version = version + 1").await;
    assert_eq!(board(&world, 2023).await, before);
    for sql in [
        "UPDATE final_standings SET points = 0",
        "DELETE FROM final_standings",
        "UPDATE year_rankings SET status = 'published', final_at = NULL",
        "INSERT INTO final_standings SELECT village, year, revision + 1, rank, household, number, \
         points, deductions, categories, reached_at FROM final_standings",
    ] {
        let done = world.app.db.write(async |tx| Ok(db::run(tx, sql, []).await?)).await;
        assert!(done.is_err(), "{sql}");
    }
}

/// An objection to a line of December is decided on a Wednesday: the ranking follows at that moment, and is
/// final seven days later to the millisecond.
#[actix_web::test]
async fn the_last_decision_on_a_list_publishes_the_ranking() {
    let world = ten_families().await;
    world.travel(at("2024-01-02 09:00")).await;
    let objection = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "没有让地" });
    let path = village("/public-lists/2023-12/lines/1/objections");
    let filed = world.head(HERE, 2).await.post(&path, objection).await.ok();
    world.travel(at("2024-01-08 00:00")).await;
    assert_eq!(board(&world, 2023).await["status"], "provisional");
    world.travel(at("2024-01-10 10:00")).await;
    let id = filed["id"].as_str().expect("an id");
    let decided = json!({ "decision": "upheld", "reason": "协议是去年的" });
    // Eight days after it was filed.
    let township = world.official("township", "460205100").await;
    township.post(&village(&format!("/objections/{id}/decision")), decided).await.ok();
    let published = board(&world, 2023).await;
    assert_eq!(published["status"], "published");
    assert_eq!(published["published_at"], "2024-01-10T10:00:00.000+08:00");
    assert_eq!(points(&published), [29, 28, 20, 20, 19, 18, 17, 16, 15, 0]);
    world.travel(at("2024-01-17 09:59:59.999")).await;
    assert_eq!(board(&world, 2023).await["status"], "published");
    world.travel(at("2024-01-17 10:00")).await;
    assert_eq!(board(&world, 2023).await["final_at"], "2024-01-17T10:00:00.000+08:00");
    world.verified().await;
}

#[actix_web::test]
async fn an_objection_to_the_ranking_is_decided_by_the_township_before_it_is_final() {
    let world = ten_families().await;
    let path = village("/rankings/2023/objections");
    let late = || json!({ "id": new_id(), "reason": "名次不对" });
    let wang = world.head(HERE, 2).await;
    world.travel(at("2024-01-07 23:59:59.999")).await;
    wang.post(&path, late()).await.refused(409, "list_not_open");
    world.travel(at("2024-01-14 23:59:59.999")).await;
    let filed = object(&world, 2).await;
    wang.post(&path, late()).await.refused(409, "objection_exists");
    world.travel(at("2024-01-15 00:00")).await;
    world.head(HERE, 6).await.post(&path, late()).await.refused(409, "list_not_open");
    assert_eq!(board(&world, 2023).await["status"], "published", "an objection waits");
    assert_eq!(world.count("awards").await, 0);
    let dismissed = json!({ "decision": "dismissed", "reason": "核对无误" });
    let county = world.official("county", "460205").await;
    county.post(&decision(&filed), dismissed.clone()).await.refused(403, "role_required");
    let waiting = county.get(&path).await.ok();
    assert_eq!(waiting["items"][0]["allowed_actions"], json!([]), "it waits at the township");
    let waiting = township(&world).await.get(&path).await.ok();
    assert_eq!(waiting["items"][0]["allowed_actions"], json!(["decide"]));
    world.travel(at("2024-01-16 12:00")).await;
    township(&world).await.post(&decision(&filed), dismissed.clone()).await.ok();
    let done = board(&world, 2023).await;
    assert_eq!(done["status"], "final");
    assert_eq!(done["final_at"], "2024-01-16T12:00:00.000+08:00");
    assert_eq!(world.count("awards").await, 10);
    let again = township(&world).await.post(&decision(&filed), dismissed).await;
    assert_eq!(again.refused(409, "wrong_state")["current"], "decided");
    let told = wang.get("/v1/me/inbox").await.ok();
    assert!(told.to_string().contains("ranking_objection_decided"));
    world.verified().await;
}

/// The first screen tells of it whom it lies with.
#[actix_web::test]
async fn an_objection_to_the_ranking_waits_for_the_township_and_later_also_for_the_county() {
    let world = ten_families().await;
    world.travel(at("2024-01-08 08:00")).await;
    let objection = object(&world, 2).await;
    let waiting = async || {
        let mut counts = Vec::new();
        for (office, region) in
            [("committee", HERE), ("township", "460205100"), ("county", "460205")]
        {
            let me = world.official(office, region).await.get("/v1/me").await.ok();
            counts.push(me["waiting"]["ranking_objections"].as_i64().expect("a count"));
        }
        counts
    };
    assert_eq!(waiting().await, [0, 1, 0]);
    world.travel(at("2024-01-15 07:59")).await;
    assert_eq!(waiting().await, [0, 1, 0]);
    world.travel(at("2024-01-15 08:00")).await;
    assert_eq!(waiting().await, [0, 1, 1]);
    let dismissed = json!({ "decision": "dismissed", "reason": "已核对" });
    township(&world).await.post(&decision(&objection), dismissed).await.ok();
    assert_eq!(waiting().await, [0, 0, 0]);
}

#[actix_web::test]
async fn an_objection_that_nobody_decides_lapses_and_the_auditor_is_told() {
    let world = ten_families().await;
    world.travel(at("2024-01-14 08:00")).await;
    object(&world, 2).await;
    world.travel(at("2024-01-28 07:59:59.999")).await;
    assert_eq!(board(&world, 2023).await["status"], "published");
    world.travel(at("2024-01-28 08:00")).await;
    assert_eq!(board(&world, 2023).await["final_at"], "2024-01-28T08:00:00.000+08:00");
    let register = format!("/v1/regions/{HERE}/register?kind=ranking_objection_lapsed");
    let county = world.official("county", "460205").await;
    assert_eq!(county.get(&register).await.ok()["items"].as_array().map(Vec::len), Some(1));
    world.verified().await;
}

/// After a week the county may decide too; upheld, the ranking is made anew from the corrected points, and
/// what was published before stays in the database.
#[actix_web::test]
async fn an_upheld_objection_makes_the_ranking_anew() {
    let world = ten_families().await;
    world.travel(at("2024-01-09 08:00")).await;
    let filed = object(&world, 2).await;
    // The first family's line is taken back in part: posted in January, it counts for the old year,
    // whose ranking is not final yet.
    let committee = world.official("committee", HERE).await;
    let reversal = json!({
        "id": new_id(), "month": "2023-12", "number": 1, "points": 25, "reason": "面积有误",
    });
    let proposed = committee.post(&village("/reversals"), reversal).await.ok();
    let this = village(&format!("/reversals/{}", proposed["id"].as_str().expect("an id")));
    let said = json!({ "text": "没有意见" });
    world.head(HERE, 1).await.post(&format!("{this}/reply"), said).await.ok();
    let carried = json!({ "decision": "carried", "reason": "重新丈量" });
    let second = world.official("committee_2", HERE).await;
    second.post(&format!("{this}/decision"), carried).await.ok();
    let week = "score_lines WHERE kind = 'reversal' AND week = '2024-W02' AND ranks_in = '2023'";
    assert_eq!(world.count(week).await, 1);
    assert_eq!(points(&board(&world, 2023).await)[0], 30, "published is published");
    world.travel(at("2024-01-16 08:00")).await;
    let upheld = json!({ "decision": "upheld", "reason": "该笔已冲正" });
    let county = world.official("county", "460205").await;
    county.post(&decision(&filed), upheld).await.ok();
    let last = board(&world, 2023).await;
    assert_eq!(points(&last), [29, 28, 20, 20, 19, 18, 17, 16, 15, 5]);
    assert_eq!(last["status"], "final");
    assert_eq!(world.count("final_standings").await, 20);
    assert_eq!(world.count("final_standings WHERE revision = 1 AND points = 30").await, 1);
    world.verified().await;
}

/// Whoever is concerned by who objected does not decide.
#[actix_web::test]
async fn nobody_decides_on_the_objection_of_kin() {
    let world = ten_families().await;
    world.travel(at("2024-01-09 08:00")).await;
    let filed = object(&world, 2).await;
    let township = township(&world).await;
    let (person, wang) = (world.uuid(township.person().await), world.uuid(head_id(HERE, 2)));
    let sql = format!(
        "INSERT INTO kin (village, person, relative, confirmed_at) \
         VALUES ('{HERE}', {person}, {wang}, 0)"
    );
    assert_eq!(world.run(&sql).await, 1);
    assert_eq!(may(&township).await, json!([]));
    let dismissed = json!({ "decision": "dismissed", "reason": "核对无误" });
    township.post(&decision(&filed), dismissed).await.refused(403, "conflict_of_interest");
    assert_eq!(world.count("ranking_objections WHERE status = 'filed'").await, 1);
}

/// Whoever is kin of a household that the ranking awards has a stake in it, whoever objected.
#[actix_web::test]
async fn nobody_decides_on_a_ranking_that_awards_their_kin() {
    let world = ten_families().await;
    world.travel(at("2024-01-09 08:00")).await;
    let filed = object(&world, 2).await;
    let township = township(&world).await;
    let (person, tenth) = (world.uuid(township.person().await), world.uuid(head_id(HERE, 10)));
    let sql = format!(
        "INSERT INTO kin (village, person, relative, confirmed_at) \
         VALUES ('{HERE}', {person}, {tenth}, 0)"
    );
    assert_eq!(world.run(&sql).await, 1);
    let dismissed = json!({ "decision": "dismissed", "reason": "核对无误" });
    assert_eq!(may(&township).await, json!([]));
    let refused = township.post(&decision(&filed), dismissed.clone()).await;
    refused.refused(403, "conflict_of_interest");
    assert_eq!(world.count("ranking_objections WHERE status = 'filed'").await, 1);
    // Somebody else decides.
    assert_eq!(world.run(&format!("DELETE FROM kin WHERE person = {person}")).await, 1);
    assert_eq!(may(&township).await, json!(["decide"]));
    township.post(&decision(&filed), dismissed).await.ok();
}

/// 2026 has a W53, which closes on Monday 2027-01-04.
#[actix_web::test]
async fn a_year_of_53_weeks_ends_with_its_53rd() {
    let world = World::begins(at("2026-12-21 08:00")).await;
    world.earn(1, 10).await;
    world.travel(at("2027-01-03 09:00")).await;
    world.earn(2, 20).await;
    world.travel(at("2027-01-04 00:00")).await;
    assert_eq!(points(&board(&world, 2026).await), [20, 10]);
    for (now, status) in
        [("2027-01-10 23:59:59.999", "provisional"), ("2027-01-11 00:00", "published")]
    {
        world.travel(at(now)).await;
        assert_eq!(board(&world, 2026).await["status"], status);
    }
    world.travel(at("2027-01-18 00:00")).await;
    assert_eq!(board(&world, 2026).await["status"], "final");
    assert_eq!(points(&board(&world, 2027).await), Vec::<i64>::new());
    world.verified().await;
}

/// The jobs a month late end in the same ranking and the same awards as the jobs in time.
#[actix_web::test]
async fn a_late_run_ends_in_the_same_ranking_and_awards() {
    let mut ends = Vec::new();
    for stops in [&["2024-01-01 00:00", "2024-01-08 00:00", "2024-01-15 00:00"][..], &[]] {
        let world = ten_families().await;
        for stop in stops {
            world.travel(at(stop)).await;
            board(&world, 2023).await;
        }
        world.travel(at("2024-02-15 12:00")).await;
        let panel = world.official("panel", HERE).await;
        let awards = panel.get(&village("/awards?limit=100")).await.ok();
        assert_eq!(awards["items"].as_array().map(Vec::len), Some(10));
        ends.push((board(&world, 2023).await, awards));
    }
    assert_eq!(ends[0], ends[1]);
}

#[actix_web::test]
async fn a_region_is_as_far_as_the_village_that_is_least_far() {
    let world = ten_families().await;
    let status = async |region: &str| {
        let path = format!("/v1/regions/{region}/rankings/2023?of=villages");
        world.anybody().get(&path).await.ok()["status"].clone()
    };
    world.travel(at("2024-01-14 08:00")).await;
    assert_eq!(status("460205100").await, "published");
    object(&world, 2).await;
    world.travel(at("2024-01-15 00:00")).await;
    assert_eq!(status("460205100202").await, "final");
    assert_eq!(status("460205100").await, "published");
}

/// An outage ate into its seven days: as with a list, the township has the ranking hang longer, in time.
#[actix_web::test]
async fn the_township_has_a_ranking_hang_longer_and_objections_are_taken_until_then() {
    let world = ten_families().await;
    let path = village("/rankings/2023/extension");
    let longer = |weeks: i64| json!({ "weeks": weeks, "reason": "停电断网三天" });
    let township = township(&world).await;
    world.travel(at("2024-01-07 23:59:59.999")).await;
    township.post(&path, longer(2)).await.refused(409, "list_not_open");
    world.travel(at("2024-01-13 09:00")).await;
    for who in [
        world.official("committee", HERE).await,
        world.official("county", "460205").await,
        world.head(HERE, 1).await,
    ] {
        who.post(&path, longer(2)).await.refused(403, "role_required");
    }
    for weeks in [-1, 0, 1, 5] {
        township.post(&path, longer(weeks)).await.refused(422, "invalid_field");
    }
    let blank = json!({ "weeks": 2, "reason": " " });
    township.post(&path, blank).await.refused(422, "reason_required");
    let done = township.post(&path, longer(2)).await.ok();
    assert_eq!(done["objections_until"], "2024-01-22T00:00:00.000+08:00");
    township.post(&path, longer(2)).await.refused(422, "invalid_field");
    let shown = board(&world, 2023).await;
    assert_eq!(shown["objections_until"], done["objections_until"]);
    assert_eq!(shown["extension_reason"], "停电断网三天");
    assert_eq!(world.count("register_entries WHERE kind = 'extension'").await, 1);
    assert_eq!(world.count("audit_events WHERE action = 'ranking.extend'").await, 1);

    // The old end passes and nothing is final.
    world.travel(at("2024-01-15 00:00")).await;
    assert_eq!(board(&world, 2023).await["status"], "published");
    assert_eq!(world.count("awards").await, 0);
    world.travel(at("2024-01-21 23:59:59.999")).await;
    let filed = object(&world, 2).await;
    let dismissed = json!({ "decision": "dismissed", "reason": "核对无误" });
    township.post(&decision(&filed), dismissed).await.ok();
    assert_eq!(board(&world, 2023).await["status"], "published");
    world.travel(at("2024-01-22 00:00")).await;
    let late = json!({ "id": new_id(), "reason": "名次不对" });
    let objections = village("/rankings/2023/objections");
    world.head(HERE, 6).await.post(&objections, late).await.refused(409, "list_not_open");
    let last = board(&world, 2023).await;
    assert_eq!(last["final_at"], "2024-01-22T00:00:00.000+08:00");
    assert_eq!(world.count("awards").await, 10);
    township.post(&path, longer(4)).await.refused(409, "list_not_open");
    world.verified().await;
}
