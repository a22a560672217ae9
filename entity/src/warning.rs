//! A first time that was only warned of (提醒); append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "warnings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub household: Uuid,
    pub rule: String,
    pub occurred_on: String,
    #[sea_orm(column_type = "Text")]
    pub note: String,
    pub given_by: Uuid,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
