//! A journal's place in the chain of its village; append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "journal_links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub journal: Uuid,
    pub hash: String,
}

impl ActiveModelBehavior for ActiveModel {}
