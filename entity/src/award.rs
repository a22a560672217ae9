//! What a household was awarded (名次奖, 分红) for a year; it costs no points.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "awards")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub year: String,
    pub kind: String,
    pub place: i64,
    pub rank: i64,
    pub household: Uuid,
    pub item: String,
    #[sea_orm(column_type = "Text")]
    pub name_zh: String,
    #[sea_orm(column_type = "Text")]
    pub name_en: String,
    pub value_fen: i64,
    pub funding: String,
    pub dividend: Option<Uuid>,
    pub status: String,
    pub granted_at: i64,
    pub lapses_at: i64,
    pub closed_at: Option<i64>,
    pub clerk: Option<Uuid>,
    pub bearer: Option<Uuid>,
    pub wrong_codes: i64,
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
