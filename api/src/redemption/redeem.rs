//! `POST /v1/villages/{village}/redemptions`: points and stock are held together or not at all.

use actix_web::post;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::HOLD_DAYS;
use super::code::pickup_code;
use super::read::{Redemption, load};
use super::stock::{Change, change_stock};
use crate::app::App;
use crate::calendar::{Rhythm, Shop, shop};
use crate::households::may_spend;
use crate::identity::Neighbour;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::regions::VillageRow;

/// Points for a prize.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRedemption {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// The prize's key.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "goods.laundry_liquid")]
    pub prize: String,
    #[validate(range(min = 1, max = 100))]
    #[schema(minimum = 1, maximum = 100, example = 1)]
    pub quantity: i64,
}

/// Redeem points for a prize; the answer has the pickup code
#[utoipa::path(tag = "redemption", operation_id = "redemptions_create", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewRedemption, responses((status = 201, body = Redemption)),
    extensions(("x-codes" = json!("role_required window_closed insufficient_points sold_out \
        household_limit household_not_active id_taken invalid_field"))))]
#[post("/v1/villages/{village}/redemptions")]
async fn redeem_prize(
    caller: Neighbour,
    new: Command<NewRedemption>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let household = caller.own_household()?;
    let done = new.once(&app, caller.village.as_str(), caller.account, async |tx| {
        let now = app.clock.now();
        redeem(tx, &caller.village, &caller.policy, caller.person, household, &new.body, now)
            .await?;
        load(tx, &caller.village, new.body.id).await
    });
    let code = pickup_code(app.config.secrets.pickup(), &caller.village, new.body.id);
    Ok(done.await?.created().map(|it| Redemption { pickup_code: Some(code), ..it }))
}

#[derive(FromQueryResult)]
pub struct PrizeRow {
    pub id: Uuid,
    pub points: i64,
    pub household_limit: i64,
    pub stock: i64,
}

/// The village's prize of this key.
///
/// # Errors
/// `not_found` if the shop does not have it.
pub async fn find_prize(tx: &Tx, village: &Village, key: &str) -> Outcome<PrizeRow> {
    let sql = "SELECT id, points, household_limit, stock FROM prizes \
               WHERE village = $1 AND key = $2";
    let row = db::one::<PrizeRow>(tx, sql, [village.into(), key.into()]).await?;
    Ok(row.ok_or(Code::NotFound)?)
}

/// Holds a household's points and the prize's stock.
///
/// # Errors
/// `household_not_active`, `window_closed`, `insufficient_points`, `household_limit`, `sold_out`,
/// `id_taken`.
pub async fn redeem(
    tx: &Tx,
    village: &Village,
    policy: &VillageRow,
    person: Uuid,
    household: Uuid,
    new: &NewRedemption,
    now: Instant,
) -> Outcome<()> {
    let own_term = may_spend(tx, village, household, now).await?;
    let opened_at = open_since(policy, own_term, now)?;
    let prize = find_prize(tx, village, &new.prize).await?;
    let points = prize.points * new.quantity;
    // The balance row is the household's lock: what follows sees every other hold of it.
    ledger::hold(tx, village, household, points).await?;
    let before = taken(tx, village, household, prize.id, opened_at).await?;
    within_limits(policy.window_points_max, &prize, &before, new.quantity)?;
    let change =
        Change { prize: prize.id, quantity: -new.quantity, kind: "hold", reference: new.id };
    change_stock(tx, village, change, None, now).await?;
    let sql = "INSERT INTO redemptions (village, id, household, prize, quantity, points, status, \
               window_opened_at, filed_by, held_at, expires_at, wrong_codes, version) \
               VALUES ($1, $2, $3, $4, $5, $6, 'held', $7, $8, $9, $10, 0, 1) \
               ON CONFLICT DO NOTHING";
    let values: [Value; 10] = [
        village.into(),
        new.id.into(),
        household.into(),
        prize.id.into(),
        new.quantity.into(),
        points.into(),
        opened_at.0.into(),
        person.into(),
        now.0.into(),
        now.plus_days(HOLD_DAYS).0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(person),
        action: "redemption.hold",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "points": points }),
    };
    audit::record(tx, now, act).await
}

/// Since when the household may spend: the shop's window, or the term of one that moved out.
fn open_since(
    policy: &VillageRow,
    own_term: Option<Instant>,
    now: Instant,
) -> Result<Instant, Refusal> {
    match shop(&Rhythm::of(policy), now) {
        Shop::Open { opened_at, .. } => Ok(opened_at),
        Shop::Closed { opens_at } => own_term
            .ok_or_else(|| Refusal { opens_at: Some(opens_at), ..Code::WindowClosed.into() }),
    }
}

/// What a household took in a window, not counting what it gave back.
#[derive(Debug, Default, FromQueryResult)]
struct Taken {
    points: i64,
    of_prize: i64,
}

async fn taken(
    tx: &Tx,
    village: &Village,
    household: Uuid,
    prize: Uuid,
    opened_at: Instant,
) -> Outcome<Taken> {
    let sql = "SELECT CAST(COALESCE(SUM(points), 0) AS BIGINT) AS points, \
               CAST(COALESCE(SUM(CASE WHEN prize = $4 THEN quantity ELSE 0 END), 0) AS BIGINT) \
                 AS of_prize \
               FROM redemptions WHERE village = $1 AND household = $2 \
               AND window_opened_at = $3 AND status IN ('held', 'collected')";
    let values: [Value; 4] = [village.into(), household.into(), opened_at.0.into(), prize.into()];
    Ok(db::one::<Taken>(tx, sql, values).await?.unwrap_or_default())
}

fn within_limits(
    points_max: i64,
    prize: &PrizeRow,
    before: &Taken,
    quantity: i64,
) -> Result<(), Refusal> {
    if before.of_prize + quantity > prize.household_limit {
        let why = format!("{} of this prize in a window", prize.household_limit);
        return Err(Refusal::from(Code::HouseholdLimit).because(why));
    }
    if before.points + prize.points * quantity > points_max {
        let why = format!("{points_max} points in a window");
        return Err(Refusal::from(Code::HouseholdLimit).because(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_what_was_taken_before() {
        let prize = PrizeRow { id: Uuid::nil(), points: 20, household_limit: 2, stock: 9 };
        let taken = |points, of_prize| Taken { points, of_prize };
        assert!(within_limits(200, &prize, &taken(160, 0), 2).is_ok());
        assert!(within_limits(200, &prize, &taken(161, 0), 2).is_err());
        assert!(within_limits(200, &prize, &taken(20, 1), 1).is_ok());
        assert!(within_limits(200, &prize, &taken(20, 1), 2).is_err());
    }
}
