//! The signed root of a month's public list as it was opened; append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "list_checkpoints")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: String,
    pub size: i64,
    pub root: String,
    /// What the salts of the list's lines follow from; never served.
    pub seed: String,
    pub chain_length: i64,
    pub chain_head: String,
    #[sea_orm(column_type = "Text")]
    pub vkey: String,
    #[sea_orm(column_type = "Text")]
    pub text: String,
}

impl ActiveModelBehavior for ActiveModel {}
