//! One person's decision at one step of a claim (审核); append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reviews")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub claim: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub round: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub person: Uuid,
    pub role: String,
    pub decision: String,
    pub points: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
