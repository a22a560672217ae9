//! A refresh token's digest, used once.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: String,
    pub account: Uuid,
    pub session: Uuid,
    pub issued_at: i64,
    pub used_at: Option<i64>,
    pub child: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
