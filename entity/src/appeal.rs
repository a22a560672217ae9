//! The one appeal (申诉) against the decision on an objection, and what it gave back.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "appeals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub objection: Uuid,
    pub id: Uuid,
    pub side: String,
    pub filed_by: Uuid,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub filed_at: i64,
    pub decision: Option<String>,
    pub decided_body: Option<String>,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub decided_reason: Option<String>,
    pub points_after: Option<i64>,
    pub restored: Option<i64>,
    pub adjustment: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
