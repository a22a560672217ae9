use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::reversals::{decide, heard, path, reversal};
use crate::redemption::redeem::{open_shop, path as redemptions};
use crate::support::{Answer, HERE, World, household_id, new_id};

/// Something that people do about confirmed points.
#[derive(Clone, Debug)]
enum Act {
    Propose {
        line: i64,
        points: Option<i64>,
    },
    Decide {
        nth: usize,
        carried: bool,
    },
    Redeem {
        number: usize,
    },
    Cancel {
        nth: usize,
    },
    Adjust {
        number: usize,
        points: i64,
    },
    /// Days go by: weeks close, lists confirm, proposals lapse.
    Wait {
        days: i64,
    },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..4_i64, proptest::option::of(1..31_i64))
            .prop_map(|(line, points)| Act::Propose { line, points }),
        4 => (0..6_usize, any::<bool>()).prop_map(|(nth, carried)| Act::Decide { nth, carried }),
        3 => (1..4_usize).prop_map(|number| Act::Redeem { number }),
        1 => (0..6_usize).prop_map(|nth| Act::Cancel { nth }),
        2 => (1..4_usize, -20..20_i64).prop_map(|(number, points)| Act::Adjust { number, points }),
        2 => (1..10_i64).prop_map(|days| Act::Wait { days }),
    ]
}

/// In whatever order: nothing answers 5xx, every sum agrees, and what is spendable is never below 0.
#[actix_web::test]
async fn any_sequence_after_confirmation_keeps_every_sum() {
    let world = open_shop(&[(1, 30), (2, 25), (3, 20)]).await;
    let mut runner = TestRunner::deterministic();
    let acts = proptest::collection::vec(act(), 60).new_tree(&mut runner).expect("acts").current();
    let (mut reversals, mut held) = (Vec::<Value>::new(), Vec::<Value>::new());
    for (step, act) in acts.iter().enumerate() {
        let answer = perform(&world, act, &reversals, &held).await;
        if let Some(answer) = answer {
            assert!(answer.status < 500, "{step} {act:?}: {answer:?}");
            match act {
                Act::Propose { .. } if answer.status == 201 => reversals.push(answer.body),
                Act::Redeem { .. } if answer.status == 201 => held.push(answer.body),
                _ => {}
            }
        }
        let report = api::verify::verify(&world.app.db).await.expect("a report");
        assert!(report.is_clean(), "{step} {act:?}: {report}");
    }
    assert!(reversals.len() > 3 && !held.is_empty(), "{} {}", reversals.len(), held.len());
    assert!(world.count("reversals WHERE status = 'carried'").await > 0);
}

async fn perform(world: &World, act: &Act, reversals: &[Value], held: &[Value]) -> Option<Answer> {
    let committee = world.official("committee", HERE).await;
    let second = world.official("committee_2", HERE).await;
    Some(match act {
        Act::Propose { line, points } => {
            let mut body = reversal(*line);
            if let Some(points) = points {
                body["points"] = json!(points);
            }
            // Nobody proposes anew what they proposed in vain: then another does.
            let third = world.official("committee_3", HERE).await;
            let township = world.official("township", "460205100").await;
            let mut answer = committee.post(&path(), body.clone()).await;
            for other in [third, township] {
                if answer.body["code"] == "already_proposed" {
                    answer = other.post(&path(), body.clone()).await;
                }
            }
            answer
        }
        Act::Decide { nth, carried } => {
            let of = reversals.iter().rev().nth(*nth)?;
            heard(world).await;
            decide(&second, of, if *carried { "carried" } else { "dropped" }).await
        }
        Act::Redeem { number } => {
            let body = crate::support::order_of("goods.soap", 1);
            world.head(HERE, *number).await.post(&redemptions(), body).await
        }
        Act::Cancel { nth } => {
            let id = held.iter().rev().nth(*nth)?["id"].as_str().expect("an id").to_owned();
            let path = format!("{}/{id}/cancellation", redemptions());
            committee.post(&path, json!({})).await
        }
        Act::Adjust { number, points } => {
            let body = json!({ "id": new_id(), "household": household_id(HERE, *number),
                "category": "enterprise", "points": points, "reason": "核对" });
            let adjustments = format!("/v1/villages/{HERE}/adjustments");
            let proposed = committee.post(&adjustments, body.clone()).await;
            if proposed.status != 201 {
                return Some(proposed);
            }
            let decision = json!({ "decision": "approved", "reason": "属实" });
            let id = body["id"].as_str().expect("an id");
            second.post(&format!("{adjustments}/{id}/decision"), decision).await
        }
        Act::Wait { days } => {
            world.travel(world.app.clock.now().plus_days(*days)).await;
            world.anybody().get(&format!("/v1/villages/{HERE}/prizes")).await.ok();
            return None;
        }
    })
}
