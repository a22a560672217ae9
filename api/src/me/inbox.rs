//! `GET /v1/me/inbox` and `PUT /v1/me/inbox/seen`: what the person was told.

use actix_web::web::Data;
use actix_web::{get, put};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::app::App;
use crate::http::Query;
use crate::identity::Caller;
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body};
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::Outcome;

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

/// How many newer items are counted at most: a badge shows no more.
const COUNTED: i64 = 100;

/// The last item that was read.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    pub id: Uuid,
}

/// Remember what I have read
#[utoipa::path(tag = "me", operation_id = "me_mark_inbox_seen", security(("bearer" = [])),
    request_body = Seen, responses((status = 200, body = Seen)))]
#[put("/v1/me/inbox/seen")]
async fn mark_inbox_seen(
    caller: Caller,
    seen: Body<Seen>,
    app: Data<App>,
) -> Outcome<Answer<Seen>> {
    let sql = "UPDATE accounts SET inbox_seen = $2 WHERE id = $1 \
               AND (inbox_seen IS NULL OR inbox_seen < $2)";
    let values = || -> [Value; 2] { [caller.account.into(), seen.0.id.into()] };
    app.db.write(async |tx| Ok(db::run(tx, sql, values()).await?)).await?;
    Ok(Answer::ok(seen.0))
}

/// `village IN (…) AND recipient IN (…)`: what concerns the caller, wherever they live or serve.
fn concerns(caller: &Caller) -> String {
    let villages: Vec<_> = caller.villages().iter().map(|code| format!("'{code}'")).collect();
    format!("village IN ({}) AND recipient IN ($1, $2)", villages.join(", "))
}

fn recipients(caller: &Caller) -> [Value; 2] {
    let household = caller.home.as_ref().map_or(caller.person, |home| home.household);
    [caller.person.into(), household.into()]
}

/// How many items came since the last one that was read; at most a hundred.
pub async fn unseen(app: &App, caller: &Caller) -> Outcome<i64> {
    if caller.villages().is_empty() {
        return Ok(0);
    }
    let sql = format!(
        "SELECT COUNT(*) FROM (SELECT 1 AS one FROM inbox_items WHERE {} AND id > COALESCE( \
           (SELECT inbox_seen FROM accounts WHERE id = $3), $4) LIMIT $5) AS newer",
        concerns(caller)
    );
    let [person, household] = recipients(caller);
    let values = [person, household, caller.account.into(), Uuid::nil().into(), COUNTED.into()];
    Ok(db::number(app.db.read(), &sql, values).await?)
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
    if caller.villages().is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, kind, subject, detail, at FROM inbox_items \
         WHERE {} AND id < $3 ORDER BY id DESC LIMIT $4",
        concerns(caller)
    );
    let [person, household] = recipients(caller);
    let after = start.after.unwrap_or(Uuid::max());
    let values = [person, household, after.into(), start.fetch().into()];
    let rows = db::all::<Row>(app.db.read(), &sql, values).await?;
    let item = |row: Row| {
        let Row { id, kind, subject, detail, at } = row;
        InboxItem { id, kind, subject, detail, at: Instant(at) }
    };
    Ok(rows.into_iter().map(item).collect())
}
