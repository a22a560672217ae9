//! The sandbox: demo data, personas for every role, and a clock that can be moved forward. None of it
//! exists in the production profile.

mod county;
mod demo;
mod people;

use actix_web::web::Data;
use actix_web::{get, post, put};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::app::App;
use crate::kernel::clock::{Clock, Instant};
use crate::kernel::command::{Answer, Body};
use crate::kernel::db;
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::routes::Routes;
use crate::sessions::{self, Device, Kind, Session};

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes.service(create_session).service(list_personas).service(show_clock).service(move_clock);
}

/// Periods are known until 2199; 2190-01-01T00:00:00Z leaves them room.
const END_OF_CALENDAR: Instant = Instant(6_942_758_400_000);

/// Every village settles every week of a journey: longer ones go in steps.
const DAYS_AT_ONCE: i64 = 400;

/// Before anything in the demo happened; [`prepare`] moves it on.
pub fn clock() -> Clock {
    Clock::standing_at(Week::of(Instant(1_711_900_800_000)).starts_at())
}

/// Loads the demo county into an empty database; sets the clock where it stood.
pub async fn prepare(app: &App) -> Outcome<()> {
    let villages = db::number(app.db.read(), "SELECT COUNT(*) FROM villages", []).await?;
    if villages == 0 {
        demo::load(app).await?;
    }
    // Written last: without it the demo was cut off.
    let stood = db::number(app.db.read(), "SELECT at FROM sandbox_clock", []).await?;
    if stood == 0 {
        let what = "the demo county was not loaded to its end: delete the database and start again";
        return Err(Problem::fault(what));
    }
    app.clock.advance_to(Instant(stood));
    Ok(())
}

/// Writes where the clock stands, so that a restart finds it there.
async fn remember(app: &App, at: Instant) -> Outcome<()> {
    app.db
        .write(async |tx| {
            let sql = "INSERT INTO sandbox_clock (id, at) VALUES (1, $1) \
                       ON CONFLICT (id) DO UPDATE SET at = excluded.at";
            db::run(tx, sql, [at.0.into()]).await?;
            Ok(())
        })
        .await
}

/// Somebody to be.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSandboxSession {
    /// One of the personas that `GET /sandbox/personas` lists.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "villager")]
    pub persona: String,
    /// Needed to refresh the session later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schema(nullable = false)]
    pub device: Option<Device>,
}

#[derive(FromQueryResult)]
struct AccountRow {
    id: Uuid,
}

/// Log in as a persona
#[utoipa::path(tag = "sandbox", operation_id = "sandbox_create_session",
    request_body = NewSandboxSession, responses((status = 201, body = Session)),
    extensions(("x-codes" = json!("not_found invalid_field"))))]
#[post("/sandbox/sessions")]
async fn create_session(
    session: Body<NewSandboxSession>,
    app: Data<App>,
) -> Outcome<Answer<Session>> {
    let NewSandboxSession { persona, device } = session.0;
    let sql = "SELECT id FROM accounts WHERE persona = $1";
    let account = db::one::<AccountRow>(app.db.read(), sql, [persona.into()]).await?;
    let account = account.ok_or(Code::NotFound)?.id;
    let device = device.unwrap_or_else(|| Device { id: Uuid::now_v7(), name: None });
    let opened =
        app.db.write(async |tx| sessions::open(&app, tx, account, Kind::Sandbox, &device).await);
    Ok(Answer::ok(opened.await?).created())
}

/// A person of the demo county to log in as.
#[derive(Serialize, FromQueryResult, ToSchema)]
pub struct Persona {
    #[schema(example = "villager")]
    pub persona: String,
    #[schema(example = "张守勤")]
    pub name: String,
    pub person: Uuid,
}

#[derive(Serialize, ToSchema)]
pub struct PersonaList {
    pub items: Vec<Persona>,
}

/// Everybody one can be
#[utoipa::path(tag = "sandbox", operation_id = "sandbox_list_personas",
    responses((status = 200, body = PersonaList)))]
#[get("/sandbox/personas")]
async fn list_personas(app: Data<App>) -> Outcome<Answer<PersonaList>> {
    let sql = "SELECT a.persona, p.name, a.person FROM accounts a \
               JOIN persons p ON p.id = a.person WHERE a.persona IS NOT NULL ORDER BY a.persona";
    Ok(Answer::ok(PersonaList { items: db::all(app.db.read(), sql, []).await? }))
}

/// Where the sandbox clock stands. Tokens live by the real clock.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SandboxClock {
    pub now: Instant,
}

/// The time in the sandbox
#[utoipa::path(tag = "sandbox", operation_id = "sandbox_show_clock",
    responses((status = 200, body = SandboxClock)))]
#[get("/sandbox/clock")]
async fn show_clock(app: Data<App>) -> Outcome<Answer<SandboxClock>> {
    Ok(Answer::ok(SandboxClock { now: app.clock.now() }))
}

/// Travel in time, forward only
#[utoipa::path(tag = "sandbox", operation_id = "sandbox_move_clock",
    request_body = SandboxClock, responses((status = 200, body = SandboxClock)),
    extensions(("x-codes" = json!("clock_backwards clock_too_far"))))]
#[put("/sandbox/clock")]
async fn move_clock(to: Body<SandboxClock>, app: Data<App>) -> Outcome<Answer<SandboxClock>> {
    let last = app.clock.now().plus_days(DAYS_AT_ONCE).min(END_OF_CALENDAR);
    if to.0.now > last {
        return Err(Code::ClockTooFar.into());
    }
    if !app.clock.advance_to(to.0.now) {
        return Err(Code::ClockBackwards.into());
    }
    remember(&app, app.clock.now()).await?;
    app.cache.refresh();
    Ok(Answer::ok(SandboxClock { now: app.clock.now() }))
}
