use api::regions::{Mode, Policy};
use migration::{Migrator, MigratorTrait};
use serde_json::{Value, json};

use super::redeem::{open_shop, path};
use crate::support::{Answer, HERE, World, at, household_id, new_id};

async fn redeem(world: &World, number: usize, prize: &str) -> Answer {
    let order = crate::support::order_of(prize, 1);
    world.head(HERE, number).await.post(&path(), order).await
}

async fn points(world: &World, number: usize) -> Value {
    let path = format!("/v1/villages/{HERE}/households/{}/points", household_id(HERE, number));
    world.head(HERE, number).await.get(&path).await.ok()
}

#[actix_web::test]
async fn the_window_opens_and_closes_to_the_millisecond() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-10-06 23:59:59.999")).await;
    let refused = redeem(&world, 1, "goods.soap").await.refused(409, "window_closed");
    assert_eq!(refused["opens_at"], "2024-10-07T00:00:00.000+08:00");
    world.travel(at("2024-10-07 00:00")).await;
    redeem(&world, 1, "goods.soap").await.ok();
    world.travel(at("2024-10-20 23:59:59.999")).await;
    redeem(&world, 1, "goods.soap").await.ok();
    world.travel(at("2024-10-21 00:00")).await;
    let refused = redeem(&world, 1, "goods.soap").await.refused(409, "window_closed");
    assert_eq!(refused["opens_at"], "2025-01-06T00:00:00.000+08:00");
    world.verified().await;
}

#[actix_web::test]
async fn windows_are_public() {
    let world = open_shop(&[]).await;
    let windows = format!("/v1/villages/{HERE}/redemption-windows");
    let seen = world.anybody().get(&windows).await.ok();
    assert_eq!(seen["mode"], "quarterly");
    let states: Vec<_> = seen["items"].as_array().expect("windows").iter().collect();
    let open = &states[1];
    assert_eq!((&open["quarter"], &open["state"]), (&json!("2024-Q3"), &json!("open")));
    assert_eq!(open["opens_at"], "2024-10-07T00:00:00.000+08:00");
    assert_eq!(open["closes_at"], "2024-10-21T00:00:00.000+08:00");
    assert_eq!(
        (states[0]["state"].as_str(), states[2]["state"].as_str()),
        (Some("past"), Some("coming"))
    );
    world
        .anybody()
        .get("/v1/villages/460205100999/redemption-windows")
        .await
        .refused(404, "not_found");
}

/// Somebody objects to line 1 of September's list, on its last day.
async fn contest(world: &World) -> Value {
    world.travel(at("2024-10-06 09:00")).await;
    let objections = format!("/v1/villages/{HERE}/public-lists/2024-09/lines/1/objections");
    let objection = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
    world.head(HERE, 4).await.post(&objections, objection).await.ok()["id"].clone()
}

async fn dismiss(world: &World, by: (&str, &str), objection: &Value) {
    let id = objection.as_str().expect("an id");
    let decision = format!("/v1/villages/{HERE}/objections/{id}/decision");
    let dismissed = json!({ "decision": "dismissed", "reason": "台账无误" });
    world.official(by.0, by.1).await.post(&decision, dismissed).await.ok();
}

/// Scenario 13: dismissed on 10 October, spendable at once.
#[actix_web::test]
async fn a_line_decided_in_the_window_is_spendable_at_once() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 30).await;
    let objection = contest(&world).await;
    world.travel(at("2024-10-10 09:00")).await;
    redeem(&world, 1, "goods.soap").await.refused(422, "insufficient_points");
    dismiss(&world, ("committee", HERE), &objection).await;
    assert_eq!(points(&world, 1).await["spendable"], 30);
    redeem(&world, 1, "goods.laundry_liquid").await.ok();
    world.verified().await;
}

