//! The end of a hold: goods are handed over and the points spent, or both are given back.

use std::collections::BTreeMap;

use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::WRONG_CODES_MAX;
use super::stock::{Change, record_move, take_from_stock};
use crate::households::{Notice, tell};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Account, Journal};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::register::{self, Entry, Kind};

/// What showed that goods went to the household.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RedemptionProof)]
pub enum Proof {
    /// The six digits of this redemption.
    PickupCode,
    /// The household's own PIN.
    Pin,
    /// A second official who was there.
    Witness,
}

impl Proof {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PickupCode => "pickup_code",
            Self::Pin => "pin",
            Self::Witness => "witness",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::PickupCode, Self::Pin, Self::Witness].into_iter().find(|it| it.as_str() == text)
    }
}

/// A redemption as those who act on it need it.
#[derive(FromQueryResult)]
pub struct Held {
    pub household: Uuid,
    pub grid: String,
    pub prize: Uuid,
    pub prize_name: String,
    pub quantity: i64,
    pub points: i64,
    pub status: String,
    pub filed_by: Uuid,
    pub bearer: Option<Uuid>,
    pub clerk: Option<Uuid>,
    pub wrong_codes: i64,
    pub refunded: i64,
    pub witness: Option<Uuid>,
    pub witness_role: Option<String>,
    pub witnessed_at: Option<i64>,
    pub carrier: Option<Uuid>,
}

impl Held {
    pub fn is_locked(&self) -> bool {
        self.wrong_codes >= WRONG_CODES_MAX
    }

    /// Made by an official for a family without a phone.
    pub fn is_helped(&self) -> bool {
        self.bearer.is_some()
    }

    /// # Errors
    /// `wrong_state` unless it is held and the goods are at the counter.
    pub fn at_the_counter(&self) -> Result<(), Refusal> {
        match (self.status.as_str(), self.carrier) {
            ("held", None) => Ok(()),
            ("held", Some(_)) => Err(Refusal::wrong_state("on_delivery")),
            (other, _) => Err(Refusal::wrong_state(other)),
        }
    }
}

/// The redemption, kept unchanged until the transaction ends.
///
/// # Errors
/// `not_found` if the village has no such redemption.
pub async fn held(tx: &Tx, village: &Village, id: Uuid) -> Outcome<Held> {
    let sql = format!(
        "SELECT r.household, h.grid, r.prize, p.name_zh AS prize_name, r.quantity, r.points, \
           r.status, r.filed_by, r.bearer, r.clerk, r.wrong_codes, r.refunded, r.witness, r.witness_role, \
           r.witnessed_at, r.carrier \
         FROM redemptions r JOIN prizes p ON p.village = r.village AND p.id = r.prize \
         JOIN households h ON h.village = r.village AND h.id = r.household \
         WHERE r.village = $1 AND r.id = $2{}",
        db::exclusively_of(tx, "r")
    );
    Ok(db::one::<Held>(tx, &sql, [village.into(), id.into()]).await?.ok_or(Code::NotFound)?)
}

/// Writes down who did what to a redemption.
pub async fn audit(
    tx: &Tx,
    village: &Village,
    actor: Uuid,
    action: &str,
    id: Uuid,
    detail: serde_json::Value,
    now: Instant,
) -> Outcome<()> {
    audit_of(tx, village, actor, (action, id.to_string()), detail, now).await
}

/// As [`audit`], of anything else in the shop: what was done, and to what.
pub async fn audit_of(
    tx: &Tx,
    village: &Village,
    actor: Uuid,
    (action, subject): (&str, String),
    detail: serde_json::Value,
    now: Instant,
) -> Outcome<()> {
    let act = Act { region: village.as_str(), actor: Some(actor), action, subject, detail };
    audit::record(tx, now, act).await
}

