use serde_json::{Value, json};

use super::lives::{path, township};
use crate::support::{HERE, World, at, claim, grid_of, head_id};

async fn allowances(world: &World, query: &str) -> Value {
    township(world).await.get(&path(1, &format!("/allowances{query}"))).await.ok()
}

fn rules(allowances: &Value, rule: &str) -> Vec<Value> {
    let rules = allowances["rules"].as_array().expect("rules");
    rules.iter().filter(|it| it["rule"] == rule).cloned().collect()
}

fn rule(allowances: &Value, rule: &str) -> Value {
    let found = rules(allowances, rule);
    assert_eq!(found.len(), 1, "{rule}");
    found[0].clone()
}

fn amount(times: i64, points: i64) -> Value {
    json!({ "times": times, "points": points })
}

/// Used, waiting, left, and left after what waits.
fn four(allowance: &Value) -> [Value; 4] {
    ["used", "waiting", "left", "left_after_waiting"].map(|name| allowance[name].clone())
}

/// Has household 1 claim points for a donation of a day, approved now.
async fn donate(world: &World, on: &str, points: i64) -> uuid::Uuid {
    let worker = world.official("grid_worker", &grid_of(HERE, 1)).await;
    let body = claim(
        1,
        "pub.donate",
        json!({
            "occurred_on": on, "points_each": points,
            "evidence": [{ "kind": "certificate", "reference": "收据" }],
        }),
    );
    let claims = format!("/v1/villages/{HERE}/claims");
    let filed = world.head(HERE, 1).await.post(&claims, body).await.ok();
    let id = filed["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    worker.post(&format!("{claims}/{id}/reviews"), json!({ "decision": "approve" })).await.ok();
    world.approve(id, &["panel"]).await;
    id
}

#[actix_web::test]
async fn what_is_used_waits_and_is_left_follows_the_claim_to_its_sheet() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let (none, whole) = (amount(0, 0), amount(1, 30));
    let fresh = allowances(&world, "").await;
    assert_eq!(fresh["on"], "2024-08-21");
    let land = rule(&fresh, "con.land_give");
    assert_eq!(four(&land), [none.clone(), none.clone(), whole.clone(), whole.clone()]);
    assert_eq!(
        (&land["counts_from"], &land["counts_to"]),
        (&json!("2024-01-01"), &json!("2024-12-31"))
    );
    assert_eq!((&land["enabled"], &land["claim_until"]), (&json!(true), &json!("2024-09-20")));
    world.earn(1, 30).await;
    let waiting = allowances(&world, "").await;
    let land = rule(&waiting, "con.land_give");
    assert_eq!(four(&land), [none.clone(), whole.clone(), whole.clone(), none.clone()]);
    let month = &waiting["month"][0];
    assert_eq!(
        month,
        &json!({ "direction": "bonus", "max_points": 60, "used": 0, "waiting": 30, "left": 60,
            "left_after_waiting": 30 })
    );
    world.travel(at("2024-08-26 00:00")).await;
    let scored = allowances(&world, "?on=2024-08-21").await;
    let land = rule(&scored, "con.land_give");
    assert_eq!(four(&land), [whole, none.clone(), none.clone(), none]);
    assert_eq!(
        (&scored["month"][0]["used"], &scored["month"][0]["left"]),
        (&json!(30), &json!(30))
    );
    let next = allowances(&world, "?on=2024-09-25").await;
    assert_eq!(next["month"][0]["used"], 0, "a month of deeds of its own");
    assert_eq!(rule(&next, "con.land_give")["left"], amount(0, 0), "the same year");
}

