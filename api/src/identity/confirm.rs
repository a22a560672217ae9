//! `POST /v1/villages/{village}/kin/{person}/{relative}/confirmation`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::kin::{Declared, Kin, confirm, find};
use super::{CONCERNED, Decides, Official};
use crate::app::App;
use crate::http::path_id;
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// Nothing needs to be said.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConfirmation {}

/// Confirm declared relatives, so that it counts
#[utoipa::path(tag = "kin", operation_id = "kin_confirm", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("person" = Uuid, Path, description = "One of the two"),
        ("relative" = Uuid, Path, description = "The other")),
    request_body = NewConfirmation, responses((status = 200, body = Kin)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state"))))]
#[post("/v1/villages/{village}/kin/{person}/{relative}/confirmation")]
async fn confirm_kin(
    member: Official<Decides>,
    request: HttpRequest,
    confirmation: Command<NewConfirmation>,
    app: Data<App>,
) -> Outcome<Answer<Kin>> {
    let (person, relative) = (path_id(&request, "person")?, path_id(&request, "relative")?);
    let village = &member.village;
    let done = confirmation.once(&app, village.as_str(), member.account, async |tx| {
        let declared = find(tx, village, person, relative).await?.ok_or(Code::NotFound)?;
        decide(tx, village, &declared, member.person, app.clock.now()).await?;
        Ok(find(tx, village, person, relative).await?.ok_or(Code::NotFound)?.kin)
    });
    done.await
}

/// # Errors
/// `conflict_of_interest` for either of the two, who declared it, and whoever must keep out of the
/// matters of a household of theirs; `wrong_state` if it is confirmed.
async fn decide(
    tx: &Tx,
    village: &Village,
    declared: &Declared,
    by: Uuid,
    now: Instant,
) -> Outcome<()> {
    let Declared { kin, by: declared_by } = declared;
    let party = [Some(kin.person), Some(kin.relative), *declared_by].contains(&Some(by));
    if party || is_near(tx, village, by, kin).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    match confirm(tx, village, kin, by, now).await? {
        true => Ok(()),
        false => Err(Refusal::wrong_state("confirmed").into()),
    }
}

/// Whether a person is concerned with a household of either, or is kin of one without a household.
async fn is_near(tx: &Tx, village: &Village, person: Uuid, kin: &Kin) -> Outcome<bool> {
    let sql = format!(
        "SELECT COUNT(*) FROM ({CONCERNED}) AS concerned JOIN members o \
         ON o.village = $1 AND o.household = concerned.household WHERE o.person IN ($3, $4)"
    );
    let values: [Value; 4] =
        [village.into(), person.into(), kin.person.into(), kin.relative.into()];
    if db::number(tx, &sql, values).await? > 0 {
        return Ok(true);
    }
    let near = super::give::near_to(tx, village, person).await?;
    Ok(near.contains(&kin.person) || near.contains(&kin.relative))
}
