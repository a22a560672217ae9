//! `POST /v1/villages/{village}/household-imports`: a village's roster as one file, all of it or nothing.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::post;
use actix_web::web::{self, Data};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::create::{Opening, grids, open_all};
use super::persons::known;
use super::roster::{Ground, Roster};
use super::roster_rows::RosterError;
use super::sheet::{RosterFile, rows_of};
use crate::app::App;
use crate::http::Query;
use crate::identity::{Governs, Official};
use crate::kernel::command::Answer;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, FieldError, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::upload::Upload;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Only tell what is wrong; write nothing.
    #[serde(default)]
    #[param(nullable = false, example = true)]
    dry_run: bool,
}

/// What a roster holds, and what is wrong with it.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct HouseholdImportReport {
    pub dry_run: bool,
    /// Rows below the header that are not blank.
    #[schema(example = 1218)]
    pub rows: usize,
    #[schema(example = 320)]
    pub households: usize,
    #[schema(example = 1218)]
    pub members: usize,
    /// The first 1,000; empty after an import.
    #[schema(max_items = 1000)]
    pub errors: Vec<RosterError>,
}

/// Import a roster: one row for each member, all households or none
///
/// CSV (UTF-8 or GB 18030) or XLSX (its first sheet), at most 4 MiB and 60,000 rows. The first row
/// names the columns, in Chinese or English: 户号 `number`, 网格 `grid` (15 digits, or the last one to
/// three), 姓名 `name`, 与户主关系 `relation` (户主 or `head` marks the head); and if wanted 手机号
/// `phone`, 身份证号 `id_number`, 出生日期 `born_on`, 同意书 `consent` (纸质 or `paper`).
#[utoipa::path(tag = "households", operation_id = "households_import", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), ImportQuery),
    request_body(content(
        (Vec<u8> = "text/csv"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )),
    responses(
        (status = 200, body = HouseholdImportReport, description = "What an import would do"),
        (status = 201, body = HouseholdImportReport, description = "All of it is imported")),
    extensions(("x-codes" = json!("role_required roster_refused"))))]
#[post("/v1/villages/{village}/household-imports")]
async fn import_households(
    officer: Official<Governs>,
    query: Query<ImportQuery>,
    file: Upload<RosterFile>,
    app: Data<App>,
) -> Outcome<Answer<HouseholdImportReport>> {
    let village = &officer.village;
    let roster = read(&app, village, &file).await?;
    if query.0.dry_run {
        let errors = all_errors(app.db.read(), village, &roster).await?;
        return Ok(Answer::ok(report(&roster, true, errors)));
    }
    let done = file.once(&app, village.as_str(), officer.account, async |tx| {
        let (secret, now) = (app.config.secrets.identity(), app.clock.now());
        let opening = Opening { village, by: Some(officer.person), secret, now };
        import(tx, &opening, &roster).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

/// Reads the file beside the workers: a large one takes a second or two.
async fn read(app: &App, village: &Village, file: &Upload<RosterFile>) -> Outcome<Roster> {
    let (media, bytes) = (file.media, file.bytes.clone());
    let (village, grids) = (village.clone(), grids(app.db.read(), village).await?);
    let secret = app.config.secrets.identity().to_vec();
    let today = app.clock.now().day();
    let read = web::block(move || {
        let ground = Ground { village: &village, grids: &grids, secret: &secret, today };
        match rows_of(media, &bytes) {
            Ok(rows) => Roster::read(&rows, &ground),
            Err(error) => Roster::unreadable(error),
        }
    });
    read.await.map_err(|error| Problem::fault(error.to_string()))
}

fn report(roster: &Roster, dry_run: bool, errors: Vec<RosterError>) -> HouseholdImportReport {
    let (rows, households, members) = (roster.rows, roster.households.len(), roster.lines.len());
    HouseholdImportReport { dry_run, rows, households, members, errors }
}

/// # Errors
/// `roster_refused` with what is wrong by row and column.
async fn import(tx: &Tx, opening: &Opening<'_>, roster: &Roster) -> Outcome<HouseholdImportReport> {
    let errors = all_errors(tx, opening.village, roster).await?;
    if !errors.is_empty() {
        let mut refusal = Refusal::from(Code::RosterRefused);
        refusal.errors = errors.into_iter().map(field_error).collect();
        return Err(refusal.into());
    }
    open_all(tx, opening, &roster.households, &roster.facts).await?;
    Ok(report(roster, false, errors))
}

fn field_error(it: RosterError) -> FieldError {
    let pointer = match it.column.as_str() {
        "" => format!("/{}", it.row),
        column => format!("/{}/{column}", it.row),
    };
    FieldError { pointer, code: it.code, detail: it.detail }
}

/// What is wrong with the roster by itself, and with what is known already.
async fn all_errors(
    on: &impl ConnectionTrait,
    village: &Village,
    roster: &Roster,
) -> Outcome<Vec<RosterError>> {
    #[derive(FromQueryResult)]
    struct Row {
        number: i64,
    }
    let sql = "SELECT number FROM households WHERE village = $1";
    let used = db::all::<Row>(on, sql, [village.into()]).await?;
    let used: BTreeSet<_> = used.into_iter().map(|row| row.number).collect();
    let digests = roster.lines.iter().filter_map(|it| it.id_digest.as_deref()).collect();
    let known = known(on, &digests, false).await?;
    let mut all = roster.findings.clone();
    let mut told = BTreeMap::new();
    for line in &roster.lines {
        if used.contains(&line.number) && told.insert(line.number, line.row).is_none() {
            all.add(
                line.row,
                "number",
                "number_taken",
                "the village has a household of this number",
            );
        }
        let person = line.id_digest.as_ref().and_then(|digest| known.get(digest));
        if person.is_some_and(|person| person.bound) {
            all.add(line.row, "id_number", "already_bound", "in an active household already");
        }
    }
    Ok(all.list())
}
