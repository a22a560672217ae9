//! `GET /v1/regions/{region}/statistics`: the figures that townships are asked for.

mod rate;

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub use rate::Rate;

use crate::app::App;
use crate::households::eligible;
use crate::http::{Query, path_part};
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::period::Period;
use crate::kernel::problem::Outcome;
use crate::kernel::region::RegionCode;
use crate::regions;
use crate::rules::Category;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_statistics);
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
}

#[derive(Serialize, FromQueryResult, ToSchema)]
pub struct CategoryPoints {
    #[schema(example = "public_welfare")]
    pub category: String,
    #[schema(example = 1616)]
    pub points: i64,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// Week, month, quarter or year; without it, since the beginning.
    #[param(nullable = false, value_type = String, example = "2024-Q2")]
    period: Option<Period>,
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
    let period = query.0.period;
    let people = people(&app, &region, period).await?;
    let participating = participating(&app, &region, period).await?;
    let by_category = by_category(&app, &region, period).await?;
    let redeemed = redeemed(&app, &region, period).await?;
    let expired = expired(&app, &region, period).await?;
    let cumulative = by_category.iter().map(|it| it.points).sum();
    Ok(Answer::ok(Statistics {
        region,
        name,
        period,
        registration_rate: Rate::of(people.registered, people.eligible),
        activation_rate: Rate::of(people.activated, people.registered),
        participation_rate: Rate::of(participating, people.eligible),
        redemption_rate: Rate::of(redeemed, cumulative),
        registered: people.registered,
        cumulative,
        redeemed,
        expired,
        balance: cumulative - redeemed - expired,
        by_category,
    }))
}

#[derive(Default, FromQueryResult)]
struct People {
    eligible: i64,
    registered: i64,
    activated: i64,
}

async fn people(app: &App, region: &RegionCode, period: Option<Period>) -> Outcome<People> {
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) AS eligible, \
           CAST(COUNT(h.registered_at) AS BIGINT) AS registered, \
           CAST(COUNT(CASE WHEN h.registered_at IS NOT NULL THEN h.activated_at END) AS BIGINT) \
             AS activated \
         FROM households h WHERE h.village >= $1 AND h.village < $2 AND {}",
        eligible("$3")
    );
    let [from, to] = region.bounds();
    let values = [from, to, end_of(period).into()];
    Ok(db::one::<People>(app.db.read(), &sql, values).await?.unwrap_or_default())
}

/// Households are eligible as they were when the period ended, or as they are now.
fn end_of(period: Option<Period>) -> i64 {
    period.map_or(i64::MAX, |period| period.ends_at().0)
}

/// Region bounds and the weeks of the period, or all weeks.
fn span(region: &RegionCode, period: Option<Period>) -> [Value; 4] {
    let [from, to] = region.bounds();
    let (first, last) = match period.map(Period::weeks) {
        Some((first, last)) => (first.to_string(), last.to_string()),
        None => ("0".to_owned(), ":".to_owned()),
    };
    [from, to, first.into(), last.into()]
}

async fn participating(app: &App, region: &RegionCode, period: Option<Period>) -> Outcome<i64> {
    let sql = format!(
        "SELECT CAST(COUNT(DISTINCT l.household) AS BIGINT) FROM score_lines l \
         JOIN households h ON h.village = l.village AND h.id = l.household \
         WHERE l.village >= $1 AND l.village < $2 AND l.week BETWEEN $3 AND $4 \
         AND {} AND l.kind <> 'reversal' AND l.remedies IS NULL AND l.awarded > COALESCE(( \
           SELECT -SUM(r.awarded) FROM score_lines r \
           WHERE r.village = l.village AND r.reverses = l.id), 0)",
        eligible("$5")
    );
    let values = span(region, period).into_iter().chain([end_of(period).into()]);
    Ok(db::number(app.db.read(), &sql, values).await?)
}

async fn by_category(
    app: &App,
    region: &RegionCode,
    period: Option<Period>,
) -> Outcome<Vec<CategoryPoints>> {
    let sql = "SELECT category, CAST(SUM(awarded) AS BIGINT) AS points FROM score_lines \
               WHERE village >= $1 AND village < $2 AND week BETWEEN $3 AND $4 \
               GROUP BY category";
    let found = db::all::<CategoryPoints>(app.db.read(), sql, span(region, period)).await?;
    let of = |category: &str| found.iter().find(|it| it.category == category);
    let all = Category::ALL.iter().map(|category| {
        let category = category.word();
        CategoryPoints { points: of(&category).map_or(0, |it| it.points), category }
    });
    Ok(all.collect())
}

/// Points of redemptions collected in the period, less refunds in it.
async fn redeemed(app: &App, region: &RegionCode, period: Option<Period>) -> Outcome<i64> {
    let sql = "SELECT CAST(COALESCE((SELECT SUM(points) FROM redemptions \
                 WHERE village >= $1 AND village < $2 AND status IN ('collected', 'refunded') \
                 AND closed_at >= $3 AND closed_at < $4), 0) \
               - COALESCE((SELECT SUM(f.points) FROM villages v JOIN refunds f \
                 ON f.village = v.village AND f.at >= $3 AND f.at < $4 \
                 WHERE v.village >= $1 AND v.village < $2), 0) AS BIGINT)";
    let [from, to] = region.bounds();
    let (starts, ends) =
        period.map_or((i64::MIN, i64::MAX), |it| (it.starts_at().0, it.ends_at().0));
    Ok(db::number(app.db.read(), sql, [from, to, starts.into(), ends.into()]).await?)
}

async fn expired(app: &App, region: &RegionCode, period: Option<Period>) -> Outcome<i64> {
    // By village, so that each one's few journals of this kind are found by their key.
    let sql = "SELECT CAST(COALESCE(SUM(p.points), 0) AS BIGINT) FROM villages v \
               JOIN journals j ON j.village = v.village AND j.kind = 'expire' \
               JOIN postings p ON p.village = j.village AND p.journal = j.id \
                 AND p.account = 'expired' \
               WHERE v.village >= $1 AND v.village < $2 AND j.at >= $3 AND j.at < $4";
    let [from, to] = region.bounds();
    let starts = period.map_or(i64::MIN, |period| period.starts_at().0);
    let values = [from, to, starts.into(), end_of(period).into()];
    Ok(db::number(app.db.read(), sql, values).await?)
}
