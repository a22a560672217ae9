//! A person in a household.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub household: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub person: Uuid,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    pub is_head: bool,
    pub initials: String,
    pub born_on: Option<String>,
    pub left_at: Option<i64>,
    pub left_because: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
