//! `POST /v1/villages/{village}/suggestions`.

use actix_web::post;
use actix_web::web::Data;
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::list::{Suggestion, load};
use crate::app::App;
use crate::identity::Neighbour;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::rules;

/// A person suggests at most this often in a month of weeks.
const MONTH_MAX: i64 = 10;

/// What a villager suggests.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSuggestion {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "捐款捐物的分值可以高一些")]
    pub text: String,
    /// The key of an item, in force or in a draft under consultation, that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 60))]
    #[schema(nullable = false, min_length = 1, max_length = 60, example = "pub.donate")]
    pub item: Option<String>,
}

/// Suggest something about the rules; for who lives in the village
#[utoipa::path(tag = "rules", operation_id = "suggestions_submit", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewSuggestion, responses((status = 201, body = Suggestion)),
    extensions(("x-codes" = json!("role_required suggestion_limit id_taken invalid_field"))))]
#[post("/v1/villages/{village}/suggestions")]
async fn submit_suggestion(
    caller: Neighbour,
    suggestion: Command<NewSuggestion>,
    app: Data<App>,
) -> Outcome<Answer<Suggestion>> {
    let household = caller.own_household()?;
    let done = suggestion.once(&app, caller.village.as_str(), caller.account, async |tx| {
        submit(&app, tx, &caller, household, &suggestion.body).await
    });
    Ok(done.await?.created())
}

async fn submit(
    app: &App,
    tx: &Tx,
    caller: &Neighbour,
    household: Uuid,
    new: &NewSuggestion,
) -> Outcome<Suggestion> {
    let (village, now) = (&caller.village, app.clock.now());
    let text = readable(&new.text).ok_or_else(|| {
        Refusal::from(Code::InvalidField).at("/text", "unreadable", "not a readable text")
    })?;
    if let Some(item) = &new.item
        && !rules::knows(app, tx, village, now.day(), item).await?
    {
        let what = "no item of the rules";
        return Err(Refusal::from(Code::InvalidField).at("/item", "unknown", what).into());
    }
    within_limit(tx, caller, now).await?;
    let values: [Value; 7] = [
        village.into(),
        new.id.into(),
        caller.person.into(),
        household.into(),
        new.item.clone().into(),
        text.into(),
        now.0.into(),
    ];
    let sql = "INSERT INTO suggestions (village, id, person, household, item, text, status, \
               created_at) VALUES ($1, $2, $3, $4, $5, $6, 'open', $7) ON CONFLICT DO NOTHING";
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(caller.person),
        action: "suggestion.submit",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "item": new.item }),
    };
    audit::record(tx, now, act).await?;
    load(tx, village, new.id).await
}

/// # Errors
/// `suggestion_limit`, with the seconds until the next month.
async fn within_limit(tx: &Tx, caller: &Neighbour, now: Instant) -> Outcome<()> {
    // Of many at once no more are heard than one after the other.
    db::lock(tx, &format!("suggestions {}", caller.person)).await?;
    let month = Week::of(now).month().period();
    let sql = "SELECT COUNT(*) FROM suggestions WHERE village = $1 AND person = $2 \
               AND created_at >= $3";
    let since = month.starts_at().0;
    let values: [Value; 3] = [(&caller.village).into(), caller.person.into(), since.into()];
    if db::number(tx, sql, values).await? < MONTH_MAX {
        return Ok(());
    }
    let seconds = u32::try_from((month.ends_at().0 - now.0) / 1000 + 1).unwrap_or(u32::MAX);
    Err(Refusal { retry_after: Some(seconds), ..Code::SuggestionLimit.into() }.into())
}
