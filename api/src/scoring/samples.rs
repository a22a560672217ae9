//! `GET /v1/regions/{region}/samples` and `POST …/samples/{claim}/finding`: the township checks again
//! what was drawn (抽查).

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::app::App;
use crate::http::{Query, path_id};
use crate::identity::{Governs, Neighbour, Official, Overseer, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::page::Start;
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::{RegionCode, Village};
use crate::kernel::text::required;
use crate::register;

/// What a second look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SampleFinding)]
pub enum Finding {
    /// As it was claimed.
    Confirmed,
    /// 存疑: the committee has to look again.
    Doubted,
}

/// A claim that was drawn to be checked again.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Sample {
    pub village: Village,
    pub claim: Uuid,
    /// The week whose sheet it is on.
    pub week: Week,
    pub household: Uuid,
    #[schema(example = "env.courtyard_beautify")]
    pub rule: String,
    /// For the whole claim, before caps.
    #[schema(example = 3)]
    pub points: i64,
    #[schema(example = "2024-09-24")]
    pub occurred_on: String,
    pub drawn_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub finding: Option<Finding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "到户看过，属实")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub checked_at: Option<Instant>,
}

#[derive(Serialize, ToSchema)]
pub struct SamplePage {
    pub items: Vec<Sample>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SampleQuery {
    /// Only what nobody has checked yet.
    #[serde(default)]
    #[param(nullable = false, example = true)]
    open: bool,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

#[derive(FromQueryResult)]
struct Row {
    village: String,
    claim: Uuid,
    week: String,
    household: Uuid,
    rule: String,
    points: i64,
    occurred_on: String,
    drawn_at: i64,
    finding: Option<String>,
    note: Option<String>,
    checked_at: Option<i64>,
}

const SAMPLES: &str = "SELECT s.village, s.claim, s.week, c.household, c.rule, c.points, \
    c.occurred_on, s.drawn_at, s.finding, s.note, s.checked_at FROM samples s \
    JOIN claims c ON c.village = s.village AND c.id = s.claim";

/// Claims drawn to be checked again
#[utoipa::path(tag = "scoring", operation_id = "samples_list", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a township, county or village"),
        SampleQuery),
    responses((status = 200, body = SamplePage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/regions/{region}/samples")]
async fn list_samples(
    officer: Overseer<Governs>,
    query: Query<SampleQuery>,
    app: Data<App>,
) -> Outcome<Answer<SamplePage>> {
    let SampleQuery { open, cursor, limit } = query.0;
    let filter = format!("samples {} {open}", officer.region);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let condition = if open { "AND s.finding IS NULL" } else { "" };
    let sql = format!(
        "{SAMPLES} WHERE s.village >= $1 AND s.village < $2 {condition} \
         AND (s.village > $3 OR (s.village = $3 AND s.claim < $4)) \
         ORDER BY s.village, s.claim DESC LIMIT $5"
    );
    let [from, to] = officer.region.bounds();
    let (village, claim): (String, Uuid) = start.after.clone().unwrap_or_default();
    let values = [from, to, village.into(), claim.into(), start.fetch().into()];
    let rows = db::all::<Row>(app.db.read(), &sql, values).await?;
    let page = start.page(rows, &filter, |row| (row.village.clone(), row.claim));
    let items = page.items.into_iter().map(sample).collect::<Outcome<_>>()?;
    Ok(Answer::ok(SamplePage { items, next_cursor: page.next_cursor }))
}

fn sample(row: Row) -> Outcome<Sample> {
    let odd = || Problem::fault(format!("sample {}", row.claim));
    let finding = row.finding.as_deref().map(|word| match word {
        "doubted" => Finding::Doubted,
        _ => Finding::Confirmed,
    });
    Ok(Sample {
        village: row.village.parse().map_err(|_| odd())?,
        week: row.week.parse().map_err(|_| odd())?,
        claim: row.claim,
        household: row.household,
        rule: row.rule,
        points: row.points,
        occurred_on: row.occurred_on,
        drawn_at: Instant(row.drawn_at),
        finding,
        note: row.note,
        checked_at: row.checked_at.map(Instant),
    })
}

/// What was found.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFinding {
    pub finding: Finding,
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "到户看过，属实")]
    pub note: String,
}

/// Say what a second look at a claim found
#[utoipa::path(tag = "scoring", operation_id = "samples_record_finding", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("claim" = Uuid, Path, description = "The claim's id")),
    request_body = NewFinding, responses((status = 201, body = Sample)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        invalid_field"))))]
#[post("/v1/villages/{village}/samples/{claim}/finding")]
async fn record_finding(
    officer: Official<Governs>,
    request: HttpRequest,
    finding: Command<NewFinding>,
    app: Data<App>,
) -> Outcome<Answer<Sample>> {
    let claim = path_id(&request, "claim")?;
    let done = finding.once(&app, officer.village.as_str(), officer.account, async |tx| {
        record(tx, &officer, claim, &finding.body, app.clock.now()).await?;
        load(tx, &officer.village, claim).await.and_then(sample)
    });
    Ok(done.await?.created())
}

async fn load(tx: &Tx, village: &Village, claim: Uuid) -> Outcome<Row> {
    let sql = format!("{SAMPLES} WHERE s.village = $1 AND s.claim = $2");
    let values: [Value; 2] = [village.into(), claim.into()];
    Ok(db::one::<Row>(tx, &sql, values).await?.ok_or(Code::NotFound)?)
}

async fn record(
    tx: &Tx,
    by: &Neighbour,
    claim: Uuid,
    new: &NewFinding,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let drawn = load(tx, village, claim).await?;
    let note = required(&new.note, "/note")?;
    // Whoever filed or decided it has had their look.
    let sql = "SELECT COUNT(*) FROM claims c WHERE c.village = $1 AND c.id = $2 \
               AND (c.filed_by = $3 OR EXISTS (SELECT 1 FROM reviews v \
                 WHERE v.village = c.village AND v.claim = c.id AND v.person = $3))";
    let values: [Value; 3] = [village.into(), claim.into(), by.person.into()];
    if db::number(tx, sql, values).await? > 0
        || is_concerned(tx, village, by.person, drawn.household).await?
    {
        return Err(Code::ConflictOfInterest.into());
    }
    let (word, kind) = match new.finding {
        Finding::Confirmed => ("confirmed", register::Kind::SampleConfirmed),
        Finding::Doubted => ("doubted", register::Kind::SampleDoubted),
    };
    let sql = "UPDATE samples SET finding = $3, note = $4, checked_by = $5, checked_at = $6 \
               WHERE village = $1 AND claim = $2 AND finding IS NULL";
    let values: [Value; 6] = [
        village.into(),
        claim.into(),
        word.into(),
        note.as_str().into(),
        by.person.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state(drawn.finding.unwrap_or_default()).into());
    }
    let (subject, person) = (claim.to_string(), Some(by.person));
    let entry = register::Entry { kind, subject: subject.clone(), person, note };
    register::enter(tx, village, now, &[entry]).await?;
    let detail = serde_json::json!({ "finding": word });
    let region = village.as_str();
    let act = Act { region, actor: person, action: "sample.find", subject, detail };
    audit::record(tx, now, act).await
}
