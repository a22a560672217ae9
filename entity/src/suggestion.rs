//! What a villager suggests, and what became of it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "suggestions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub person: Uuid,
    pub household: Uuid,
    pub item: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    pub status: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub rule_set: Option<Uuid>,
    pub answered_by: Option<Uuid>,
    pub answered_at: Option<i64>,
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
