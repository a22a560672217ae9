//! What a claim was awarded, or what was taken back of it; append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "score_lines")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub village: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: String,
    pub week: String,
    pub household: Uuid,
    pub member: Option<Uuid>,
    pub reverses: Option<Uuid>,
    pub rule_set: Uuid,
    pub rule: String,
    pub category: String,
    pub event: Option<String>,
    pub occurred_on: String,
    pub approved_at: i64,
    pub times: i64,
    pub claimed: i64,
    pub awarded: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub remedies: Option<Uuid>,
    /// The year whose ranking it counts in, if that is not its week's.
    pub ranks_in: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
