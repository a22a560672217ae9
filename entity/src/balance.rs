//! The sum of an account's postings, and what is held and frozen of it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "balances")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub household: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: String,
    pub points: i64,
    pub held: i64,
    pub frozen: i64,
}

impl ActiveModelBehavior for ActiveModel {}
