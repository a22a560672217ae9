//! `POST …/households/{household}/closure` (销户): a household's file is closed.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::file::{End, changed, end, open, unbind_all, without_holds};
use super::read::Household;
use crate::app::App;
use crate::http::path_id;
use crate::identity::{Governs, Official};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::Tx;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::kernel::text::required;

/// Why, for the file and the audit.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewHouseholdClosure)]
pub struct NewClosure {
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "户口已注销")]
    pub reason: String,
}

/// Close a household's file; its points stay in it and cannot be spent
#[utoipa::path(tag = "households", operation_id = "households_close", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    request_body = NewClosure, responses((status = 200, body = Household)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state open_holds \
        reason_required invalid_field"))))]
#[post("/v1/villages/{village}/households/{household}/closure")]
async fn close_household(
    officer: Official<Governs>,
    request: HttpRequest,
    closure: Command<NewClosure>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let id = path_id(&request, "household")?;
    let done = closure.once(&app, officer.village.as_str(), officer.account, async |tx| {
        close(tx, &officer, id, &closure.body, app.clock.now()).await
    });
    let done = done.await?;
    app.cache.refresh();
    Ok(done)
}

async fn close(
    tx: &Tx,
    by: &Official<Governs>,
    id: Uuid,
    new: &NewClosure,
    now: Instant,
) -> Outcome<Household> {
    open(tx, by, id, now).await?;
    let because = required(&new.reason, "/reason")?;
    without_holds(tx, &by.village, id).await?;
    let closed = End { status: "closed", because: &because, successor: None, spend_until: None };
    end(tx, &by.village, id, closed, now).await?;
    unbind_all(tx, &by.village, id, now).await?;
    let detail = serde_json::json!({ "reason": because });
    changed(tx, by, id, "household.close", detail, now).await
}