/// What the household is told to be left is what Monday's close awards.
#[actix_web::test]
async fn exactly_what_is_left_is_awarded_and_the_next_claim_gets_nothing() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    donate(&world, "2024-08-19", 10).await;
    donate(&world, "2024-08-20", 4).await;
    let left = rule(&allowances(&world, "").await, "pub.donate")["left_after_waiting"].clone();
    assert_eq!(left, amount(1, 6));
    let last = donate(&world, "2024-08-21", 6).await;
    let left = rule(&allowances(&world, "").await, "pub.donate")["left_after_waiting"].clone();
    assert_eq!(left, amount(0, 0));
    world.travel(at("2024-08-27 08:00")).await;
    let more = donate(&world, "2024-08-26", 2).await;
    world.travel(at("2024-09-02 00:00")).await;
    let entries = township(&world).await.get(&path(1, "/entries")).await.ok();
    let entry = |id: uuid::Uuid| {
        let items = entries["items"].as_array().expect("items");
        items.iter().find(|it| it["id"] == json!(id)).expect("the entry").clone()
    };
    assert_eq!((&entry(last)["awarded"], entry(last).get("reason")), (&json!(6), None));
    assert_eq!(
        (&entry(more)["awarded"], &entry(more)["reason"]),
        (&json!(0), &json!("cap_exhausted"))
    );
    let used = rule(&allowances(&world, "?on=2024-08-26").await, "pub.donate")["used"].clone();
    assert_eq!(used, amount(3, 20));
    world.verified().await;
}

#[actix_web::test]
async fn members_have_allowances_of_their_own_and_the_months_cap_binds_them_all() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    let zhang = world.head(HERE, 1).await;
    let photo = world.photo(&zhang).await;
    let volunteer = claim(
        1,
        "pub.volunteer",
        json!({
            "occurred_on": "2024-08-20", "member": head_id(HERE, 1), "event": "敬老",
            "evidence": [
                { "kind": "sign_in_sheet", "reference": "签到表" }, { "kind": "photo", "photo": photo },
            ],
        }),
    );
    zhang.post(&claims, volunteer).await.ok();
    let told = allowances(&world, "").await;
    let members = rules(&told, "pub.volunteer");
    assert_eq!(members.len(), 2);
    for member in &members {
        let waiting =
            if member["member"] == json!(head_id(HERE, 1)) { amount(1, 2) } else { amount(0, 0) };
        assert_eq!(member["waiting"], waiting);
    }
    assert_eq!(rules(&told, "pat.enlist").len(), 2, "once in a person's life");
    assert!(rule(&told, "con.land_give").get("member").is_none());
    // 58 of the month's 60 are used: no rule has more than 2 left.
    for number in 0..2 {
        world.run(&format!(
            "INSERT INTO score_lines (village, id, kind, week, household, rule_set, rule, category, \
             occurred_on, approved_at, times, claimed, awarded) SELECT c.village, {}, 'claim', s.week, \
             c.household, c.rule_set, 'con.land_give', c.category, '2024-08-0{}', 0, 1, 29, 29 \
             FROM claims c JOIN score_sheets s ON s.village = c.village",
            if world.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" },
            number + 1,
        ))
        .await;
    }
    let told = allowances(&world, "").await;
    assert_eq!((&told["month"][0]["used"], &told["month"][0]["left"]), (&json!(58), &json!(2)));
    assert_eq!(told["month"][0]["left_after_waiting"], 0);
    let bonuses =
        told["rules"].as_array().expect("rules").iter().filter(|it| it["direction"] == "bonus");
    for rule in bonuses {
        assert!(rule["left"]["points"].as_i64().is_some_and(|it| it <= 2), "{rule}");
        assert_eq!(rule["left_after_waiting"]["points"], 0, "{rule}");
    }
    let litter = rule(&told, "env.litter_deduct");
    assert_eq!((&litter["left"], &litter["cap"]["max_points"]), (&amount(3, 9), &json!(-9)));
    let off = rules(&told, "fam.harmony_quarter");
    assert!(off.iter().all(|it| it["enabled"] == false) && !off.is_empty());
}

#[actix_web::test]
async fn a_day_without_rules_or_that_never_was_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = township(&world).await;
    let ask = async |on: &str| township.get(&path(1, &format!("/allowances?on={on}"))).await;
    ask("2022-12-31").await.refused(422, "rule_not_in_force");
    for odd in ["2024-02-30", "today", "2024-8-1x", "20240801", ""] {
        ask(odd).await.refused(400, "invalid_query");
    }
    // Days that no calendar of ours reaches are no fault of ours either.
    for far in ["9999-12-31", "-0001-01-01", "%2B262142-12-31"] {
        assert!(ask(far).await.status < 500, "{far}");
    }
}
