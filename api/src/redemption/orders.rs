//! Points and stock are held together or not at all, for one order or for many that arrive together: what
//! they depend on is read for all, each is decided in its turn, and what was accepted is written for all.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::HOLD_DAYS;
use super::budgets::present_quarter;
use super::redeem::{For, NewRedemption};
use super::stock::{Change, record_moves, take_each};
use crate::households::{Spender, Spending, may_spend};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Given, Tx};
use crate::kernel::ledger;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::{Place, Village};
use crate::regions::VillageRow;

/// Who wants what, and where.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    pub village: &'a Village,
    pub policy: &'a VillageRow,
    pub to: &'a For,
    pub new: &'a NewRedemption,
}

impl<'a> Wish<'a> {
    fn spender(&self) -> Spender<'a> {
        Spender { village: self.village, policy: self.policy, household: self.to.household }
    }

    fn prize(&self) -> (String, String) {
        (self.village.to_string(), self.new.prize.clone())
    }

    fn id(&self) -> Place {
        (self.village.to_string(), self.new.id)
    }
}

/// Orders whose points are held and whose goods have still to leave the stock, as the last thing their
/// transaction does: everybody who wants the same prize waits for that row.
#[must_use]
pub struct Orders {
    /// What each wish came to.
    pub results: Vec<Result<Order, Refusal>>,
    leaving: BTreeMap<Place, i64>,
}

/// What was accepted.
#[derive(Clone, Debug)]
pub struct Order {
    pub prize_name: String,
    pub points: i64,
}

impl Orders {
    /// # Errors
    /// `sold_out` if somebody was faster; the whole transaction is then undone.
    pub async fn leave_stock(self, tx: &Tx) -> Outcome<()> {
        take_each(tx, &self.leaving).await
    }
}

/// Holds a household's points for a prize. The goods leave the stock with [`Orders::leave_stock`].
///
/// # Errors
/// `household_not_active`, `window_closed`, `prize_not_offered`, `sold_out`, `price_changed`,
/// `insufficient_points`, `household_limit`, `id_taken`.
pub async fn redeem(tx: &Tx, wish: Wish<'_>, now: Instant) -> Outcome<(Order, Orders)> {
    let orders = redeem_each(tx, &[wish], now).await?;
    match orders.results.first() {
        Some(Ok(order)) => Ok((order.clone(), orders)),
        Some(Err(refusal)) => Err(refusal.clone().into()),
        None => Err(Problem::fault("no result for an order")),
    }
}

/// As [`redeem`], for many: what is refused leaves no row.
///
/// # Errors
/// `busy` if another writer took one of the ids meanwhile. Each wish has its own of [`redeem`].
pub async fn redeem_each(tx: &Tx, wishes: &[Wish<'_>], now: Instant) -> Outcome<Orders> {
    let spenders: Vec<_> = wishes.iter().map(Wish::spender).collect();
    let spending = may_spend(tx, &spenders, now).await?;
    let prizes = prizes(tx, wishes).await?;
    // The balance rows are the households' locks: what follows sees every other hold of them.
    let places = spenders.iter().map(Spender::place).collect();
    let free = ledger::free(tx, &places).await?;
    let known = known(tx, wishes).await?;
    let mut desk = Desk { prizes, free, taken: taken(tx, &spenders, &spending).await?, known };
    let mut accepted = Vec::new();
    let (mut results, mut leaving) = (Vec::with_capacity(wishes.len()), BTreeMap::new());
    for (wish, spending) in wishes.iter().zip(spending) {
        let one = spending.and_then(|spending| desk.decide(wish, spending));
        results.push(one.map(|one| {
            let order = Order { prize_name: one.prize.name_zh.clone(), points: one.points };
            let prize = (wish.village.to_string(), one.prize.id);
            *leaving.entry(prize).or_default() += wish.new.quantity;
            accepted.push(one);
            order
        }));
    }
    write(tx, &accepted, now).await?;
    Ok(Orders { results, leaving })
}

#[derive(Clone, FromQueryResult)]
struct PrizeRow {
    village: String,
    id: Uuid,
    key: String,
    name_zh: String,
    points: i64,
    value_fen: i64,
    funding: String,
    household_limit: i64,
    stock: i64,
    offered: bool,
}

/// The prizes that are wanted, by village and key.
async fn prizes(tx: &Tx, wishes: &[Wish<'_>]) -> Outcome<BTreeMap<(String, String), PrizeRow>> {
    let wanted: BTreeSet<_> = wishes.iter().map(Wish::prize).collect();
    let columns = [
        Column::Text("village", wanted.iter().map(|(village, _)| village.clone()).collect()),
        Column::Text("key", wanted.iter().map(|(_, key)| key.clone()).collect()),
    ];
    let Given { table, values } = db::given(tx, 1, "given", &columns);
    let sql = format!(
        "SELECT p.village, p.id, p.key, p.name_zh, p.points, p.value_fen, p.funding, \
           p.household_limit, p.stock, p.offered \
         FROM prizes p JOIN {table} ON p.village = given.village AND p.key = given.key"
    );
    let rows = db::all::<PrizeRow>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| ((row.village.clone(), row.key.clone()), row)).collect())
}

