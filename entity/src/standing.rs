//! A household's points in a period: what boards are ordered from.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "standings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub period: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub household: Uuid,
    pub points: i64,
    pub deductions: i64,
    pub categories: i64,
    pub reached_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
