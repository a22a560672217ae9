//! `PUT /v1/villages/{village}/prizes/{key}`: what a village offers of its township's catalogue, at its
//! own price and limit.

use actix_web::web::Data;
use actix_web::{HttpRequest, put};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::budgets::{Funding, lock, within_budget};
use super::catalogue::{CatalogueRow, find};
use super::hold::audit_of;
use super::prizes::{Prize, prize_of};
use crate::app::App;
use crate::calendar::{Rhythm, Shop, shop};
use crate::http::{if_match, path_part};
use crate::identity::{Official, SetsRules};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::register::{self, Entry, Kind};

/// What a village's shop makes of a prize.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOffer {
    /// Points for one. What is already held keeps its price.
    #[validate(range(min = 1, max = 100_000))]
    #[schema(minimum = 1, maximum = 100_000, example = 20)]
    pub points: i64,
    /// How many a household may take in a window.
    #[validate(range(min = 1, max = 1_000))]
    #[schema(minimum = 1, maximum = 1_000, example = 2)]
    pub household_limit: i64,
    /// Who pays for it.
    pub funding: Funding,
    /// Whether it can be redeemed. What is already held can be collected all the same.
    pub offered: bool,
}

/// Offer a prize of the township's catalogue at the village's own price; `If-Match: "0"` for a new one
#[utoipa::path(tag = "redemption", operation_id = "prizes_put", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("key" = String, Path, description = "The prize's key", example = "goods.laundry_liquid"),
        ("If-Match" = String, Header, description = "The ETag of the prize that was read",
            example = "\"1\"")),
    request_body = NewOffer, responses((status = 200, body = Prize)),
    extensions(("x-codes" = json!("role_required invalid_field precondition_required \
        precondition_failed prize_not_offered budget_exceeded"))))]
#[put("/v1/villages/{village}/prizes/{key}")]
async fn put_prize(
    official: Official<SetsRules>,
    request: HttpRequest,
    new: Body<NewOffer>,
    app: Data<App>,
) -> Outcome<Answer<Prize>> {
    let key: String = path_part(&request, "key")?;
    let prize = app
        .db
        .write(async |tx| offer(tx, &official, &request, &key, &new.0, app.clock.now()).await);
    let prize = prize.await?;
    let version = prize.version;
    Ok(Answer::ok(prize).version(version))
}

async fn offer(
    tx: &Tx,
    by: &Official<SetsRules>,
    request: &HttpRequest,
    key: &str,
    new: &NewOffer,
    now: Instant,
) -> Outcome<Prize> {
    let village = &by.village;
    lock(tx, village).await?;
    let before = prize_of(tx, village, key).await?;
    let listed = find(tx, &village.township(), key).await?;
    if before.is_none() && listed.is_none() {
        return Err(Code::NotFound.into());
    }
    if_match(request, before.as_ref().map_or(0, |it| it.version))?;
    if new.offered && listed.as_ref().is_some_and(|it| !it.active) {
        let why = "the township has taken it off its catalogue";
        return Err(Refusal::from(Code::PrizeNotOffered).because(why).into());
    }
    match (&before, &listed) {
        (Some(before), _) => change(tx, village, before, listed.as_ref(), new).await?,
        (None, Some(listed)) => add(tx, village, listed, new).await?,
        (None, None) => return Err(Code::NotFound.into()),
    }
    within_budget(tx, village, &by.policy, new.funding.as_str(), now).await?;
    let points_before = before.as_ref().map(|it| it.points);
    let detail = serde_json::json!({ "points_before": points_before, "offer": new });
    audit_of(tx, village, by.person, ("prize.offer", key.to_owned()), detail, now).await?;
    let open = matches!(shop(&Rhythm::of(&by.policy), now), Shop::Open { .. });
    if let Some(old) = points_before.filter(|old| open && new.points > *old) {
        let note = format!("兑换期内{key}由{old}分提到{}分", new.points);
        let (kind, person) = (Kind::PriceRaised, Some(by.person));
        let entry = Entry { kind, subject: key.to_owned(), person, note };
        register::enter(tx, village, now, &[entry]).await?;
    }
    Ok(prize_of(tx, village, key).await?.map(Prize::from).ok_or(Code::NotFound)?)
}

/// Names and value follow the catalogue as it is now.
async fn change(
    tx: &Tx,
    village: &Village,
    before: &entity::prize::Model,
    listed: Option<&CatalogueRow>,
    new: &NewOffer,
) -> Outcome<()> {
    let sql = "UPDATE prizes SET points = $3, household_limit = $4, funding = $5, offered = $6, \
               name_zh = $7, name_en = $8, value_fen = $9, version = version + 1 \
               WHERE village = $1 AND id = $2";
    let name = |own: &String, of: fn(&CatalogueRow) -> &String| {
        listed.map_or_else(|| own.clone(), |it| of(it).clone())
    };
    let values: [Value; 9] = [
        village.into(),
        before.id.into(),
        new.points.into(),
        new.household_limit.into(),
        new.funding.as_str().into(),
        new.offered.into(),
        name(&before.name_zh, |it| &it.name_zh).into(),
        name(&before.name_en, |it| &it.name_en).into(),
        listed.map_or(before.value_fen, |it| it.value_fen).into(),
    ];
    db::run(tx, sql, values).await?;
    Ok(())
}

async fn add(tx: &Tx, village: &Village, listed: &CatalogueRow, new: &NewOffer) -> Outcome<()> {
    let sql = "INSERT INTO prizes (village, id, key, name_zh, name_en, kind, points, value_fen, \
               stock, household_limit, funding, position, offered, version) \
               SELECT $1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, \
                 CAST(COALESCE(MAX(position), 0) + 1 AS BIGINT), $11, 1 \
               FROM prizes WHERE village = $1";
    let values: [Value; 11] = [
        village.into(),
        Uuid::now_v7().into(),
        listed.key.as_str().into(),
        listed.name_zh.as_str().into(),
        listed.name_en.as_str().into(),
        listed.kind.as_str().into(),
        new.points.into(),
        listed.value_fen.into(),
        new.household_limit.into(),
        new.funding.as_str().into(),
        new.offered.into(),
    ];
    db::run(tx, sql, values).await?;
    Ok(())
}
