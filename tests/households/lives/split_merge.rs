use serde_json::{Value, json};

use super::{board, file, of, path, points, spouse, township};
use crate::support::{HERE, World, at, head_id, household_id, new_id};

async fn with_points(earned: &[(usize, i64)]) -> World {
    let world = World::begins(at("2024-09-25 08:00")).await;
    for (number, points) in earned {
        world.earn(*number, *points).await;
    }
    world.travel(at("2024-10-07 09:00")).await;
    world
}

fn into(number: usize) -> Value {
    json!({ "into": household_id(HERE, number) })
}

/// I8: before and after, the points are the same.
#[actix_web::test]
async fn a_split_opens_a_file_and_divides_what_is_spendable() {
    let world = with_points(&[(1, 30), (2, 20)]).await;
    let township = township(&world).await;
    let before = board(&world, "2024", "households").await;
    let bound = world.count("bindings WHERE ended_at IS NULL").await;
    let (id, wife) = (json!(new_id()), spouse(&world, 1).await);
    let split = json!({
        "id": id, "number": 77, "grid": format!("{HERE}002"), "members": [wife], "head": wife,
        "points": 12,
    });
    let key = new_id().to_string();
    let new = township.post_as(&key, &path(1, "/split"), split.clone()).await.ok();
    assert_eq!((&new["id"], &new["number"]), (&id, &json!(77)));
    assert_eq!((&new["grid"], &new["registered"]), (&json!(format!("{HERE}002")), &json!(false)));
    assert_eq!(new["members"], json!([{ "person": wife, "name": "配偶", "is_head": true }]));
    assert!(township.post_as(&key, &path(1, "/split"), split).await.is_replay());
    assert_eq!(file(&world, 1).await["members"].as_array().map(Vec::len), Some(1));
    let old = points(&world, 1).await;
    assert_eq!((&old["spendable"], &old["transferred"]), (&json!(18), &json!(-12)));
    let new = township.get(&of(&id, "/points")).await.ok();
    assert_eq!((&new["spendable"], &new["transferred"]), (&json!(12), &json!(12)));
    assert_eq!(new["cumulative"], 0);
    assert_eq!(board(&world, "2024", "households").await, before, "transfers count for no rank");
    assert_eq!(world.count("bindings WHERE ended_at IS NULL").await, bound);
    assert_eq!(world.count("journals WHERE kind = 'transfer'").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn a_split_that_would_empty_or_overdraw_the_old_household_is_refused() {
    let world = with_points(&[(1, 30)]).await;
    let township = township(&world).await;
    let (head, wife) = (json!(head_id(HERE, 1)), spouse(&world, 1).await);
    let split = |change: &dyn Fn(&mut Value)| {
        let mut body = json!({
            "id": new_id(), "number": 77, "members": [wife], "head": wife, "points": 30,
        });
        change(&mut body);
        body
    };
    let invalid = [
        split(&|it| it["members"] = json!([head, wife])),
        split(&|it| it["members"] = json!([])),
        split(&|it| it["members"] = json!([wife, wife])),
        split(&|it| it["head"] = head.clone()),
        split(&|it| it["new_head"] = head.clone()),
        split(&|it| (it["members"], it["head"]) = (json!([head]), head.clone())),
        split(&|it| it["grid"] = json!(format!("{HERE}999"))),
        split(&|it| it["points"] = json!(-1)),
        split(&|it| it["number"] = json!(0)),
    ];
    for body in invalid {
        township.post(&path(1, "/split"), body.clone()).await.refused(422, "invalid_field");
    }
    let unknown = split(&|it| it["members"] = json!([wife, head_id(HERE, 2)]));
    township.post(&path(1, "/split"), unknown).await.refused(404, "not_found");
    let too_many = split(&|it| it["points"] = json!(31));
    township.post(&path(1, "/split"), too_many).await.refused(422, "insufficient_points");
    let taken = split(&|it| it["number"] = json!(2));
    township.post(&path(1, "/split"), taken).await.refused(409, "id_taken");
    assert_eq!(world.count("households").await, 30);
    assert_eq!(file(&world, 1).await["version"], 1);
    // The head may leave, if another stays to follow.
    let leaves = split(&|it| {
        (it["members"], it["head"], it["new_head"]) = (json!([head]), head.clone(), wife.clone());
    });
    township.post(&path(1, "/split"), leaves).await.ok();
    assert_eq!(file(&world, 1).await["members"][0]["person"], wife);
    let home = world.head(HERE, 1).await.get("/v1/me").await.ok()["home"]["household"].clone();
    assert_ne!(home, json!(household_id(HERE, 1)));
    world.verified().await;
}

/// C47.
#[actix_web::test]
async fn splits_and_merges_wait_for_open_holds() {
    let world = with_points(&[(1, 30)]).await;
    let township = township(&world).await;
    let zhang = world.head(HERE, 1).await;
    let redemptions = format!("/v1/villages/{HERE}/redemptions");
    let body = crate::support::order_of("goods.laundry_liquid", 1);
    let held = zhang.post(&redemptions, body).await.ok();
    let wife = spouse(&world, 1).await;
    let split = json!({ "id": new_id(), "number": 77, "members": [wife], "head": wife });
    township.post(&path(1, "/split"), split.clone()).await.refused(409, "open_holds");
    township.post(&path(1, "/merge"), into(2)).await.refused(409, "open_holds");
    township.post(&path(2, "/merge"), into(1)).await.refused(409, "open_holds");
    assert_eq!(world.count("members WHERE left_at IS NOT NULL").await, 0);
    let this = format!("{redemptions}/{}", held["id"].as_str().expect("an id"));
    zhang.post(&format!("{this}/cancellation"), json!({})).await.ok();
    township.post(&path(1, "/split"), split).await.ok();
    township.post(&path(1, "/merge"), into(2)).await.ok();
    world.verified().await;
}

/// The points of September are in publicity when the household is merged, and follow when the list
/// closes, along a chain of merges.
#[actix_web::test]
async fn a_merged_household_forwards_what_is_confirmed_later() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 10).await;
    world.travel(at("2024-09-25 09:00")).await;
    for (number, points) in [(2, 20), (3, 25)] {
        world.earn(number, points).await;
    }
    world.travel(at("2024-10-01 09:00")).await;
    let township = township(&world).await;
    let merged = township.post(&path(1, "/merge"), into(2)).await.ok();
    assert_eq!((&merged["status"], &merged["members"]), (&json!("merged"), &json!([])));
    assert_eq!(merged["successor"], json!(household_id(HERE, 2)));
    assert_eq!(points(&world, 2).await["available"], 10);
    let family = file(&world, 2).await;
    assert_eq!(family["members"].as_array().map(Vec::len), Some(4));
    assert_eq!(family["members"][0]["person"], json!(head_id(HERE, 2)), "the present head stays");
    let zhang = world.head(HERE, 1).await;
    assert_eq!(zhang.get("/v1/me").await.ok()["home"]["household"], family["id"]);
    township.post(&path(2, "/merge"), into(3)).await.ok();
    assert_eq!(file(&world, 1).await["successor"], json!(household_id(HERE, 3)));
    township.post(&path(4, "/merge"), into(1)).await.refused(409, "household_not_active");
    township.post(&path(4, "/merge"), into(4)).await.refused(422, "invalid_field");
    township.post(&path(1, "/merge"), into(4)).await.refused(409, "wrong_state");
    world.verified().await;
    world.travel(at("2024-10-07 09:00")).await;
    let survivor = points(&world, 3).await;
    assert_eq!((&survivor["available"], &survivor["transferred"]), (&json!(55), &json!(30)));
    assert_eq!(survivor["cumulative"], 25);
    for number in [1, 2] {
        let ended = points(&world, number).await;
        assert_eq!((&ended["pending"], &ended["available"]), (&json!(0), &json!(0)), "{number}");
    }
    let quarter = board(&world, "2024-Q3", "households").await;
    let ranked: Vec<_> =
        quarter["items"].as_array().expect("rows").iter().map(|row| &row["points"]).collect();
    assert_eq!(ranked, [25, 20, 10], "each keeps the rank of a period that was over");
    world.verified().await;
}

