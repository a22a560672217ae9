//! A household's move from one grid of its village to another.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "grid_moves")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub household: Uuid,
    /// The version of the file that the move made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    pub from_grid: String,
    pub to_grid: String,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
