//! A village's rules on their way: drafted, read by all, voted on.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_drafts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: String,
    pub status: String,
    pub framework: Uuid,
    pub effective_on: String,
    #[sea_orm(column_type = "Text")]
    pub content: String,
    pub rule_count: i64,
    pub drafted_by: Uuid,
    pub revised_by: Uuid,
    pub created_at: i64,
    pub consulting_until: Option<i64>,
    pub adopted_by: Option<Uuid>,
    pub published_by: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub withdrawn_because: Option<String>,
    pub revision: i64,
}

impl ActiveModelBehavior for ActiveModel {}
