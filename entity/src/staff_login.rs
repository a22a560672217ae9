//! A name and password, with a second factor.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "staff_logins")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub login: String,
    pub account: Uuid,
    pub password: String,
    pub generation: i64,
    pub last_step: i64,
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
