use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, HERE, World, at, claim, new_id};

/// Something that somebody tries with claims, whoever they are and whatever state the claim is in.
#[derive(Clone, Debug)]
enum Command {
    File { item: usize, household: usize },
    Review { claim: usize, verdict: usize, points: Option<i64> },
    Withdraw { claim: usize },
    Resubmit { claim: usize },
    Hear { claim: usize, waive: bool },
    Repudiate { claim: usize },
    Remedy { claim: usize },
    Object { line: usize },
    Decide { verdict: usize },
    Pass { hours: i64 },
}

fn command() -> impl Strategy<Value = Command> {
    let claim = || 0..40_usize;
    prop_oneof![
        4 => (0..ITEMS.len(), 1..4_usize)
            .prop_map(|(item, household)| Command::File { item, household }),
        12 => (claim(), 0..8_usize, proptest::option::weighted(0.1, -11..8_i64))
            .prop_map(|(claim, verdict, points)| Command::Review { claim, verdict, points }),
        1 => (0..400_usize).prop_map(|claim| Command::Withdraw { claim }),
        2 => claim().prop_map(|claim| Command::Resubmit { claim }),
        3 => (claim(), any::<bool>()).prop_map(|(claim, waive)| Command::Hear { claim, waive }),
        1 => claim().prop_map(|claim| Command::Repudiate { claim }),
        2 => claim().prop_map(|claim| Command::Remedy { claim }),
        1 => (1..10_usize).prop_map(|line| Command::Object { line }),
        1 => (0..2_usize).prop_map(|verdict| Command::Decide { verdict }),
        2 => (1..90_i64).prop_map(|hours| Command::Pass { hours }),
    ]
}

/// Rules of every source and most chains, with evidence that needs no photo.
const ITEMS: &[(&str, &str)] = &[
    ("ent.coop", "certificate"),
    ("con.land_give", "committee_record certificate"),
    ("env.front_door_duty", "inspection_record"),
    ("env.courtyard_model", "committee_record"),
    ("law.fraud_claim_deduct", "committee_record"),
    ("fam.neglect_deduct", "official_decision"),
];

const PEOPLE: &[&str] = &[
    "head 460205100201 1",
    "head 460205100201 2",
    "grid_worker 460205100201001",
    "grid_worker 460205100201002",
    "panel 460205100201",
    "panel_2 460205100201",
    "committee 460205100201",
    "committee_2 460205100201",
    "committee_3 460205100201",
    "clerk 460205100201",
    "township 460205100",
    "county 460205",
    "head 440783107201 1",
];

/// What may follow what, in one step (2.5).
const LEGAL: &[(&str, &str)] = &[
    ("submitted", "in_review"),
    ("submitted", "approved"),
    ("submitted", "rejected"),
    ("submitted", "returned"),
    ("submitted", "withdrawn"),
    ("in_review", "approved"),
    ("in_review", "rejected"),
    ("in_review", "returned"),
    ("in_review", "withdrawn"),
    ("returned", "submitted"),
    ("returned", "lapsed"),
    ("returned", "withdrawn"),
    ("approved", "scored"),
    ("approved", "withdrawn"),
    ("scored", "confirmed"),
    ("scored", "overturned"),
];

/// Whether time alone can lead from one state to the other.
fn follows(from: &str, to: &str, hops: usize) -> bool {
    from == to
        || LEGAL
            .iter()
            .any(|(a, b)| *a == from && (*b == to || (hops > 1 && follows(b, to, hops - 1))))
}

/// A claim as the database has it.
#[derive(Clone, Debug, PartialEq, sea_orm::FromQueryResult)]
struct Row {
    id: uuid::Uuid,
    status: String,
    round: i64,
    step: i64,
    points: i64,
    version: i64,
}

struct Play {
    world: World,
    people: Vec<Actor>,
    objections: Vec<String>,
    done: BTreeMap<String, usize>,
}

impl Play {
    async fn rows(&self) -> Vec<Row> {
        let sql = "SELECT id, status, round, step, points, version FROM claims ORDER BY id";
        api::kernel::db::all(self.world.app.db.read(), sql, []).await.expect("claims")
    }

