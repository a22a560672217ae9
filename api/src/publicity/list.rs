//! `GET …/public-lists/{month}` and `…/households`: what hangs on the village's board.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::http::{Query, path_part, private_json, public_json};
use crate::identity::Reader;
use crate::kernel::cache::Shared;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::kernel::text::shown;
use crate::{proof, regions};

/// One village's month in publicity (公示).
#[derive(Serialize, Deserialize, ToSchema)]
pub struct PublicList {
    pub month: Month,
    /// `open`, `closing` or `closed`.
    #[schema(example = "open")]
    pub status: String,
    pub opens_at: Instant,
    /// Objections are taken until just before.
    pub closes_at: Instant,
    /// When it was to close before the township had it hang longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub extended_from: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "9月3日至5日停电断网，公示顺延一周")]
    pub extension_reason: Option<String>,
    #[schema(example = 42)]
    pub line_count: i64,
    #[schema(example = 17)]
    pub household_count: i64,
    /// Awarded in the month, before any reversal.
    #[schema(example = 120)]
    pub points: i64,
    pub lines: LineCounts,
    /// The root of the tree over its lines as it was opened, 64 hex digits; the board prints the first 32.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )]
    pub root: Option<String>,
    /// The hash of the village's last journal at the opening, 64 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        example = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )]
    pub chain_head: Option<String>,
}

/// How many lines of a list stand how.
#[derive(Default, Serialize, Deserialize, ToSchema)]
pub struct LineCounts {
    #[schema(example = 40)]
    pub open: i64,
    #[schema(example = 1)]
    pub contested: i64,
    #[schema(example = 0)]
    pub upheld: i64,
    #[schema(example = 1)]
    pub adjusted: i64,
    #[schema(example = 0)]
    pub struck: i64,
}

/// A household's total on the list, deductions included.
#[derive(Serialize, ToSchema)]
pub struct PublicHousehold {
    /// The household's number on this list.
    #[schema(example = 5)]
    pub household_number: i64,
    /// The head's name, masked for whoever is no neighbour; absent where the household keeps it to itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "张*")]
    pub name: Option<String>,
    /// All its lines together, less what was struck before they were confirmed: a closed list stays as it
    /// was.
    #[schema(example = 9)]
    pub points: i64,
}

#[derive(Serialize, ToSchema)]
pub struct PublicHouseholdPage {
    pub items: Vec<PublicHousehold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HouseholdQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// A month's public list
#[utoipa::path(tag = "publicity", operation_id = "public_lists_show",
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month")),
    responses((status = 200, body = PublicList)))]
#[get("/v1/villages/{village}/public-lists/{month}")]
async fn show_list(request: HttpRequest, app: Data<App>) -> Outcome<HttpResponse> {
    let (village, month) = place(&request)?;
    let build = async { json(&load(app.db.read(), &village, month).await?) };
    serve(&app, &request, &village, &format!("list:{{{village}}}:{month}"), build).await
}

/// Each household's total on a list
#[utoipa::path(tag = "publicity", operation_id = "public_lists_list_households",
    security((), ("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month"), HouseholdQuery),
    responses((status = 200, body = PublicHouseholdPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/villages/{village}/public-lists/{month}/households")]
async fn list_list_households(
    reader: Reader,
    request: HttpRequest,
    query: Query<HouseholdQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let (village, month) = place(&request)?;
    let filter = format!("list households {village} {month}");
    let start = Start::parse(query.0.cursor.as_deref(), query.0.limit, &filter)?;
    let key = page_key("households", &village, month, &start);
    let page = async |neighbour| {
        load(app.db.read(), &village, month).await?;
        let households = households(&app, &village, month, &start, neighbour).await?;
        let page = start.page(households, &filter, |household| household.household_number);
        Ok::<_, Problem>(PublicHouseholdPage { items: page.items, next_cursor: page.next_cursor })
    };
    if reader.is_neighbour(&village) {
        return Ok(private_json(&page(true).await?));
    }
    serve(&app, &request, &village, &key, async { json(&page(false).await?) }).await
}

pub fn place(request: &HttpRequest) -> Outcome<(Village, Month)> {
    Ok((path_part(request, "village")?, path_part(request, "month")?))
}

/// A page's key in the cache: what it shows, not how it was asked for.
fn page_key(what: &str, village: &Village, month: Month, start: &Start<i64>) -> String {
    format!("{what}:{{{village}}}:{month}:{:?}:{}", start.after, start.limit)
}

pub fn json(value: &impl Serialize) -> Outcome<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Problem::fault(error.to_string()))
}

