use crate::support::World;
use crate::year::{Life, Lived, Pace};

/// The last quarter of 2024, its shop, and the end of the year: twenty weeks over three villages.
async fn live(days_late: i64) -> Lived {
    let pace = Pace {
        first: "2024-W40".parse().expect("a week"),
        weeks: 20,
        deeds_per_hundred: 80,
        claims: 1,
        objections: 1,
        redemptions: 2,
        reversals: 1,
    };
    let world = World::begins(pace.first.starts_at()).await;
    let life = Life::of(&world.app, &world.base, world.anybody().client, pace).await;
    life.live(days_late).await
}

#[actix_web::test]
async fn weeks_with_the_jobs_three_days_late_end_in_the_same_rows() {
    let (on_time, late) = (live(0).await, live(3).await);
    assert_eq!(on_time.done, late.done);
    assert_eq!(on_time.digests, late.digests);
    let closing = [on_time.closing, late.closing];
    println!("figure: twenty weeks, twice: {:?}; closing took {closing:.1?} s", on_time.done);
}