    /// Does it twice with one key: the second time is the first.
    async fn post(&mut self, who: usize, path: &str, body: Value) -> Answer {
        let actor = &self.people[who];
        let key = new_id().to_string();
        let first = actor.post_as(&key, path, body.clone()).await;
        let again = actor.post_as(&key, path, body).await;
        if first.status < 300 {
            assert!(again.is_replay(), "{path}");
            assert_eq!(again.body, first.body);
        } else {
            assert_eq!(again.body["code"], first.body["code"], "{path}");
        }
        first
    }

    /// Mostly somebody whose turn it may be; one time in five whoever was drawn.
    fn apt(&self, drawn: usize, command: &Command, row: Option<&Row>) -> usize {
        let fit: &[&str] = match (command, row) {
            _ if drawn.is_multiple_of(5) => return drawn % PEOPLE.len(),
            (Command::File { item, .. }, _) => match ITEMS[*item].0 {
                "ent.coop" | "con.land_give" => &["head", "grid_worker"],
                "env.front_door_duty" => &["grid_worker"],
                _ => &["panel", "committee"],
            },
            (Command::Review { .. }, Some(row)) => match (row.points < 0, row.step) {
                (true, _) => &["committee", "township"],
                (false, 0) => &["grid_worker", "panel"],
                (false, _) => &["panel", "committee", "township"],
            },
            (Command::Hear { waive: true, .. } | Command::Decide { .. }, _) => &["committee"],
            (Command::Pass { .. } | Command::Review { .. } | Command::Object { .. }, _) => {
                return drawn % PEOPLE.len();
            }
            _ => &["head"],
        };
        let fits = |at: &usize| fit.iter().any(|it| PEOPLE[*at].starts_with(it));
        let all: Vec<_> = (0..PEOPLE.len()).filter(fits).collect();
        all[drawn % all.len()]
    }

    async fn play(&mut self, drawn: usize, command: &Command) -> Option<Answer> {
        let village = format!("/v1/villages/{HERE}");
        let rows = self.rows().await;
        let (some, states): (_, &[&str]) = match command {
            Command::Review { claim, .. } => (claim, &["submitted", "in_review"]),
            Command::Hear { claim, .. } => (claim, &["submitted", "in_review"]),
            Command::Resubmit { claim } => (claim, &["returned"]),
            Command::Withdraw { claim } | Command::Repudiate { claim } => (claim, &[]),
            Command::Remedy { claim } => (claim, &["approved", "scored", "confirmed"]),
            _ => (&0, &[]),
        };
        let wanted: Vec<_> = rows
            .iter()
            .filter(|row| {
                states.is_empty() || some % 7 == 0 || states.contains(&row.status.as_str())
            })
            .filter(|row| {
                row.points < 0 || !matches!(command, Command::Hear { .. } | Command::Remedy { .. })
            })
            .collect();
        let row = wanted.get(some % wanted.len().max(1)).copied();
        let who = self.apt(drawn, command, row);
        let this = |_: &usize| row.map(|row| format!("{village}/claims/{}", row.id));
        let answer = match command {
            Command::File { item, household } => {
                // A head mostly files for the own household.
                let own = PEOPLE[who].starts_with("head") && !drawn.is_multiple_of(5);
                let body = self.claim(*item, if own { who + 1 } else { *household });
                self.post(who, &format!("{village}/claims"), body).await
            }
            Command::Review { claim, verdict, points } => {
                let word = ["reject", "return"].get(*verdict).unwrap_or(&"approve");
                let mut review = json!({ "decision": word, "reason": "材料不清" });
                if let Some(points) = points {
                    review["points_each"] = json!(points);
                }
                self.post(who, &format!("{}/reviews", this(claim)?), review).await
            }
            Command::Withdraw { claim } => {
                self.post(who, &format!("{}/withdrawal", this(claim)?), json!({})).await
            }
            Command::Resubmit { claim } => {
                self.post(who, &format!("{}/resubmission", this(claim)?), json!({})).await
            }
            Command::Hear { claim, waive } => {
                let act = if *waive { "waiver" } else { "statement" };
                let body = json!({ "id": new_id(), "act": act, "text": "有话要说" });
                self.post(who, &format!("{}/hearing", this(claim)?), body).await
            }
            Command::Repudiate { claim } => {
                let body = json!({ "reason": "没有人问过我" });
                self.post(who, &format!("{}/repudiation", this(claim)?), body).await
            }
            Command::Remedy { claim } => {
                let body = json!({ "id": new_id(), "note": "已改好" });
                self.post(who, &format!("{}/remediation", this(claim)?), body).await
            }
            Command::Object { line } => {
                let id = new_id();
                let body = json!({ "id": id, "ground": "did_not_happen", "reason": "不实" });
                let path = format!("{village}/public-lists/2024-08/lines/{line}/objections");
                let answer = self.post(who, &path, body).await;
                self.objections.extend((answer.status == 201).then(|| id.to_string()));
                answer
            }
            Command::Decide { verdict } => {
                let objection = self.objections.last()?.clone();
                let word = ["upheld", "dismissed"][*verdict];
                let body = json!({ "decision": word, "reason": "查过了" });
                self.post(who, &format!("{village}/objections/{objection}/decision"), body).await
            }
            Command::Pass { hours } => {
                let now = self.world.app.clock.now();
                self.world.travel(now.plus_seconds(hours * 3600)).await;
                self.people[0].get(&format!("{village}/claims")).await
            }
        };
        Some(answer)
    }

