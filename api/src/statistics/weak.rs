//! Which categories a place neglects: a pure function of the eight totals.

use super::CategoryPoints;

/// The categories whose points are below half the median of all; the median of an even number of totals
/// lies halfway between the two in the middle.
pub fn weak(totals: &[CategoryPoints]) -> Vec<String> {
    let mut points: Vec<_> = totals.iter().map(|it| i128::from(it.points)).collect();
    points.sort_unstable();
    let middle = |at: usize| points.get(at).copied().unwrap_or_default();
    let twice_the_median = match points.len() {
        0 => 0,
        count => middle((count - 1) / 2) + middle(count / 2),
    };
    let is_weak = |it: &&CategoryPoints| 4 * i128::from(it.points) < twice_the_median;
    totals.iter().filter(is_weak).map(|it| it.category.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(points: [i64; 8]) -> Vec<CategoryPoints> {
        let one = |(at, points)| CategoryPoints { category: format!("c{at}"), points };
        (0..).zip(points).map(one).collect()
    }

    /// Scenario 23.
    #[test]
    fn a_category_below_half_the_median_is_weak() {
        assert_eq!(weak(&totals([100, 90, 80, 60, 40, 25, 24, 0])), ["c6", "c7"]);
        assert_eq!(weak(&totals([10; 8])), [""; 0]);
        assert_eq!(weak(&totals([0; 8])), [""; 0]);
        // Where deductions are all there is, nothing is neglected more than the rest by half.
        assert_eq!(weak(&totals([8, 8, 8, 8, 8, 8, 8, -1])), ["c7"]);
    }
}
