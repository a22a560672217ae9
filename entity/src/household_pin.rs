//! The digest of a household's PIN for the shop, and how often in a row it was guessed wrong.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "household_pins")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub household: Uuid,
    pub digest: String,
    pub wrong: i64,
    pub set_by: Uuid,
    pub set_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
