//! An objection with its line, its two sides and its appeal, as the database has them.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::rules::{AppealSide, Decision, ObjectionStatus};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;

/// An objection with its line and its appeal, as the database has them.
#[derive(Clone, FromQueryResult)]
pub struct Row {
    pub id: Uuid,
    pub month: String,
    pub number: i64,
    pub line: Uuid,
    pub filed_by: Uuid,
    pub filer_household: Uuid,
    pub filer_name: Option<String>,
    pub reason: String,
    pub ground: String,
    pub status: String,
    pub filed_at: i64,
    pub decision: Option<String>,
    pub decided_body: Option<String>,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<i64>,
    pub decided_reason: Option<String>,
    pub points_before: Option<i64>,
    pub points_after: Option<i64>,
    pub due_at: Option<i64>,
    pub lapsed_at: Option<i64>,
    pub line_household: Uuid,
    /// Who answers for the line now: its household, or the one that took it in.
    pub line_holder: Uuid,
    pub filer_holder: Uuid,
    /// 1 if the objector is of the household of the line, else 0.
    own: i64,
    pub appeal_id: Option<Uuid>,
    pub appeal_side: Option<String>,
    pub appeal_by: Option<Uuid>,
    pub appeal_reason: Option<String>,
    pub appealed_at: Option<i64>,
    pub appeal_decision: Option<String>,
    pub appeal_decided_body: Option<String>,
    pub appeal_decided_at: Option<i64>,
    pub appeal_decided_reason: Option<String>,
    pub appeal_points_after: Option<i64>,
    pub restored: Option<i64>,
    pub adjustment: Option<Uuid>,
}

/// An appeal that has been made.
pub struct Made {
    pub id: Uuid,
    pub filed_by: Uuid,
    pub filed_at: Instant,
}

impl Row {
    /// Whether it waits for its first decision.
    pub fn is_open(&self) -> bool {
        let status = ObjectionStatus::parse(&self.status);
        matches!(status, Some(ObjectionStatus::Filed | ObjectionStatus::Investigating))
    }

    pub fn appeal(&self) -> Option<Made> {
        let (id, filed_by) = self.appeal_id.zip(self.appeal_by)?;
        Some(Made { id, filed_by, filed_at: Instant(self.appealed_at?) })
    }

    /// The first decision, if there is one.
    pub fn decided(&self) -> Option<Decision> {
        self.decision.as_deref().and_then(Decision::parse)
    }

    /// Whether the objector is, or was when they objected, of the household that answers for the line.
    pub fn is_own(&self) -> bool {
        self.own != 0
    }

    /// On which side of it somebody stands: who filed it, or the household of the line, which is the one
    /// that took it in if it was merged.
    pub fn side(&self, person: Uuid, household: Option<Uuid>) -> Option<AppealSide> {
        if person == self.filed_by {
            return Some(AppealSide::Filer);
        }
        (household == Some(self.line_holder)).then_some(AppealSide::Household)
    }
}

/// What [`Row`] is read by, up to its condition; `o` is the objection.
pub const ROWS: &str = "SELECT o.id, o.month, o.number, o.line, o.filed_by, o.filer_household, \
      f.name AS filer_name, o.reason, o.ground, o.status, o.filed_at, o.decision, o.decided_body, \
      o.decided_by, o.decided_at, o.decided_reason, o.points_before, o.points_after, o.due_at, \
      o.lapsed_at, p.household AS line_household, \
      COALESCE(h.successor, p.household) AS line_holder, \
      COALESCE(g.successor, o.filer_household) AS filer_holder, \
      CAST(CASE WHEN o.filer_household = p.household OR (h.ended_at <= o.filed_at \
        AND h.successor = COALESCE(g.successor, o.filer_household)) THEN 1 ELSE 0 END AS BIGINT) AS own, \
      a.id AS appeal_id, a.side AS appeal_side, \
      a.filed_by AS appeal_by, a.reason AS appeal_reason, a.filed_at AS appealed_at, \
      a.decision AS appeal_decision, a.decided_body AS appeal_decided_body, \
      a.decided_at AS appeal_decided_at, a.decided_reason AS appeal_decided_reason, \
      a.points_after AS appeal_points_after, a.restored, a.adjustment \
    FROM objections o \
    JOIN public_list_lines p ON p.village = o.village AND p.month = o.month AND p.number = o.number \
    JOIN households h ON h.village = p.village AND h.id = p.household \
    JOIN households g ON g.village = o.village AND g.id = o.filer_household \
    LEFT JOIN persons f ON f.id = o.filed_by \
    LEFT JOIN appeals a ON a.village = o.village AND a.objection = o.id";

/// An objection of the village.
///
/// # Errors
/// `not_found` if the village has no such objection.
pub async fn find(on: &impl ConnectionTrait, village: &Village, id: Uuid) -> Outcome<Row> {
    let sql = format!("{ROWS} WHERE o.village = $1 AND o.id = $2");
    let values: [Value; 2] = [village.into(), id.into()];
    Ok(db::one(on, &sql, values).await?.ok_or(Code::NotFound)?)
}
