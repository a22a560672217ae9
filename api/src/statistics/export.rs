//! `GET …/statistics/export`: the comparison of villages as a table to take away.

use std::io::Read;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{Data, block};
use actix_web::{HttpRequest, HttpResponse, get};
use sea_orm::ConnectionTrait;
use serde::Deserialize;
use utoipa::IntoParams;

use super::comparison::{Compared, Figures, PartFigures, PartLevel, named};
use super::ready;
use crate::app::App;
use crate::http::{Query, path_part, public, speaks_english};
use crate::kernel::period::Period;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::RegionCode;
use crate::kernel::spreadsheet::{Cell, ExportFormat, Table, saved_as};
use crate::labels::called;
use crate::regions;
use crate::rules::Category;

/// So many places are read at a time.
const PAGE: i64 = 1000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    #[param(inline)]
    format: ExportFormat,
    /// Week, month, quarter or year; without it, since the beginning.
    #[param(nullable = false, value_type = String, example = "2024-Q2")]
    period: Option<Period>,
    /// Villages, or parts above them.
    #[serde(default)]
    #[param(required = false)]
    by: PartLevel,
}

/// A region's villages beside one another, as a table for Excel or WPS
///
/// Headings are Chinese, or English for whoever asks for it (`Accept-Language`). The last row is the sum
/// over the region. A text that could be taken for a formula is written so that it is not.
#[utoipa::path(tag = "statistics", operation_id = "statistics_export",
    params(("region" = RegionCode, Path, description = "Code of a region of any level"), ExportQuery),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream",
        description = "The file, CSV or XLSX as its Content-Type says")))]
#[get("/v1/regions/{region}/statistics/export")]
async fn export_statistics(
    request: HttpRequest,
    query: Query<ExportQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let region: RegionCode = path_part(&request, "region")?;
    let english = speaks_english(request.headers());
    let ExportQuery { format, period, by } = query.0;
    let name = regions::find(app.db.read(), &region).await?.name;
    let looked = Compared { region: &region, by, period, as_of: None };
    let key = format!("table:{{{region}}}:{}:{by:?}:{format:?}:{english}", named(period));
    let build = app.db.snapshot(async |tx| table(tx, &looked, format, english).await);
    let ready = ready(&app, &region, &key, None, build).await?;
    let (period, extension) = (named(period), format.extension());
    let what = if english { "statistics" } else { "积分统计" };
    let plain = format!("statistics-{region}-{period}.{extension}");
    let saved = saved_as(&format!("{name}-{what}-{period}.{extension}"), &plain).to_string();
    let headers = [
        (CONTENT_TYPE, format.media()),
        (CONTENT_DISPOSITION, saved.as_str()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (VARY, "Accept-Language"),
    ];
    Ok(public(&request, &ready, &headers))
}

const COLUMNS: &[&str] = &[
    "code",
    "name",
    "eligible",
    "registered",
    "registration_rate",
    "activated",
    "activation_rate",
    "participating",
    "participation_rate",
    "cumulative",
    "redeemed",
    "redemption_rate",
    "expired",
    "balance",
];

async fn table(
    on: &impl ConnectionTrait,
    looked: &Compared<'_>,
    format: ExportFormat,
    english: bool,
) -> Outcome<Vec<u8>> {
    let columns = COLUMNS.iter().map(|column| called("export_column", column, english));
    let category = |it: &Category| called("category", &it.word(), english);
    let headings: Vec<_> = columns.chain(Category::ALL.iter().map(category)).collect();
    let headings: Vec<_> = headings.iter().map(String::as_str).collect();
    let mut table = Table::begin(format, &headings)?;
    let mut after = String::new();
    loop {
        let parts = looked.parts(on, &after, PAGE).await?;
        let Some(last) = parts.last() else { break };
        after.clone_from(&last.code);
        let figures = looked.figures(on, parts).await?;
        table = table.rows(figures.iter().map(row).collect()).await?;
    }
    let total = Figures::from(&looked.total(on).await?);
    let name = Cell::Text(called("export_column", "total", english));
    table = table.rows(vec![cells(Cell::text(looked.region.as_str()), name, &total)]).await?;
    let mut file = table.finish().await?;
    let read = block(move || {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map(|_| bytes)
    });
    let read = read.await.map_err(|error| Problem::fault(error.to_string()))?;
    read.map_err(|error| Problem::fault(error.to_string()))
}

fn row(part: &PartFigures) -> Vec<Cell> {
    cells(Cell::text(part.region.as_str()), Cell::text(&part.name), &part.figures)
}

fn cells(code: Cell, name: Cell, of: &Figures) -> Vec<Cell> {
    let mut cells = vec![
        code,
        name,
        Cell::Number(of.registration_rate.denominator),
        Cell::Number(of.registration_rate.numerator),
        Cell::decimal(of.registration_rate.rate),
        Cell::Number(of.activation_rate.numerator),
        Cell::decimal(of.activation_rate.rate),
        Cell::Number(of.participation_rate.numerator),
        Cell::decimal(of.participation_rate.rate),
        Cell::Number(of.cumulative),
        Cell::Number(of.redeemed),
        Cell::decimal(of.redemption_rate.rate),
        Cell::Number(of.expired),
        Cell::Number(of.balance),
    ];
    cells.extend(of.by_category.iter().map(|it| Cell::Number(it.points)));
    cells
}
