//! A village that takes part, its policy, and when something is next due.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "villages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    pub mode: String,
    pub publicity_weeks: i64,
    pub window_weeks: i64,
    pub window_points_max: i64,
    pub starts_at: i64,
    pub next_due_at: i64,
    pub version: i64,
    pub point_value_fen: i64,
    pub policy_version: i64,
    pub policy_since: i64,
    pub kept_opened_at: Option<i64>,
    pub kept_closes_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
