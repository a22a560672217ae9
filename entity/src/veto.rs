//! That a household gets no honour and no rank award of a year (一票否决).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "vetoes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub household: Uuid,
    pub year: String,
    pub ground: String,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    #[sea_orm(column_type = "Text")]
    pub reference: String,
    pub status: String,
    pub proposed_by: Uuid,
    pub proposed_at: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub statement: Option<String>,
    pub stated_by: Option<Uuid>,
    pub stated_at: Option<i64>,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub decided_reason: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