/// A decision after the window, by the county in the third week, gives the household seven days of its
/// own, within the limits of the window that it missed.
#[actix_web::test]
async fn a_decision_after_the_window_gives_seven_days_of_its_own() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 20).await;
    let objection = contest(&world).await;
    world.travel(at("2024-10-25 09:00")).await;
    redeem(&world, 1, "goods.soap").await.refused(409, "window_closed");
    dismiss(&world, ("county", "460205"), &objection).await;
    let seen = points(&world, 1).await;
    assert_eq!((&seen["available"], &seen["spendable"]), (&json!(20), &json!(20)));
    let order = crate::support::order_of("goods.salt", 4);
    let head = world.head(HERE, 1).await;
    head.post(&path(), order).await.ok();
    redeem(&world, 1, "goods.toothpaste").await.refused(422, "insufficient_points");
    assert_eq!(points(&world, 1).await["spendable"], 8);
    world.travel(at("2024-11-01 08:59:59.999")).await;
    redeem(&world, 1, "goods.towel").await.ok();
    world.travel(at("2024-11-01 09:00")).await;
    let refused = redeem(&world, 1, "goods.soap").await.refused(409, "window_closed");
    assert_eq!(refused["opens_at"], "2025-01-06T00:00:00.000+08:00");
    let waiting = points(&world, 1).await["waiting"].clone();
    let held = waiting.as_array().expect("items").iter().any(|it| it["reason"] == "held");
    assert!(held, "{waiting}");
    // Nobody else has such a term.
    redeem(&world, 2, "goods.soap").await.refused(409, "window_closed");
    world.verified().await;
}

/// Household 1 has points on September's list, which hangs for `weeks`; household 2 on August's.
async fn extended(weeks: i64) -> World {
    let world = World::begins(at("2024-08-21 08:00")).await;
    // The same deed counts twice here; said before the rules are read for the first time.
    world.unseal_rules().await;
    world.run("UPDATE rules SET cap_times = 2, cap_points = 60 WHERE key = 'con.land_give'").await;
    world.earn(2, 30).await;
    world.travel(at("2024-09-25 08:00")).await;
    world.earn(1, 20).await;
    world.travel(at("2024-10-01 09:00")).await;
    let extension = format!("/v1/villages/{HERE}/public-lists/2024-09/extension");
    let longer = json!({ "weeks": weeks, "reason": "停电断网三天" });
    world.official("township", "460205100").await.post(&extension, longer).await.ok();
    world
}

/// What the calendar and the windows both say: whether the shop is open.
async fn is_open(world: &World) -> bool {
    let anybody = world.anybody();
    let calendar = anybody.get(&format!("/v1/villages/{HERE}/calendar")).await.ok();
    let windows = anybody.get(&format!("/v1/villages/{HERE}/redemption-windows")).await.ok();
    let open = calendar["redemption"]["open"].as_bool().expect("a flag");
    let items = windows["items"].as_array().expect("windows");
    assert_eq!(items.iter().any(|it| it["state"] == "open"), open, "{windows}");
    open
}

/// Two weeks: the list closes inside the window, which opened by the policy for everybody else.
#[actix_web::test]
async fn a_list_that_closes_inside_the_window_keeps_only_its_own_points_back() {
    let world = extended(2).await;
    world.travel(at("2024-10-07 00:00")).await;
    assert!(is_open(&world).await);
    assert_eq!(points(&world, 2).await["spendable"], 30);
    redeem(&world, 2, "goods.soap").await.ok();
    assert_eq!(points(&world, 1).await["spendable"], 0);
    redeem(&world, 1, "goods.soap").await.refused(422, "insufficient_points");
    world.travel(at("2024-10-14 00:00")).await;
    assert_eq!(points(&world, 1).await["spendable"], 20);
    redeem(&world, 1, "goods.soap").await.ok();
    world.travel(at("2024-10-21 00:00")).await;
    assert!(!is_open(&world).await);
    let refused = redeem(&world, 1, "goods.soap").await.refused(409, "window_closed");
    assert_eq!(refused["opens_at"], "2025-01-06T00:00:00.000+08:00");
    world.verified().await;
}

/// Four weeks: the list closes a week after the window; its households have seven days of their own.
#[actix_web::test]
async fn a_list_that_closes_after_the_window_gives_its_households_seven_days() {
    let world = extended(4).await;
    world.travel(at("2024-10-07 00:00")).await;
    assert!(is_open(&world).await);
    redeem(&world, 2, "goods.soap").await.ok();
    redeem(&world, 1, "goods.soap").await.refused(422, "insufficient_points");
    world.travel(at("2024-10-27 23:59:59.999")).await;
    assert!(!is_open(&world).await);
    redeem(&world, 1, "goods.soap").await.refused(409, "window_closed");
    world.travel(at("2024-10-28 00:00")).await;
    assert!(!is_open(&world).await);
    assert_eq!(points(&world, 1).await["spendable"], 20);
    redeem(&world, 1, "goods.soap").await.ok();
    redeem(&world, 2, "goods.soap").await.refused(409, "window_closed");
    world.travel(at("2024-11-03 23:59:59.999")).await;
    redeem(&world, 1, "goods.soap").await.ok();
    world.travel(at("2024-11-04 00:00")).await;
    let refused = redeem(&world, 1, "goods.soap").await.refused(409, "window_closed");
    assert_eq!(refused["opens_at"], "2025-01-06T00:00:00.000+08:00");
    world.verified().await;
}

