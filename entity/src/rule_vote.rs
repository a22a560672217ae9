//! A recorded vote on a village's rules.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_votes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub draft: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub held_on: String,
    pub electorate: String,
    pub entitled: i64,
    pub present: i64,
    pub in_favour: i64,
    pub against: i64,
    #[sea_orm(column_type = "Text")]
    pub minutes: String,
    pub carried: bool,
    pub recorded_by: Uuid,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
