//! `GET|DELETE /v1/me/devices` and `DELETE /v1/sessions/current`: where one is logged in, and out.

use actix_web::web::Data;
use actix_web::{HttpRequest, delete, get};
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Ended, end};
use crate::app::App;
use crate::http::path_id;
use crate::identity::{Bearer, Caller};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::problem::{Code, Outcome};

/// A device that is logged in.
#[derive(Serialize, ToSchema)]
pub struct LoggedInDevice {
    pub session: Uuid,
    /// `wechat`, `staff` or `sandbox`.
    #[schema(example = "wechat")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Redmi 9A")]
    pub name: Option<String>,
    pub logged_in_at: Instant,
    /// When it last fetched new tokens.
    pub used_at: Instant,
    /// Whether it is the one that asks.
    pub current: bool,
}

#[derive(Serialize, ToSchema)]
pub struct DeviceList {
    pub items: Vec<LoggedInDevice>,
}

/// How many sessions ended.
#[derive(Serialize, ToSchema)]
pub struct LoggedOut {
    #[schema(example = 1)]
    pub ended: u64,
}

#[derive(FromQueryResult)]
struct AccountRow {
    account: Uuid,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    kind: String,
    device_name: Option<String>,
    created_at: i64,
    used_at: i64,
}

/// Where I am logged in
#[utoipa::path(tag = "sessions", operation_id = "sessions_list_devices",
    security(("bearer" = [])), responses((status = 200, body = DeviceList)))]
#[get("/v1/me/devices")]
async fn list_devices(caller: Caller, app: Data<App>) -> Outcome<Answer<DeviceList>> {
    // By person: whoever found another way in stands in the list.
    let sql = "SELECT s.id, s.kind, s.device_name, s.created_at, s.used_at FROM sessions s \
               JOIN accounts a ON a.id = s.account WHERE a.person = $1 \
               AND s.ended_at IS NULL AND s.expires_at > $2 ORDER BY s.id DESC LIMIT 100";
    let values: [Value; 2] = [caller.person.into(), app.token_clock.now().0.into()];
    let rows = db::all::<Row>(app.db.read(), sql, values).await?;
    let device = |row: Row| LoggedInDevice {
        session: row.id,
        kind: row.kind,
        name: row.device_name,
        logged_in_at: Instant(row.created_at),
        used_at: Instant(row.used_at),
        current: row.id == caller.session,
    };
    Ok(Answer::ok(DeviceList { items: rows.into_iter().map(device).collect() }))
}

/// Log out everywhere
#[utoipa::path(tag = "sessions", operation_id = "sessions_end_devices",
    security(("bearer" = [])), responses((status = 200, body = LoggedOut)))]
#[delete("/v1/me/devices")]
async fn end_devices(caller: Caller, app: Data<App>) -> Outcome<Answer<LoggedOut>> {
    log_out(&app, Ended::Person(caller.person)).await
}

/// Log one device out
#[utoipa::path(tag = "sessions", operation_id = "sessions_end_device",
    security(("bearer" = [])),
    params(("session" = Uuid, Path, description = "The session, as the list names it")),
    responses((status = 200, body = LoggedOut)))]
#[delete("/v1/me/devices/{session}")]
async fn end_device(
    caller: Caller,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<LoggedOut>> {
    let session = path_id(&request, "session")?;
    let own = "SELECT s.account FROM sessions s JOIN accounts a ON a.id = s.account \
               WHERE a.person = $1 AND s.id = $2";
    let key = [caller.person.into(), session.into()];
    let own = db::one::<AccountRow>(app.db.read(), own, key).await?.ok_or(Code::NotFound)?;
    log_out(&app, Ended::Session(Bearer { account: own.account, session })).await
}

/// Log out
#[utoipa::path(tag = "sessions", operation_id = "sessions_end_current",
    security(("bearer" = [])), responses((status = 200, body = LoggedOut)))]
#[delete("/v1/sessions/current")]
async fn end_current_session(caller: Caller, app: Data<App>) -> Outcome<Answer<LoggedOut>> {
    let bearer = Bearer { account: caller.account, session: caller.session };
    log_out(&app, Ended::Session(bearer)).await
}

async fn log_out(app: &App, which: Ended) -> Outcome<Answer<LoggedOut>> {
    let now = app.token_clock.now();
    let ended = app.db.write(async |tx| end(tx, which, "logged_out", now).await).await?;
    Ok(Answer::ok(LoggedOut { ended }))
}
