//! How long a proposal waits for the household, and when it is over. Computed when somebody asks; no
//! step moves it.

use chrono::Datelike;

use crate::kernel::clock::Instant;

/// Days in which a household from which points would be taken can say what it has to say.
const HEARING_DAYS: i64 = 7;
/// Days in which a proposal is decided, or lapses.
const DECISION_DAYS: i64 = 14;

/// Before this instant nothing is taken from the household; absent if points are given.
pub fn heard_until(row: &entity::adjustment::Model) -> Option<Instant> {
    (row.points < 0).then(|| heard_from(Instant(row.proposed_at)))
}

/// The end of the hearing about what is proposed at this instant.
pub fn heard_from(proposed_at: Instant) -> Instant {
    proposed_at.plus_days(HEARING_DAYS)
}

/// What has become of an adjustment by now: as stored, or `lapsed` if nobody decided in its days.
pub fn status(row: &entity::adjustment::Model, now: Instant) -> &str {
    let over = now >= Instant(row.proposed_at).plus_days(DECISION_DAYS);
    if row.status == "proposed" && over { "lapsed" } else { &row.status }
}

/// Proposals made at this instant or before are over, if nobody decided them.
pub fn lapsed_before(now: Instant) -> Instant {
    now.plus_days(-DECISION_DAYS)
}

/// When the calendar month of this instant began, village time.
pub fn month_began(now: Instant) -> Instant {
    let day = now.day();
    Instant::at_midnight(day.with_day(1).unwrap_or(day))
}
