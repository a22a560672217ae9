//! A score line on the public list, and its state there.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "public_list_lines")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub line: Uuid,
    pub household: Uuid,
    pub household_number: i64,
    pub status: String,
    pub confirmed_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