    fn claim(&self, item: usize, household: usize) -> Value {
        let (rule, kinds) = ITEMS[item];
        let evidence: Vec<_> =
            kinds.split(' ').map(|kind| json!({ "kind": kind, "reference": "第7号" })).collect();
        let day = self.world.app.clock.now().day().to_string();
        claim(household, rule, json!({ "occurred_on": day, "evidence": evidence }))
    }
}

/// Any sequence of commands from anybody: each claim goes where it may, what is refused changes nothing,
/// what is repeated is once, and the ledger stays whole (I1 to I6).
#[actix_web::test]
async fn any_sequence_of_commands_ends_in_legal_states() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    let mut done = BTreeMap::<String, usize>::new();
    for _ in 0..4 {
        let steps = proptest::collection::vec((0..1000_usize, command()), 160);
        let steps = steps.new_tree(&mut runner).expect("commands").current();
        let world = World::begins(at("2024-08-21 08:00")).await;
        let mut people = Vec::new();
        for persona in PEOPLE {
            people.push(world.persona(persona).await);
        }
        let mut play = Play { world, people, objections: Vec::new(), done: BTreeMap::new() };
        for (who, command) in steps {
            let before = play.rows().await;
            let Some(answer) = play.play(who, &command).await else { continue };
            let after = play.rows().await;
            let what = format!("{who} {command:?}: {:#}", answer.body);
            if answer.status >= 400 {
                assert_eq!(before, after, "refused, and yet something changed: {what}");
            } else {
                let word = format!("{command:?}").split([' ', '{']).next().unwrap_or("").to_owned();
                *play.done.entry(word).or_default() += 1;
            }
            let hops = if matches!(command, Command::Pass { .. }) { 4 } else { 1 };
            for old in &before {
                let new = after.iter().find(|it| it.id == old.id).expect("no claim vanishes");
                assert!(follows(&old.status, &new.status, hops), "{old:?} -> {new:?}: {what}");
                assert!(new.version >= old.version && new.round >= old.round, "{what}");
                assert!(new == old || new.version > old.version, "a change has a version: {what}");
                seen.insert(new.status.clone());
            }
        }
        play.world.verified().await;
        let heard = "claims c JOIN rules u ON u.rule_set = c.rule_set AND u.key = c.rule \
             WHERE u.requires_hearing AND c.remedies IS NULL AND c.approved_at IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM hearings h WHERE h.claim = c.id)";
        assert_eq!(play.world.count(heard).await, 0);
        for (word, count) in play.done {
            *done.entry(word).or_default() += count;
        }
    }
    println!(
        "figure: claims: 4 sequences of 160 commands by {} people, done {done:?}",
        PEOPLE.len()
    );
    assert!(seen.len() >= 7, "{seen:?}");
}