#[actix_web::test]
async fn points_of_later_months_wait_for_their_window() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 20).await;
    world.travel(at("2024-10-14 09:00")).await;
    // A month after September that is confirmed inside the window, however that came about.
    let household = world.uuid(household_id(HERE, 1));
    let sql =
        format!("UPDATE public_list_lines SET month = '2024-10' WHERE household = {household}");
    let october = format!(
        "INSERT INTO public_lists (village, month, status, opens_at, closes_at, line_count, \
         household_count, points) SELECT village, '2024-10', status, opens_at, closes_at, \
         line_count, household_count, points FROM public_lists WHERE village = '{HERE}' \
         AND month = '2024-09'"
    );
    redeem(&world, 1, "goods.soap").await.ok();
    world.run(&october).await;
    world.run(&sql).await;
    redeem(&world, 1, "goods.soap").await.refused(422, "insufficient_points");
    assert_eq!(points(&world, 1).await["spendable"], 0);
}

/// In a monthly shop limits count per quarter, as in one that is always open.
#[actix_web::test]
async fn limits_of_a_monthly_shop_count_per_quarter() {
    let policy = Policy { mode: Mode::Monthly, ..Policy::default() };
    let world = World::with_policy(at("2024-07-22 08:00"), policy).await;
    world.earn(1, 30).await;
    world.travel(at("2024-08-05 09:00")).await;
    let set = |quantity: i64| crate::support::order_of("goods.salt", quantity);
    let head = world.head(HERE, 1).await;
    // What is collected counts; what nobody collects does not.
    let held = head.post(&path(), set(3)).await.ok();
    let collection = format!("{}/{}/collection", path(), held["id"].as_str().expect("an id"));
    let code = json!({ "pickup_code": held["pickup_code"] });
    world.official("clerk", HERE).await.post(&collection, code).await.ok();
    world.travel(at("2024-09-10 09:00")).await;
    head.post(&path(), set(2)).await.refused(422, "household_limit");
    head.post(&path(), set(1)).await.ok();
    // October's window is the fourth quarter's.
    world.travel(at("2024-11-11 09:00")).await;
    head.post(&path(), set(4)).await.ok();
    world.verified().await;
}

/// From when an entry of a household can be spent, and what it waits for, by the month of its list.
async fn forecast(world: &World, number: usize, week: &str) -> (Value, Value) {
    let household = household_id(HERE, number);
    let entries = format!("/v1/villages/{HERE}/households/{household}/entries");
    let seen = world.head(HERE, number).await.get(&entries).await.ok();
    let all = seen["items"].as_array().expect("entries").clone();
    let found = all.into_iter().find(|it| it["week"] == week && it["kind"] != "reversal");
    let found = found.expect("an entry of that week");
    (found["spendable_from"].clone(), found["waiting"].clone())
}

#[actix_web::test]
async fn an_extension_is_in_the_forecast() {
    for (weeks, from) in [(2, "2024-10-14"), (3, "2024-10-21"), (4, "2024-10-28")] {
        let world = extended(weeks).await;
        let told = json!(format!("{from}T00:00:00.000+08:00"));
        let in_publicity = (told.clone(), json!("in_publicity"));
        assert_eq!(forecast(&world, 1, "2024-W39").await, in_publicity, "{weeks}");
        world.travel(at(&format!("{from} 00:00"))).await;
        assert_eq!(forecast(&world, 1, "2024-W39").await, (told, Value::Null), "{weeks}");
        redeem(&world, 1, "goods.soap").await.ok();
    }
}

