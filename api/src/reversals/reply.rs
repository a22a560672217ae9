//! `POST …/reversals/{reversal}/reply`: the household says what it has to say.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::proposal::row;
use super::read::{Reversal, load};
use crate::app::App;
use crate::calendar;
use crate::households::{Notice, tell};
use crate::http::path_id;
use crate::identity::Neighbour;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;

/// What the household says.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReply {
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "土地是我家承包地，有证")]
    pub text: String,
}

/// Answer a proposal to take points back, once
#[utoipa::path(tag = "reversals", operation_id = "reversals_reply", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("reversal" = Uuid, Path, description = "The reversal's id")),
    request_body = NewReply, responses((status = 201, body = Reversal)),
    extensions(("x-codes" = json!("other_household wrong_state reason_required invalid_field"))))]
#[post("/v1/villages/{village}/reversals/{reversal}/reply")]
async fn reply_to_reversal(
    caller: Neighbour,
    request: HttpRequest,
    reply: Command<NewReply>,
    app: Data<App>,
) -> Outcome<Answer<Reversal>> {
    let id = path_id(&request, "reversal")?;
    let done = reply.once(&app, caller.village.as_str(), caller.account, async |tx| {
        // Whoever may not see it is told that there is none.
        load(tx, &caller, id).await?;
        answer(tx, &caller, id, &reply.body.text, app.clock.now()).await?;
        load(tx, &caller, id).await
    });
    Ok(done.await?.created())
}

async fn answer(tx: &Tx, by: &Neighbour, id: Uuid, text: &str, now: Instant) -> Outcome<()> {
    let village = &by.village;
    let text = required(text, "/text")?;
    calendar::settled(tx, village, now).await?;
    let found = row(tx, village, id).await?;
    let own = by.household_in(village);
    if own != Some(found.household) && own != Some(found.frozen_household) {
        return Err(Code::OtherHousehold.into());
    }
    let sql = "UPDATE reversals SET reply = $3, replied_by = $4, replied_at = $5 \
               WHERE village = $1 AND id = $2 AND reply IS NULL \
               AND status IN ('proposed', 'approved')";
    let values: [Value; 5] =
        [village.into(), id.into(), text.into(), by.person.into(), now.0.into()];
    if db::run(tx, sql, values).await? == 0 {
        let current = if found.reply.is_some() { "replied".to_owned() } else { found.status };
        return Err(Refusal::wrong_state(current).into());
    }
    let notice = Notice {
        recipient: found.proposed_by,
        kind: "reversal_replied",
        subject: id,
        detail: format!("{}公示第{}条：该户对拟冲正陈述了意见", found.month, found.number),
    };
    tell(tx, village, now, &[notice]).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "reversal.reply",
        subject: id.to_string(),
        detail: serde_json::json!({}),
    };
    audit::record(tx, now, act).await
}