/// Public bytes, kept until something in the village changes.
pub async fn serve(
    app: &App,
    request: &HttpRequest,
    village: &Village,
    key: &str,
    build: impl Future<Output = Outcome<Vec<u8>>>,
) -> Outcome<HttpResponse> {
    let version = async { Ok(regions::village(app.db.read(), village).await?.version.to_string()) };
    let shared = Shared { key, of: &format!("village:{village}") };
    let ready = app.cache.ready(shared, version, build).await?;
    Ok(public_json(request, &ready))
}

/// The list of a month.
///
/// # Errors
/// `not_found` if the village has none yet.
pub async fn load(
    on: &impl ConnectionTrait,
    village: &Village,
    month: Month,
) -> Outcome<PublicList> {
    let sql = "SELECT * FROM public_lists WHERE village = $1 AND month = $2";
    let values: [Value; 2] = [village.into(), month.to_string().into()];
    let row =
        db::one::<entity::public_list::Model>(on, sql, values).await?.ok_or(Code::NotFound)?;
    let lines = counts(on, village, month).await?;
    let seal = proof::sealed(on, village, month).await?;
    let (root, chain_head) = seal.map(|seal| (seal.root, seal.chain_head)).unzip();
    Ok(PublicList {
        month,
        status: row.status,
        opens_at: Instant(row.opens_at),
        closes_at: Instant(row.closes_at),
        line_count: row.line_count,
        household_count: row.household_count,
        points: row.points,
        extended_from: row.extended_from.map(Instant),
        extension_reason: row.extension_reason,
        lines,
        root,
        chain_head,
    })
}

async fn counts(on: &impl ConnectionTrait, village: &Village, month: Month) -> Outcome<LineCounts> {
    #[derive(FromQueryResult)]
    struct Row {
        status: String,
        lines: i64,
    }
    let sql = "SELECT status, CAST(COUNT(*) AS BIGINT) AS lines FROM public_list_lines \
               WHERE village = $1 AND month = $2 GROUP BY status";
    let values: [Value; 2] = [village.into(), month.to_string().into()];
    let mut counts = LineCounts::default();
    for Row { status, lines } in db::all::<Row>(on, sql, values).await? {
        match status.as_str() {
            "contested" => counts.contested = lines,
            "upheld" => counts.upheld = lines,
            "adjusted" => counts.adjusted = lines,
            "struck" => counts.struck = lines,
            _ => counts.open = lines,
        }
    }
    Ok(counts)
}

async fn households(
    app: &App,
    village: &Village,
    month: Month,
    start: &Start<i64>,
    neighbour: bool,
) -> Outcome<Vec<PublicHousehold>> {
    #[derive(FromQueryResult)]
    struct Row {
        household_number: i64,
        name: Option<String>,
        consented: Option<bool>,
        points: i64,
    }
    let sql = "SELECT p.household_number, m.name, m.consented, \
                 CAST(SUM(l.awarded + COALESCE((SELECT SUM(r.awarded) FROM score_lines r \
                   WHERE r.village = l.village AND r.reverses = l.id \
                   AND (p.confirmed_at IS NULL OR r.approved_at <= p.confirmed_at)), 0)) AS BIGINT) \
                   AS points \
               FROM public_list_lines p \
               JOIN score_lines l ON l.village = p.village AND l.id = p.line \
               LEFT JOIN shown_heads m ON m.village = p.village AND m.household = p.household \
               WHERE p.village = $1 AND p.month = $2 AND p.household_number > $3 \
               GROUP BY p.household_number, m.name, m.consented ORDER BY p.household_number LIMIT $4";
    let after = start.after.unwrap_or(0);
    let values: [Value; 4] =
        [village.into(), month.to_string().into(), after.into(), start.fetch().into()];
    let rows = db::all::<Row>(app.db.read(), sql, values).await?;
    let household = |row: Row| PublicHousehold {
        household_number: row.household_number,
        name: row.name.map(|name| shown(&name, row.consented == Some(true), neighbour)),
        points: row.points,
    };
    Ok(rows.into_iter().map(household).collect())
}
