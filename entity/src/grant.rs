//! A role in a region, with its dates.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "grants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub person: Uuid,
    pub role: String,
    pub region: String,
    pub starts_at: i64,
    pub ends_at: Option<i64>,
    pub granted_by: Option<Uuid>,
    pub kind: Option<String>,
    pub committee: Option<Uuid>,
    pub ended_by: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
