//! A human being, once, whatever accounts or households they have.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "persons")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    pub created_at: i64,
    pub born_on: Option<String>,
    pub phone_digest: Option<String>,
    pub phone_masked: Option<String>,
    pub id_digest: Option<String>,
    pub erased_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
