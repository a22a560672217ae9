//! `GET /v1/regions/{region}/statistics`: the figures that townships are asked for, over time and village
//! by village, as tables to take away and as charts.

mod charts;
mod comparison;
mod drawing;
mod export;
mod figures;
mod kept;
mod lines;
mod rate;
mod trend;
mod weak;

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use figures::CategoryPoints;
use figures::{Question, ask};
pub use kept::keep;
pub use rate::Rate;
use weak::weak;

use crate::app::App;
use crate::http::{Query, path_part};
use crate::kernel::cache::{Ready, Shared};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::period::Period;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::RegionCode;
use crate::kernel::routes::Routes;
use crate::regions;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(show_statistics)
        .service(trend::show_trend)
        .service(comparison::compare_villages)
        .service(export::export_statistics)
        .service(lines::export_entries)
        .service(charts::draw_categories)
        .service(charts::draw_participation);
}

/// A region's figures; over several villages numerators and denominators are summed, never rates.
#[derive(Serialize, ToSchema)]
pub struct Statistics {
    pub region: RegionCode,
    #[schema(example = "梅西村")]
    pub name: String,
    /// Absent: since the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period: Option<Period>,
    /// As it was known then; absent: as it is known now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub as_of: Option<Instant>,
    /// Eligible households that take part, of eligible households.
    pub registration_rate: Rate,
    /// Registered households that have used the app or were helped to, of registered ones.
    pub activation_rate: Rate,
    /// Eligible households with a bonus in the period that was not reversed, of eligible ones.
    pub participation_rate: Rate,
    /// Points collected, of points earned.
    pub redemption_rate: Rate,
    #[schema(example = 202)]
    pub registered: i64,
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
    /// Those below half the median of the eight.
    #[schema(example = json!(["patriotism"]))]
    pub weak_categories: Vec<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// Week, month, quarter or year; without it, since the beginning.
    #[param(nullable = false, value_type = String, example = "2024-Q2")]
    period: Option<Period>,
    /// Only what was known at this instant: a period computed again later, with what was corrected since
    /// left out.
    #[param(nullable = false, value_type = String, format = DateTime, example = "2024-10-07T00:00:00+08:00")]
    #[serde(default, deserialize_with = "instant")]
    as_of: Option<Instant>,
}

/// An instant in a query, where a `+` that was not escaped has become a space.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Instant>, D::Error> {
    let text = String::deserialize(deserializer)?.replace(' ', "+");
    let instant = Instant::parse(&text);
    instant.map(Some).ok_or_else(|| serde::de::Error::custom("expected an RFC 3339 instant"))
}

/// A region's figures
#[utoipa::path(tag = "statistics", operation_id = "statistics_show",
    params(("region" = RegionCode, Path, description = "Code of a region of any level"),
        StatisticsQuery),
    responses((status = 200, body = Statistics)))]
#[get("/v1/regions/{region}/statistics")]
async fn show_statistics(
    request: HttpRequest,
    query: Query<StatisticsQuery>,
    app: Data<App>,
) -> Outcome<Answer<Statistics>> {
    let region: RegionCode = path_part(&request, "region")?;
    let name = regions::find(app.db.read(), &region).await?.name;
    let StatisticsQuery { period, as_of } = query.0;
    let periods = [period];
    let within = region.bounds();
    let question = Question { within, depth: region.as_str().len(), periods: &periods, as_of };
    let totals = app.db.snapshot(async |tx| ask(tx, &question).await).await?.of(0, region.as_str());
    let (cumulative, by_category) = (totals.cumulative(), totals.categories());
    Ok(Answer::ok(Statistics {
        region,
        name,
        period,
        as_of,
        registration_rate: Rate::of(totals.registered, totals.eligible),
        activation_rate: Rate::of(totals.activated, totals.registered),
        participation_rate: totals.participation(),
        redemption_rate: totals.redemption(),
        registered: totals.registered,
        cumulative,
        redeemed: totals.redeemed,
        expired: totals.expired,
        balance: cumulative - totals.redeemed - totals.expired,
        weak_categories: weak(&by_category),
        by_category,
    }))
}

/// Rises with whatever changes a region's figures: what is closed or decided, and every posting.
async fn version(app: &App, region: &RegionCode) -> Outcome<String> {
    let sql = "SELECT CAST(COALESCE(SUM(v.version), 0) + COALESCE(SUM(c.length), 0) AS BIGINT) \
               FROM villages v LEFT JOIN chain_heads c ON c.village = v.village \
               WHERE v.village >= $1 AND v.village < $2";
    Ok(db::number(app.db.read(), sql, region.bounds()).await?.to_string())
}

/// Bytes that everybody may read: from the caches, or, as they were at an instant, made for this reader.
/// A prize that is collected shows in them within a second, everything else at once.
async fn ready(
    app: &App,
    region: &RegionCode,
    key: &str,
    as_of: Option<Instant>,
    build: impl Future<Output = Outcome<Vec<u8>>>,
) -> Outcome<Ready> {
    match as_of {
        Some(_) => Ok(Ready::of(build.await?)),
        None => {
            let shared = Shared { key, of: &format!("statistics:{region}") };
            app.cache.ready(shared, version(app, region), build).await
        }
    }
}

fn json(value: &impl Serialize) -> Outcome<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Problem::fault(error.to_string()))
}
