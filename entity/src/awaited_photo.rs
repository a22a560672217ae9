//! A photo that a claim names and that is still to be uploaded, by the person who filed.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "awaited_photos")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub claim: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub photo: Uuid,
    pub person: Uuid,
}

impl ActiveModelBehavior for ActiveModel {}
