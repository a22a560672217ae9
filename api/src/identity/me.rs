//! `GET /v1/me` and `GET /v1/me/inbox`.

use actix_web::get;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Caller, Grant, Home};
use crate::app::App;
use crate::http::Query;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::Outcome;

/// The person who is logged in.
#[derive(Serialize, ToSchema)]
pub struct Me {
    pub person: Uuid,
    #[schema(example = "张守勤")]
    pub name: String,
    /// The household, if the person belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub home: Option<Home>,
    pub grants: Vec<Grant>,
    pub now: Instant,
}

/// Who am I, and what may I do
#[utoipa::path(tag = "me", operation_id = "me_show", security(("bearer" = [])),
    responses((status = 200, body = Me)))]
#[get("/v1/me")]
async fn show_me(caller: Caller, app: Data<App>) -> Outcome<Answer<Me>> {
    let Caller { person, name, home, grants, .. } = caller;
    Ok(Answer::ok(Me { person, name, home, grants, now: app.clock.now() }))
}

/// Something a household or a person was told.
#[derive(Serialize, ToSchema)]
pub struct InboxItem {
    pub id: Uuid,
    /// What happened, e.g. `claim_approved`.
    #[schema(example = "objection_decided")]
    pub kind: String,
    /// The claim, objection or redemption it is about.
    pub subject: Uuid,
    #[schema(example = "异议成立，该条已冲正")]
    pub detail: String,
    pub at: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct InboxPage {
    pub items: Vec<InboxItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// What I was told, newest first
#[utoipa::path(tag = "me", operation_id = "me_list_inbox", security(("bearer" = [])),
    params(InboxQuery), responses((status = 200, body = InboxPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/me/inbox")]
async fn list_inbox(
    caller: Caller,
    query: Query<InboxQuery>,
    app: Data<App>,
) -> Outcome<Answer<InboxPage>> {
    let InboxQuery { cursor, limit } = query.0;
    let filter = format!("inbox {}", caller.person);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let items = read(&app, &caller, &start).await?;
    let page = start.page(items, &filter, |item| item.id);
    Ok(Answer::ok(InboxPage { items: page.items, next_cursor: page.next_cursor }))
}

async fn read(app: &App, caller: &Caller, start: &Start<Uuid>) -> Outcome<Vec<InboxItem>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        kind: String,
        subject: Uuid,
        detail: String,
        at: i64,
    }
    let Some(home) = &caller.home else { return Ok(Vec::new()) };
    let sql = "SELECT id, kind, subject, detail, at FROM inbox_items \
               WHERE village = $1 AND recipient IN ($2, $3) AND id < $4 \
               ORDER BY id DESC LIMIT $5";
    let values: [Value; 5] = [
        (&home.village).into(),
        caller.person.into(),
        home.household.into(),
        start.after.unwrap_or(Uuid::max()).into(),
        start.fetch().into(),
    ];
    let rows = db::all::<Row>(app.db.read(), sql, values).await?;
    let item = |row: Row| {
        let Row { id, kind, subject, detail, at } = row;
        InboxItem { id, kind, subject, detail, at: Instant(at) }
    };
    Ok(rows.into_iter().map(item).collect())
}
