//! Points held for, or spent on, a prize (兑换).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "redemptions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub household: Uuid,
    pub prize: Uuid,
    pub quantity: i64,
    pub points: i64,
    pub status: String,
    pub window_opened_at: i64,
    pub filed_by: Uuid,
    pub bearer: Option<Uuid>,
    pub held_at: i64,
    pub expires_at: i64,
    pub closed_at: Option<i64>,
    pub clerk: Option<Uuid>,
    pub wrong_codes: i64,
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
