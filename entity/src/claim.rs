//! A deed for which points are claimed (申报).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "claims")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub household: Uuid,
    pub grid: String,
    pub member: Option<Uuid>,
    pub rule_set: Uuid,
    pub rule: String,
    pub category: String,
    pub source: String,
    pub count: i64,
    pub points: i64,
    pub occurred_on: String,
    pub event: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub note: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub evidence: String,
    pub filed_by: Uuid,
    pub on_behalf: bool,
    pub submitted_at: i64,
    pub status: String,
    pub step: i64,
    pub decided_reason: Option<String>,
    pub approved_at: Option<i64>,
    pub week: Option<String>,
    pub dedupe: String,
    pub version: i64,
    pub round: i64,
    pub step_since: i64,
    pub returned_at: Option<i64>,
    pub remedies: Option<Uuid>,
    pub device_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub late_reason: Option<String>,
    pub consent_by: Option<Uuid>,
    pub consent_form: Option<String>,
    pub level: Option<String>,
    pub possible_duplicate: Option<Uuid>,
    pub photos_awaited: i64,
    pub content: Option<String>,
    pub changed: i64,
    pub field_grid: String,
}

impl ActiveModelBehavior for ActiveModel {}
