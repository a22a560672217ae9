//! Who gets what of a year's ranking: pure functions on it.

use uuid::Uuid;

/// A household in order of rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub rank: i64,
    pub household: Uuid,
    /// Whether it can be awarded anything: its file is open and no veto is on it.
    pub fit: bool,
}

/// What goes to the places `from` to `to`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    pub from: i64,
    pub to: i64,
}

/// That a household gets a lot, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allotted {
    /// Its place in the order of awards, which leaves out those who are not fit.
    pub place: i64,
    pub rank: i64,
    pub household: Uuid,
    pub lot: usize,
}

/// Gives the lots in order of rank. Whoever is not fit keeps the rank and is passed over: the next one
/// gets what would have been theirs, so that as many go out as there are.
pub fn allot(lots: &[Lot], candidates: &[Candidate]) -> Vec<Allotted> {
    let fit = candidates.iter().filter(|it| it.fit);
    let given = (1..).zip(fit).filter_map(|(place, it)| {
        let lot = lots.iter().position(|lot| (lot.from..=lot.to).contains(&place))?;
        Some(Allotted { place, rank: it.rank, household: it.household, lot })
    });
    given.collect()
}

/// What each gets of a pool of `pool_fen`, by points in order of rank: floor to the fen by the share of
/// max(points, 0); the fen left over go one each by rank to those who have a share. They sum to the pool.
///
/// `None` if nobody has points: then nothing is distributed.
pub fn shares(pool_fen: i64, points: &[i64]) -> Option<Vec<i64>> {
    let counted = |points: i64| i128::from(points.max(0));
    let total: i128 = points.iter().copied().map(counted).sum();
    if total == 0 || pool_fen < 0 {
        return None;
    }
    let share = |points: &i64| {
        let floor = i128::from(pool_fen) * counted(*points) / total;
        // At most the pool, which fits.
        i64::try_from(floor).unwrap_or_default()
    };
    let mut shares: Vec<_> = points.iter().map(share).collect();
    let mut left = pool_fen - shares.iter().sum::<i64>();
    for (share, points) in shares.iter_mut().zip(points) {
        if left > 0 && *points > 0 {
            *share += 1;
            left -= 1;
        }
    }
    Some(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOTS: [Lot; 2] = [Lot { from: 1, to: 4 }, Lot { from: 5, to: 10 }];

    fn candidates(fit: &[bool]) -> Vec<Candidate> {
        let candidate = |(rank, fit): (i64, &bool)| Candidate {
            rank,
            household: Uuid::from_u128(u128::try_from(rank).expect("a rank")),
            fit: *fit,
        };
        (1..).zip(fit).map(candidate).collect()
    }

    /// Scenario 5.
    #[test]
    fn ranks_1_to_10_get_four_mattresses_and_six_blankets_and_rank_11_none() {
        let given = allot(&LOTS, &candidates(&[true; 11]));
        let lots: Vec<_> = given.iter().map(|it| it.lot).collect();
        assert_eq!(lots, [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
        assert!(given.iter().all(|it| it.rank == it.place));
    }

    #[test]
    fn who_is_not_fit_keeps_the_rank_and_the_next_one_gets_the_award() {
        let mut fit = [true; 12];
        fit[2] = false;
        let given = allot(&LOTS, &candidates(&fit));
        let ranks: Vec<_> = given.iter().map(|it| (it.place, it.rank)).collect();
        let expected: Vec<_> = (1..).zip([1, 2, 4, 5, 6, 7, 8, 9, 10, 11]).collect();
        assert_eq!(ranks, expected);
    }

    /// Scenario 7.
    #[test]
    fn a_dividend_goes_by_points_and_the_odd_fen_by_rank() {
        assert_eq!(shares(1_000_000, &[120, 80, 0, -5]), Some(vec![600_000, 400_000, 0, 0]));
        assert_eq!(shares(10_000, &[7, 7, 7]), Some(vec![3_334, 3_333, 3_333]));
        assert_eq!(shares(10_000, &[0, -5]), None);
        assert_eq!(shares(10_000, &[]), None);
        assert_eq!(shares(1, &[3, 3, 3]), Some(vec![1, 0, 0]));
    }

    proptest! {
        /// The shares sum to the pool; more points never get less, nor the better of equal ranks; who has
        /// no points gets nothing; nobody is more than a fen off the exact share.
        #[test]
        fn a_pool_is_given_away_to_the_fen(
            pool in 0_i64..=1_000_000_000_000,
            mut points in prop::collection::vec(-50_i64..500_000, 1..60),
        ) {
            points.sort_by_key(|points| std::cmp::Reverse(*points));
            let total: i128 = points.iter().map(|points| i128::from((*points).max(0))).sum();
            match shares(pool, &points) {
                None => prop_assert_eq!(total, 0),
                Some(shares) => {
                    prop_assert_eq!(shares.iter().sum::<i64>(), pool);
                    prop_assert!(shares.is_sorted_by(|a, b| a >= b));
                    for (share, points) in shares.iter().zip(&points) {
                        prop_assert!(*share == 0 || *points > 0);
                        let exact = i128::from(pool) * i128::from((*points).max(0));
                        let off = i128::from(*share) * total - exact;
                        prop_assert!(off.abs() < total);
                    }
                }
            }
        }

        /// Exactly as many lots go out as there are, or as there are households fit for them, in order.
        #[test]
        fn lots_go_out_in_order_of_rank(fit in prop::collection::vec(any::<bool>(), 0..40)) {
            let given = allot(&LOTS, &candidates(&fit));
            let able = fit.iter().filter(|fit| **fit).count();
            prop_assert_eq!(given.len(), able.min(10));
            prop_assert!(given.is_sorted_by(|a, b| a.rank < b.rank && a.place < b.place));
            prop_assert!(given.iter().all(|it| it.place <= it.rank));
        }
    }
}
