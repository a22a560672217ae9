//! `POST /v1/villages/{village}/awards/{award}/collection`: shown by something that the clerk who hands it
//! over does not have, as in the shop.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::WRONG_CODES_MAX;
use super::read::{Award, Row, award, row};
use crate::app::App;
use crate::calendar;
use crate::households::{Notice, household_by_code, tell, try_pin};
use crate::http::path_id;
use crate::identity::{KeepsShop, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::redemption::{Proof, is_code, pickup_code};

/// What the bearer shows: the pickup code of the award; or the household's paper, who brought it, and the
/// household's PIN.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAwardCollection {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 6, max = 6))]
    #[schema(nullable = false, min_length = 6, max_length = 6, example = "048213")]
    pub pickup_code: Option<String>,
    /// Printed on the household's paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 40))]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 40,
        example = "JF-7KQM-2WXA-P9FD-LC4H"
    )]
    pub household_code: Option<String>,
    /// The member of the household who brought its paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bearer: Option<Uuid>,
    /// With the paper: typed by the bearer. It is asked for too when the pickup code is locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 4, max = 6))]
    #[schema(nullable = false, min_length = 4, max_length = 6, example = "2580")]
    pub pin: Option<String>,
}

/// Hand an award over against its pickup code, or the household's paper and PIN
///
/// Costs no points. Whoever has no phone, or a locked code, brings the household's paper and types its PIN:
/// then who brought it is written down.
#[utoipa::path(tag = "awards", operation_id = "awards_collect", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("award" = Uuid, Path, description = "The award's id")),
    request_body = NewAwardCollection, responses((status = 200, body = Award)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state \
        second_factor_missing pickup_code_wrong pickup_code_locked pin_wrong pin_locked \
        too_many_tries invalid_field"))))]
#[post("/v1/villages/{village}/awards/{award}/collection")]
async fn collect_award(
    clerk: Official<KeepsShop>,
    request: HttpRequest,
    collection: Command<NewAwardCollection>,
    app: Data<App>,
) -> Outcome<Answer<Award>> {
    let id = path_id(&request, "award")?;
    let proof = heard(&app, &clerk, id, &collection.body).await?;
    let done = collection.once(&app, clerk.village.as_str(), clerk.account, async |tx| {
        hand_over(&app, tx, &clerk, id, (proof, collection.body.bearer)).await?;
        award(row(tx, &clerk.village, id).await?)
    });
    done.await
}

/// Hears what was sent. Wrong codes and PINs are counted whatever becomes of the request; an award that is
/// not to be collected has none to guess.
///
/// # Errors
/// Those of [`try_code`] and [`borne_by`]; `invalid_field` unless exactly one way is told.
async fn heard(
    app: &App,
    clerk: &Official<KeepsShop>,
    id: Uuid,
    told: &NewAwardCollection,
) -> Outcome<Proof> {
    match (&told.pickup_code, &told.household_code, told.bearer) {
        (Some(code), None, None) if told.pin.is_none() => {
            try_code(app, &clerk.village, id, code).await?;
            Ok(Proof::PickupCode)
        }
        (None, Some(code), Some(bearer)) => {
            borne_by(app, clerk, id, (code, bearer, told.pin.as_deref())).await?;
            Ok(Proof::Pin)
        }
        _ => {
            let why = "either this, or `household_code`, `bearer` and `pin`";
            let refusal = Refusal::from(Code::InvalidField);
            Err(refusal.at("/pickup_code", "required", why).into())
        }
    }
}

/// Counts a wrong pickup code and commits the count, so that of many guesses at once only five are heard.
///
/// # Errors
/// `pickup_code_wrong`, or `pickup_code_locked` after five of them.
async fn try_code(app: &App, village: &Village, id: Uuid, code: &str) -> Outcome<()> {
    let right = is_code(&pickup_code(app.config.secrets.pickup(), village, id), code);
    let heard = app.db.write(async |tx| {
        let award = locked(tx, village, id).await?;
        if award.status != "granted" {
            return Ok(None);
        }
        if award.wrong_codes >= WRONG_CODES_MAX {
            return Ok(Some(Code::PickupCodeLocked));
        }
        if right {
            return Ok(None);
        }
        let sql = "UPDATE awards SET wrong_codes = wrong_codes + 1 WHERE village = $1 AND id = $2";
        db::run(tx, sql, [village.into(), id.into()]).await?;
        Ok(Some(Code::PickupCodeWrong))
    });
    heard.await?.map_or(Ok(()), |code| Err(code.into()))
}

/// The award, kept unchanged until the transaction ends.
async fn locked(tx: &Tx, village: &Village, id: Uuid) -> Outcome<Row> {
    let sql = format!(
        "SELECT wrong_codes FROM awards WHERE village = $1 AND id = $2{}",
        db::exclusively(tx)
    );
    db::number(tx, &sql, [village.into(), id.into()]).await?;
    row(tx, village, id).await
}

async fn hand_over(
    app: &App,
    tx: &Tx,
    clerk: &Official<KeepsShop>,
    id: Uuid,
    (proof, bearer): (Proof, Option<Uuid>),
) -> Outcome<()> {
    let village = &clerk.village;
    let award = locked(tx, village, id).await?;
    for household in [award.household, award.claimant] {
        if is_concerned(tx, village, clerk.person, household).await? {
            return Err(Code::ConflictOfInterest.into());
        }
    }
    let now = app.clock.now();
    calendar::settled(tx, village, now).await?;
    if award.status != "granted" {
        return Err(Refusal::wrong_state(award.status).into());
    }
    let sql = "UPDATE awards SET status = 'collected', closed_at = $3, clerk = $4, bearer = $5, \
               version = version + 1 WHERE village = $1 AND id = $2 AND status = 'granted'";
    let values: [Value; 5] =
        [village.into(), id.into(), now.0.into(), clerk.person.into(), bearer.into()];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state("collected").into());
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(clerk.person),
        action: "award.collect",
        subject: id.to_string(),
        detail: serde_json::json!({ "item": award.item, "bearer": bearer, "proof": proof }),
    };
    audit::record(tx, now, act).await?;
    inform(tx, village, &award, now).await
}

