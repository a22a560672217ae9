//! Rates are a numerator and a denominator; the quotient is for display.

use serde::Serialize;
use utoipa::ToSchema;

/// A share of a whole. With denominator 0 there is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Rate {
    #[schema(example = 2206)]
    pub numerator: i64,
    #[schema(example = 6925)]
    pub denominator: i64,
    /// Per cent, one decimal, half up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 31.9)]
    pub rate: Option<f64>,
}

impl Rate {
    pub fn of(numerator: i64, denominator: i64) -> Self {
        Self { numerator, denominator, rate: percent(numerator, denominator) }
    }
}

fn percent(numerator: i64, denominator: i64) -> Option<f64> {
    if denominator == 0 {
        return None;
    }
    let (n, d) = (i128::from(numerator), i128::from(denominator));
    // Half up in whole tenths of a per cent, before anything becomes a float.
    let tenths = (2 * 1000 * n + d).div_euclid(2 * d);
    i32::try_from(tenths).ok().map(|tenths| f64::from(tenths) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_the_reports_come_out_exactly() {
        let rate = |n, d| Rate::of(n, d).rate;
        assert_eq!(rate(2206, 6925), Some(31.9));
        assert_eq!(rate(255, 320), Some(79.7));
        assert_eq!(rate(161, 320), Some(50.3));
        assert_eq!(rate(26590, 34815), Some(76.4));
        assert_eq!(rate(202, 202), Some(100.0));
        assert_eq!(rate(1, 0), None);
        assert_eq!(rate(1, 2000), Some(0.1));
    }
}
