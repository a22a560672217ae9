//! What the catalogue that comes with Jifen says of awards and honours.

use serde::Deserialize;

use crate::kernel::problem::{Outcome, Problem};

/// A line of the prize catalogue that costs no points.
#[derive(Clone, Debug, Deserialize)]
pub struct CatalogueAward {
    pub key: String,
    pub name_zh: String,
    pub name_en: String,
    /// `rank_award`, `dividend` or `honour`; the shop's own and letters of referral are others.
    pub kind: String,
    #[serde(default)]
    pub unit_value_yuan: Option<i64>,
    pub funding: String,
    #[serde(default)]
    pub rank_from: Option<i64>,
    #[serde(default)]
    pub rank_to: Option<i64>,
    /// `month` or `year`.
    #[serde(default)]
    pub period: Option<String>,
}

#[derive(Deserialize)]
struct File {
    prizes: Vec<CatalogueAward>,
}

/// The lines of one kind, in their order.
pub fn builtin(kind: &str) -> Outcome<Vec<CatalogueAward>> {
    let file = serde_json::from_str::<File>(include_str!("../../data/prize_catalogue.json"));
    let file = file.map_err(|error| Problem::fault(error.to_string()))?;
    Ok(file.prizes.into_iter().filter(|it| it.kind == kind).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_mattresses_and_six_blankets_are_in_the_catalogue() {
        let awards = builtin("rank_award").expect("the file is valid");
        let ranks: Vec<_> = awards.iter().map(|it| (it.rank_from, it.rank_to)).collect();
        assert_eq!(ranks, [(Some(1), Some(4)), (Some(5), Some(10))]);
        assert_eq!(builtin("dividend").expect("valid").len(), 1);
        assert_eq!(builtin("honour").expect("valid").len(), 6);
    }
}
