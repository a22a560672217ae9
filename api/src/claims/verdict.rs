//! What a decision makes of a claim, and the terms that follow from one: pure functions of plain values.

use chrono::Days;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::clock::Instant;
use crate::rules::Rule;

/// What a reviewer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Approve,
    Reject,
    /// 退回补正: the family puts it right and hands it in again.
    Return,
}

/// What one more decision makes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The step needs more votes.
    Stay,
    /// On to the step of this index.
    Step(usize),
    Approved,
    Rejected,
    Returned,
}

/// The votes at a step before one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes {
    pub approvals: i64,
    pub rejections: i64,
    /// How many must approve.
    pub needed: i64,
    /// How many may vote.
    pub able: i64,
}

/// What follows when one more person decides at `step` of a chain of `steps`.
///
/// Where one approval suffices, one rejection does too. In a vote a rejection is a vote: the claim is
/// rejected when those who have not voted could no longer carry it.
pub fn decide(steps: usize, step: usize, votes: Votes, verdict: Verdict) -> Next {
    let Votes { approvals, rejections, needed, able } = votes;
    match verdict {
        // In a vote, one who would return it votes against it; the last such vote says which.
        Verdict::Reject | Verdict::Return if needed > 1 && able - (rejections + 1) >= needed => {
            Next::Stay
        }
        Verdict::Reject => Next::Rejected,
        Verdict::Return => Next::Returned,
        Verdict::Approve if approvals + 1 < needed => Next::Stay,
        Verdict::Approve if step + 1 < steps => Next::Step(step + 1),
        Verdict::Approve => Next::Approved,
    }
}

/// What was returned and not handed in again lapses after so many days (2.5).
pub const LAPSE_DAYS: i64 = 14;

/// Until when a deduction approved at `approved` can be put right; `None` where the rule gives no term.
pub fn remedied_until(rule: &Rule, approved: Instant) -> Option<Instant> {
    let days = rule.remediation_days.filter(|_| rule.refund_on_remediation)?;
    term_ends(approved, days)
}

/// The midnight after the last of so many days, the day of `from` not counted.
pub fn term_ends(from: Instant, days: i64) -> Option<Instant> {
    let days = u64::try_from(days).ok()?;
    Some(Instant::at_midnight(from.day() + Days::new(days + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn votes(approvals: i64, rejections: i64, needed: i64, able: i64) -> Votes {
        Votes { approvals, rejections, needed, able }
    }

    proptest! {
        /// A chain ends approved after exactly the approvals its steps ask for, never sooner.
        #[test]
        fn a_chain_is_walked_with_exactly_the_approvals_it_asks_for(
            needs in proptest::collection::vec(1_i64..4, 1..5),
        ) {
            let (mut at, mut here, mut given) = (0, 0, 0);
            loop {
                let before = votes(here, 0, needs[at], 5);
                given += 1;
                match decide(needs.len(), at, before, Verdict::Approve) {
                    Next::Stay => here += 1,
                    Next::Step(step) => (at, here) = (step, 0),
                    Next::Approved => break,
                    Next::Rejected | Next::Returned => prop_assert!(false),
                }
            }
            prop_assert_eq!(given, needs.iter().sum::<i64>());
        }

        /// A vote ends, whatever is voted, and with the majority of those who may vote.
        #[test]
        fn a_vote_is_carried_by_those_it_needs_and_lost_when_they_can_no_longer_be_found(
            able in 3_i64..9, order in proptest::collection::vec(any::<bool>(), 9),
        ) {
            let needed = (able / 2 + 1).max(3);
            let (mut approvals, mut rejections) = (0, 0);
            for approve in order.into_iter().take(usize::try_from(able).unwrap_or(0)) {
                let verdict = if approve { Verdict::Approve } else { Verdict::Reject };
                let next = decide(1, 0, votes(approvals, rejections, needed, able), verdict);
                if approve { approvals += 1 } else { rejections += 1 }
                match next {
                    Next::Approved => {
                        prop_assert!(approvals >= needed);
                        return Ok(());
                    }
                    Next::Rejected => {
                        prop_assert!(able - rejections < needed);
                        return Ok(());
                    }
                    _ => {}
                }
            }
            prop_assert!(false, "the vote did not end");
        }
    }

    #[test]
    fn where_one_decides_one_rejection_ends_the_claim() {
        let one = votes(0, 0, 1, 4);
        assert_eq!(decide(2, 0, one, Verdict::Reject), Next::Rejected);
        assert_eq!(decide(2, 0, one, Verdict::Return), Next::Returned);
        assert_eq!(decide(2, 0, one, Verdict::Approve), Next::Step(1));
        assert_eq!(decide(2, 1, one, Verdict::Approve), Next::Approved);
    }

    #[test]
    fn one_vote_against_does_not_end_a_vote_that_can_still_be_carried() {
        assert_eq!(decide(1, 0, votes(0, 0, 3, 5), Verdict::Reject), Next::Stay);
        assert_eq!(decide(1, 0, votes(0, 2, 3, 5), Verdict::Reject), Next::Rejected);
        assert_eq!(decide(1, 0, votes(0, 0, 3, 3), Verdict::Reject), Next::Rejected);
        assert_eq!(decide(1, 0, votes(2, 0, 3, 5), Verdict::Return), Next::Stay);
        assert_eq!(decide(1, 0, votes(0, 2, 3, 5), Verdict::Return), Next::Returned);
    }

    #[test]
    fn a_deduction_is_put_right_until_the_end_of_the_last_day() {
        let approved = Instant::parse("2024-08-20T12:00:00+08:00").expect("an instant");
        let until = term_ends(approved, 15);
        assert_eq!(until, Instant::parse("2024-09-05T00:00:00+08:00"));
    }
}
