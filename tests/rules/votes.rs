use serde_json::{Value, json};

use super::{consulted, draft, drafted, sets, vote};
use crate::support::{HERE, NEXT, at, new_id};

fn cast(change: impl FnOnce(&mut Value)) -> Value {
    let mut vote = vote();
    change(&mut vote);
    vote
}

#[actix_web::test]
async fn nobody_votes_before_the_village_has_read_it_for_seven_days() {
    let (world, path) = drafted(|_| ()).await;
    let committee = world.official("committee", HERE).await;
    let adoption = format!("{path}/adoption");
    let early = committee.post(&adoption, vote()).await.refused(409, "wrong_state");
    assert_eq!(early["current"], "draft");
    for days in [0, 6, 61] {
        let body = json!({ "days": days });
        committee.post(&format!("{path}/consultation"), body).await.refused(422, "invalid_field");
    }
    committee.post(&format!("{path}/consultation"), json!({ "days": 7 })).await.ok();
    let twice = committee.post(&format!("{path}/consultation"), json!({ "days": 7 })).await;
    twice.refused(409, "wrong_state");
    world.travel(at("2024-08-08 23:59:59.999")).await;
    let refused = committee.post(&adoption, vote()).await.refused(409, "consultation_open");
    assert_eq!(refused["opens_at"], "2024-08-09T00:00:00.000+08:00");
    world.travel(at("2024-08-09 00:00")).await;
    for held_on in ["2024-08-08", "2024-08-10"] {
        let body = cast(|it| it["held_on"] = json!(held_on));
        committee.post(&adoption, body).await.refused(422, "invalid_field");
    }
    assert_eq!(world.count("rule_votes").await, 0);
    committee.post(&adoption, cast(|it| it["held_on"] = json!("2024-08-09"))).await.ok();
}

#[actix_web::test]
async fn a_vote_that_does_not_carry_is_recorded_and_another_may_be_held() {
    let (world, path) = consulted(|_| ()).await;
    let committee = world.official("committee", HERE).await;
    let adoption = format!("{path}/adoption");
    // Of ten households seven are two thirds and more, of seven four are more than half.
    let few = cast(|it| (it["present"], it["in_favour"]) = (json!(6), json!(5)));
    let few = committee.post(&adoption, few).await.ok();
    assert_eq!(
        (&few["carried"], &few["because"], &few["entitled"], &few["present_needed"]),
        (&json!(false), &json!("no_quorum"), &json!(10), &json!(7))
    );
    let half = cast(|it| (it["in_favour"], it["against"]) = (json!(4), json!(4)));
    let half = committee.post(&adoption, half).await.ok();
    assert_eq!((&half["because"], &half["in_favour_needed"]), (&json!("no_majority"), &json!(5)));
    assert_eq!(committee.get(&path).await.ok()["status"], "consulting");
    let township = world.official("township", "460205100").await;
    let publication = format!("{path}/publication");
    township.post(&publication, json!({})).await.refused(409, "wrong_state");
    let carried = cast(|it| {
        (it["present"], it["in_favour"], it["against"]) = (json!(7), json!(4), json!(3));
        it["held_on"] = json!("2024-08-19");
    });
    // What was voted down is not asked again at once, of whomever.
    let friends = cast(|it| {
        (it["electorate"], it["entitled"]) = (json!("representatives"), json!(1));
        (it["present"], it["in_favour"], it["against"]) = (json!(1), json!(1), json!(0));
    });
    committee.post(&adoption, friends).await.refused(409, "consultation_open");
    world.travel(at("2024-08-19 09:00")).await;
    assert_eq!(committee.post(&adoption, carried.clone()).await.ok()["carried"], true);
    let whole = committee.get(&path).await.ok();
    assert_eq!(whole["status"], "adopted");
    assert_eq!(whole["votes"].as_array().map(Vec::len), Some(3));
    assert_eq!(world.count("rule_votes WHERE carried").await, 1);
    assert_eq!(world.count("audit_events WHERE action = 'rule_set.vote'").await, 3);
    committee.post(&adoption, vote()).await.refused(409, "wrong_state");
}

