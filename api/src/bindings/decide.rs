//! `GET /v1/villages/{village}/binding-requests` and `POST …/{request}/decision`: the grid worker, who
//! knows the family, says whether it is so.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::request::{BindingRequest, COLUMNS, Row};
use super::{Bound, bind};
use crate::app::App;
use crate::http::{Query, path_id};
use crate::identity::{Caller, Official, Registers, Role, is_concerned};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;

#[derive(Serialize, ToSchema)]
pub struct BindingRequestPage {
    pub items: Vec<BindingRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BindingRequestQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Who waits to be bound, in the grids of the caller
#[utoipa::path(tag = "households", operation_id = "binding_requests_list",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), BindingRequestQuery),
    responses((status = 200, body = BindingRequestPage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/binding-requests")]
async fn list_binding_requests(
    official: Official<Registers>,
    query: Query<BindingRequestQuery>,
    app: Data<App>,
) -> Outcome<Answer<BindingRequestPage>> {
    let filter = format!("binding requests {} {}", official.village, official.person);
    let start = Start::parse(query.0.cursor.as_deref(), query.0.limit, &filter)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM binding_requests r \
         JOIN households h ON h.village = r.village AND h.id = r.household \
         WHERE r.village = $1 AND r.status = 'waiting' AND r.id > $2 AND {} \
         ORDER BY r.id LIMIT $3",
        in_grids(&official, &official.village)
    );
    let values: [Value; 3] = [
        (&official.village).into(),
        start.after.unwrap_or(Uuid::nil()).into(),
        start.fetch().into(),
    ];
    let rows = db::all::<Row>(app.db.read(), &sql, values).await?;
    let rows: Vec<_> = rows.into_iter().filter_map(Row::shown).collect();
    let page = start.page(rows, &filter, |request| request.id);
    Ok(Answer::ok(BindingRequestPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Whether household `h` is one that the caller registers: all of the village's for those who govern it,
/// else those of their grids. The codes are ours and of digits only.
fn in_grids(caller: &Caller, village: &Village) -> String {
    let here = village.as_str();
    if caller.has(Role::Township, here) || caller.has(Role::County, here) {
        return "TRUE".to_owned();
    }
    let grids = caller.grants.iter().filter(|grant| grant.role == Role::GridWorker);
    let codes: Vec<_> = grids.map(|grant| format!("'{}'", grant.region)).collect();
    format!("h.grid IN ({})", if codes.is_empty() { "''".to_owned() } else { codes.join(", ") })
}

/// How many requests wait for the caller in a village.
pub async fn waiting_for(app: &App, caller: &Caller, village: &Village) -> Outcome<i64> {
    let sql = format!(
        "SELECT COUNT(*) FROM binding_requests r \
         JOIN households h ON h.village = r.village AND h.id = r.household \
         WHERE r.village = $1 AND r.status = 'waiting' AND {}",
        in_grids(caller, village)
    );
    Ok(db::number(app.db.read(), &sql, [village.into()]).await?)
}

/// Approve or refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BindingVerdict {
    Approve,
    Refuse,
}

/// Whether somebody belongs to the household, and who of it they are.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindingDecision {
    pub decision: BindingVerdict,
    /// The member they are; required to approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub member: Option<Uuid>,
    /// Required to refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 500))]
    #[schema(nullable = false, max_length = 500, example = "查无此人")]
    pub reason: Option<String>,
}

/// Decide on a request to be bound
#[utoipa::path(tag = "households", operation_id = "binding_requests_decide",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("request" = Uuid, Path, description = "The request's id")),
    request_body = BindingDecision, responses((status = 201, body = BindingRequest)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        already_bound guardian_needed invalid_field"))))]
#[post("/v1/villages/{village}/binding-requests/{request}/decision")]
async fn decide_binding_request(
    official: Official<Registers>,
    request: HttpRequest,
    decision: Command<BindingDecision>,
    app: Data<App>,
) -> Outcome<Answer<BindingRequest>> {
    let id = path_id(&request, "request")?;
    let done = decision.once(&app, official.village.as_str(), official.account, async |tx| {
        decide(tx, &official, &official.village, id, &decision.body, app.clock.now()).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

#[derive(FromQueryResult)]
struct Asked {
    account: Uuid,
    person: Uuid,
    household: Uuid,
    grid: String,
    status: String,
}

async fn decide(
    tx: &Tx,
    caller: &Caller,
    village: &Village,
    id: Uuid,
    decision: &BindingDecision,
    now: Instant,
) -> Outcome<BindingRequest> {
    let sql = format!(
        "SELECT r.account, r.person, r.household, h.grid, r.status FROM binding_requests r \
         JOIN households h ON h.village = r.village AND h.id = r.household \
         WHERE r.village = $1 AND r.id = $2{}",
        db::exclusively_of(tx, "r")
    );
    let asked = db::one::<Asked>(tx, &sql, [village.into(), id.into()]).await?;
    let asked = asked.ok_or(Code::NotFound)?;
    let governs =
        caller.has(Role::Township, village.as_str()) || caller.has(Role::County, village.as_str());
    if !governs && !caller.has(Role::GridWorker, &asked.grid) {
        return Err(Code::RoleRequired.into());
    }
    if asked.person == caller.person
        || is_concerned(tx, village, caller.person, asked.household).await?
    {
        return Err(Code::ConflictOfInterest.into());
    }
    if asked.status != "waiting" {
        return Err(Refusal::wrong_state(asked.status).into());
    }
    match decision.decision {
        BindingVerdict::Approve => approve(tx, caller, village, &asked, decision, now).await?,
        BindingVerdict::Refuse if decision.reason.as_deref().and_then(readable).is_none() => {
            return Err(Code::ReasonRequired.into());
        }
        BindingVerdict::Refuse => {}
    }
    record(tx, caller, village, id, decision, now).await
}

async fn approve(
    tx: &Tx,
    caller: &Caller,
    village: &Village,
    asked: &Asked,
    decision: &BindingDecision,
    now: Instant,
) -> Outcome<()> {
    let member = decision.member.ok_or_else(|| {
        Refusal::from(Code::InvalidField).at("/member", "required", "who of the household it is")
    })?;
    let sql = "SELECT COUNT(*) FROM members WHERE village = $1 AND household = $2 \
               AND person = $3 AND left_at IS NULL";
    let key: [Value; 3] = [village.into(), asked.household.into(), member.into()];
    if db::number(tx, sql, key).await? == 0 {
        return Err(Code::NotFound.into());
    }
    let bound = Bound { account: asked.account, from: asked.person, to: member };
    bind(tx, &bound, Some(caller.person), now).await
}

async fn record(
    tx: &Tx,
    caller: &Caller,
    village: &Village,
    id: Uuid,
    decision: &BindingDecision,
    now: Instant,
) -> Outcome<BindingRequest> {
    let status = match decision.decision {
        BindingVerdict::Approve => "approved",
        BindingVerdict::Refuse => "refused",
    };
    let sql = "UPDATE binding_requests SET status = $3, decided_by = $4, decided_at = $5, \
               reason = $6 WHERE village = $1 AND id = $2";
    let values: [Value; 6] = [
        village.into(),
        id.into(),
        status.into(),
        caller.person.into(),
        now.0.into(),
        decision.reason.as_deref().and_then(readable).into(),
    ];
    db::run(tx, sql, values).await?;
    let act = crate::kernel::audit::Act {
        region: village.as_str(),
        actor: Some(caller.person),
        action: "binding_request.decide",
        subject: id.to_string(),
        detail: serde_json::json!({ "status": status }),
    };
    crate::kernel::audit::record(tx, now, act).await?;
    let sql = format!(
        "SELECT {COLUMNS} FROM binding_requests r \
         JOIN households h ON h.village = r.village AND h.id = r.household \
         WHERE r.village = $1 AND r.id = $2"
    );
    let row = db::one::<Row>(tx, &sql, [village.into(), id.into()]).await?;
    Ok(row.and_then(Row::shown).ok_or(Code::NotFound)?)
}
