//! `POST /v1/villages/{village}/stock-moves`, and the one way stock changes.

use std::collections::BTreeMap;

use actix_web::post;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::budgets::{lock, within_budget};
use crate::app::App;
use crate::identity::{KeepsShop, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Column, Given, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Place, Village};
use crate::kernel::text::required;
use crate::register::{self, Entry, Kind};

/// Goods that arrived or were lost.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStockMove {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// The prize's key.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "goods.laundry_liquid")]
    pub prize: String,
    /// How many: positive for a delivery, negative for a loss.
    #[validate(range(min = -100_000, max = 100_000))]
    #[schema(minimum = -100_000, maximum = 100_000, example = 50)]
    pub quantity: i64,
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "10月进货")]
    pub reason: String,
}

/// The stock after a move.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct StockMove {
    pub id: Uuid,
    #[schema(example = "goods.laundry_liquid")]
    pub prize: String,
    #[schema(example = 50)]
    pub quantity: i64,
    /// How many are left now.
    #[schema(example = 170)]
    pub stock: i64,
}

/// Take goods in, or write them off; a loss is put on the register
#[utoipa::path(tag = "redemption", operation_id = "stock_moves_create", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewStockMove, responses((status = 201, body = StockMove)),
    extensions(("x-codes" = json!("role_required reason_required sold_out budget_exceeded \
        id_taken invalid_field"))))]
#[post("/v1/villages/{village}/stock-moves")]
async fn move_stock(
    clerk: Official<KeepsShop>,
    new: Command<NewStockMove>,
    app: Data<App>,
) -> Outcome<Answer<StockMove>> {
    let done = new.once(&app, clerk.village.as_str(), clerk.account, async |tx| {
        record(tx, &clerk, &new.body, app.clock.now()).await
    });
    Ok(done.await?.created())
}

async fn record(
    tx: &Tx,
    clerk: &Official<KeepsShop>,
    new: &NewStockMove,
    now: Instant,
) -> Outcome<StockMove> {
    let village = &clerk.village;
    let reason = required(&new.reason, "/reason")?;
    if new.quantity == 0 {
        return Err(Refusal::from(Code::InvalidField).at("/quantity", "range", "not 0").into());
    }
    lock(tx, village).await?;
    let prize = find_prize(tx, village, &new.prize).await?;
    let kind = if new.quantity > 0 { "delivery" } else { "loss" };
    let change = Change { prize: prize.id, quantity: new.quantity, kind, reference: new.id };
    change_stock(tx, village, change, Some((clerk.person, reason.clone())), now).await?;
    if new.quantity > 0 {
        // After the change, so that of two deliveries the second counts the first.
        within_budget(tx, village, &clerk.policy, &prize.funding, now).await?;
    } else {
        // What is written off leaves its budget: somebody above looks at it first.
        let (kind, person, note) =
            (Kind::StockLoss, Some(clerk.person), loss(&prize, new, &reason));
        let entry = Entry { kind, subject: new.id.to_string(), person, note };
        register::enter(tx, village, now, &[entry]).await?;
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(clerk.person),
        action: "stock.move",
        subject: new.prize.clone(),
        detail: serde_json::json!({ "quantity": new.quantity, "kind": kind }),
    };
    audit::record(tx, now, act).await?;
    let stock = find_prize(tx, village, &new.prize).await?.stock;
    Ok(StockMove { id: new.id, prize: new.prize.clone(), quantity: new.quantity, stock })
}

/// What the township reads of a loss: of what, how many, worth how much, and why.
fn loss(prize: &PrizeRow, new: &NewStockMove, reason: &str) -> String {
    let (lost, fen) = (-new.quantity, -new.quantity * prize.value_fen);
    let (yuan, rest) = (fen / 100, fen % 100);
    format!("{}报损{lost}件，价值{yuan}.{rest:02}元：{reason}", prize.name_zh)
}

#[derive(FromQueryResult)]
struct PrizeRow {
    id: Uuid,
    name_zh: String,
    stock: i64,
    value_fen: i64,
    funding: String,
}

async fn find_prize(tx: &Tx, village: &Village, key: &str) -> Outcome<PrizeRow> {
    let sql = "SELECT id, name_zh, stock, value_fen, funding FROM prizes \
               WHERE village = $1 AND key = $2";
    let row = db::one::<PrizeRow>(tx, sql, [village.into(), key.into()]).await?;
    Ok(row.ok_or(Code::NotFound)?)
}

/// A change of a prize's stock.
pub struct Change {
    pub prize: Uuid,
    /// Negative when goods leave.
    pub quantity: i64,
    /// `delivery`, `loss`, `hold`, `release` or `refund`.
    pub kind: &'static str,
    /// What it is for; unique per kind.
    pub reference: Uuid,
}