/// September's list hangs for four weeks and is contested on its last day; the county dismisses that in
/// November, when October's list is closed: a term for September's points, in which October's wait.
async fn october_waits() -> World {
    let world = extended(4).await;
    world.travel(at("2024-10-15 09:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-10-27 09:00")).await;
    let objections = format!("/v1/villages/{HERE}/public-lists/2024-09/lines/1/objections");
    let objection = json!({ "id": new_id(), "ground": "did_not_happen", "reason": "不实" });
    let objection = world.head(HERE, 4).await.post(&objections, objection).await.ok();
    world.travel(at("2024-11-15 09:00")).await;
    dismiss(&world, ("county", "460205"), &objection["id"]).await;
    world
}

/// What is frozen of a later month is not in reach anyway: it is not subtracted once more.
#[actix_web::test]
async fn frozen_points_of_a_later_month_are_withheld_once() {
    let world = october_waits().await;
    let seen = points(&world, 1).await;
    assert_eq!((&seen["available"], &seen["spendable"]), (&json!(50), &json!(20)));
    let reversals = format!("/v1/villages/{HERE}/reversals");
    let reversal = json!({
        "id": new_id(), "month": "2024-10", "number": 1, "reason": "经查该地块属集体所有",
    });
    world.official("committee", HERE).await.post(&reversals, reversal).await.ok();
    let seen = points(&world, 1).await;
    assert_eq!((&seen["frozen"], &seen["spendable"]), (&json!(30), &json!(20)));
    let waits: Vec<_> = seen["waiting"].as_array().expect("items").clone();
    let waits: Vec<_> = waits.iter().map(|it| (&it["reason"], &it["points"])).collect();
    assert_eq!(waits, [(&json!("under_reversal"), &json!(30))]);
    redeem(&world, 1, "goods.laundry_liquid").await.ok();
    redeem(&world, 1, "goods.salt").await.refused(422, "insufficient_points");
    world.verified().await;
}

#[actix_web::test]
async fn a_later_months_points_are_not_forecast_into_the_term_of_an_earlier() {
    let world = october_waits().await;
    let september = forecast(&world, 1, "2024-W39").await;
    assert_eq!(september, (json!("2024-11-15T09:00:00.000+08:00"), Value::Null));
    let october = forecast(&world, 1, "2024-W42").await;
    assert_eq!(october, (json!("2025-01-06T00:00:00.000+08:00"), json!("next_window")));
}

/// A database that was filled when limits counted from the opening of a window goes on counting what was
/// taken in the open one; the term of one that moved out stays.
#[actix_web::test]
async fn what_was_taken_in_an_open_window_counts_after_the_migration() {
    let world = open_shop(&[(1, 30), (2, 30)]).await;
    let head = world.head(HERE, 1).await;
    let held = head.post(&path(), crate::support::order_of("goods.salt", 3)).await.ok();
    let other = redeem(&world, 2, "goods.soap").await.ok();
    // So that nothing is left to do while the schema changes.
    world.settled().await;
    let steps = Migrator::migrations();
    let ours = steps.iter().position(|step| step.name().ends_with("extend_shop")).expect("a step");
    let down = u32::try_from(steps.len() - ours).expect("a number");
    Migrator::down(world.app.db.schema(), Some(down)).await.expect("down");
    let id = |of: &Value| world.uuid(of["id"].as_str().and_then(|it| it.parse().ok()).expect("id"));
    let (opened, moved) = (at("2024-10-07 00:00").0, at("2024-10-07 08:00").0);
    let since = |at: i64, of: &Value| {
        format!("UPDATE redemptions SET window_opened_at = {at} WHERE id = {}", id(of))
    };
    world.run(&since(opened, &held)).await;
    world.run(&since(moved, &other)).await;
    let two = world.uuid(household_id(HERE, 2));
    world.run(&format!("UPDATE households SET ended_at = {moved} WHERE id = {two}")).await;
    Migrator::up(world.app.db.schema(), None).await.expect("up");
    let quarter = at("2024-07-01 00:00").0;
    let counted = |from: i64, of: &Value| {
        format!("redemptions WHERE counts_from = {from} AND id = {}", id(of))
    };
    assert_eq!(world.count(&counted(quarter, &held)).await, 1);
    assert_eq!(world.count(&counted(moved, &other)).await, 1);
    assert_eq!(
        world.count("redemptions WHERE budget_quarter = '2024-Q3' AND value_fen > 0").await,
        1
    );
    let more = |quantity| crate::support::order_of("goods.salt", quantity);
    head.post(&path(), more(2)).await.refused(422, "household_limit");
    head.post(&path(), more(1)).await.ok();
}
