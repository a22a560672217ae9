//! `GET …/statistics/trend`: how a region's points and participation go from week to week, or by month,
//! quarter or year.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::figures::{CategoryPoints, Question, Totals, ask};
use super::{Rate, instant, json, ready};
use crate::app::App;
use crate::http::{Query, path_part, public_json};
use crate::kernel::clock::Instant;
use crate::kernel::period::Period;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::RegionCode;
use crate::regions;

/// More do not fit a chart, nor one answer.
const PERIODS_MAX: usize = 60;

/// By what time is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrendStep {
    Week,
    Month,
    Quarter,
    Year,
}

/// A region's figures, period by period.
#[derive(Serialize, ToSchema)]
pub struct Trend {
    pub region: RegionCode,
    #[schema(example = "苍城镇")]
    pub name: String,
    pub by: TrendStep,
    /// As it was known then; absent: as it is known now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub as_of: Option<Instant>,
    /// Every period without gap, the earliest first; one in which nothing happened has 0.
    pub items: Vec<TrendPoint>,
}

/// What was earned and redeemed in one period, and who took part. Periods are whole weeks, so points of
/// weeks add up to those of their month, quarter and year; households that took part do not.
#[derive(Serialize, ToSchema)]
pub struct TrendPoint {
    pub period: Period,
    /// Points earned: credits, deductions, reversals and adjustments.
    #[schema(example = 310)]
    pub points: i64,
    /// All eight categories; one without entries has 0.
    pub by_category: Vec<CategoryPoints>,
    /// Eligible households with a bonus in the period that was not reversed, of eligible ones.
    pub participation_rate: Rate,
    /// Points of redemptions collected in the period, less refunds in it.
    #[schema(example = 120)]
    pub redeemed: i64,
}

impl TrendPoint {
    fn of(period: Period, totals: &Totals) -> Self {
        Self {
            period,
            points: totals.cumulative(),
            by_category: totals.categories(),
            participation_rate: totals.participation(),
            redeemed: totals.redeemed,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrendQuery {
    /// The period with which it begins: week, month, quarter or year.
    #[param(value_type = String, example = "2024-07")]
    from: Period,
    /// The period with which it ends.
    #[param(value_type = String, example = "2024-Q3")]
    to: Period,
    /// Each week, month, quarter or year that has a week of it, whole: at most 60.
    by: TrendStep,
    /// Only what was known at this instant.
    #[param(nullable = false, value_type = String, format = DateTime, example = "2024-10-07T00:00:00+08:00")]
    #[serde(default, deserialize_with = "instant")]
    as_of: Option<Instant>,
}

/// A region's figures over time
#[utoipa::path(tag = "statistics", operation_id = "statistics_show_trend",
    params(("region" = RegionCode, Path, description = "Code of a region of any level"), TrendQuery),
    responses((status = 200, body = Trend)),
    extensions(("x-codes" = json!("periods_out_of_range"))))]
#[get("/v1/regions/{region}/statistics/trend")]
async fn show_trend(
    request: HttpRequest,
    query: Query<TrendQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let region: RegionCode = path_part(&request, "region")?;
    let TrendQuery { from, to, by, as_of } = query.0;
    let periods = steps(from, to, by)?;
    let key = format!("trend:{{{region}}}:{from}:{to}:{by:?}");
    let build = async { json(&trend(&app, &region, by, &periods, as_of).await?) };
    Ok(public_json(&request, &ready(&app, &region, &key, as_of, build).await?))
}

async fn trend(
    app: &App,
    region: &RegionCode,
    by: TrendStep,
    periods: &[Period],
    as_of: Option<Instant>,
) -> Outcome<Trend> {
    let name = regions::find(app.db.read(), region).await?.name;
    let items = points(app, region, periods, as_of).await?;
    Ok(Trend { region: region.clone(), name, by, as_of, items })
}

/// The figures of a region in each of these periods.
pub async fn points(
    app: &App,
    region: &RegionCode,
    periods: &[Period],
    as_of: Option<Instant>,
) -> Outcome<Vec<TrendPoint>> {
    let asked: Vec<_> = periods.iter().copied().map(Some).collect();
    let (within, depth) = (region.bounds(), region.as_str().len());
    let question = Question { within, depth, periods: &asked, as_of };
    let mut answers = app.db.snapshot(async |tx| ask(tx, &question).await).await?;
    let point =
        |(at, period): (usize, &Period)| TrendPoint::of(*period, &answers.of(at, region.as_str()));
    Ok(periods.iter().enumerate().map(point).collect())
}

/// The steps in which the weeks of `from` to `to` lie.
///
/// # Errors
/// `periods_out_of_range` if `to` lies before `from`, or more than 60 steps do.
pub fn steps(from: Period, to: Period, by: TrendStep) -> Result<Vec<Period>, Code> {
    let (mut week, last) = (from.weeks().0, to.weeks().1);
    let mut steps = Vec::new();
    while week <= last {
        if steps.len() == PERIODS_MAX {
            return Err(Code::PeriodsOutOfRange);
        }
        let [of_week, month, quarter, year] = week.periods();
        let step = match by {
            TrendStep::Week => of_week,
            TrendStep::Month => month,
            TrendStep::Quarter => quarter,
            TrendStep::Year => year,
        };
        steps.push(step);
        week = step.weeks().1.next();
    }
    if steps.is_empty() { Err(Code::PeriodsOutOfRange) } else { Ok(steps) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(from: &str, to: &str, by: TrendStep) -> Result<Vec<String>, Code> {
        let period = |text: &str| text.parse().expect("a period");
        let steps = steps(period(from), period(to), by)?;
        Ok(steps.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_span_is_divided_without_gap_and_each_step_is_whole() {
        let weeks = of("2024-08", "2024-08", TrendStep::Week).expect("weeks");
        assert_eq!(weeks, ["2024-W31", "2024-W32", "2024-W33", "2024-W34", "2024-W35"]);
        let months = of("2024-W35", "2024-W36", TrendStep::Month).expect("months");
        assert_eq!(months, ["2024-08", "2024-09"]);
        assert_eq!(of("2024-08", "2024-Q3", TrendStep::Quarter).expect("one"), ["2024-Q3"]);
        // A Monday of the old year that counts for the new one.
        assert_eq!(of("2025-W01", "2025-W01", TrendStep::Year).expect("one"), ["2025"]);
        assert_eq!(of("2026", "2026", TrendStep::Week).expect("weeks").len(), 53);
    }

    #[test]
    fn sixty_are_shown_and_one_more_or_none_is_refused() {
        assert_eq!(of("2020", "2024", TrendStep::Month).expect("months").len(), 60);
        let refused = Err(Code::PeriodsOutOfRange);
        assert_eq!(of("2020", "2025-01", TrendStep::Month), refused);
        assert_eq!(of("2000", "2199", TrendStep::Week), refused);
        assert_eq!(of("2024-09", "2024-08", TrendStep::Week), refused);
        assert_eq!(of("2024-W36", "2024-W35", TrendStep::Year), refused);
    }
}
