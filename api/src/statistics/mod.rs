//! `GET /v1/regions/{region}/statistics`: the figures that townships are asked for.

mod rate;
mod weak;

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub use rate::Rate;
use weak::weak;

use crate::app::App;
use crate::households::eligible;
use crate::http::{Query, path_part};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::period::{Period, Week};
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
    let look = Look { period, as_of };
    let people = people(&app, &region, look).await?;
    let participating = participating(&app, &region, look).await?;
    let by_category = by_category(&app, &region, look).await?;
    let redeemed = redeemed(&app, &region, look).await?;
    let expired = expired(&app, &region, look).await?;
    let cumulative = by_category.iter().map(|it| it.points).sum();
    Ok(Answer::ok(Statistics {
        region,
        name,
        period,
        as_of,
        registration_rate: Rate::of(people.registered, people.eligible),
        activation_rate: Rate::of(people.activated, people.registered),
        participation_rate: Rate::of(participating, people.eligible),
        redemption_rate: Rate::of(redeemed, cumulative),
        registered: people.registered,
        cumulative,
        redeemed,
        expired,
        balance: cumulative - redeemed - expired,
        weak_categories: weak(&by_category),
        by_category,
    }))
}

/// What is looked at, and as it was known when.
#[derive(Clone, Copy)]
struct Look {
    period: Option<Period>,
    as_of: Option<Instant>,
}

impl Look {
    /// Households are eligible, and points spent, as it was when the period ended, or at `as_of`.
    fn ends(self) -> i64 {
        let end = self.period.map_or(i64::MAX, |period| period.ends_at().0);
        self.as_of.map_or(end, |at| end.min(at.0.saturating_add(1)))
    }

    fn starts(self) -> i64 {
        self.period.map_or(i64::MIN, |period| period.starts_at().0)
    }

    /// Region bounds, the weeks of the period or all weeks, and for [`KNOWN`] the first week that was
    /// not closed at `as_of`, and the instant after it.
    fn span(self, region: &RegionCode) -> [Value; 6] {
        let [from, to] = region.bounds();
        let (first, last) = match self.period.map(Period::weeks) {
            Some((first, last)) => (first.to_string(), last.to_string()),
            None => ("0".to_owned(), ":".to_owned()),
        };
        let (open, after) = match self.as_of {
            Some(at) => (Week::of(at).to_string(), at.0.saturating_add(1)),
            None => (":".to_owned(), i64::MAX),
        };
        [from, to, first.into(), last.into(), open.into(), after.into()]
    }
}

/// SQL: whether score line `l` existed: what a sheet awards since its week closed, what was taken back
/// since it was decided.
const KNOWN: &str = "CASE WHEN l.kind = 'reversal' THEN l.approved_at < $6 ELSE l.week < $5 END";

#[derive(Default, FromQueryResult)]
struct People {
    eligible: i64,
    registered: i64,
    activated: i64,
}

async fn people(app: &App, region: &RegionCode, look: Look) -> Outcome<People> {
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) AS eligible, \
           CAST(COUNT(CASE WHEN h.registered_at < $3 THEN 1 END) AS BIGINT) AS registered, \
           CAST(COUNT(CASE WHEN h.registered_at < $3 AND h.activated_at < $3 THEN 1 END) AS BIGINT) \
             AS activated \
         FROM households h WHERE h.village >= $1 AND h.village < $2 AND {}",
        eligible("$3")
    );
    let [from, to] = region.bounds();
    let values = [from, to, look.ends().into()];
    Ok(db::one::<People>(app.db.read(), &sql, values).await?.unwrap_or_default())
}

async fn participating(app: &App, region: &RegionCode, look: Look) -> Outcome<i64> {
    let sql = format!(
        "SELECT CAST(COUNT(DISTINCT l.household) AS BIGINT) FROM score_lines l \
         JOIN households h ON h.village = l.village AND h.id = l.household \
         WHERE l.village >= $1 AND l.village < $2 AND l.week BETWEEN $3 AND $4 AND {KNOWN} \
         AND {} AND l.kind <> 'reversal' AND l.remedies IS NULL AND l.awarded > COALESCE(( \
           SELECT -SUM(r.awarded) FROM score_lines r WHERE r.village = l.village \
           AND r.reverses = l.id AND r.week BETWEEN $3 AND $4 AND r.approved_at < $6), 0)",
        eligible("$7")
    );
    let values = look.span(region).into_iter().chain([look.ends().into()]);
    Ok(db::number(app.db.read(), &sql, values).await?)
}

async fn by_category(app: &App, region: &RegionCode, look: Look) -> Outcome<Vec<CategoryPoints>> {
    let sql = format!(
        "SELECT category, CAST(SUM(awarded) AS BIGINT) AS points FROM score_lines l \
         WHERE village >= $1 AND village < $2 AND week BETWEEN $3 AND $4 AND {KNOWN} \
         GROUP BY category"
    );
    let found = db::all::<CategoryPoints>(app.db.read(), &sql, look.span(region)).await?;
    let of = |category: &str| found.iter().find(|it| it.category == category);
    let all = Category::ALL.iter().map(|category| {
        let category = category.word();
        CategoryPoints { points: of(&category).map_or(0, |it| it.points), category }
    });
    Ok(all.collect())
}

/// Points of redemptions collected in the period, less refunds in it.
async fn redeemed(app: &App, region: &RegionCode, look: Look) -> Outcome<i64> {
    let sql = "SELECT CAST(COALESCE((SELECT SUM(points) FROM redemptions \
                 WHERE village >= $1 AND village < $2 AND status IN ('collected', 'refunded') \
                 AND closed_at >= $3 AND closed_at < $4), 0) \
               - COALESCE((SELECT SUM(f.points) FROM villages v JOIN refunds f \
                 ON f.village = v.village AND f.at >= $3 AND f.at < $4 \
                 WHERE v.village >= $1 AND v.village < $2), 0) AS BIGINT)";
    let [from, to] = region.bounds();
    let values = [from, to, look.starts().into(), look.ends().into()];
    Ok(db::number(app.db.read(), sql, values).await?)
}

async fn expired(app: &App, region: &RegionCode, look: Look) -> Outcome<i64> {
    // By village, so that each one's few journals of this kind are found by their key.
    let sql = "SELECT CAST(COALESCE(SUM(p.points), 0) AS BIGINT) FROM villages v \
               JOIN journals j ON j.village = v.village AND j.kind = 'expire' \
               JOIN postings p ON p.village = j.village AND p.journal = j.id \
                 AND p.account = 'expired' \
               WHERE v.village >= $1 AND v.village < $2 AND j.at >= $3 AND j.at < $4";
    let [from, to] = region.bounds();
    let values = [from, to, look.starts().into(), look.ends().into()];
    Ok(db::number(app.db.read(), sql, values).await?)
}
