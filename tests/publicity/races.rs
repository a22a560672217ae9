//! Two at once, over connections of their own.

use futures::future::{join, join_all};

use super::{appealed, decided, line, object, objection, published, verdict};
use crate::support::{HERE, World, at};

#[actix_web::test]
async fn of_two_decisions_one_counts() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    for number in 1..=8 {
        world.earn(number, 10).await;
    }
    world.travel(at("2024-09-03 10:00")).await;
    let members = [
        world.official("committee", HERE).await,
        world.official("committee_2", HERE).await,
        world.official("committee_3", HERE).await,
    ];
    for number in 1..=8 {
        let decision = format!("{}/decision", object(&world, 9, number).await);
        let words = ["upheld", "dismissed", "upheld"];
        let sent = members.iter().zip(words).map(|(it, word)| it.post(&decision, verdict(word)));
        let answers = join_all(sent).await;
        let done = answers.iter().filter(|it| it.status == 201).count();
        let late = answers.iter().filter(|it| it.body["code"] == "wrong_state").count();
        assert_eq!((done, late), (1, 2), "{answers:?}");
    }
    assert_eq!(world.count("objections WHERE status = 'decided'").await, 8);
    world.verified().await;
}

#[actix_web::test]
async fn of_two_appeals_one_counts_and_it_is_decided_once() {
    let world = published().await;
    let objection = object(&world, 3, 1).await;
    let amended = serde_json::json!({ "decision": "amended", "points": 9, "reason": "核减" });
    let committee = world.official("committee", HERE).await;
    committee.post(&format!("{objection}/decision"), amended).await.ok();
    let (filer, household) = (world.head(HERE, 3).await, world.head(HERE, 1).await);
    let (one, two) = join(appealed(&filer, &objection), appealed(&household, &objection)).await;
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [201, 409]);
    let township = super::township(&world).await;
    let decision = format!("{objection}/appeal/decision");
    let sent = ["upheld", "dismissed", "upheld"].map(|it| township.post(&decision, verdict(it)));
    let answers = join_all(sent).await;
    assert_eq!(answers.iter().filter(|it| it.status == 201).count(), 1, "{answers:?}");
    assert_eq!(world.count("appeals WHERE decided_at IS NOT NULL").await, 1);
    world.verified().await;
}

/// The server's receipt decides: contested and pending, or refused and spendable, never between.
#[actix_web::test]
async fn an_objection_comes_before_the_close_or_after_it() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    for number in 1..=8 {
        world.earn(number, 10).await;
    }
    world.travel(at("2024-09-08 23:59:59.999")).await;
    let mut filers = Vec::new();
    for _ in 0..8 {
        filers.push(world.head(HERE, 9).await);
    }
    let early: Vec<_> = (1..=4).map(|it| (it, line(it), objection())).collect();
    let late: Vec<_> = (5..=8).map(|it| (it, line(it), objection())).collect();
    let send = |(at, path, body): &(i64, String, serde_json::Value)| {
        let filer = filers[usize::try_from(*at - 1).expect("small")].clone();
        let (number, path, body) = (*at, path.clone(), body.clone());
        async move { (number, filer.post(&path, body).await) }
    };
    let (first, (_, second)) = join(
        join_all(early.iter().map(send)),
        join(world.travel(at("2024-09-09 00:00")), join_all(late.iter().map(send))),
    )
    .await;
    let mut contested = 0;
    for (number, answer) in first.into_iter().chain(second) {
        let accepted = match (answer.status, answer.body["code"].as_str()) {
            (201, _) => true,
            (409, Some("list_not_open")) | (503, Some("busy")) => false,
            _ => panic!("{answer:?}"),
        };
        contested += i64::from(accepted);
        let status = if accepted { "contested" } else { "open" };
        let confirmed = if accepted { "confirmed_at IS NULL" } else { "confirmed_at IS NOT NULL" };
        super::look(&world).await;
        let row = format!(
            "public_list_lines WHERE number = {number} AND status = '{status}' AND {confirmed}"
        );
        assert_eq!(world.count(&row).await, 1, "line {number}: {accepted}");
    }
    assert_eq!(world.count("objections").await, contested);
    world.verified().await;
}

/// A decision against the close: the points are confirmed once, by one or the other.
#[actix_web::test]
async fn a_decision_at_the_close_confirms_once() {
    for _ in 0..3 {
        let world = published().await;
        let objection = object(&world, 3, 1).await;
        world.travel(at("2024-09-08 23:59:59.999")).await;
        let committee = world.official("committee", HERE).await;
        let decision = format!("{objection}/decision");
        let sent = committee.post(&decision, verdict("dismissed"));
        let (_, answer) = join(world.travel(at("2024-09-09 00:00")), sent).await;
        if answer.status == 503 {
            decided(&world, &objection, "dismissed").await;
        }
        assert_eq!(super::points(&world, 1).await, (0, 30));
        world.verified().await;
    }
}
