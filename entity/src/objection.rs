//! An objection (异议) to one line.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "objections")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub month: String,
    pub number: i64,
    pub line: Uuid,
    pub filed_by: Uuid,
    pub filer_household: Uuid,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub status: String,
    pub filed_at: i64,
    pub decision: Option<String>,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<i64>,
    pub decided_reason: Option<String>,
    pub points_after: Option<i64>,
    pub ground: String,
    pub decided_body: Option<String>,
    pub points_before: Option<i64>,
    pub due_at: Option<i64>,
    pub lapsed_at: Option<i64>,
    pub final_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
