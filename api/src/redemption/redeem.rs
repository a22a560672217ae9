//! `POST /v1/villages/{village}/redemptions`: points and stock are held together or not at all.

use actix_web::post;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::HOLD_DAYS;
use super::budgets::present_quarter;
use super::helped::{inform, whose};
use super::read::{Redemption, load, with_code};
use super::stock::{Change, record_move, take_from_stock};
use crate::app::App;
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
    /// The price that the family saw and agrees to, in points for all of them: the prize's `points` times
    /// `quantity`. Any other price than the present one, also a lower one, is refused with `price_changed`,
    /// whose `points` is the present price.
    ///
    /// It has to be sent. A phone with a weak signal shows a list of prizes from days ago, and sends its
    /// order when it has a signal again: without this the family would pay a price that it never saw. Were it
    /// optional, the client that forgets it would be the one that shows old prices; as it is, an integrator
    /// finds out with the first order. It is asked for the sum, which stands on the button and, as `points`,
    /// in the answer, so that a wrong `quantity` is found as well. A repeated request is not compared again:
    /// its Idempotency-Key gives the first answer.
    #[validate(range(min = 1, max = 10_000_000))]
    #[schema(minimum = 1, maximum = 10_000_000, example = 20)]
    pub points: i64,
    /// Only for a clerk, or the worker of the household's grid, who helps a family without a phone: the
    /// code on its paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 40))]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 40,
        example = "JF-7KQM-2WXA-P9FD-LC4H"
    )]
    pub household_code: Option<String>,
    /// With the household's code: the member who came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bearer: Option<Uuid>,
}

/// Redeem points for a prize; for one's own household the answer has the pickup code
#[utoipa::path(tag = "redemption", operation_id = "redemptions_create", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewRedemption, responses((status = 201, body = Redemption)),
    extensions(("x-codes" = json!("role_required conflict_of_interest window_closed \
        insufficient_points prize_not_offered sold_out price_changed household_limit \
        household_not_active too_many_tries id_taken invalid_field"))))]
#[post("/v1/villages/{village}/redemptions")]
async fn redeem_prize(
    caller: Neighbour,
    new: Command<NewRedemption>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let done = new.once(&app, caller.village.as_str(), caller.account, async |tx| {
        let now = app.clock.now();
        let to = whose(&app, tx, &caller, &new.body).await?;
        let village = &caller.village;
        let order = redeem(tx, village, &caller.policy, &to, &new.body, now).await?;
        if to.bearer.is_some() {
            inform(tx, &caller, &to, &new.body, (&order.prize_name, order.points), now).await?;
        }
        let answer = load(tx, &caller, new.body.id).await?;
        order.leave_stock(tx, village).await?;
        Ok(answer)
    });
    Ok(done.await?.created().map(|it| with_code(&app, &caller, it)))
}

/// For whom a redemption is, and who asks.
pub struct For {
    pub household: Uuid,
    pub person: Uuid,
    /// The member who came, where an official asks.
    pub bearer: Option<Uuid>,
}

/// A redemption whose points are held and whose goods have still to leave the stock, as the last thing
/// its transaction does: everybody who wants the same prize waits for that row.
#[must_use]
pub struct Order {
    prize: Uuid,
    quantity: i64,
    pub prize_name: String,
    pub points: i64,
}

impl Order {
    /// # Errors
    /// `sold_out` if somebody was faster; the whole transaction is then undone.
    pub async fn leave_stock(self, tx: &Tx, village: &Village) -> Outcome<()> {
        take_from_stock(tx, village, self.prize, -self.quantity).await
    }
}

#[derive(FromQueryResult)]
struct PrizeRow {
    id: Uuid,
    name_zh: String,
    points: i64,
    value_fen: i64,
    funding: String,
    household_limit: i64,
    stock: i64,
    offered: bool,
}

