//! A version of the rules (积分细则) of a township or village.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_sets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub region: String,
    pub version: String,
    pub status: String,
    pub effective_on: String,
    pub month_bonus_max: i64,
    pub month_deduction_max: i64,
    pub entry_max: i64,
    pub created_by: Option<Uuid>,
    pub created_at: i64,
    pub framework: Option<Uuid>,
    pub ends_on: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub chains: Option<String>,
    pub revision: i64,
}

impl ActiveModelBehavior for ActiveModel {}
