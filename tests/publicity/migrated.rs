//! What was decided before there were appeals.

use api::kernel::clock::{Clock, Instant};
use migration::{Migrator, MigratorTrait};
use serde_json::json;

use super::{appealed, decided, id_of, look, object, points, published, township, verdict};
use crate::support::{HERE, World, at};

const DAY_MS: i64 = 86_400_000;

/// Down to before objections had appeals, and up again.
async fn upgraded(world: &World) {
    // So that nothing is left to do while the schema changes.
    world.settled().await;
    let steps = Migrator::migrations();
    let ours = steps.iter().position(|step| step.name().ends_with("extend_objections"));
    let down = u32::try_from(steps.len() - ours.expect("a step")).expect("a number");
    Migrator::down(world.app.db.schema(), Some(down)).await.expect("down");
    Migrator::up(world.app.db.schema(), None).await.expect("up");
    // As the server does when it starts.
    api::proof::seal_missing(&world.app).await.expect("sealed");
}

/// What is a week old is final; what is younger can be appealed against for what is left of its week.
#[actix_web::test]
async fn decisions_of_the_last_week_can_still_be_appealed_against_after_the_upgrade() {
    let world = published().await;
    let (old, young) = (object(&world, 3, 1).await, object(&world, 4, 2).await);
    let twice = object(&world, 5, 2).await;
    decided(&world, &old, "dismissed").await;
    decided(&world, &young, "dismissed").await;
    decided(&world, &twice, "dismissed").await;
    // Migrations go by the real clock.
    let now = Clock::System.now().0;
    let aged = async |objection: &str, days: i64| {
        let at = now - days * DAY_MS;
        let id = world.uuid(id_of(objection));
        let sql = format!("UPDATE objections SET decided_at = {at} WHERE id = {id}");
        assert_eq!(world.run(&sql).await, 1);
        Instant(at)
    };
    aged(&old, 8).await;
    let decided_at = aged(&young, 6).await;
    aged(&twice, 6).await;
    // In the same household's name a later one was decided on the same line: the last can be appealed.
    let later = world.uuid(crate::support::new_id());
    let sql = format!(
        "INSERT INTO objections (village, id, month, number, line, filed_by, filer_household, \
           reason, status, filed_at, decision, decided_by, decided_at, decided_reason) \
         SELECT village, {later}, month, number, line, filed_by, filer_household, reason, 'final', \
           filed_at, decision, decided_by, decided_at + 1, decided_reason \
         FROM objections WHERE id = {}",
        world.uuid(id_of(&twice))
    );
    assert_eq!(world.run(&sql).await, 1);
    world.run("DROP INDEX objections_one_open").await;
    world.run("CREATE UNIQUE INDEX objections_one_open ON objections (village, id)").await;
    world.run("UPDATE objections SET status = 'decided'").await;
    world.run(&format!("UPDATE villages SET next_due_at = {}", now + 30 * DAY_MS)).await;
    upgraded(&world).await;

    assert_eq!(world.count("objections WHERE status = 'final' AND due_at IS NULL").await, 2);
    let filer = world.head(HERE, 3).await;
    let shown = filer.get(&old).await.ok();
    assert_eq!((&shown["status"], &shown["allowed_actions"]), (&json!("final"), &json!([])));
    appealed(&filer, &old).await.refused(409, "wrong_state");
    // The calendar knows of it.
    let due = decided_at.plus_days(7);
    assert_eq!(world.count(&format!("villages WHERE next_due_at = {}", due.0)).await, 1);
    let filer = world.head(HERE, 4).await;
    let shown = filer.get(&young).await.ok();
    assert_eq!(
        (&shown["status"], &shown["decided_body"]),
        (&json!("decided"), &json!("committee"))
    );
    assert_eq!(shown["appeal_until"], due.to_string());
    assert_eq!(shown["allowed_actions"], json!(["appeal"]));
    appealed(&filer, &young).await.ok();
    let decision = format!("{young}/appeal/decision");
    let done = township(&world).await.post(&decision, verdict("upheld")).await.ok();
    assert_eq!(done["status"], "final");
    assert_eq!(points(&world, 2).await, (0, 0));
    world.verified().await;
}

/// What nobody appeals against becomes final when its week is over.
#[actix_web::test]
async fn an_upgraded_decision_becomes_final_after_its_week() {
    let world = published().await;
    let young = object(&world, 3, 1).await;
    decided(&world, &young, "dismissed").await;
    let decided_at = Clock::System.now().0 - 6 * DAY_MS;
    world.run(&format!("UPDATE objections SET decided_at = {decided_at}")).await;
    upgraded(&world).await;
    let due = Instant(decided_at).plus_days(7);
    // Further than the sandbox goes at once.
    assert!(world.app.clock.advance_to(due));
    look(&world).await;
    let sql = format!("objections WHERE status = 'final' AND final_at = {}", due.0);
    assert_eq!(world.count(&sql).await, 1);
    assert!(due > at("2024-09-03 10:00"));
}
