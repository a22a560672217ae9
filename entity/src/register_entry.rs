//! What an auditor looks at first; append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "register_entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: String,
    pub subject: String,
    pub person: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub note: String,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
