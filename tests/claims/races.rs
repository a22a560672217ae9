use futures::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::{Actor, HERE, World, at, claim, grid_of};

fn approve() -> Value {
    json!({ "decision": "approve" })
}

/// A claim of household `number` that waits for the panel: its head, and where it is.
async fn prechecked(world: &World, number: usize) -> (Actor, String) {
    let body = claim(
        number,
        "ent.coop",
        json!({
            "occurred_on": "2024-08-20",
            "evidence": [{ "kind": "certificate", "reference": "入社证" }],
        }),
    );
    let head = world.head(HERE, number).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    let filed = head.post(&claims, body).await.ok();
    let this = format!("{claims}/{}", filed["id"].as_str().expect("an id"));
    let worker = world.official("grid_worker", &grid_of(HERE, number)).await;
    worker.post(&format!("{this}/reviews"), approve()).await.ok();
    (head, this)
}

#[actix_web::test]
async fn of_two_last_approvals_one_counts() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let panel = [world.official("panel", HERE).await, world.official("panel_2", HERE).await];
    for number in 1..=10 {
        let (_, this) = prechecked(&world, number).await;
        let reviews = format!("{this}/reviews");
        let sent = panel.iter().map(|member| member.post(&reviews, approve()));
        let answers = join_all(sent).await;
        let done = answers.iter().filter(|it| it.status == 201).count();
        let late = answers.iter().filter(|it| it.body["code"] == "wrong_state").count();
        assert_eq!((done, late), (1, 1), "{answers:?}");
    }
    assert_eq!(world.count("reviews").await, 20);
    assert_eq!(world.count("claims WHERE status = 'approved' AND version = 3").await, 10);
    world.verified().await;
}

#[actix_web::test]
async fn approved_or_withdrawn_but_never_both() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let panel = world.official("panel", HERE).await;
    for number in 1..=10 {
        let (head, this) = prechecked(&world, number).await;
        let (reviews, withdrawal) = (format!("{this}/reviews"), format!("{this}/withdrawal"));
        // Each goes first in turn.
        let (approved, withdrawn) = match number % 2 {
            0 => join(panel.post(&reviews, approve()), head.post(&withdrawal, json!({}))).await,
            _ => {
                let both = join(head.post(&withdrawal, json!({})), panel.post(&reviews, approve()));
                let (withdrawn, approved) = both.await;
                (approved, withdrawn)
            }
        };
        let status = head.get(&this).await.ok()["status"].clone();
        match (approved.status, withdrawn.status) {
            (201, 409) => assert_eq!(status, "approved"),
            (409, 200) => assert_eq!(status, "withdrawn"),
            other => panic!("{other:?}"),
        }
    }
    world.travel(at("2024-08-26 08:00")).await;
    panel.get(&format!("/v1/villages/{HERE}/score-sheets/2024-W34")).await.ok();
    let approved = world.count("claims WHERE status = 'scored'").await;
    assert_eq!(world.count("score_lines").await, approved);
    world.verified().await;
}

/// The clock passes Monday 00:00 while ten approvals are under way.
#[actix_web::test]
async fn an_approval_at_the_weeks_end_is_on_exactly_one_sheet() {
    let world = World::begins(at("2024-08-25 23:59:59.000")).await;
    let panel = world.official("panel", HERE).await;
    let mut reviews = Vec::new();
    for number in 1..=10 {
        reviews.push(format!("{}/reviews", prechecked(&world, number).await.1));
    }
    let approvals = async {
        join_all(reviews.iter().map(|path| async {
            let mut answer = panel.post(path, approve()).await;
            // The week ended between: what the client is told to do.
            while answer.status == 503 {
                answer = panel.post(path, approve()).await;
            }
            answer.ok()["week"].clone()
        }))
        .await
    };
    let (weeks, ()) = join(approvals, world.travel(at("2024-08-26 00:00"))).await;
    world.travel(at("2024-09-02 08:00")).await;
    for week in ["2024-W34", "2024-W35"] {
        let sheet = format!("/v1/villages/{HERE}/score-sheets/{week}");
        let sheet = panel.get(&sheet).await.ok();
        let here = weeks.iter().filter(|it| **it == week).count();
        assert_eq!(sheet["line_count"], here, "{weeks:?}");
    }
    assert_eq!(world.count("score_lines").await, 10);
    world.verified().await;
}
