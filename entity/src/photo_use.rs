//! That a claim uses a photo.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "photo_uses")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub claim: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub photo: Uuid,
}

impl ActiveModelBehavior for ActiveModel {}
