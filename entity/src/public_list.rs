//! One village's month in publicity (公示).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "public_lists")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: String,
    pub status: String,
    pub opens_at: i64,
    pub closes_at: i64,
    pub line_count: i64,
    pub household_count: i64,
    pub points: i64,
    pub extended_from: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub extension_reason: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
