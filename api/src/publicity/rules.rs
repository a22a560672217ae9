//! When a list takes objections, and what a decision does to a line: pure functions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::clock::Instant;
use crate::kernel::problem::{Code, Refusal};

/// Objections are taken from the opening to the last millisecond before the close; the server's
/// receipt decides.
///
/// # Errors
/// `list_not_open` before and after.
pub fn takes_objections(opens: Instant, closes: Instant, now: Instant) -> Result<(), Refusal> {
    if opens <= now && now < closes { Ok(()) } else { Err(Code::ListNotOpen.into()) }
}

/// What the committee decides on an objection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The line stands.
    Dismissed,
    /// The line is worth fewer points.
    Amended,
    /// The objection is right: the line is struck.
    Upheld,
}

/// What becomes of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The line's new state on the list.
    pub status: &'static str,
    /// Signed points to take back of what was awarded and not reversed before.
    pub reversed: i64,
}

/// What a decision does to a line that is worth `points` now; `amended_to` is the new worth when the
/// decision is to amend.
///
/// # Errors
/// `outside_range` if an amended line would not lie strictly between 0 and its present worth.
pub fn effect(decision: Decision, points: i64, amended_to: Option<i64>) -> Result<Effect, Refusal> {
    let out = || {
        Refusal::from(Code::OutsideRange).at("/points", "range", format!("between 0 and {points}"))
    };
    match (decision, amended_to) {
        (Decision::Dismissed, None) => Ok(Effect { status: "upheld", reversed: 0 }),
        (Decision::Upheld, None) => Ok(Effect { status: "struck", reversed: points }),
        (Decision::Amended, Some(to)) => {
            let smaller = to.abs() < points.abs() && to != 0 && to.signum() == points.signum();
            let effect = Effect { status: "adjusted", reversed: points - to };
            if smaller { Ok(effect) } else { Err(out()) }
        }
        (Decision::Amended, None) | (Decision::Dismissed | Decision::Upheld, Some(_)) => Err(out()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    #[test]
    fn the_last_millisecond_of_the_list_still_counts() {
        let opens = at("2024-09-02T00:00:00+08:00");
        let closes = at("2024-09-09T00:00:00+08:00");
        let ok = |now: &str| takes_objections(opens, closes, at(now)).is_ok();
        assert!(!ok("2024-09-01T23:59:59.999+08:00"));
        assert!(ok("2024-09-02T00:00:00.000+08:00"));
        assert!(ok("2024-09-08T23:59:59.999+08:00"));
        assert!(!ok("2024-09-09T00:00:00.000+08:00"));
    }

    #[test]
    fn a_decision_leaves_strikes_or_lessens_the_line() {
        assert_eq!(effect(Decision::Dismissed, 5, None).map(|it| it.reversed), Ok(0));
        assert_eq!(effect(Decision::Upheld, 5, None).map(|it| it.reversed), Ok(5));
        assert_eq!(effect(Decision::Upheld, -5, None).map(|it| it.reversed), Ok(-5));
        assert_eq!(effect(Decision::Amended, 5, Some(2)).map(|it| it.reversed), Ok(3));
        for to in [0, 5, 6, -2] {
            assert!(effect(Decision::Amended, 5, Some(to)).is_err(), "{to}");
        }
        assert!(effect(Decision::Amended, 5, None).is_err());
        assert!(effect(Decision::Dismissed, 5, Some(2)).is_err());
    }
}
