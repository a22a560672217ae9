//! An objection (异议) to a year's ranking.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ranking_objections")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub year: String,
    pub filed_by: Uuid,
    pub filer_household: Uuid,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub status: String,
    pub filed_at: i64,
    pub decision: Option<String>,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub decided_reason: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