/// Spends the held points.
///
/// # Errors
/// `wrong_state` if the redemption is not held.
pub async fn hand_over(
    tx: &Tx,
    village: &Village,
    by: Uuid,
    id: Uuid,
    proof: Proof,
    now: Instant,
) -> Outcome<()> {
    let held = close(tx, village, id, Closed { status: "collected", by: Some((by, proof)) }, now);
    let held = held.await?;
    ledger::release(tx, village, held.household, held.points).await?;
    let (from, to) = (Account::Available(held.household), Account::Redeemed);
    let journal = Journal::transfer("redemption", id.to_string(), from, to, held.points);
    ledger::post(tx, village, Some(by), now, &[journal]).await?;
    let witness = held.witness.filter(|_| proof == Proof::Witness);
    let detail = serde_json::json!({ "proof": proof, "witness": witness, "bearer": held.bearer });
    audit(tx, village, by, "redemption.collect", id, detail, now).await?;
    if proof == Proof::Witness && held.is_locked() {
        let note = "取货码输错五次锁定，由超市管理员与网格员共同核发".to_owned();
        let entry =
            Entry { kind: Kind::LockOverride, subject: id.to_string(), person: Some(by), note };
        register::enter(tx, village, now, &[entry]).await?;
    }
    if proof == Proof::PickupCode {
        return Ok(());
    }
    let detail = format!("本户兑换的{}×{}已领取", held.prize_name, held.quantity);
    let kind = "redemption_collected";
    tell(tx, village, now, &[Notice { recipient: held.household, kind, subject: id, detail }]).await
}

/// How a hold ends.
struct Closed {
    status: &'static str,
    by: Option<(Uuid, Proof)>,
}

/// Compare and set: from held to the status, once.
async fn close(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    closed: Closed,
    now: Instant,
) -> Outcome<Held> {
    let held = held(tx, village, id).await?;
    // Who was there counts only if it was needed.
    let sql = "UPDATE redemptions SET status = $3, clerk = $4, closed_at = $5, proof = $6, \
               witness = CASE WHEN $6 = 'witness' THEN witness END, version = version + 1 \
               WHERE village = $1 AND id = $2 AND status = 'held'";
    let (by, proof) = closed.by.unzip();
    let values: [Value; 6] = [
        village.into(),
        id.into(),
        closed.status.into(),
        by.into(),
        now.0.into(),
        proof.map(Proof::as_str).into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Refusal::wrong_state(held.status).into());
    }
    Ok(held)
}

/// Ends a hold without a prize: its points are free again; its goods come back with [`restock`].
///
/// # Errors
/// `wrong_state` if the redemption is not held.
pub async fn let_go(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    status: &'static str,
    now: Instant,
) -> Outcome<Held> {
    let held = close(tx, village, id, Closed { status, by: None }, now).await?;
    ledger::release(tx, village, held.household, held.points).await?;
    Ok(held)
}

/// Puts the goods of holds that ended into stock again, prize by prize in order, with a move for each
/// hold. Balances come before stock, as when points are redeemed: the holds were all let go before.
pub async fn restock(
    tx: &Tx,
    village: &Village,
    ended: &[(Uuid, Held)],
    now: Instant,
) -> Outcome<()> {
    let mut back = BTreeMap::<Uuid, i64>::new();
    for (id, held) in ended {
        let (prize, quantity) = (held.prize, held.quantity);
        let change = Change { prize, quantity, kind: "release", reference: *id };
        record_move(tx, village, &change, None, now).await?;
        *back.entry(prize).or_default() += quantity;
    }
    for (prize, quantity) in back {
        take_from_stock(tx, village, prize, quantity).await?;
    }
    Ok(())
}

/// Ends one hold without a prize: points and stock are free again.
///
/// # Errors
/// `wrong_state` if the redemption is not held.
pub async fn give_back(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    status: &'static str,
    now: Instant,
) -> Outcome<Held> {
    let ended = [(id, let_go(tx, village, id, status, now).await?)];
    restock(tx, village, &ended, now).await?;
    let [(_, held)] = ended;
    Ok(held)
}
