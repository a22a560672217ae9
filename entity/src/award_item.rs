//! What goes to which places of a year's ranking.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "award_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub year: String,
    pub item: String,
    #[sea_orm(column_type = "Text")]
    pub name_zh: String,
    #[sea_orm(column_type = "Text")]
    pub name_en: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub rank_from: i64,
    pub rank_to: i64,
    pub value_fen: i64,
    pub funding: String,
}

impl ActiveModelBehavior for ActiveModel {}
