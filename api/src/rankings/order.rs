//! The order of a board: pure functions, so that SQL and a villager with a pencil agree.

use std::cmp::{Ordering, Reverse};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a household is ranked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub points: i64,
    /// Deducted points, as a positive number.
    pub deductions: i64,
    /// Categories in which it earned.
    pub categories: i64,
    /// When it reached its total.
    pub reached_at: i64,
    /// The household's number; last, so that ranks are distinct.
    pub number: i64,
}

/// The rule that put one household before the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    MorePoints,
    FewerDeductions,
    MoreCategories,
    EarlierTotal,
    HouseholdNumber,
}

/// More points, then fewer deduction points, then more categories, then the earlier total, then the
/// lower number.
pub fn order(a: &Standing, b: &Standing) -> Ordering {
    key(a).cmp(&key(b))
}

fn key(it: &Standing) -> (Reverse<i64>, i64, Reverse<i64>, i64, i64) {
    (Reverse(it.points), it.deductions, Reverse(it.categories), it.reached_at, it.number)
}

/// Why `a` stands before `b`.
pub fn decided_by(a: &Standing, b: &Standing) -> DecidedBy {
    if a.points != b.points {
        DecidedBy::MorePoints
    } else if a.deductions != b.deductions {
        DecidedBy::FewerDeductions
    } else if a.categories != b.categories {
        DecidedBy::MoreCategories
    } else if a.reached_at != b.reached_at {
        DecidedBy::EarlierTotal
    } else {
        DecidedBy::HouseholdNumber
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing(points: i64, deductions: i64, categories: i64, at: i64, number: i64) -> Standing {
        Standing { points, deductions, categories, reached_at: at, number }
    }

    /// Scenario 6, and each further rule in turn.
    #[test]
    fn equal_points_are_decided_by_the_next_rule_that_differs() {
        let first = standing(50, 0, 3, 10, 4);
        let cases = [
            (standing(49, 0, 9, 1, 1), DecidedBy::MorePoints),
            (standing(50, 2, 9, 1, 1), DecidedBy::FewerDeductions),
            (standing(50, 0, 2, 1, 1), DecidedBy::MoreCategories),
            (standing(50, 0, 3, 11, 1), DecidedBy::EarlierTotal),
            (standing(50, 0, 3, 10, 5), DecidedBy::HouseholdNumber),
        ];
        for (second, rule) in cases {
            assert_eq!(order(&first, &second), Ordering::Less);
            assert_eq!(decided_by(&first, &second), rule);
        }
    }

    proptest! {
        /// Two households of different numbers never share a rank.
        #[test]
        fn ranks_are_distinct(
            a in (0..3_i64, 0..3_i64, 0..3_i64, 0..3_i64),
            b in (0..3_i64, 0..3_i64, 0..3_i64, 0..3_i64),
        ) {
            let a = standing(a.0, a.1, a.2, a.3, 1);
            let b = standing(b.0, b.1, b.2, b.3, 2);
            prop_assert_ne!(order(&a, &b), Ordering::Equal);
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        }
    }
}
