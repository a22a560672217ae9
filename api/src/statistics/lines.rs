//! `GET /v1/villages/{village}/entries/export`: all score lines of a village in a period, as a table for
//! those who answer for them.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::App;
use crate::http::{Query, speaks_english};
use crate::identity::{Official, Watches};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::period::Period;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::spreadsheet::{Cell, ExportFormat, Table, saved_as, send};
use crate::kernel::text::shown;
use crate::labels::called;
use crate::regions;

/// So many lines are read at a time: what is held in memory however many there are.
const PAGE: i64 = 1000;

/// So many are written at a time, so that connections are left for everybody else.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntryExportQuery {
    #[param(inline)]
    format: ExportFormat,
    /// Week, month, quarter or year.
    #[param(value_type = String, example = "2024-Q3")]
    period: Period,
}

/// A village's score lines of a period, as a table for Excel or WPS
///
/// For the committee, the township and the county; that somebody took it away is written down. Heads of
/// households that agreed have their names, others the first character, those who keep it to themselves
/// none. Times are those of the village. Headings are Chinese, or English for whoever asks for it
/// (`Accept-Language`). A text that could be taken for a formula is written so that it is not.
#[utoipa::path(tag = "statistics", operation_id = "entries_export", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), EntryExportQuery),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream",
        description = "The file, CSV or XLSX as its Content-Type says")),
    extensions(("x-codes" = json!("role_required"))))]
#[get("/v1/villages/{village}/entries/export")]
async fn export_entries(
    official: Official<Watches>,
    request: HttpRequest,
    query: Query<EntryExportQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let EntryExportQuery { format, period } = query.0;
    let (village, english) = (&official.village, speaks_english(request.headers()));
    let name = regions::find(app.db.read(), &village.region()).await?.name;
    let turn = timeout(PATIENCE, AT_ONCE.acquire()).await;
    let _turn = turn.map_err(|_| Refusal { retry_after: Some(5), ..Code::Busy.into() })?;
    note(&app, village, official.person, period, format).await?;
    // As it is at one moment, and written before anything is sent: a slow reader keeps no transaction.
    let written = app.db.snapshot(async |tx| table(tx, village, period, format, english).await);
    let (extension, what) = (format.extension(), if english { "entries" } else { "积分明细" });
    let plain = format!("entries-{village}-{period}.{extension}");
    let saved = saved_as(&format!("{name}-{what}-{period}.{extension}"), &plain);
    send(written.await?.finish().await?, format, &saved)
}

/// Names leave the system: an auditor finds who took them.
async fn note(
    app: &App,
    village: &Village,
    person: Uuid,
    period: Period,
    format: ExportFormat,
) -> Outcome<()> {
    let now = app.clock.now();
    let write = app.db.write(async |tx| {
        let act = Act {
            region: village.as_str(),
            actor: Some(person),
            action: "entries.export",
            subject: period.to_string(),
            detail: json!({ "format": format }),
        };
        audit::record(tx, now, act).await
    });
    write.await
}

const COLUMNS: &[&str] = &[
    "week",
    "household_number",
    "head",
    "grid",
    "category",
    "rule",
    "kind",
    "occurred_on",
    "times",
    "claimed",
    "awarded",
    "reason",
    "approved_at",
    "publicity",
    "confirmed_at",
];

#[derive(FromQueryResult)]
struct Line {
    week: String,
    household: Uuid,
    id: Uuid,
    number: i64,
    grid: String,
    name: Option<String>,
    consented: Option<bool>,
    category: String,
    rule_zh: Option<String>,
    rule_en: Option<String>,
    kind: String,
    occurred_on: String,
    times: i64,
    claimed: i64,
    awarded: i64,
    reason: Option<String>,
    approved_at: i64,
    publicity: Option<String>,
    confirmed_at: Option<i64>,
}

async fn table(
    on: &impl ConnectionTrait,
    village: &Village,
    period: Period,
    format: ExportFormat,
    english: bool,
) -> Outcome<Table> {
    let headings: Vec<_> =
        COLUMNS.iter().map(|column| called("export_column", column, english)).collect();
    let headings: Vec<_> = headings.iter().map(String::as_str).collect();
    let mut table = Table::begin(format, &headings)?;
    let (first, last) = period.weeks();
    let mut after = (first.to_string(), Uuid::nil(), Uuid::nil());
    loop {
        let lines = page(on, village, &after, &last.to_string()).await?;
        let Some(line) = lines.last() else { return Ok(table) };
        after = (line.week.clone(), line.household, line.id);
        table = table.rows(lines.into_iter().map(|line| cells(line, english)).collect()).await?;
    }
}

/// The next lines after one, by week and household, as their index has them.
async fn page(
    on: &impl ConnectionTrait,
    village: &Village,
    (week, household, id): &(String, Uuid, Uuid),
    last: &str,
) -> Outcome<Vec<Line>> {
    let sql = "SELECT l.week, l.household, l.id, h.number, h.grid, m.name, m.consented, l.category, \
                 u.name_zh AS rule_zh, u.name_en AS rule_en, l.kind, l.occurred_on, l.times, \
                 l.claimed, l.awarded, l.reason, l.approved_at, p.status AS publicity, \
                 p.confirmed_at \
               FROM (SELECT * FROM score_lines WHERE village = $1 AND week >= $2 AND week <= $3 \
                 AND (week, household, id) > ($2, $4, $5) ORDER BY week, household, id LIMIT $6) l \
               JOIN households h ON h.village = l.village AND h.id = l.household \
               LEFT JOIN shown_heads m ON m.village = l.village AND m.household = l.household \
               LEFT JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
               LEFT JOIN public_list_lines p ON p.village = l.village AND p.line = l.id \
               ORDER BY l.week, l.household, l.id";
    let values: [Value; 6] = [
        village.into(),
        week.clone().into(),
        last.into(),
        (*household).into(),
        (*id).into(),
        PAGE.into(),
    ];
    Ok(db::all(on, sql, values).await?)
}

fn cells(line: Line, english: bool) -> Vec<Cell> {
    let word = |name: &str, word: &str| Cell::Text(called(name, word, english));
    let maybe = |name: &str, text: Option<String>| text.map_or(Cell::Nothing, |it| word(name, &it));
    let rule = if english { line.rule_en } else { line.rule_zh };
    let name = line.name.map(|name| shown(&name, line.consented == Some(true), true));
    vec![
        Cell::Text(line.week),
        Cell::Number(line.number),
        name.map_or(Cell::Nothing, Cell::Text),
        Cell::Text(line.grid),
        word("category", &line.category),
        // Without a rule it is an adjustment of the committee.
        rule.map_or_else(|| word("register_kind", "adjustment"), Cell::Text),
        word("score_line_kind", &line.kind),
        Cell::Text(line.occurred_on),
        Cell::Number(line.times),
        Cell::Number(line.claimed),
        Cell::Number(line.awarded),
        maybe("cut", line.reason),
        Cell::Text(time(line.approved_at)),
        maybe("public_list_line_status", line.publicity),
        line.confirmed_at.map_or(Cell::Nothing, |at| Cell::Text(time(at))),
    ]
}

/// Day and minute in the village.
fn time(at: i64) -> String {
    let text = Instant(at).to_string();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_and_a_minute_in_the_village() {
        let at = Instant::parse("2024-09-01T16:05:30Z").expect("an instant");
        assert_eq!(time(at.0), "2024-09-02 00:05");
    }
}
