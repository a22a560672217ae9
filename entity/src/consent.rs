//! A household's consent, given or withdrawn.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub household: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub act: String,
    pub form: String,
    pub text_version: String,
    pub text_digest: String,
    pub person: Uuid,
    pub explained_by: Option<Uuid>,
    pub recorded_by: Uuid,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
