//! `GET …/statistics/villages`: the villages of a region beside one another.
//!
//! A township compares its villages, and so does a county, which has a hundred of them at most a page; a
//! county also asks for its townships (`by=township`), a city or province for its counties.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::figures::{CategoryPoints, Question, Totals, ask};
use super::{Rate, instant, json, ready};
use crate::app::App;
use crate::http::{Query, path_part, public_json};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Period;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::RegionCode;
use crate::regions;

/// Which parts of a region are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartLevel {
    #[default]
    Village,
    Township,
    County,
}

impl PartLevel {
    fn word(self) -> &'static str {
        match self {
            Self::Village => "village",
            Self::Township => "township",
            Self::County => "county",
        }
    }

    /// Digits of a code of this level.
    fn digits(self) -> usize {
        match self {
            Self::Village => 12,
            Self::Township => 9,
            Self::County => 6,
        }
    }
}

/// The figures of a place; over several villages numerators and denominators are summed, never rates.
#[derive(Serialize, ToSchema)]
pub struct Figures {
    /// Eligible households that take part, of eligible households.
    pub registration_rate: Rate,
    /// Registered households that have used the app or were helped to, of registered ones.
    pub activation_rate: Rate,
    /// Eligible households with a bonus in the period that was not reversed, of eligible ones.
    pub participation_rate: Rate,
    /// Points collected, of points earned.
    pub redemption_rate: Rate,
    /// Points earned: credits, deductions, reversals and adjustments.
    #[schema(example = 6925)]
    pub cumulative: i64,
    /// Points of collected redemptions, less refunds.
    #[schema(example = 2206)]
    pub redeemed: i64,
    /// Points of households that moved out and did not spend them in time.
    #[schema(example = 0)]
    pub expired: i64,
    /// Earned, neither redeemed nor expired.
    #[schema(example = 4719)]
    pub balance: i64,
    /// All eight categories; one without entries has 0.
    pub by_category: Vec<CategoryPoints>,
}

impl From<&Totals> for Figures {
    fn from(totals: &Totals) -> Self {
        let cumulative = totals.cumulative();
        Self {
            registration_rate: Rate::of(totals.registered, totals.eligible),
            activation_rate: Rate::of(totals.activated, totals.registered),
            participation_rate: totals.participation(),
            redemption_rate: totals.redemption(),
            cumulative,
            redeemed: totals.redeemed,
            expired: totals.expired,
            balance: cumulative - totals.redeemed - totals.expired,
            by_category: totals.categories(),
        }
    }
}

/// One village, township or county.
#[derive(Serialize, ToSchema)]
pub struct PartFigures {
    pub region: RegionCode,
    #[schema(example = "梅西村")]
    pub name: String,
    pub figures: Figures,
}

/// The parts of a region by code, those with villages that take part, and the sum over all of the region,
/// not of the page.
#[derive(Serialize, ToSchema)]
pub struct ComparisonPage {
    pub by: PartLevel,
    pub items: Vec<PartFigures>,
    pub total: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ComparisonQuery {
    /// Week, month, quarter or year; without it, since the beginning.
    #[param(nullable = false, value_type = String, example = "2024-Q2")]
    period: Option<Period>,
    /// Only what was known at this instant.
    #[param(nullable = false, value_type = String, format = DateTime, example = "2024-10-07T00:00:00+08:00")]
    #[serde(default, deserialize_with = "instant")]
    as_of: Option<Instant>,
    /// Villages, or parts above them.
    #[serde(default)]
    #[param(required = false)]
    by: PartLevel,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// A region's villages beside one another
#[utoipa::path(tag = "statistics", operation_id = "statistics_compare_villages",
    params(("region" = RegionCode, Path, description = "Code of a region of any level"),
        ComparisonQuery),
    responses((status = 200, body = ComparisonPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/regions/{region}/statistics/villages")]
async fn compare_villages(
    request: HttpRequest,
    query: Query<ComparisonQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let region: RegionCode = path_part(&request, "region")?;
    let ComparisonQuery { period, as_of, by, cursor, limit } = query.0;
    let filter = format!("comparison {region} {by:?} {}", named(period));
    let start = Start::<String>::parse(cursor.as_deref(), limit, &filter)?;
    let key = format!("{filter}:{{{region}}}:{:?}:{}", start.after, start.limit);
    let looked = Compared { region: &region, by, period, as_of };
    // At one moment: the parts add up to the total.
    let build = app.db.snapshot(async |tx| {
        regions::find(tx, &region).await?;
        let total = Figures::from(&looked.total(tx).await?);
        let after = start.after.clone().unwrap_or_default();
        let parts = looked.parts(tx, &after, start.fetch()).await?;
        let page = start.page(parts, &filter, |part| part.code.clone());
        let items = looked.figures(tx, page.items).await?;
        json(&ComparisonPage { by, items, total, next_cursor: page.next_cursor })
    });
    Ok(public_json(&request, &ready(&app, &region, &key, as_of, build).await?))
}

/// A period's name for a key, or that there is none.
pub fn named(period: Option<Period>) -> String {
    period.map_or_else(|| "all".to_owned(), |period| period.to_string())
}

/// What is compared.
pub struct Compared<'a> {
    pub region: &'a RegionCode,
    pub by: PartLevel,
    pub period: Option<Period>,
    pub as_of: Option<Instant>,
}

/// A place to be looked at.
#[derive(FromQueryResult)]
pub struct Part {
    pub code: String,
    name: String,
}

impl Compared<'_> {
    /// The next parts after a code, one statement for all of them.
    pub async fn parts(
        &self,
        on: &impl ConnectionTrait,
        after: &str,
        count: i64,
    ) -> Outcome<Vec<Part>> {
        let sql = "SELECT r.code, r.name FROM regions r WHERE r.level = $1 AND r.code >= $2 \
                   AND r.code < $3 AND r.code > $4 AND EXISTS (SELECT 1 FROM villages v \
                     WHERE v.village >= r.code AND v.village < r.code || ':') \
                   ORDER BY r.code LIMIT $5";
        let [from, to] = self.region.bounds();
        let values: [Value; 5] = [self.by.word().into(), from, to, after.into(), count.into()];
        Ok(db::all(on, sql, values).await?)
    }

    /// The figures of these parts, which follow one another.
    pub async fn figures(
        &self,
        on: &impl ConnectionTrait,
        parts: Vec<Part>,
    ) -> Outcome<Vec<PartFigures>> {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
            return Ok(Vec::new());
        };
        let within = [first.code.clone().into(), format!("{}:", last.code).into()];
        let periods = [self.period];
        let (depth, as_of) = (self.by.digits(), self.as_of);
        let mut answers = ask(on, &Question { within, depth, periods: &periods, as_of }).await?;
        let figures = |part: Part| {
            let figures = Figures::from(&answers.of(0, &part.code));
            let region = part.code.parse();
            let region = region.map_err(|_| Problem::fault(format!("region {}", part.code)))?;
            Ok(PartFigures { region, name: part.name, figures })
        };
        parts.into_iter().map(figures).collect()
    }

    /// The sum over all of the region.
    pub async fn total(&self, on: &impl ConnectionTrait) -> Outcome<Totals> {
        let periods = [self.period];
        let (within, depth) = (self.region.bounds(), self.region.as_str().len());
        let question = Question { within, depth, periods: &periods, as_of: self.as_of };
        Ok(ask(on, &question).await?.of(0, self.region.as_str()))
    }
}
