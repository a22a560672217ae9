//! A household's points of one category in a period: what boards of a category are ordered from.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "category_standings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    /// As of a standing, and `to-2023`: all years up to that one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub period: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub category: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub household: Uuid,
    pub points: i64,
    pub deductions: i64,
    /// 1 if it has points of this category, else 0.
    pub categories: i64,
    pub reached_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
