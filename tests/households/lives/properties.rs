use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{of, township};
use crate::support::{Actor, HERE, World, at, household_id, new_id};

/// Something that happens to a household; numbers choose among those there are.
#[derive(Clone, Debug)]
enum Life {
    Split { of: usize, points: i64 },
    Merge { of: usize, into: usize },
    Close { of: usize },
}

fn life() -> impl Strategy<Value = Life> {
    prop_oneof![
        4 => (0..12_usize, 0..25_i64).prop_map(|(of, points)| Life::Split { of, points }),
        3 => (0..12_usize, 0..12_usize).prop_map(|(of, into)| Life::Merge { of, into }),
        1 => (0..12_usize).prop_map(|of| Life::Close { of }),
    ]
}

/// A file as the village's clerk would keep it on paper.
struct Paper {
    id: Value,
    active: bool,
    available: i64,
    members: Vec<Value>,
}

/// I8: whatever splits, merges and closures happen, the village's points are the same, every balance
/// is what the paper says, and nobody is in two households.
#[actix_web::test]
async fn any_sequence_of_splits_and_merges_keeps_every_point_and_person() {
    let world = World::begins(at("2024-09-25 08:00")).await;
    for (number, points) in [(1, 30), (2, 20), (3, 25), (6, 15)] {
        world.earn(number, points).await;
    }
    world.travel(at("2024-10-07 09:00")).await;
    let township = township(&world).await;
    let mut files = Vec::new();
    for number in [1, 2, 3, 4, 6] {
        files.push(read(&township, &json!(household_id(HERE, number))).await);
    }
    let mut runner = TestRunner::deterministic();
    let lives = proptest::collection::vec(life(), 60).new_tree(&mut runner).expect("lives");
    let mut done = BTreeMap::<&str, usize>::new();
    for life in lives.current() {
        let word = live(&township, &mut files, &life).await;
        *done.entry(word).or_default() += 1;
    }
    assert!(done.values().all(|times| *times > 0) && done.len() == 4, "{done:?}");
    assert_eq!(files.iter().map(|it| it.available).sum::<i64>(), 90);
    let mut everybody = Vec::new();
    for paper in &files {
        let found = read(&township, &paper.id).await;
        assert_eq!(found.available, paper.available, "{}", paper.id);
        assert_eq!(found.active, paper.active, "{}", paper.id);
        if paper.active {
            assert_eq!(found.members.len(), paper.members.len(), "{}", paper.id);
            everybody.extend(found.members.into_iter().map(|it| it.to_string()));
        }
    }
    let persons = everybody.len();
    everybody.sort();
    everybody.dedup();
    assert_eq!(everybody.len(), persons, "nobody is in two households");
    world.verified().await;
}

async fn read(township: &Actor, id: &Value) -> Paper {
    let file = township.get(&of(id, "")).await.ok();
    let points = township.get(&of(id, "/points")).await.ok();
    let members = file["members"].as_array().expect("members");
    Paper {
        id: id.clone(),
        active: file["status"] == "active",
        available: points["available"].as_i64().expect("a number"),
        members: members.iter().map(|it| it["person"].clone()).collect(),
    }
}

/// Does it, and says what became of it.
async fn live(township: &Actor, files: &mut Vec<Paper>, life: &Life) -> &'static str {
    match *life {
        Life::Split { of: which, points } => {
            let (which, number) = (which % files.len(), 100 + files.len());
            let paper = &mut files[which];
            // The last one listed leaves; the head is the first.
            let leaver = paper.members.last().cloned().unwrap_or_else(|| json!(new_id()));
            let body = json!({
                "id": new_id(), "number": number, "members": [leaver], "head": leaver,
                "points": points,
            });
            let answer = township.post(&of(&paper.id, "/split"), body.clone()).await;
            let fits = paper.active && paper.members.len() > 1 && points <= paper.available;
            assert_eq!(answer.status == 201, fits, "{life:?}: {:#}", answer.body);
            if !fits {
                return "refused";
            }
            paper.available -= points;
            paper.members.pop();
            let id = body["id"].clone();
            files.push(Paper { id, active: true, available: points, members: vec![leaver] });
            "split"
        }
        Life::Merge { of: which, into } => {
            let (which, into) = (which % files.len(), into % files.len());
            let body = json!({ "into": files[into].id });
            let answer = township.post(&of(&files[which].id, "/merge"), body).await;
            let fits = which != into && files[which].active && files[into].active;
            assert_eq!(answer.status == 200, fits, "{life:?}: {:#}", answer.body);
            if !fits {
                return "refused";
            }
            files[which].active = false;
            let points = std::mem::take(&mut files[which].available);
            files[into].available += points;
            let members = std::mem::take(&mut files[which].members);
            files[into].members.extend(members);
            "merged"
        }
        Life::Close { of: which } => {
            let which = which % files.len();
            let body = json!({ "reason": "销户" });
            let answer = township.post(&of(&files[which].id, "/closure"), body).await;
            assert_eq!(answer.status == 200, files[which].active, "{:#}", answer.body);
            if !files[which].active {
                return "refused";
            }
            files[which].active = false;
            "closed"
        }
    }
}