/// A contested line is confirmed by the decision, after its list has closed.
#[actix_web::test]
async fn a_merged_household_forwards_what_a_decision_confirms() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-10-01 09:00")).await;
    let lines = format!("/v1/villages/{HERE}/public-lists/2024-09/lines/1/objections");
    let objection =
        json!({ "id": new_id(), "ground": "did_not_happen", "reason": "那块地不是他家的" });
    world.head(HERE, 3).await.post(&lines, objection.clone()).await.ok();
    township(&world).await.post(&path(1, "/merge"), into(2)).await.ok();
    world.travel(at("2024-10-08 08:59")).await;
    assert_eq!(points(&world, 2).await["available"], 0);
    let id = objection["id"].as_str().expect("an id");
    let decision = json!({ "decision": "amended", "points": 20, "reason": "地已丈量" });
    let committee = world.official("committee", HERE).await;
    let path = format!("/v1/villages/{HERE}/objections/{id}/decision");
    committee.post(&path, decision).await.ok();
    assert_eq!(points(&world, 2).await["available"], 20);
    assert_eq!(points(&world, 1).await["pending"], 0);
    world.verified().await;
}

/// Whichever comes first, nothing is held in a file that has ended, and nothing is spent twice.
#[actix_web::test]
async fn a_redemption_against_a_change_of_the_file_ends_in_one_of_the_two() {
    let world = with_points(&[(1, 30), (2, 30), (3, 30), (4, 30), (6, 30), (7, 30)]).await;
    let township = township(&world).await;
    let redemptions = format!("/v1/villages/{HERE}/redemptions");
    for number in [1, 2, 3, 4, 6, 7] {
        let (head, wife) = (world.head(HERE, number).await, spouse(&world, number).await);
        let redemption = crate::support::order_of("goods.laundry_liquid", 1);
        let (action, body) = match number {
            1 | 2 => ("/closure", json!({ "reason": "销户" })),
            3 | 4 => ("/merge", into(5)),
            _ => {
                let (id, number) = (new_id(), 100 + number);
                let members = json!([wife]);
                let split = json!({
                    "id": id, "number": number, "members": members, "head": wife, "points": 11,
                });
                ("/split", split)
            }
        };
        let change = path(number, action);
        let (redeemed, changed) =
            futures::join!(head.post(&redemptions, redemption), township.post(&change, body));
        // Who redeems just after a merge is of the other household already, and spends there.
        let spent_here = redeemed.body["household"] == json!(household_id(HERE, number));
        let done = [redeemed.status == 201 && spent_here, (200..300).contains(&changed.status)];
        assert_eq!(done.iter().filter(|it| **it).count(), 1, "{redeemed:?} {changed:?}");
        if !done[1] {
            changed.refused(409, "open_holds");
        }
    }
    world.verified().await;
}