/// Which of the ids are taken.
async fn known(tx: &Tx, wishes: &[Wish<'_>]) -> Outcome<BTreeSet<Place>> {
    #[derive(FromQueryResult)]
    struct Row {
        village: String,
        id: Uuid,
    }
    let wanted: BTreeSet<_> = wishes.iter().map(Wish::id).collect();
    let columns = [
        Column::Text("village", wanted.iter().map(|(village, _)| village.clone()).collect()),
        Column::Uuid("id", wanted.iter().map(|(_, id)| *id).collect()),
    ];
    let Given { table, values } = db::given(tx, 1, "given", &columns);
    let sql = format!(
        "SELECT r.village, r.id FROM redemptions r \
         JOIN {table} ON r.village = given.village AND r.id = given.id"
    );
    let rows = db::all::<Row>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| (row.village, row.id)).collect())
}

/// What a household took in its window, not counting what it gave back.
#[derive(Debug, Default)]
struct Taken {
    points: i64,
    of_prize: BTreeMap<Uuid, i64>,
}

async fn taken(
    tx: &Tx,
    spenders: &[Spender<'_>],
    spending: &[Result<Spending, Refusal>],
) -> Outcome<BTreeMap<Place, Taken>> {
    #[derive(FromQueryResult)]
    struct Row {
        village: String,
        household: Uuid,
        prize: Uuid,
        points: i64,
        quantity: i64,
    }
    let counted = spenders.iter().zip(spending);
    let counted = counted.filter_map(|(it, spending)| {
        spending.as_ref().ok().map(|spending| (it.place(), spending.counts_from.0))
    });
    let counted: BTreeMap<_, _> = counted.collect();
    let columns = [
        Column::Text("village", counted.keys().map(|(village, _)| village.clone()).collect()),
        Column::Uuid("household", counted.keys().map(|(_, household)| *household).collect()),
        Column::Number("since", counted.values().copied().collect()),
    ];
    let Given { table, values } = db::given(tx, 1, "given", &columns);
    let sql = format!(
        "SELECT r.village, r.household, r.prize, \
           CAST(SUM(r.points / r.quantity * (r.quantity - r.refunded)) AS BIGINT) AS points, \
           CAST(SUM(r.quantity - r.refunded) AS BIGINT) AS quantity \
         FROM redemptions r JOIN {table} ON r.village = given.village \
           AND r.household = given.household AND r.counts_from = given.since \
         WHERE r.status IN ('held', 'collected') GROUP BY r.village, r.household, r.prize"
    );
    let mut taken = BTreeMap::<_, Taken>::new();
    for row in db::all::<Row>(tx, &sql, values).await? {
        let it = taken.entry((row.village, row.household)).or_default();
        it.points += row.points;
        it.of_prize.insert(row.prize, row.quantity);
    }
    Ok(taken)
}

/// An order that may be written.
struct Accepted<'a> {
    wish: Wish<'a>,
    prize: PrizeRow,
    points: i64,
    counts_from: Instant,
}

/// What is there to be had, and what households have, as orders are accepted one after the other.
struct Desk {
    prizes: BTreeMap<(String, String), PrizeRow>,
    free: BTreeMap<Place, i64>,
    taken: BTreeMap<Place, Taken>,
    known: BTreeSet<Place>,
}

impl Desk {
    fn decide<'a>(&mut self, wish: &Wish<'a>, spending: Spending) -> Result<Accepted<'a>, Refusal> {
        let (new, household) = (wish.new, wish.spender().place());
        let prize = self.prizes.get_mut(&wish.prize()).ok_or(Code::NotFound)?;
        let points = on_offer(prize, new)?;
        let free = self.free.get_mut(&household).ok_or(Code::InsufficientPoints)?;
        if *free < points + spending.waits {
            return Err(Code::InsufficientPoints.into());
        }
        let before = self.taken.entry(household).or_default();
        within_limits(wish.policy.window_points_max, prize, before, new.quantity)?;
        if !self.known.insert(wish.id()) {
            return Err(Code::IdTaken.into());
        }
        // What this one takes is gone for those behind it.
        prize.stock -= new.quantity;
        *free -= points;
        before.points += points;
        *before.of_prize.entry(prize.id).or_default() += new.quantity;
        let (prize, counts_from) = (prize.clone(), spending.counts_from);
        Ok(Accepted { wish: *wish, prize, points, counts_from })
    }
}

