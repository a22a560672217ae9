//! A claim drawn for the township to check again (抽查).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "samples")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub claim: Uuid,
    pub week: String,
    pub drawn_at: i64,
    pub finding: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub note: Option<String>,
    pub checked_by: Option<Uuid>,
    pub checked_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
