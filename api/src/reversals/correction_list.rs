//! `GET …/public-lists/{month}/corrections`: what hangs beside a closed list.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::http::{Query, path_part, private_json};
use crate::identity::{Corrects, Neighbour, Reader};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::kernel::text::shown;
use crate::publicity;

/// A line that is to be corrected, as everybody may read it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CorrectionLine {
    /// The line's number on the closed list.
    #[schema(example = 12)]
    pub number: i64,
    /// The household's number on that list.
    #[schema(example = 5)]
    pub household_number: i64,
    /// The head's name, masked for whoever is no neighbour; absent where the household keeps it to itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "张*")]
    pub name: Option<String>,
    /// What the line was awarded.
    #[schema(example = 5)]
    pub awarded: i64,
    /// How many of its points are taken back.
    #[schema(example = 5)]
    pub points: i64,
    /// `proposed`, `approved`, `carried`, `dropped` or `lapsed`.
    #[schema(example = "proposed")]
    pub status: String,
}

/// A correction (更正) of a closed list.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Correction {
    pub id: Uuid,
    pub month: Month,
    /// From 1 for each month.
    #[schema(example = 1)]
    pub number: i64,
    #[schema(example = "8月15日清扫签到表核对有误")]
    pub reason: String,
    /// `open` or `closed`.
    #[schema(example = "open")]
    pub status: String,
    pub published_at: Instant,
    /// When what a second person approved takes effect; the rest lapses.
    pub closes_at: Instant,
    /// All its lines, also those that are not named in public.
    #[schema(example = 1)]
    pub line_count: i64,
    /// The lines that are named in public; deductions are not.
    pub lines: Vec<CorrectionLine>,
    /// What this caller may do next: `decide`.
    pub allowed_actions: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct CorrectionPage {
    pub items: Vec<Correction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CorrectionQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Who reads: whether as a neighbour, and as whom they could decide.
#[derive(Default)]
pub struct Viewer {
    neighbour: bool,
    decides_as: Option<Uuid>,
}

impl Viewer {
    /// Somebody with business in the village.
    pub fn of(caller: &Neighbour) -> Self {
        let decides_as = caller.serves::<Corrects>().then_some(caller.person);
        Self { neighbour: true, decides_as }
    }
}

/// The corrections of a month's list, the first one first
#[utoipa::path(tag = "reversals", operation_id = "corrections_list",
    security((), ("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month of the list"), CorrectionQuery),
    responses((status = 200, body = CorrectionPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/villages/{village}/public-lists/{month}/corrections")]
async fn list_corrections(
    reader: Reader,
    request: HttpRequest,
    query: Query<CorrectionQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let (village, month): (Village, Month) =
        (path_part(&request, "village")?, path_part(&request, "month")?);
    let filter = format!("corrections {village} {month}");
    let start = Start::<i64>::parse(query.0.cursor.as_deref(), query.0.limit, &filter)?;
    let page = async |viewer: &Viewer| {
        let found = corrections(app.db.read(), &village, month, &start, viewer).await?;
        let page = start.page(found, &filter, |it| it.number);
        Ok::<_, Problem>(CorrectionPage { items: page.items, next_cursor: page.next_cursor })
    };
    if reader.is_neighbour(&village) {
        let decides = reader.has_office::<Corrects>(&village.region());
        let decides_as = reader.person().filter(|_| decides);
        let viewer = Viewer { neighbour: true, decides_as };
        return Ok(private_json(&page(&viewer).await?));
    }
    let key = format!("corrections:{{{village}}}:{month}:{:?}:{}", start.after, start.limit);
    let build = async {
        let page = page(&Viewer::default()).await?;
        serde_json::to_vec(&page).map_err(|error| Problem::fault(error.to_string()))
    };
    publicity::serve(&app, &request, &village, &key, build).await
}

/// One correction as `viewer` sees it.
///
/// # Errors
/// `not_found` if the month's list has none of this number.
pub async fn one(
    on: &impl ConnectionTrait,
    village: &Village,
    month: Month,
    number: i64,
    viewer: &Viewer,
) -> Outcome<Correction> {
    let start = Start { after: Some(number - 1), limit: 1 };
    let found = corrections(on, village, month, &start, viewer).await?.into_iter().next();
    Ok(found.filter(|it| it.number == number).ok_or(Code::NotFound)?)
}

#[derive(FromQueryResult)]
struct LineRow {
    correction: i64,
    number: i64,
    household_number: i64,
    name: Option<String>,
    consented: Option<bool>,
    awarded: i64,
    points: i64,
    status: String,
    itemised: bool,
}

async fn corrections(
    on: &impl ConnectionTrait,
    village: &Village,
    month: Month,
    start: &Start<i64>,
    viewer: &Viewer,
) -> Outcome<Vec<Correction>> {
    let key = || -> [Value; 2] { [village.into(), month.to_string().into()] };
    let sql = "SELECT * FROM corrections WHERE village = $1 AND month = $2 AND number > $3 \
               ORDER BY number LIMIT $4";
    let after = start.after.unwrap_or(0);
    let values = key().into_iter().chain([after.into(), start.fetch().into()]);
    let rows = db::all::<entity::correction::Model>(on, sql, values).await?;
    let last = rows.last().map_or(after, |row| row.number);
    let sql = "SELECT r.correction, r.number, p.household_number, m.name, m.consented, l.awarded, \
                 r.points, r.status, \
                 COALESCE(u.publicly_itemised, l.awarded > 0) AS itemised \
               FROM reversals r \
               JOIN public_list_lines p ON p.village = r.village AND p.month = r.month \
                 AND p.number = r.number \
               JOIN score_lines l ON l.village = r.village AND l.id = r.line \
               LEFT JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
               LEFT JOIN shown_heads m ON m.village = p.village AND m.household = p.household \
               WHERE r.village = $1 AND r.month = $2 AND r.correction > $3 AND r.correction <= $4 \
               ORDER BY r.correction, r.number";
    let values = key().into_iter().chain([after.into(), last.into()]);
    let mut lines = BTreeMap::<i64, Vec<LineRow>>::new();
    for line in db::all::<LineRow>(on, sql, values).await? {
        lines.entry(line.correction).or_default().push(line);
    }
    let one = |row: entity::correction::Model| {
        let lines = lines.remove(&row.number).unwrap_or_default();
        correction(row, month, lines, viewer)
    };
    Ok(rows.into_iter().map(one).collect())
}

fn correction(
    row: entity::correction::Model,
    month: Month,
    lines: Vec<LineRow>,
    viewer: &Viewer,
) -> Correction {
    let waits = lines.iter().any(|line| line.status == "proposed");
    let second = viewer.decides_as.is_some_and(|person| person != row.published_by);
    let line = |line: LineRow| CorrectionLine {
        number: line.number,
        household_number: line.household_number,
        name: line.name.map(|name| shown(&name, line.consented == Some(true), viewer.neighbour)),
        awarded: line.awarded,
        points: line.points.abs(),
        status: line.status,
    };
    Correction {
        id: row.id,
        month,
        number: row.number,
        reason: row.reason,
        status: row.status,
        published_at: Instant(row.published_at),
        closes_at: Instant(row.closes_at),
        line_count: i64::try_from(lines.len()).unwrap_or(i64::MAX),
        lines: lines.into_iter().filter(|line| line.itemised).map(line).collect(),
        allowed_actions: (waits && second).then(|| "decide".to_owned()).into_iter().collect(),
    }
}
