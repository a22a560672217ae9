//! `POST …/public-lists/{month}/lines/{line}/objections`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::bodies::LAPSE_DAYS;
use super::objection::{Objection, load};
use super::rules::{Ground, takes_objections};
use crate::app::App;
use crate::calendar;
use crate::households::{Notice, tell};
use crate::http::path_part;
use crate::identity::Neighbour;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::{DAY_MS, Instant};
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::labels::label;

/// A household objects at most this often within 24 hours.
const DAY_MAX: i64 = 20;

/// A villager says that a line is wrong.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewObjection {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub ground: Ground,
    /// What is wrong with the line, in one's own words; the household of the line does not read them.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "那天他家没有参加清扫")]
    pub reason: String,
}

/// Object to a line of an open list
#[utoipa::path(tag = "publicity", operation_id = "objections_file", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month"),
        ("line" = i64, Path, description = "The line's number on the list", minimum = 1)),
    request_body = NewObjection, responses((status = 201, body = Objection)),
    extensions(("x-codes" = json!("role_required list_not_open objection_exists reason_required conflict_of_interest \
        objection_limit too_many_tries id_taken wrong_state invalid_field"))))]
#[post("/v1/villages/{village}/public-lists/{month}/lines/{line}/objections")]
async fn file_objection(
    filer: Neighbour,
    request: HttpRequest,
    objection: Command<NewObjection>,
    app: Data<App>,
) -> Outcome<Answer<Objection>> {
    let (month, line) = (path_part(&request, "month")?, path_part(&request, "line")?);
    app.objection_tries.begin(filer.account, app.clock.now())?;
    let done = objection.once(&app, filer.village.as_str(), filer.account, async |tx| {
        file(&app, tx, &filer, month, line, &objection.body).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

#[derive(FromQueryResult)]
struct ListRow {
    opens_at: i64,
    closes_at: i64,
}

async fn file(
    app: &App,
    tx: &Tx,
    filer: &Neighbour,
    month: Month,
    number: i64,
    new: &NewObjection,
) -> Outcome<Objection> {
    let village = &filer.village;
    let household = filer.own_household()?;
    let reason = required(&new.reason, "/reason")?;
    let now = app.clock.now();
    calendar::touch(tx, village, now).await?;
    // Shared: the list cannot close between the look at the clock and the commit.
    let sql = format!(
        "SELECT opens_at, closes_at FROM public_lists WHERE village = $1 AND month = $2{}",
        db::shared(tx)
    );
    let key: [Value; 2] = [village.into(), month.to_string().into()];
    let Some(list) = db::one::<ListRow>(tx, &sql, key).await? else {
        // The list of a month that is not over opens with its end.
        let coming = now < month.period().ends_at();
        return Err(if coming { Code::ListNotOpen } else { Code::NotFound }.into());
    };
    takes_objections(Instant(list.opens_at), Instant(list.closes_at), now)?;
    let line = line_of(tx, village, month, number).await?;
    if line.holder != household && !line.publicly_itemised {
        // The list does not show it: nobody else is to know that there is such a line.
        return Err(Code::NotFound.into());
    }
    if line.status == "struck" {
        return Err(Refusal::wrong_state(line.status).into());
    }
    if line.holder == household && line.awarded > 0 {
        // An objection to one's own credit could only shield it from the neighbours'.
        return Err(Code::ConflictOfInterest.into());
    }
    insert(tx, filer, household, (month, number, line.line), new, &reason, now).await?;
    let sql = "UPDATE public_list_lines SET status = 'contested' \
               WHERE village = $1 AND month = $2 AND number = $3";
    let values: [Value; 3] = [village.into(), month.to_string().into(), number.into()];
    db::run(tx, sql, values).await?;
    if line.holder != household {
        let ground = label("ground", new.ground.as_str()).zh;
        let detail =
            format!("{month}公示第{number}条被提出异议：{ground}。决定之前，该条积分不能使用");
        let recipient = line.holder;
        let told = Notice { recipient, kind: "line_contested", subject: new.id, detail };
        tell(tx, village, now, &[told]).await?;
    }
    load(tx, filer, new.id, now).await
}

/// A line of a list, and what it says.
#[derive(FromQueryResult)]
pub struct LineRow {
    pub line: Uuid,
    pub status: String,
    /// The household that answers for it: the one that took in the line's own, if that was merged.
    pub holder: Uuid,
    pub awarded: i64,
    pub publicly_itemised: bool,
}

/// The line of this number, kept unchanged until the transaction ends.
pub async fn line_of(tx: &Tx, village: &Village, month: Month, number: i64) -> Outcome<LineRow> {
    let sql = format!(
        "SELECT p.line, p.status, COALESCE(h.successor, p.household) AS holder, l.awarded, \
           COALESCE(u.publicly_itemised, l.awarded > 0) AS publicly_itemised \
         FROM public_list_lines p \
         JOIN score_lines l ON l.village = p.village AND l.id = p.line \
         JOIN households h ON h.village = p.village AND h.id = p.household \
         LEFT JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
         WHERE p.village = $1 AND p.month = $2 AND p.number = $3{}",
        db::exclusively_of(tx, "p")
    );
    let values: [Value; 3] = [village.into(), month.to_string().into(), number.into()];
    Ok(db::one::<LineRow>(tx, &sql, values).await?.ok_or(Code::NotFound)?)
}

async fn insert(
    tx: &Tx,
    filer: &Neighbour,
    household: Uuid,
    (month, number, line): (Month, i64, Uuid),
    new: &NewObjection,
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let village = &filer.village;
    // What is decided and can be appealed against is not over: there is no second way round.
    let sql = "SELECT COUNT(*) FROM objections WHERE village = $1 AND line = $2 \
               AND filer_household = $3 AND status <> 'final'";
    let values: [Value; 3] = [village.into(), line.into(), household.into()];
    if db::number(tx, sql, values).await? > 0 {
        return Err(Code::ObjectionExists.into());
    }
    within_limit(tx, village, household, now).await?;
    let sql = "INSERT INTO objections (village, id, month, number, line, filed_by, \
               filer_household, ground, reason, status, filed_at, due_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'filed', $10, $11) ON CONFLICT DO NOTHING";
    let values: [Value; 11] = [
        village.into(),
        new.id.into(),
        month.to_string().into(),
        number.into(),
        line.into(),
        filer.person.into(),
        household.into(),
        new.ground.as_str().into(),
        reason.into(),
        now.0.into(),
        now.plus_days(LAPSE_DAYS).0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(filer.person),
        action: "objection.file",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "month": month, "line": number, "ground": new.ground }),
    };
    audit::record(tx, now, act).await
}

/// Counted under the village's lock: of many at once no more are heard than one after the other.
///
/// # Errors
/// `objection_limit`, with the seconds until the first of these 24 hours is a day old.
async fn within_limit(tx: &Tx, village: &Village, household: Uuid, now: Instant) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        filed: i64,
        first: Option<i64>,
    }
    let sql = "SELECT COUNT(*) AS filed, MIN(filed_at) AS first FROM objections \
               WHERE village = $1 AND filer_household = $2 AND filed_at > $3";
    let since = now.0 - DAY_MS;
    let values: [Value; 3] = [village.into(), household.into(), since.into()];
    match db::one::<Row>(tx, sql, values).await? {
        Some(Row { filed, first: Some(first) }) if filed >= DAY_MAX => {
            let seconds = u32::try_from((first - since) / 1000 + 1).unwrap_or(u32::MAX);
            Err(Refusal { retry_after: Some(seconds), ..Code::ObjectionLimit.into() }.into())
        }
        _ => Ok(()),
    }
}
