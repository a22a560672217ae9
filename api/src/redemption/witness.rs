//! `POST …/redemptions/{redemption}/witness`: a second official is there, logged in by themself.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::hold::{audit, held};
use super::read::{Redemption, load};
use crate::app::App;
use crate::calendar;
use crate::http::path_id;
use crate::identity::{HandsOver, KeepsShop, Official, Role, is_concerned};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// Nothing needs to be said.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWitness {}

/// Witness that goods go to the household; another official hands them over within 15 minutes
#[utoipa::path(tag = "redemption", operation_id = "redemptions_witness", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("redemption" = Uuid, Path, description = "The redemption's id")),
    request_body = NewWitness, responses((status = 200, body = Redemption)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state"))))]
#[post("/v1/villages/{village}/redemptions/{redemption}/witness")]
async fn witness_collection(
    official: Official<HandsOver>,
    request: HttpRequest,
    witness: Command<NewWitness>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let id = path_id(&request, "redemption")?;
    let done = witness.once(&app, official.village.as_str(), official.account, async |tx| {
        record(tx, &official, id, app.clock.now()).await?;
        load(tx, &official, id).await
    });
    done.await
}

async fn record(tx: &Tx, by: &Official<HandsOver>, id: Uuid, now: Instant) -> Outcome<()> {
    let village = &by.village;
    calendar::settled(tx, village, now).await?;
    let found = held(tx, village, id).await?;
    let role = match (by.has(Role::GridWorker, &found.grid), by.serves::<KeepsShop>()) {
        (true, _) => Role::GridWorker,
        (_, true) => Role::Clerk,
        _ => return Err(Code::RoleRequired.into()),
    };
    if is_concerned(tx, village, by.person, found.household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    if found.status != "held" {
        return Err(Refusal::wrong_state(found.status).into());
    }
    if !found.is_helped() && !found.is_locked() {
        let why = "the pickup code is not locked: it is asked for";
        return Err(Refusal::wrong_state("held").because(why).into());
    }
    let sql = "UPDATE redemptions SET witness = $3, witness_role = $4, witnessed_at = $5, \
               version = version + 1 WHERE village = $1 AND id = $2 AND status = 'held'";
    let values: [Value; 5] =
        [village.into(), id.into(), by.person.into(), role.as_str().into(), now.0.into()];
    db::run(tx, sql, values).await?;
    let detail = serde_json::json!({ "role": role });
    audit(tx, village, by.person, "redemption.witness", id, detail, now).await
}
