//! A proposal to take a confirmed line back, in part or whole, and what became of it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reversals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub line: Uuid,
    pub month: String,
    pub number: i64,
    pub household: Uuid,
    pub frozen_household: Uuid,
    pub points: i64,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub status: String,
    pub correction: Option<i64>,
    pub proposed_by: Uuid,
    pub proposed_at: i64,
    pub due_at: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub reply: Option<String>,
    pub replied_by: Option<Uuid>,
    pub replied_at: Option<i64>,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub decided_reason: Option<String>,
    pub closed_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