/// Each household has a head and a spouse whose birthdays nobody knows: twenty adults.
#[actix_web::test]
async fn who_could_have_come_is_counted_from_the_villages_files() {
    let (world, path) = consulted(|_| ()).await;
    let spouses = format!("village = '{HERE}' AND NOT is_head");
    // Ten heads, and of their spouses three who are eighteen that day, one a day too young.
    let of = |day: &str, numbers: &str| {
        format!(
            "UPDATE members SET born_on = '{day}' WHERE {spouses} AND household IN \
             (SELECT id FROM households WHERE village = '{HERE}' AND number IN ({numbers}))"
        )
    };
    world.run(&of("2006-08-11", "4, 5, 6, 7, 8, 9, 10")).await;
    world.run(&of("2006-08-10", "1, 2, 3")).await;
    let committee = world.official("committee", HERE).await;
    let adults = |present: i64| {
        cast(|it| {
            it["electorate"] = json!("adults");
            (it["present"], it["in_favour"], it["against"]) =
                (json!(present), json!(present), json!(0));
        })
    };
    let adoption = format!("{path}/adoption");
    let six = committee.post(&adoption, adults(6)).await.ok();
    assert_eq!(
        (&six["entitled"], &six["present_needed"], &six["carried"]),
        (&json!(13), &json!(7), &json!(false))
    );
    let seven = committee.post(&adoption, adults(7)).await.ok();
    assert_eq!(seven["carried"], true);
}

#[actix_web::test]
async fn a_vote_that_cannot_be_is_refused_and_not_recorded() {
    let (world, path) = consulted(|_| ()).await;
    let committee = world.official("committee", HERE).await;
    let adoption = format!("{path}/adoption");
    let cases = [
        cast(|it| it["present"] = json!(11)),
        cast(|it| it["in_favour"] = json!(8)),
        cast(|it| it["present"] = json!(-1)),
        cast(|it| it["entitled"] = json!(4)),
        cast(|it| it["electorate"] = json!("representatives")),
        cast(|it| it["minutes"] = json!("\u{200b}")),
        cast(|it| it["id"] = json!("0192f0c1-7a52-4c3e-9c58-2f1f6f0c9a11")),
    ];
    for body in cases {
        committee.post(&adoption, body).await.refused(422, "invalid_field");
    }
    let electorate = cast(|it| it["electorate"] = json!("everybody"));
    committee.post(&adoption, electorate).await.refused(400, "malformed_json");
    assert_eq!(world.count("rule_votes").await, 0);
    let representatives = cast(|it| {
        it["electorate"] = json!("representatives");
        it["entitled"] = json!(12);
    });
    let voted = committee.post(&adoption, representatives).await.ok();
    assert_eq!((&voted["present_needed"], &voted["carried"]), (&json!(8), &json!(true)));
}

#[actix_web::test]
async fn only_the_committee_of_the_village_records_votes() {
    let (world, path) = consulted(|_| ()).await;
    let adoption = format!("{path}/adoption");
    for (office, code, status, refusal) in [
        ("township", "460205100", 403, "role_required"),
        ("panel", HERE, 403, "role_required"),
        ("committee", NEXT, 404, "not_found"),
    ] {
        let actor = world.official(office, code).await;
        actor.post(&adoption, vote()).await.refused(status, refusal);
    }
    // Under one's own village another's draft is unknown.
    let next = world.official("committee", NEXT).await;
    next.post(&adoption.replace(HERE, NEXT), vote()).await.refused(404, "not_found");
    assert_eq!(world.count("rule_votes").await, 0);
}

/// What the rules promise the database holds too.
#[actix_web::test]
async fn the_database_refuses_what_was_not_voted_on() {
    let (world, path) = consulted(|_| ()).await;
    let committee = world.official("committee", HERE).await;
    let few = cast(|it| (it["present"], it["in_favour"]) = (json!(6), json!(5)));
    committee.post(&format!("{path}/adoption"), few).await.ok();
    for sql in [
        "UPDATE rule_drafts SET status = 'adopted'",
        "UPDATE rule_drafts SET content = '{}'",
        "UPDATE rule_votes SET carried = TRUE",
        "DELETE FROM rule_votes",
        "INSERT INTO rule_votes SELECT village, draft, recorded_by, held_on, electorate, entitled, \
         present, in_favour, against, minutes, TRUE, recorded_by, at FROM rule_votes",
    ] {
        let written =
            world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, []).await?)).await;
        assert!(written.is_err(), "{sql}");
    }
    // Another draft does not live by this one's votes.
    let other = draft("2024-12-30", |it| it["version"] = json!(new_id().to_string()));
    committee.post(&sets(HERE), other).await.ok();
}
