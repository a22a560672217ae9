//! When a list takes objections, and what a decision does to a line: pure functions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::clock::Instant;
use crate::kernel::problem::{Code, Refusal};

/// Objections are taken from the opening to the last millisecond before the close; the server's
/// receipt decides.
///
/// # Errors
/// `list_not_open` before, with the opening, and after, with who can still do something about it.
pub fn takes_objections(opens: Instant, closes: Instant, now: Instant) -> Result<(), Refusal> {
    if now < opens {
        return Err(Refusal { opens_at: Some(opens), ..Code::ListNotOpen.into() });
    }
    if now >= closes { Err(too_late(closes)) } else { Ok(()) }
}

/// What a late objector is told.
pub fn too_late(closed: Instant) -> Refusal {
    Refusal::from(Code::ListNotOpen).because(format!(
        "公示期已于{closed}结束。如认为有错，可向村积分监督管理委员会或镇政府反映，说明公示月份和行号，由其提出冲正。 \
         The list closed then; only the committee or the township can propose a reversal now: tell \
         them the month and the number of the line."
    ))
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident $word:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $variant),* }

        impl $name {
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The value of this word, as the database keeps it.
            pub fn parse(word: &str) -> Option<Self> {
                [$(Self::$variant),*].into_iter().find(|it| it.as_str() == word)
            }
        }
    };
}

words! {
    /// What an objection says is wrong with a line; nothing else is admissible.
    Ground {
        /// The deed did not happen.
        DidNotHappen "did_not_happen";
        /// It was another household's.
        NotThisHousehold "not_this_household";
        /// The points or their number are wrong.
        WrongPoints "wrong_points";
        /// It was counted before.
        CountedTwice "counted_twice";
        /// The photo, certificate or witness is not genuine.
        EvidenceFalse "evidence_false";
        /// The rule does not give points for this.
        RuleMisapplied "rule_misapplied";
    }
}

words! {
    /// Who appeals.
    AppealSide {
        /// Who filed the objection.
        Filer "filer";
        /// The household of the line.
        Household "household";
    }
}

words! {
    /// Where an objection stands.
    ObjectionStatus {
        Filed "filed";
        /// A recheck was begun.
        Investigating "investigating";
        /// Decided; it can be appealed against.
        Decided "decided";
        Appealed "appealed";
        /// Nothing more can be done about it here.
        Final "final";
    }
}

words! {
    /// What is decided on an objection.
    Decision {
        /// The line stands.
        Dismissed "dismissed";
        /// The line is worth fewer points.
        Amended "amended";
        /// The objection is right: the line is struck.
        Upheld "upheld";
    }
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

/// Whether a side may appeal against a decision: only one that did not get what it wanted. `own` says
/// that the objector is of the household of the line.
pub fn may_appeal((decision, side): (Decision, AppealSide), own: bool) -> bool {
    match (decision, side) {
        (Decision::Amended, _) => true,
        (Decision::Dismissed, AppealSide::Filer) => true,
        (Decision::Upheld, AppealSide::Household) => !own,
        (Decision::Dismissed, AppealSide::Household) => own,
        (Decision::Upheld, AppealSide::Filer) => false,
    }
}

/// What the decision on an appeal changes: signed points to take back besides, or to give back. One of
/// them is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    pub reversed: i64,
    pub restored: i64,
}

/// What a decision on appeal changes of a line that was worth `before` until the first decision made it
/// `after`. What is given back is at most what the first decision took.
///
/// # Errors
/// `outside_range` as for [`effect`].
pub fn revise(
    decision: Decision,
    before: i64,
    after: i64,
    amended_to: Option<i64>,
) -> Result<Revision, Refusal> {
    let target = before - effect(decision, before, amended_to)?.reversed;
    let more = after - target;
    match more.signum() == before.signum() {
        true => Ok(Revision { reversed: more, restored: 0 }),
        false => Ok(Revision { reversed: 0, restored: -more }),
    }
}

/// What the first decision left of a line that was worth `before`.
pub fn left(decision: Decision, before: i64, points_after: Option<i64>) -> i64 {
    match decision {
        Decision::Dismissed => before,
        Decision::Amended => points_after.unwrap_or(before),
        Decision::Upheld => 0,
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
    #[test]
    fn who_comes_too_early_learns_when_and_who_comes_too_late_whom_to_ask() {
        let opens = at("2024-09-02T00:00:00+08:00");
        let closes = at("2024-09-09T00:00:00+08:00");
        let refused = |now| takes_objections(opens, closes, now).expect_err("not open");
        assert_eq!(refused(Instant(opens.0 - 1)).opens_at, Some(opens));
        let late = refused(closes).detail.expect("a way out");
        assert!(late.contains("监督管理委员会") && late.contains("reversal"), "{late}");
    }

    #[test]
    fn only_who_lost_something_appeals() {
        use AppealSide::{Filer, Household};
        let may = |decision, side| may_appeal((decision, side), false);
        assert!(may(Decision::Dismissed, Filer) && !may(Decision::Dismissed, Household));
        assert!(!may(Decision::Upheld, Filer) && may(Decision::Upheld, Household));
        assert!(may(Decision::Amended, Filer) && may(Decision::Amended, Household));
        assert!(!may_appeal((Decision::Upheld, Household), true));
    }

    #[test]
    fn an_appeal_takes_the_rest_or_gives_back_what_was_taken() {
        let revise = |decision, before, after, to| {
            revise(decision, before, after, to).map(|it| (it.reversed, it.restored)).ok()
        };
        assert_eq!(revise(Decision::Upheld, 5, 5, None), Some((5, 0)));
        assert_eq!(revise(Decision::Amended, 5, 5, Some(2)), Some((3, 0)));
        assert_eq!(revise(Decision::Dismissed, 5, 5, None), Some((0, 0)));
        assert_eq!(revise(Decision::Dismissed, 5, 0, None), Some((0, 5)));
        assert_eq!(revise(Decision::Amended, 5, 0, Some(2)), Some((0, 2)));
        assert_eq!(revise(Decision::Upheld, 5, 0, None), Some((0, 0)));
        assert_eq!(revise(Decision::Amended, 5, 3, Some(4)), Some((0, 1)));
        assert_eq!(revise(Decision::Amended, 5, 3, Some(1)), Some((2, 0)));
        assert_eq!(revise(Decision::Dismissed, -10, 0, None), Some((0, -10)));
        assert_eq!(revise(Decision::Upheld, -10, -10, None), Some((-10, 0)));
        assert_eq!(revise(Decision::Amended, 5, 0, Some(5)), None);
        assert_eq!(revise(Decision::Dismissed, 0, 0, None), Some((0, 0)));
    }
}
