//! `POST|GET /v1/me/binding-requests`: somebody whom no phone finds says which household is theirs.

use actix_web::web::Data;
use actix_web::{get, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::app::App;
use crate::identity::Caller;
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;

/// Which household somebody says is theirs.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBindingRequest {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub village: Village,
    /// The number on the door or paper.
    #[validate(range(min = 1, max = 999_999))]
    #[schema(minimum = 1, maximum = 999_999, example = 17)]
    pub household_number: i64,
    /// The name that the grid worker will look for among the members.
    #[validate(length(min = 1, max = 50))]
    #[schema(min_length = 1, max_length = 50, example = "王明娜")]
    pub name: String,
}

/// A request and what became of it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct BindingRequest {
    pub id: Uuid,
    pub village: Village,
    /// The file's id: for who decides, and for who asked once it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub household: Option<Uuid>,
    #[schema(example = 17)]
    pub household_number: i64,
    #[schema(example = "王明娜")]
    pub name: String,
    /// `waiting`, `approved` or `refused`.
    #[schema(example = "waiting")]
    pub status: String,
    pub at: Instant,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "查无此人")]
    pub reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct BindingRequestList {
    pub items: Vec<BindingRequest>,
}

/// What is selected of a request `r` and its household `h`.
pub(super) const COLUMNS: &str =
    "r.village, r.id, r.household, h.number, r.name, r.status, r.at, r.reason";

#[derive(FromQueryResult)]
pub(super) struct Row {
    village: String,
    id: Uuid,
    household: Uuid,
    number: i64,
    name: String,
    status: String,
    at: i64,
    reason: Option<String>,
}

impl Row {
    pub(super) fn shown(self) -> Option<BindingRequest> {
        Some(BindingRequest {
            id: self.id,
            village: self.village.parse().ok()?,
            household: Some(self.household),
            household_number: self.number,
            name: self.name,
            status: self.status,
            at: Instant(self.at),
            reason: self.reason,
        })
    }
}

/// Ask to be bound to a household
#[utoipa::path(tag = "me", operation_id = "me_create_binding_request", security(("bearer" = [])),
    request_body = NewBindingRequest, responses((status = 201, body = BindingRequest)),
    extensions(("x-codes" = json!("not_found already_bound request_waiting id_taken \
        invalid_field"))))]
#[post("/v1/me/binding-requests")]
async fn create_binding_request(
    caller: Caller,
    request: Command<NewBindingRequest>,
    app: Data<App>,
) -> Outcome<Answer<BindingRequest>> {
    let done = request.once(&app, "session", caller.account, async |tx| {
        create(tx, &caller, &request.body, app.clock.now()).await
    });
    Ok(done.await?.created())
}

async fn create(
    tx: &Tx,
    caller: &Caller,
    request: &NewBindingRequest,
    now: Instant,
) -> Outcome<BindingRequest> {
    if caller.home.is_some() || !caller.grants.is_empty() {
        return Err(Code::AlreadyBound.into());
    }
    let NewBindingRequest { id, village, household_number, name } = request;
    let name = readable(name).ok_or_else(|| {
        Refusal::from(Code::InvalidField).at("/name", "unreadable", "not a readable name")
    })?;
    let waiting = "SELECT COUNT(*) FROM binding_requests WHERE account = $1 AND status = 'waiting'";
    if db::number(tx, waiting, [caller.account.into()]).await? > 0 {
        return Err(Code::RequestWaiting.into());
    }
    let sql = "INSERT INTO binding_requests \
                 (village, id, account, person, household, name, status, at) \
               SELECT h.village, $2, $4, $5, h.id, $6, 'waiting', $7 FROM households h \
               WHERE h.village = $1 AND h.number = $3 AND h.status = 'active' \
               ON CONFLICT (village, id) DO NOTHING";
    let values: [Value; 7] = [
        village.into(),
        (*id).into(),
        (*household_number).into(),
        caller.account.into(),
        caller.person.into(),
        name.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        let taken = "SELECT COUNT(*) FROM binding_requests WHERE village = $1 AND id = $2";
        let taken = db::number(tx, taken, [village.into(), (*id).into()]).await? > 0;
        return Err(if taken { Code::IdTaken } else { Code::NotFound }.into());
    }
    let own = own(tx, caller).await?.into_iter().find(|own| own.id == *id);
    Ok(own.ok_or(Code::NotFound)?)
}

/// What I asked, newest first
#[utoipa::path(tag = "me", operation_id = "me_list_binding_requests", security(("bearer" = [])),
    responses((status = 200, body = BindingRequestList)))]
#[get("/v1/me/binding-requests")]
async fn list_own_binding_requests(
    caller: Caller,
    app: Data<App>,
) -> Outcome<Answer<BindingRequestList>> {
    Ok(Answer::ok(BindingRequestList { items: own(app.db.read(), &caller).await? }))
}

async fn own(on: &impl sea_orm::ConnectionTrait, caller: &Caller) -> Outcome<Vec<BindingRequest>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM binding_requests r \
         JOIN households h ON h.village = r.village AND h.id = r.household \
         WHERE r.account = $1 ORDER BY r.id DESC LIMIT 20"
    );
    let rows = db::all::<Row>(on, &sql, [caller.account.into()]).await?;
    let shown = |row: Row| {
        let request = row.shown()?;
        let household = request.household.filter(|_| request.status == "approved");
        Some(BindingRequest { household, ..request })
    };
    Ok(rows.into_iter().filter_map(shown).collect())
}
