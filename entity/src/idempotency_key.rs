//! The stored first answer to a key.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub digest: String,
    #[sea_orm(column_type = "Text")]
    pub body: String,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
