//! What a closed public list is to be corrected by, and until when everybody can read it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "corrections")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub published_by: Uuid,
    pub published_at: i64,
    pub closes_at: i64,
    pub status: String,
}

impl ActiveModelBehavior for ActiveModel {}
