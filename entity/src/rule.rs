//! One rule (条目) of a rule set.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rules")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub rule_set: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub category: String,
    #[sea_orm(column_type = "Text")]
    pub name_zh: String,
    #[sea_orm(column_type = "Text")]
    pub name_en: String,
    pub direction: String,
    pub points_min: i64,
    pub points_max: i64,
    pub default_points: i64,
    pub unit: String,
    pub counted_per: String,
    #[sea_orm(column_type = "Text")]
    pub evidence: String,
    pub cap_period: String,
    pub cap_times: i64,
    pub cap_points: i64,
    pub source: String,
    #[sea_orm(column_type = "Text")]
    pub chain: String,
    pub claim_within_days: Option<i64>,
    pub dedupe: String,
    pub requires_hearing: bool,
    pub warn_first: bool,
    pub remediation_days: Option<i64>,
    pub refund_on_remediation: bool,
    pub veto: Option<String>,
    pub sensitive: bool,
    pub level_points: String,
    pub basis: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub note: Option<String>,
    pub publicly_itemised: bool,
    pub enabled: bool,
    pub position: i64,
}

impl ActiveModelBehavior for ActiveModel {}
