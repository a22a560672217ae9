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
    pub counts_from: i64,
    pub filed_by: Uuid,
    pub bearer: Option<Uuid>,
    pub held_at: i64,
    pub expires_at: i64,
    pub closed_at: Option<i64>,
    pub clerk: Option<Uuid>,
    pub wrong_codes: i64,
    pub version: i64,
    pub refunded: i64,
    pub proof: Option<String>,
    pub witness: Option<Uuid>,
    pub witness_role: Option<String>,
    pub witnessed_at: Option<i64>,
    pub carrier: Option<Uuid>,
    pub carried_at: Option<i64>,
    pub extended: bool,
    pub funding: String,
    pub value_fen: i64,
    pub budget_quarter: String,
}

impl ActiveModelBehavior for ActiveModel {}
