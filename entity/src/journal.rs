//! One movement of points with its cause (流水); append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "journals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: String,
    #[sea_orm(column_name = "ref")]
    pub reference: String,
    pub actor: Option<Uuid>,
    pub reverses: Option<Uuid>,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