/// The prize of this key, if so many of it are there to be had at the price that the family saw. Whoever
/// raises it meanwhile comes too late: what is held keeps the price it was held at.
async fn on_offer(tx: &Tx, village: &Village, new: &NewRedemption) -> Outcome<PrizeRow> {
    let sql = "SELECT id, name_zh, points, value_fen, funding, household_limit, stock, offered \
               FROM prizes WHERE village = $1 AND key = $2";
    let row = db::one::<PrizeRow>(tx, sql, [village.into(), new.prize.as_str().into()]).await?;
    let prize = row.ok_or(Code::NotFound)?;
    if !prize.offered {
        return Err(Code::PrizeNotOffered.into());
    }
    // Said before anything is written or locked: late comers for the last item are many.
    if prize.stock < new.quantity {
        return Err(Code::SoldOut.into());
    }
    let points = prize.points * new.quantity;
    if points != new.points {
        let why = format!("{points} points now, not {}", new.points);
        let refusal = Refusal::from(Code::PriceChanged).because(why);
        return Err(Refusal { points: Some(points), ..refusal }.into());
    }
    Ok(prize)
}

/// Holds a household's points for a prize. The goods leave the stock with [`Order::leave_stock`].
///
/// # Errors
/// `household_not_active`, `window_closed`, `prize_not_offered`, `sold_out`, `price_changed`,
/// `insufficient_points`, `household_limit`, `id_taken`.
pub async fn redeem(
    tx: &Tx,
    village: &Village,
    policy: &VillageRow,
    to: &For,
    new: &NewRedemption,
    now: Instant,
) -> Outcome<Order> {
    let spending = may_spend(tx, village, policy, to.household, now).await?;
    let prize = on_offer(tx, village, new).await?;
    let (points, counts_from) = (prize.points * new.quantity, spending.counts_from);
    // The balance row is the household's lock: what follows sees every other hold of it.
    ledger::hold_beside(tx, village, to.household, points, spending.waits).await?;
    let before = taken(tx, village, to.household, prize.id, counts_from).await?;
    within_limits(policy.window_points_max, &prize, &before, new.quantity)?;
    let sql = "INSERT INTO redemptions (village, id, household, prize, quantity, points, status, \
               counts_from, filed_by, bearer, held_at, expires_at, wrong_codes, version, funding, \
               value_fen, budget_quarter) \
               VALUES ($1, $2, $3, $4, $5, $6, 'held', $7, $8, $9, $10, $11, 0, 1, $12, $13, $14) \
               ON CONFLICT DO NOTHING";
    let values: [Value; 14] = [
        village.into(),
        new.id.into(),
        to.household.into(),
        prize.id.into(),
        new.quantity.into(),
        points.into(),
        counts_from.0.into(),
        to.person.into(),
        to.bearer.into(),
        now.0.into(),
        now.plus_days(HOLD_DAYS).0.into(),
        prize.funding.as_str().into(),
        prize.value_fen.into(),
        present_quarter(policy, now).to_string().into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let quantity = -new.quantity;
    let change = Change { prize: prize.id, quantity, kind: "hold", reference: new.id };
    record_move(tx, village, &change, None, now).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(to.person),
        action: "redemption.hold",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "points": points, "bearer": to.bearer }),
    };
    audit::record(tx, now, act).await?;
    Ok(Order { prize: prize.id, quantity: new.quantity, prize_name: prize.name_zh, points })
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
    counts_from: Instant,
) -> Outcome<Taken> {
    let sql = "SELECT CAST(COALESCE(SUM(points / quantity * (quantity - refunded)), 0) AS BIGINT) \
                 AS points, \
               CAST(COALESCE(SUM(CASE WHEN prize = $4 THEN quantity - refunded ELSE 0 END), 0) \
                 AS BIGINT) AS of_prize \
               FROM redemptions WHERE village = $1 AND household = $2 \
               AND counts_from = $3 AND status IN ('held', 'collected')";
    let values: [Value; 4] = [village.into(), household.into(), counts_from.0.into(), prize.into()];
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
        let prize = PrizeRow {
            id: Uuid::nil(),
            name_zh: String::new(),
            points: 20,
            value_fen: 2_000,
            funding: String::new(),
            household_limit: 2,
            stock: 9,
            offered: true,
        };
        let taken = |points, of_prize| Taken { points, of_prize };
        assert!(within_limits(200, &prize, &taken(160, 0), 2).is_ok());
        assert!(within_limits(200, &prize, &taken(161, 0), 2).is_err());
        assert!(within_limits(200, &prize, &taken(20, 1), 1).is_ok());
        assert!(within_limits(200, &prize, &taken(20, 1), 2).is_err());
    }
}
