//! Points that the committee gives or takes by a decision of its own, and what became of the proposal.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "adjustments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub household: Uuid,
    pub category: String,
    pub rule: Option<String>,
    pub restores: Option<Uuid>,
    pub points: i64,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub status: String,
    pub proposed_by: Option<Uuid>,
    pub proposed_at: i64,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub decided_reason: Option<String>,
    pub week: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
