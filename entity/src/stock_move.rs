//! A change of a prize's stock; append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_moves")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub prize: Uuid,
    pub quantity: i64,
    pub kind: String,
    #[sea_orm(column_name = "ref")]
    pub reference: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub actor: Option<Uuid>,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
