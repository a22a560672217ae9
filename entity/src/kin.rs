//! A declared and confirmed near relative.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "kin")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub person: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub relative: Uuid,
    pub relation: String,
    pub declared_by: Option<Uuid>,
    pub declared_at: Option<i64>,
    pub confirmed_by: Option<Uuid>,
    pub confirmed_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