/// The paper is the household's, whoever brought it belongs to it, and the PIN is the household's. Paper and
/// id alone would let whoever keeps the counter collect for anybody.
///
/// # Errors
/// `not_found` for a wrong code and one of another household alike, `too_many_tries`; `invalid_field` for a
/// bearer who is no member; `second_factor_missing` without a PIN, or if the clerk set it; `pin_wrong`,
/// `pin_locked`.
async fn borne_by(
    app: &App,
    clerk: &Official<KeepsShop>,
    id: Uuid,
    (code, bearer, pin): (&str, Uuid, Option<&str>),
) -> Outcome<()> {
    let village = &clerk.village;
    let award = app.db.write(async |tx| locked(tx, village, id).await).await?;
    // What was collected or has lapsed is never granted again: the answer tells its state.
    if award.status != "granted" {
        return Ok(());
    }
    let shown = household_by_code(app, app.db.read(), village, clerk.account, code).await?;
    if shown != award.claimant {
        return Err(Code::NotFound.into());
    }
    let sql = "SELECT COUNT(*) FROM members WHERE village = $1 AND household = $2 \
               AND person = $3 AND left_at IS NULL";
    let values: [Value; 3] = [village.into(), shown.into(), bearer.into()];
    if db::number(app.db.read(), sql, values).await? == 0 {
        let refusal = Refusal::from(Code::InvalidField);
        return Err(refusal.at("/bearer", "unknown", "a member of the household").into());
    }
    let lacking =
        || Refusal::from(Code::SecondFactorMissing).because("the household's PIN is asked for");
    let pin = pin.ok_or_else(lacking)?;
    try_pin(app, village, shown, clerk.person, pin).await
}

async fn inform(tx: &Tx, village: &Village, award: &Row, now: Instant) -> Outcome<()> {
    let detail = format!("{}：已领取，不扣积分", award.name_zh);
    let kind = "award_collected";
    let notice = Notice { recipient: award.claimant, kind, subject: award.id, detail };
    tell(tx, village, now, &[notice]).await
}
