//! What other channels have to deliver.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub recipient: Uuid,
    pub kind: String,
    pub subject: Uuid,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
