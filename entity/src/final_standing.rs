//! A row of a published ranking, as it was published; the last revision holds.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "final_standings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub year: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub rank: i64,
    pub household: Uuid,
    pub number: i64,
    pub points: i64,
    pub deductions: i64,
    pub categories: i64,
    pub reached_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
