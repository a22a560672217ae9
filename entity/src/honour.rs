//! An honour (荣誉) of a household, with its plaque (标识牌).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "honours")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub household: Uuid,
    pub item: String,
    pub period: String,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub status: String,
    pub proposed_by: Uuid,
    pub proposed_at: i64,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub decided_reason: Option<String>,
    pub plaque: Option<i64>,
    pub claim: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub withdrawal_reason: Option<String>,
    pub plaque_returned: Option<bool>,
    pub withdrawal_by: Option<Uuid>,
    pub withdrawn_by: Option<Uuid>,
    pub withdrawn_at: Option<i64>,
    pub withdrawn_points: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
