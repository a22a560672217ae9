//! What a village's score lines came to in a period, as it was known since an instant: figures of places
//! are added up from these.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "period_totals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    /// A week, month, quarter or year, or `all`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub period: String,
    /// It holds until the next row of the same period, or still does.
    #[sea_orm(primary_key, auto_increment = false)]
    pub since: i64,
    /// Households with a bonus that was not taken back in the period, also those that ended since.
    pub households: i64,
    pub living_environment: i64,
    pub family_virtue: i64,
    pub patriotism: i64,
    pub law_abiding: i64,
    pub public_welfare: i64,
    pub enterprise: i64,
    pub rural_construction: i64,
    pub safety_deliberation: i64,
}

impl ActiveModelBehavior for ActiveModel {}
