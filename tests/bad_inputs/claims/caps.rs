//! C26: twenty claims at once for what counts once or twice a year.

use futures::future::join_all;
use serde_json::json;

use super::super::Catalogue;
use super::{claims, with, worker};
use crate::support::{HERE, World, at, claim};

pub async fn try_all(catalogue: &mut Catalogue) {
    // The rule, points asked for each, and what its cap lets through.
    for (rule, each, times, points) in [
        ("con.fund_raise", 3, 2, 6),
        ("ent.coop", 3, 1, 3),
        ("con.land_give", 20, 1, 20),
        ("pub.donate", 8, 3, 20),
    ] {
        let world = World::begins(at("2024-08-28 08:00")).await;
        let zhang = world.head(HERE, 1).await;
        let bodies = (1..=20).map(|day| {
            let kinds = ["certificate", "committee_record"];
            let evidence = kinds.map(|kind| json!({ "kind": kind, "reference": "第7号" }));
            let body = claim(1, rule, json!({ "points_each": each, "evidence": evidence }));
            with(body, json!({ "occurred_on": format!("2024-08-{day:02}") }))
        });
        let bodies: Vec<_> = bodies.collect();
        let path = claims();
        let sent = join_all(bodies.iter().map(|body| zhang.post(&path, body.clone()))).await;
        let taken = sent.iter().all(|answer| answer.status == 201);
        catalogue.check("C26", &format!("{rule}: all twenty are taken"), taken);
        let ids: Vec<_> = bodies.iter().map(|body| body["id"].clone()).collect();
        let reviews =
            ids.iter().map(|id| json!({ "claim": id, "review": { "decision": "approve" } }));
        let batch = json!({ "reviews": reviews.collect::<Vec<_>>() });
        let path = format!("/v1/villages/{HERE}/reviews/batch");
        for who in [worker(&world).await, world.official("panel", HERE).await] {
            who.post(&path, batch.clone()).await.ok();
        }
        world.travel(at("2024-09-02 00:00")).await;
        super::settle(&world).await;
        let lines = |rest: &str| format!("score_lines WHERE kind = 'claim' {rest}");
        let counted = world.count(&lines("AND awarded > 0")).await;
        catalogue.check("C26", &format!("{rule}: {times} count"), counted == times);
        let path = format!(
            "/v1/villages/{HERE}/households/{}/points",
            crate::support::household_id(HERE, 1)
        );
        let sum = zhang.get(&path).await.ok()["cumulative"].clone();
        catalogue.check("C26", &format!("{rule}: {points} points, not {sum}"), sum == points);
        let none = world.count(&lines("AND awarded = 0 AND reason = 'cap_exhausted'")).await;
        catalogue.check("C26", &format!("{rule}: the rest is told why"), none == 20 - times);
        world.verified().await;
    }
}