/// Changes a prize's stock and records the move.
///
/// # Errors
/// `sold_out` if fewer are left than are to leave, `id_taken` if the move was recorded before.
pub async fn change_stock(
    tx: &Tx,
    village: &Village,
    change: Change,
    by: Option<(Uuid, String)>,
    now: Instant,
) -> Outcome<()> {
    take_from_stock(tx, village, change.prize, change.quantity).await?;
    record_move(tx, village, &change, by, now).await
}

/// Changes the number in stock alone; negative when goods leave.
///
/// # Errors
/// `sold_out` if fewer are left than are to leave.
pub async fn take_from_stock(
    tx: &Tx,
    village: &Village,
    prize: Uuid,
    quantity: i64,
) -> Outcome<()> {
    let sql = "UPDATE prizes SET stock = stock + $3 \
               WHERE village = $1 AND id = $2 AND stock + $3 >= 0";
    let values: [Value; 3] = [village.into(), prize.into(), quantity.into()];
    match db::run(tx, sql, values).await? {
        0 => Err(Code::SoldOut.into()),
        _ => Ok(()),
    }
}

/// Takes goods out of the stock, many prizes of many villages, as the last thing their transaction does.
///
/// # Errors
/// `sold_out` if there are fewer of any.
pub async fn take_each(tx: &Tx, leaving: &BTreeMap<Place, i64>) -> Outcome<()> {
    if leaving.is_empty() {
        return Ok(());
    }
    let columns = [
        Column::Text("village", leaving.keys().map(|(village, _)| village.clone()).collect()),
        Column::Uuid("prize", leaving.keys().map(|(_, prize)| *prize).collect()),
        Column::Number("quantity", leaving.values().copied().collect()),
    ];
    if leaving.len() > 1 {
        // In their order, so that two that take the same ones never wait for each other.
        let Given { table, values } = db::given(tx, 1, "given", &columns);
        let sql = format!(
            "SELECT p.id FROM prizes p JOIN {table} ON p.village = given.village \
               AND p.id = given.prize ORDER BY p.village, p.id{}",
            db::exclusively_of(tx, "p")
        );
        db::run(tx, &sql, values).await?;
    }
    let Given { table, values } = db::given(tx, 1, "given", &columns);
    let sql = format!(
        "UPDATE prizes SET stock = stock - given.quantity FROM {table} \
         WHERE prizes.village = given.village AND prizes.id = given.prize \
           AND prizes.stock >= given.quantity"
    );
    match db::run(tx, &sql, values).await? {
        done if done == leaving.len() as u64 => Ok(()),
        _ => Err(Code::SoldOut.into()),
    }
}

/// As [`record_move`], many that nobody gives a reason for.
///
/// # Errors
/// `id_taken` if one of the moves was recorded before.
pub async fn record_moves(tx: &Tx, changes: &[(&Village, Change)], now: Instant) -> Outcome<()> {
    let columns = [
        Column::Text("village", changes.iter().map(|(village, _)| village.to_string()).collect()),
        Column::Uuid("id", changes.iter().map(|_| Uuid::now_v7()).collect()),
        Column::Uuid("prize", changes.iter().map(|(_, it)| it.prize).collect()),
        Column::Number("quantity", changes.iter().map(|(_, it)| it.quantity).collect()),
        Column::Text("kind", changes.iter().map(|(_, it)| it.kind.to_owned()).collect()),
        Column::Text("ref", changes.iter().map(|(_, it)| it.reference.to_string()).collect()),
        Column::Number("at", vec![now.0; changes.len()]),
    ];
    let written = db::bulk_insert(tx, "stock_moves", &columns, "ON CONFLICT DO NOTHING").await?;
    if written != changes.len() as u64 {
        return Err(Code::IdTaken.into());
    }
    Ok(())
}

/// Writes down why stock changes; the number itself is the caller's to change.
///
/// # Errors
/// `id_taken` if the move was recorded before.
pub async fn record_move(
    tx: &Tx,
    village: &Village,
    change: &Change,
    by: Option<(Uuid, String)>,
    now: Instant,
) -> Outcome<()> {
    let (actor, reason) = by.unzip();
    let sql = "INSERT INTO stock_moves (village, id, prize, quantity, kind, ref, reason, actor, at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let values: [Value; 9] = [
        village.into(),
        Uuid::now_v7().into(),
        change.prize.into(),
        change.quantity.into(),
        change.kind.into(),
        change.reference.to_string().into(),
        reason.into(),
        actor.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    Ok(())
}
