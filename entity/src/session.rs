//! A device that is logged in.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: String,
    pub device: Uuid,
    #[sea_orm(column_type = "Text", nullable)]
    pub device_name: Option<String>,
    pub created_at: i64,
    pub used_at: i64,
    pub expires_at: i64,
    pub ended_at: Option<i64>,
    pub ended_because: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
