//! How many changes of a village's households and claims were committed: the last number given out.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "village_changes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    pub seq: i64,
}

impl ActiveModelBehavior for ActiveModel {}