/// The points for a prize, if so many of it are there to be had at the price that the family saw. Whoever
/// raises it meanwhile comes too late: what is held keeps the price it was held at.
fn on_offer(prize: &PrizeRow, new: &NewRedemption) -> Result<i64, Refusal> {
    if !prize.offered {
        return Err(Code::PrizeNotOffered.into());
    }
    if prize.stock < new.quantity {
        return Err(Code::SoldOut.into());
    }
    let points = prize.points * new.quantity;
    if points != new.points {
        let why = format!("{points} points now, not {}", new.points);
        let refusal = Refusal::from(Code::PriceChanged).because(why);
        return Err(Refusal { points: Some(points), ..refusal });
    }
    Ok(points)
}

fn within_limits(
    points_max: i64,
    prize: &PrizeRow,
    before: &Taken,
    quantity: i64,
) -> Result<(), Refusal> {
    if before.of_prize.get(&prize.id).copied().unwrap_or_default() + quantity
        > prize.household_limit
    {
        let why = format!("{} of this prize in a window", prize.household_limit);
        return Err(Refusal::from(Code::HouseholdLimit).because(why));
    }
    if before.points + prize.points * quantity > points_max {
        let why = format!("{points_max} points in a window");
        return Err(Refusal::from(Code::HouseholdLimit).because(why));
    }
    Ok(())
}

async fn write(tx: &Tx, accepted: &[Accepted<'_>], now: Instant) -> Outcome<()> {
    if accepted.is_empty() {
        return Ok(());
    }
    let mut holds = BTreeMap::<Place, i64>::new();
    for it in accepted {
        *holds.entry(it.wish.spender().place()).or_default() += it.points;
    }
    ledger::hold_each(tx, &holds).await?;
    insert(tx, accepted, now).await?;
    let change = |Accepted { wish, prize, .. }: &Accepted<'_>| {
        let (quantity, reference) = (-wish.new.quantity, wish.new.id);
        Change { prize: prize.id, quantity, kind: "hold", reference }
    };
    let changes: Vec<_> = accepted.iter().map(|it| (it.wish.village, change(it))).collect();
    record_moves(tx, &changes, now).await?;
    let acts = accepted.iter().map(|it| Act {
        region: it.wish.village.as_str(),
        actor: Some(it.wish.to.person),
        action: "redemption.hold",
        subject: it.wish.new.id.to_string(),
        detail: serde_json::json!({ "points": it.points, "bearer": it.wish.to.bearer }),
    });
    let acts: Vec<_> = acts.collect();
    audit::record_all(tx, now, &acts).await
}

async fn insert(tx: &Tx, accepted: &[Accepted<'_>], now: Instant) -> Outcome<()> {
    let count = accepted.len();
    let quarter = |it: &Accepted<'_>| present_quarter(it.wish.policy, now).to_string();
    macro_rules! each {
        ($it:ident => $value:expr) => {
            accepted.iter().map(|$it| $value).collect()
        };
    }
    let columns = [
        Column::Text("village", each!(it => it.wish.village.to_string())),
        Column::Uuid("id", each!(it => it.wish.new.id)),
        Column::Uuid("household", each!(it => it.wish.to.household)),
        Column::Uuid("prize", each!(it => it.prize.id)),
        Column::Number("quantity", each!(it => it.wish.new.quantity)),
        Column::Number("points", each!(it => it.points)),
        Column::Text("status", vec!["held".to_owned(); count]),
        Column::Number("counts_from", each!(it => it.counts_from.0)),
        Column::Uuid("filed_by", each!(it => it.wish.to.person)),
        Column::MaybeUuid("bearer", each!(it => it.wish.to.bearer)),
        Column::Number("held_at", vec![now.0; count]),
        Column::Number("expires_at", vec![now.plus_days(HOLD_DAYS).0; count]),
        Column::Number("wrong_codes", vec![0; count]),
        Column::Number("version", vec![1; count]),
        Column::Text("funding", each!(it => it.prize.funding.clone())),
        Column::Number("value_fen", each!(it => it.prize.value_fen)),
        Column::Text("budget_quarter", each!(it => quarter(it))),
    ];
    let written = db::bulk_insert(tx, "redemptions", &columns, "ON CONFLICT DO NOTHING").await?;
    if written != count as u64 {
        // Another writer took one of the ids between our look and our write.
        return Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_what_was_taken_before() {
        let prize = PrizeRow {
            village: String::new(),
            id: Uuid::nil(),
            key: String::new(),
            name_zh: String::new(),
            points: 20,
            value_fen: 2_000,
            funding: String::new(),
            household_limit: 2,
            stock: 9,
            offered: true,
        };
        let taken =
            |points, of_prize| Taken { points, of_prize: BTreeMap::from([(prize.id, of_prize)]) };
        assert!(within_limits(200, &prize, &taken(160, 0), 2).is_ok());
        assert!(within_limits(200, &prize, &taken(161, 0), 2).is_err());
        assert!(within_limits(200, &prize, &taken(20, 1), 1).is_ok());
        assert!(within_limits(200, &prize, &taken(20, 1), 2).is_err());
    }
}
