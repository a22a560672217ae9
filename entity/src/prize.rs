//! A prize of the shop (积分超市) with its stock.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "prizes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub key: String,
    #[sea_orm(column_type = "Text")]
    pub name_zh: String,
    #[sea_orm(column_type = "Text")]
    pub name_en: String,
    pub kind: String,
    pub points: i64,
    pub value_fen: i64,
    pub stock: i64,
    pub household_limit: i64,
    pub funding: String,
    pub position: i64,
    pub offered: bool,
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
