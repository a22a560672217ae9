//! Where a village's chain of journals ends; the last lock of a transaction that posts.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chain_heads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    pub length: i64,
    pub hash: String,
}

impl ActiveModelBehavior for ActiveModel {}
