//! `GET /v1/regions/{region}/charts/…`: a region's figures as pictures for the township's report.

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;

use super::drawing::{Bar, Spot, Words, bars, line};
use super::figures::{Question, ask};
use super::ready;
use super::trend::{TrendStep, points, steps};
use crate::app::App;
use crate::http::{Query, path_part, public, speaks_english};
use crate::kernel::cache::Ready;
use crate::kernel::period::Period;
use crate::kernel::problem::Outcome;
use crate::kernel::region::RegionCode;
use crate::kernel::text::readable;
use crate::labels::called;
use crate::regions;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChartQuery {
    /// Week, month, quarter or year.
    #[param(value_type = String, example = "2024-Q3")]
    period: Period,
}

/// A region's points by category, as a bar chart
///
/// It carries a title and its figures in words. Chinese, or English for whoever asks for it
/// (`Accept-Language`).
#[utoipa::path(tag = "statistics", operation_id = "charts_draw_categories",
    params(("region" = RegionCode, Path, description = "Code of a region of any level"), ChartQuery),
    responses((status = 200, body = String, content_type = "image/svg+xml",
        description = "A picture that runs nothing and loads nothing")))]
#[get("/v1/regions/{region}/charts/points-by-category")]
async fn draw_categories(
    request: HttpRequest,
    query: Query<ChartQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let region: RegionCode = path_part(&request, "region")?;
    let period = query.0.period;
    let english = speaks_english(request.headers());
    let key = format!("chart:categories:{{{region}}}:{period}:{english}");
    let build = async { categories(&app, &region, period, english).await };
    Ok(picture(&request, &ready(&app, &region, &key, None, build).await?))
}

/// A region's participation, week by week, as a line
///
/// Of each week that is over, eligible households with a bonus in it that was not reversed, of eligible
/// ones. It carries a title and its figures in words.
#[utoipa::path(tag = "statistics", operation_id = "charts_draw_participation",
    params(("region" = RegionCode, Path, description = "Code of a region of any level"), ChartQuery),
    responses((status = 200, body = String, content_type = "image/svg+xml",
        description = "A picture that runs nothing and loads nothing")))]
#[get("/v1/regions/{region}/charts/participation-by-week")]
async fn draw_participation(
    request: HttpRequest,
    query: Query<ChartQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let region: RegionCode = path_part(&request, "region")?;
    let period = query.0.period;
    let english = speaks_english(request.headers());
    let key = format!("chart:participation:{{{region}}}:{period}:{english}");
    let build = async { participation(&app, &region, period, english).await };
    Ok(picture(&request, &ready(&app, &region, &key, None, build).await?))
}

/// Opened by itself it is a document: it may do nothing.
fn picture(request: &HttpRequest, ready: &Ready) -> HttpResponse {
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (VARY, "Accept-Language"),
    ];
    public(request, ready, &headers)
}

async fn categories(
    app: &App,
    region: &RegionCode,
    period: Period,
    english: bool,
) -> Outcome<Vec<u8>> {
    let mut words = words(app, region, period, "points_by_category", english).await?;
    let periods = [Some(period)];
    let (within, depth) = (region.bounds(), region.as_str().len());
    let question = Question { within, depth, periods: &periods, as_of: None };
    let totals = app.db.snapshot(async |tx| ask(tx, &question).await).await?.of(0, region.as_str());
    let bar = |it: super::CategoryPoints| Bar {
        label: called("category", &it.category, english),
        value: it.points,
    };
    let drawn: Vec<_> = totals.categories().into_iter().map(bar).collect();
    let points = called("chart", "points", english);
    let said = drawn.iter().map(|bar| format!("{} {} {points}", bar.label, bar.value));
    words.description = said.collect::<Vec<_>>().join("; ");
    Ok(bars(&words, &drawn)?.into_bytes())
}

async fn participation(
    app: &App,
    region: &RegionCode,
    period: Period,
    english: bool,
) -> Outcome<Vec<u8>> {
    let mut words = words(app, region, period, "participation_by_week", english).await?;
    let now = app.clock.now();
    let mut weeks = steps(period, period, TrendStep::Week)?;
    weeks.retain(|week| week.ends_at() <= now);
    let points =
        if weeks.is_empty() { Vec::new() } else { points(app, region, &weeks, None).await? };
    let households = called("chart", "households", english);
    let said = points.iter().map(|point| {
        let rate = point.participation_rate;
        let share = rate.rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}%"));
        format!("{} {share} ({}/{} {households})", point.period, rate.numerator, rate.denominator)
    });
    words.description = said.collect::<Vec<_>>().join("; ");
    let spot = |point: &super::trend::TrendPoint| {
        let label = point.period.to_string();
        let week = label.split_once('-').map_or(label.as_str(), |(_, week)| week);
        Spot { label: week.to_owned(), share: point.participation_rate.rate }
    };
    Ok(line(&words, &points.iter().map(spot).collect::<Vec<_>>())?.into_bytes())
}

async fn words(
    app: &App,
    region: &RegionCode,
    period: Period,
    chart: &str,
    english: bool,
) -> Outcome<Words> {
    let name = regions::find(app.db.read(), region).await?.name;
    Ok(Words {
        title: called("chart", chart, english),
        subtitle: format!("{} {period}", readable(&name).unwrap_or_default()),
        description: String::new(),
        nothing: called("chart", "no_points", english),
        english,
    })
}
