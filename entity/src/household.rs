//! One file per household (一户一档).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "households")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub number: i64,
    pub grid: String,
    pub status: String,
    pub registered_by: Option<String>,
    pub registered_at: Option<i64>,
    pub activated_at: Option<i64>,
    pub created_at: i64,
    pub version: i64,
    pub name_hidden: bool,
    pub code_serial: i64,
    pub ended_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub ended_because: Option<String>,
    pub successor: Option<Uuid>,
    pub spend_until: Option<i64>,
    pub changed: i64,
}

impl ActiveModelBehavior for ActiveModel {}
