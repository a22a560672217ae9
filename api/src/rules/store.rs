//! Rule sets and drafts as they are stored, and how both are told as one thing with a status.

use entity::rule_draft::Model as DraftRow;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::draft::Draft;
use super::text_of;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::{RegionCode, Village};

/// Where a rule set stands on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RuleSetStatus)]
pub enum Status {
    /// 草案
    Draft,
    /// 征求意见: villagers read it and suggest.
    Consulting,
    /// 表决通过
    Adopted,
    /// 已公布: in force from its day on.
    Published,
    /// 已被新版本取代
    Superseded,
    /// 已撤回
    Withdrawn,
}

impl Status {
    pub fn of(draft: &DraftRow) -> Self {
        match draft.status.as_str() {
            "consulting" => Self::Consulting,
            "adopted" => Self::Adopted,
            "published" => Self::Published,
            "withdrawn" => Self::Withdrawn,
            _ => Self::Draft,
        }
    }

    /// Whether everybody reads it: what is being written, or was taken back, is for those who write.
    pub fn is_public(self) -> bool {
        !matches!(self, Self::Draft | Self::Withdrawn)
    }
}

/// A version of a region's rules.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleSet {
    pub id: Uuid,
    pub region: RegionCode,
    #[schema(example = "2025.1")]
    pub version: String,
    pub status: Status,
    /// The first day it is in force, or is meant to be.
    #[schema(example = "2024-09-30")]
    pub effective_on: String,
    /// The first day it is no longer: another version, or the framework, took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2024-12-30")]
    pub ends_on: Option<String>,
    /// The set that a village's stands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub framework: Option<Uuid>,
    /// Until when villagers read and suggest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub consultation_ends_at: Option<Instant>,
    #[schema(example = 66)]
    pub rule_count: i64,
}

/// A published set with the number of its rules.
#[derive(FromQueryResult)]
pub struct SetRow {
    pub id: Uuid,
    pub region: String,
    pub version: String,
    pub effective_on: String,
    pub ends_on: Option<String>,
    pub framework: Option<Uuid>,
    pub revision: i64,
    pub rule_count: i64,
}

/// What is selected of a published set `s`.
pub const SET: &str = "s.id, s.region, s.version, s.effective_on, s.ends_on, s.framework, \
    s.revision, (SELECT COUNT(*) FROM rules r WHERE r.rule_set = s.id) AS rule_count";

impl SetRow {
    /// Whether another set has taken its place by `now`.
    pub fn is_over(&self, now: Instant) -> bool {
        self.ends_on.as_ref().is_some_and(|day| *day <= now.day().to_string())
    }

    pub fn shown(self, now: Instant) -> Outcome<RuleSet> {
        let status = if self.is_over(now) { Status::Superseded } else { Status::Published };
        let region = self.region.parse();
        Ok(RuleSet {
            id: self.id,
            region: region.map_err(|_| Problem::fault(format!("region {}", self.region)))?,
            version: self.version,
            status,
            effective_on: self.effective_on,
            ends_on: self.ends_on,
            framework: self.framework,
            consultation_ends_at: None,
            rule_count: self.rule_count,
        })
    }
}

/// A draft as a version of its village's rules.
pub fn shown(draft: DraftRow) -> Outcome<RuleSet> {
    let region = draft.village.parse();
    Ok(RuleSet {
        id: draft.id,
        region: region.map_err(|_| Problem::fault(format!("village {}", draft.village)))?,
        status: Status::of(&draft),
        version: draft.version,
        effective_on: draft.effective_on,
        ends_on: None,
        framework: Some(draft.framework),
        consultation_ends_at: draft.consulting_until.map(Instant),
        rule_count: draft.rule_count,
    })
}

/// What a draft says.
pub fn content(draft: &DraftRow) -> Outcome<Draft> {
    let odd = |error: serde_json::Error| Problem::fault(format!("draft {}: {error}", draft.id));
    serde_json::from_str(&draft.content).map_err(odd)
}

/// The published set of this id, if it is the region's own.
pub async fn find_set(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    id: Uuid,
) -> Outcome<Option<SetRow>> {
    let sql = format!("SELECT {SET} FROM rule_sets s WHERE s.id = $1 AND s.region = $2");
    Ok(db::one::<SetRow>(on, &sql, [id.into(), region.into()]).await?)
}

/// The published set of this id as it is told.
///
/// # Errors
/// `not_found` if the region has no such set.
pub async fn published(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    id: Uuid,
    now: Instant,
) -> Outcome<RuleSet> {
    find_set(on, region, id).await?.ok_or(Code::NotFound)?.shown(now)
}

/// The draft of this id, if it is the village's own.
pub async fn find_draft(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    id: Uuid,
) -> Outcome<Option<DraftRow>> {
    let sql = "SELECT * FROM rule_drafts WHERE village = $1 AND id = $2";
    Ok(db::one::<DraftRow>(on, sql, [region.into(), id.into()]).await?)
}

/// A village's draft, kept unchanged by others until the transaction ends, and the village.
///
/// # Errors
/// `not_found` for what is no draft; `wrong_state` unless it is in one of these states.
pub async fn draft_in(
    tx: &Tx,
    region: &RegionCode,
    id: Uuid,
    states: &[Status],
) -> Outcome<(Village, DraftRow)> {
    let village: Village = region.as_str().parse().map_err(|_| Code::NotFound)?;
    let lock = db::exclusively(tx);
    let sql = format!("SELECT * FROM rule_drafts WHERE village = $1 AND id = $2{lock}");
    let values: [Value; 2] = [region.into(), id.into()];
    let Some(draft) = db::one::<DraftRow>(tx, &sql, values).await? else {
        // A framework is published at once: it has never been a draft.
        let known = find_set(tx, region, id).await?.is_some();
        let refusal = if known { Refusal::wrong_state("published") } else { Code::NotFound.into() };
        return Err(refusal.into());
    };
    if !states.contains(&Status::of(&draft)) {
        return Err(Refusal::wrong_state(text_of(&Status::of(&draft))).into());
    }
    Ok((village, draft))
}

/// The number that a version's ETag is made of: it rises with every change, and when time changes what
/// the version is.
pub fn etag(revision: i64, time_passed: bool) -> i64 {
    revision * 2 + i64::from(time_passed)
}

/// Whether the consultation on a draft is over.
pub fn is_consulted(draft: &DraftRow, now: Instant) -> bool {
    draft.status == "consulting" && draft.consulting_until.is_some_and(|until| until <= now.0)
}
