//! A village's ranking of a year (年度排名): published, then final.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "year_rankings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub year: String,
    pub status: String,
    pub publicity_ended: bool,
    pub revision: i64,
    pub published_at: i64,
    pub final_at: Option<i64>,
    pub extended_until: Option<i64>,
    pub extension_reason: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
