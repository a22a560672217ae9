//! What a village's policy becomes when a quarter begins.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "next_policies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    pub starts_at: i64,
    pub mode: String,
    pub publicity_weeks: i64,
    pub window_weeks: i64,
    pub window_points_max: i64,
    pub point_value_fen: i64,
}

impl ActiveModelBehavior for ActiveModel {}
