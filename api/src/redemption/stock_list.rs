//! `GET /v1/villages/{village}/stock` and `…/stock-moves`: what the shop has, and how it came to that.

use actix_web::get;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::http::Query;
use crate::identity::{CountsStock, Official};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// What the shop has of a prize.
#[derive(Serialize, FromQueryResult, ToSchema)]
pub struct StockItem {
    #[schema(example = "goods.laundry_liquid")]
    pub prize: String,
    #[schema(example = "洗衣液(2kg)")]
    pub name_zh: String,
    /// How many can still be asked for.
    #[schema(example = 170)]
    pub stock: i64,
    /// How many lie at the counter, or are on their way, for those who asked.
    #[schema(example = 3)]
    pub held: i64,
    /// What one is worth, in fen.
    #[schema(example = 2000)]
    pub value_fen: i64,
    /// `village_collective`, `paired_enterprise`, `township_budget`, `donation` or `bank`.
    #[schema(example = "village_collective")]
    pub funding: String,
    pub offered: bool,
}

/// All prizes of a shop; at most 500.
#[derive(Serialize, ToSchema)]
pub struct StockList {
    pub items: Vec<StockItem>,
}

/// What the shop has now
#[utoipa::path(tag = "redemption", operation_id = "stock_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    responses((status = 200, body = StockList)),
    extensions(("x-codes" = json!("role_required"))))]
#[get("/v1/villages/{village}/stock")]
async fn show_stock(official: Official<CountsStock>, app: Data<App>) -> Outcome<Answer<StockList>> {
    let sql = "SELECT p.key AS prize, p.name_zh, p.stock, COALESCE(r.held, 0) AS held, \
                 p.value_fen, p.funding, p.offered \
               FROM prizes p LEFT JOIN (SELECT prize, CAST(SUM(quantity) AS BIGINT) AS held \
                 FROM redemptions WHERE village = $1 AND status = 'held' GROUP BY prize) r \
                 ON r.prize = p.id \
               WHERE p.village = $1 ORDER BY p.position LIMIT 500";
    let items = db::all::<StockItem>(app.db.read(), sql, [(&official.village).into()]).await?;
    Ok(Answer::ok(StockList { items }))
}

/// A change of stock.
#[derive(Serialize, FromQueryResult, ToSchema)]
pub struct PastStockMove {
    pub id: Uuid,
    #[schema(example = "goods.laundry_liquid")]
    pub prize: String,
    /// `delivery`, `loss`, `hold`, `release` or `refund`.
    #[schema(example = "delivery")]
    pub kind: String,
    /// Negative when goods left.
    #[schema(example = 50)]
    pub quantity: i64,
    /// What it was for: a redemption, a refund, or the move's own id.
    #[schema(example = "0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11")]
    pub reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "10月进货")]
    pub reason: Option<String>,
    /// Who did it, if it was an official of the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub actor: Option<Uuid>,
    pub at: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct StockMovePage {
    pub items: Vec<PastStockMove>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StockMoveQuery {
    /// Only of this prize.
    #[param(nullable = false, max_length = 60, example = "goods.laundry_liquid")]
    prize: Option<String>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Moves of stock, newest first
#[utoipa::path(tag = "redemption", operation_id = "stock_moves_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), StockMoveQuery),
    responses((status = 200, body = StockMovePage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/stock-moves")]
async fn list_stock_moves(
    official: Official<CountsStock>,
    query: Query<StockMoveQuery>,
    app: Data<App>,
) -> Outcome<Answer<StockMovePage>> {
    let StockMoveQuery { prize, cursor, limit } = query.0;
    let filter = format!("stock moves {} {prize:?}", official.village);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let mut values: Vec<Value> = vec![
        (&official.village).into(),
        start.after.unwrap_or(Uuid::max()).into(),
        start.fetch().into(),
    ];
    let mut only = "";
    if let Some(prize) = prize {
        values.push(prize.into());
        only = "AND m.prize = (SELECT id FROM prizes WHERE village = $1 AND key = $4)";
    }
    let sql = format!(
        "SELECT m.id, p.key AS prize, m.kind, m.quantity, m.ref AS reference, m.reason, m.actor, \
           m.at FROM stock_moves m JOIN prizes p ON p.village = m.village AND p.id = m.prize \
         WHERE m.village = $1 AND m.id < $2 {only} ORDER BY m.id DESC LIMIT $3"
    );
    let rows = db::all::<PastStockMove>(app.db.read(), &sql, values).await?;
    let page = start.page(rows, &filter, |row| row.id);
    Ok(Answer::ok(StockMovePage { items: page.items, next_cursor: page.next_cursor }))
}
