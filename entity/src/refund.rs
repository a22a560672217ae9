//! Points given back after a prize was handed over (退还); append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refunds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub redemption: Uuid,
    pub quantity: i64,
    pub points: i64,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub restocked: bool,
    pub person: Uuid,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
