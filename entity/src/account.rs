//! What a person logs in with.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub person: Uuid,
    pub persona: Option<String>,
    pub status: String,
    pub created_at: i64,
    pub inbox_seen: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
