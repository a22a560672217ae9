//! Which process does what one is enough for.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub holder: Uuid,
    /// Rises with every change of hands.
    pub epoch: i64,
    pub until: i64,
}

impl ActiveModelBehavior for ActiveModel {}
