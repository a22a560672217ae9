//! `GET …/score-sheets/{week}` and `POST …/score-sheets/{week}/closure`.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::app::App;
use crate::calendar;
use crate::http::path_part;
use crate::identity::{Neighbour, Official, Reviews};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db;
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;

/// One village's week (评分表).
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ScoreSheet {
    pub week: Week,
    /// `open` or `closed`.
    #[schema(example = "closed")]
    pub status: String,
    pub opens_at: Instant,
    /// Monday 00:00, village time.
    pub closes_at: Instant,
    /// Claims that were scored; 0 while it is open.
    #[schema(example = 12)]
    pub line_count: i64,
    /// What they were awarded together; 0 while it is open.
    #[schema(example = 31)]
    pub points: i64,
}

/// A week's score sheet
#[utoipa::path(tag = "scoring", operation_id = "score_sheets_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("week" = Week, Path, description = "The ISO week")),
    responses((status = 200, body = ScoreSheet)))]
#[get("/v1/villages/{village}/score-sheets/{week}")]
async fn show_sheet(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<ScoreSheet>> {
    let week: Week = path_part(&request, "week")?;
    Ok(Answer::ok(load(app.db.read(), &caller.village, week).await?))
}

async fn load(on: &impl ConnectionTrait, village: &Village, week: Week) -> Outcome<ScoreSheet> {
    let sql = "SELECT * FROM score_sheets WHERE village = $1 AND week = $2";
    let values: [Value; 2] = [village.into(), week.to_string().into()];
    let row = db::one::<entity::score_sheet::Model>(on, sql, values).await?;
    let row = row.ok_or(Code::NotFound)?;
    Ok(ScoreSheet {
        week,
        status: row.status,
        opens_at: week.starts_at(),
        closes_at: Instant(row.closes_at),
        line_count: row.line_count,
        points: row.points,
    })
}

/// Nothing needs to be said.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClosure {}

/// Close a week by hand when it is over; closing it again changes nothing
#[utoipa::path(tag = "scoring", operation_id = "score_sheets_close", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("week" = Week, Path, description = "The ISO week")),
    request_body = NewClosure, responses((status = 200, body = ScoreSheet)),
    extensions(("x-codes" = json!("role_required week_not_over"))))]
#[post("/v1/villages/{village}/score-sheets/{week}/closure")]
async fn close_by_hand(
    official: Official<Reviews>,
    request: HttpRequest,
    closure: Command<NewClosure>,
    app: Data<App>,
) -> Outcome<Answer<ScoreSheet>> {
    let week: Week = path_part(&request, "week")?;
    if app.clock.now() < week.ends_at() {
        return Err(Code::WeekNotOver.into());
    }
    calendar::settle_village(&app, &official.village).await?;
    let done = closure.once(&app, official.village.as_str(), official.account, async |tx| {
        load(tx, &official.village, week).await
    });
    done.await
}
