//! What was said for a household before a deduction was decided (听取陈述); append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hearings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub claim: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub round: i64,
    pub act: String,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    pub recorded_by: Uuid,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
