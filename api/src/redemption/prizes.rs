//! `GET /v1/villages/{village}/prizes`, and the catalogue that a village's shop is stocked from.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::http::path_part;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::regions;

/// A prize of the village's shop (积分超市).
#[derive(Serialize, ToSchema)]
pub struct Prize {
    #[schema(example = "goods.laundry_liquid")]
    pub key: String,
    #[schema(example = "洗衣液(2kg)")]
    pub name_zh: String,
    #[schema(example = "Laundry liquid")]
    pub name_en: String,
    /// `goods` or `service`.
    #[schema(example = "goods")]
    pub kind: String,
    /// Points for one.
    #[schema(example = 20)]
    pub points: i64,
    /// How many are left.
    #[schema(example = 120)]
    pub stock: i64,
    /// How many a household may take in a window.
    #[schema(example = 2)]
    pub household_limit: i64,
    /// Whether it can be redeemed now; the shop's committee may take it off and on again.
    pub offered: bool,
    /// What one is worth, in fen.
    #[schema(example = 2000)]
    pub value_fen: i64,
    /// `village_collective`, `paired_enterprise`, `township_budget`, `donation` or `bank`.
    #[schema(example = "village_collective")]
    pub funding: String,
    /// The ETag.
    #[schema(example = 1)]
    pub version: i64,
}

impl From<entity::prize::Model> for Prize {
    fn from(row: entity::prize::Model) -> Self {
        Self {
            key: row.key,
            name_zh: row.name_zh,
            name_en: row.name_en,
            kind: row.kind,
            points: row.points,
            stock: row.stock,
            household_limit: row.household_limit,
            offered: row.offered,
            value_fen: row.value_fen,
            funding: row.funding,
            version: row.version,
        }
    }
}

/// The village's prize of this key, if its shop has one.
pub async fn prize_of(
    on: &impl ConnectionTrait,
    village: &Village,
    key: &str,
) -> Outcome<Option<entity::prize::Model>> {
    let sql = "SELECT * FROM prizes WHERE village = $1 AND key = $2";
    Ok(db::one(on, sql, [village.into(), key.into()]).await?)
}

/// What one of each prize of a village's shop costs now, in points, by key.
pub async fn prices(
    on: &impl ConnectionTrait,
    village: &Village,
) -> Outcome<BTreeMap<String, i64>> {
    #[derive(FromQueryResult)]
    struct Row {
        key: String,
        points: i64,
    }
    let sql = "SELECT key, points FROM prizes WHERE village = $1";
    let rows = db::all::<Row>(on, sql, [village.into()]).await?;
    Ok(rows.into_iter().map(|row| (row.key, row.points)).collect())
}

#[derive(Serialize, ToSchema)]
pub struct PrizeList {
    pub items: Vec<Prize>,
}

/// What the village's shop offers
#[utoipa::path(tag = "redemption", operation_id = "prizes_list",
    params(("village" = Village, Path, description = "Code of the village")),
    responses((status = 200, body = PrizeList)))]
#[get("/v1/villages/{village}/prizes")]
async fn list_prizes(request: HttpRequest, app: Data<App>) -> Outcome<Answer<PrizeList>> {
    let village: Village = path_part(&request, "village")?;
    regions::village(app.db.read(), &village).await?;
    let sql = "SELECT * FROM prizes WHERE village = $1 ORDER BY position LIMIT 500";
    let rows = db::all::<entity::prize::Model>(app.db.read(), sql, [(&village).into()]).await?;
    Ok(Answer::ok(PrizeList { items: rows.into_iter().map(Prize::from).collect() }))
}

/// The file a shop is stocked from.
#[derive(Deserialize)]
pub struct PrizeCatalogue {
    pub prizes: Vec<ListedPrize>,
}

/// A line of the file; awards and honours, which cost no points, are not the shop's.
#[derive(Clone, Deserialize)]
pub struct ListedPrize {
    pub key: String,
    pub name_zh: String,
    pub name_en: String,
    pub kind: String,
    pub points_cost: i64,
    #[serde(default)]
    pub unit_value_yuan: Option<i64>,
    #[serde(default)]
    pub stock_per_window: Option<i64>,
    pub limit_per_household_per_window: i64,
    pub funding: String,
}

/// The file that comes with Jifen.
pub fn builtin() -> Result<PrizeCatalogue, serde_json::Error> {
    serde_json::from_str(include_str!("../../data/prize_catalogue.json"))
}

/// Stocks a village's shop with the file's goods and services, `windows` times a window's stock, and
/// its township's catalogue with what it lacks of them.
pub async fn stock_shop(
    tx: &Tx,
    village: &Village,
    catalogue: &PrizeCatalogue,
    windows: i64,
    now: Instant,
) -> Outcome<()> {
    let sold = |prize: &&ListedPrize| matches!(prize.kind.as_str(), "goods" | "service");
    let prizes: Vec<_> = catalogue.prizes.iter().filter(sold).collect();
    let count = prizes.len();
    let township = Column::Text("region", vec![village.township().to_string(); count]);
    let mut columns = described(&prizes);
    columns.extend([township, Column::Flag("active", vec![true; count]), version(count)]);
    db::bulk_insert(tx, "catalogue_prizes", &columns, "ON CONFLICT DO NOTHING").await?;
    let ids: Vec<_> = prizes.iter().map(|_| Uuid::now_v7()).collect();
    let stock = |prize: &&ListedPrize| prize.stock_per_window.unwrap_or(0) * windows;
    let limits = prizes.iter().map(|it| it.limit_per_household_per_window).collect();
    let mut columns = described(&prizes);
    columns.extend([
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("id", ids.clone()),
        Column::Number("stock", prizes.iter().map(stock).collect()),
        Column::Number("household_limit", limits),
        Column::Text("funding", prizes.iter().map(|it| it.funding.clone()).collect()),
        Column::Number("position", (1..).take(count).collect()),
    ]);
    db::bulk_insert(tx, "prizes", &columns, "").await?;
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("id", ids.iter().map(|_| Uuid::now_v7()).collect()),
        Column::Uuid("prize", ids.clone()),
        Column::Number("quantity", prizes.iter().map(stock).collect()),
        Column::Text("kind", vec!["delivery".to_owned(); count]),
        Column::Text("ref", ids.iter().map(|id| format!("first:{id}")).collect()),
        Column::Number("at", vec![now.0; count]),
    ];
    db::bulk_insert(tx, "stock_moves", &columns, "").await?;
    Ok(())
}

fn version(count: usize) -> Column {
    Column::Number("version", vec![1; count])
}

/// What catalogue and shop both say of a prize.
fn described(prizes: &[&ListedPrize]) -> Vec<Column> {
    let text = |get: fn(&ListedPrize) -> &String| -> Vec<String> {
        prizes.iter().map(|prize| get(prize).clone()).collect()
    };
    let values = prizes.iter().map(|it| it.unit_value_yuan.unwrap_or(0) * 100).collect();
    vec![
        Column::Text("key", text(|it| &it.key)),
        Column::Text("name_zh", text(|it| &it.name_zh)),
        Column::Text("name_en", text(|it| &it.name_en)),
        Column::Text("kind", text(|it| &it.kind)),
        Column::Number("points", prizes.iter().map(|it| it.points_cost).collect()),
        Column::Number("value_fen", values),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_built_in_catalogue_is_valid() {
        let catalogue = super::builtin().expect("the file is valid");
        let liquid = catalogue.prizes.iter().find(|prize| prize.key == "goods.laundry_liquid");
        assert_eq!(liquid.map(|prize| prize.points_cost), Some(20));
    }
}
