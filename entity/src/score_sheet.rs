//! One village's week (评分表).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "score_sheets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub week: String,
    pub status: String,
    pub closes_at: i64,
    pub line_count: i64,
    pub points: i64,
}

impl ActiveModelBehavior for ActiveModel {}
