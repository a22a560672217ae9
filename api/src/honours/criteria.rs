//! What an honour asks of a household, and which rule it earns points by: pure, but for the catalogue.

use chrono::{Days, NaiveDate};

use crate::awards::{CatalogueAward, builtin};
use crate::kernel::period::Period;
use crate::kernel::problem::{Code, Outcome, Refusal};

/// What an honour asks for, besides that no veto is on the household and no deduction open against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Criterion {
    item: &'static str,
    /// Points scored in the honour's period, at least.
    pub points_min: i64,
    /// The rule by which it earns points.
    pub earns: Option<Earns>,
}

/// The rule that rewards an honour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earns {
    pub rule: &'static str,
    pub level: Option<&'static str>,
    pub evidence: &'static str,
}

const FAMILY: Earns =
    Earns { rule: "fam.model_family", level: Some("village"), evidence: "certificate" };

const COURTYARD: Earns =
    Earns { rule: "env.courtyard_model", level: None, evidence: "committee_record" };

const CRITERIA: &[Criterion] = &[
    Criterion { item: "honour.clean_household", points_min: 0, earns: Some(COURTYARD) },
    Criterion { item: "honour.civilised_family", points_min: 0, earns: Some(FAMILY) },
    Criterion { item: "honour.beautiful_home", points_min: 0, earns: None },
    Criterion { item: "honour.beautiful_courtyard", points_min: 0, earns: None },
    Criterion { item: "honour.most_beautiful_family", points_min: 20, earns: Some(FAMILY) },
    Criterion { item: "honour.star_household", points_min: 30, earns: None },
];

/// An honour of the catalogue with what it asks for.
pub struct Item {
    pub key: String,
    /// What the household is called, without the plaque.
    pub name_zh: String,
    pub name_en: String,
    yearly: bool,
    pub criterion: Criterion,
}

/// The honour of this key.
///
/// # Errors
/// `invalid_field` if the catalogue has none.
pub fn item(key: &str) -> Outcome<Item> {
    let line = builtin("honour")?.into_iter().find(|line| line.key == key);
    let criterion = CRITERIA.iter().find(|it| it.item == key);
    match line.zip(criterion) {
        Some((line, criterion)) => Ok(of(line, *criterion)),
        None => {
            let refusal = Refusal::from(Code::InvalidField);
            Err(refusal.at("/item", "unknown", "an honour of the catalogue").into())
        }
    }
}

fn of(line: CatalogueAward, criterion: Criterion) -> Item {
    let bare = |name: &str, plaque: &str| name.trim_end_matches(plaque).trim().to_owned();
    Item {
        name_zh: bare(&line.name_zh, "标识牌"),
        name_en: bare(&line.name_en, "plaque"),
        yearly: line.period.as_deref() == Some("year"),
        key: line.key,
        criterion,
    }
}

impl Item {
    /// The year of a period that this honour is given for.
    ///
    /// # Errors
    /// `invalid_field` for another kind of period, or one that has not begun by `today`'s week.
    pub fn year(&self, period: Period, begun: bool) -> Result<i32, Refusal> {
        let odd = |why| Err(Refusal::from(Code::InvalidField).at("/period", "range", why));
        if !begun {
            return odd("not a period to come");
        }
        match (period, self.yearly) {
            (Period::Year(year), true) | (Period::Month(year, _), false) => Ok(year),
            (_, true) => odd("a year, such as 2024"),
            (_, false) => odd("a month, such as 2024-07"),
        }
    }
}

/// The day on which an honour counts as earned: a month's by the last day of that month, so that its cap is
/// the month's; a year's when it is given, because that is when the household was named.
pub fn earned_on(period: Period, today: NaiveDate) -> NaiveDate {
    let Period::Month(year, month) = period else { return today };
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let next = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(today);
    next.checked_sub_days(Days::new(1)).unwrap_or(today).min(today)
}

/// What is known of a household that is to be honoured.
#[derive(Clone, Copy, Debug)]
pub struct Conduct {
    /// Scored in the honour's period.
    pub points: i64,
    /// Deductions that are proposed against it and not decided.
    pub open_deductions: i64,
    pub vetoed: bool,
}

/// Whether a household may be honoured. The refusal is the same whatever is missing: a veto is nobody's
/// business but those concerned.
///
/// # Errors
/// `honour_criteria_unmet`.
pub fn fits(criterion: &Criterion, conduct: &Conduct) -> Result<(), Refusal> {
    let Conduct { points, open_deductions, vetoed } = *conduct;
    match points >= criterion.points_min && open_deductions == 0 && !vetoed {
        true => Ok(()),
        false => Err(Code::HonourCriteriaUnmet.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn every_honour_of_the_catalogue_has_its_criterion_and_every_rule_exists() {
        let rules = rules::builtin().expect("the rules");
        let lines = builtin("honour").expect("the prizes");
        assert_eq!(lines.len(), CRITERIA.len());
        for line in lines {
            let item = item(&line.key).expect("a criterion");
            assert!(!item.name_zh.contains("标识牌") && !item.name_en.contains("plaque"));
            if let Some(earns) = item.criterion.earns {
                let rule = rules.items.iter().find(|it| it.key == earns.rule).expect("a rule");
                assert!(rule.evidence.iter().any(|it| it == earns.evidence));
            }
        }
        assert!(item("goods.soap").is_err());
    }

    #[test]
    fn a_month_is_asked_for_where_the_honour_is_monthly() {
        let clean = item("honour.clean_household").expect("an honour");
        let family = item("honour.civilised_family").expect("an honour");
        let month: Period = "2024-07".parse().expect("a month");
        let year: Period = "2024".parse().expect("a year");
        assert_eq!(clean.year(month, true), Ok(2024));
        assert_eq!(family.year(year, true), Ok(2024));
        assert!(clean.year(year, true).is_err() && family.year(month, true).is_err());
        assert!(clean.year(month, false).is_err());
        assert!(family.year("2024-Q3".parse().expect("a quarter"), true).is_err());
    }

    #[test]
    fn a_monthly_honour_is_earned_on_the_last_day_of_its_month_or_today() {
        let july: Period = "2024-07".parse().expect("a month");
        let december: Period = "2024-12".parse().expect("a month");
        assert_eq!(earned_on(july, day("2024-08-21")), day("2024-07-31"));
        assert_eq!(earned_on(july, day("2024-07-20")), day("2024-07-20"));
        assert_eq!(earned_on(december, day("2025-02-01")), day("2024-12-31"));
        assert_eq!(earned_on(Period::Year(2024), day("2025-02-01")), day("2025-02-01"));
    }

    #[test]
    fn whatever_is_missing_the_refusal_is_the_same() {
        let criterion = CRITERIA[5];
        let good = Conduct { points: 30, open_deductions: 0, vetoed: false };
        assert_eq!(fits(&criterion, &good), Ok(()));
        let refused = |conduct| fits(&criterion, &conduct).expect_err("a refusal");
        let poor = refused(Conduct { points: 29, ..good });
        assert_eq!(poor, refused(Conduct { open_deductions: 1, ..good }));
        assert_eq!(poor, refused(Conduct { vetoed: true, ..good }));
    }
}
