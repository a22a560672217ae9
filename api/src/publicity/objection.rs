//! An objection as its deciders, its filer and the household of the line may see it.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::bodies::{Bodies, DecidingBody};
use super::objection_row::{Row, find};
use super::rules::{AppealSide, Decision, Ground, may_appeal};
use crate::identity::{HearsObjections, Neighbour};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Problem};

/// An objection (异议) to a line of a public list. Who filed it is for those who decide it only.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Objection {
    pub id: Uuid,
    pub month: Month,
    /// The number of the line on the list.
    #[schema(example = 12)]
    pub line: i64,
    pub ground: Ground,
    /// The filer's own words; absent for the household of the line, for words give people away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "那天他家没有参加清扫")]
    pub reason: Option<String>,
    /// `filed`, `investigating`, `decided`, `appealed` or `final`.
    #[schema(example = "filed")]
    pub status: String,
    pub filed_at: Instant,
    /// The person who filed it; absent for all but who decides it and the filer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub filed_by: Option<Uuid>,
    /// The filer's name, for whom `filed_by` is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "李桂香")]
    pub filer_name: Option<String>,
    /// The body that is to decide it, or the appeal, now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lies_with: Option<DecidingBody>,
    /// Until when it lies there: then it goes one level up, or the line stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lies_until: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decision: Option<Decision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_body: Option<DecidingBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "签到表上有其签名")]
    pub decided_reason: Option<String>,
    /// What the line is worth by the decision, if it was amended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 2)]
    pub points_after: Option<i64>,
    /// When nobody had decided it in time: the line stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lapsed_at: Option<Instant>,
    /// Until when the decision can be appealed against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub appeal_until: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub appeal: Option<Appeal>,
    /// What was looked into and found, oldest first; of a single objection, for who decides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rechecks: Option<Vec<Recheck>>,
    /// What the caller may do about it now.
    pub allowed_actions: Vec<ObjectionAction>,
}

/// The one appeal (申诉) against the decision.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Appeal {
    pub id: Uuid,
    pub side: AppealSide,
    /// In the words of who appealed; absent for the other side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "请核对签到表原件")]
    pub reason: Option<String>,
    pub filed_at: Instant,
    /// What was decided on the objection in the end; absent where nobody did in time, and the first
    /// decision stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decision: Option<Decision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_body: Option<DecidingBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "签到表上有其签名")]
    pub decided_reason: Option<String>,
    /// What the line is worth by the appeal's decision, if it was amended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 2)]
    pub points_after: Option<i64>,
    /// Points that are given back by a new entry on the open week's sheet; it passes publicity again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 5)]
    pub restored: Option<i64>,
    /// The adjustment that gives them back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub adjustment: Option<Uuid>,
}

/// What was looked into about the line (复核).
#[derive(Serialize, Deserialize, ToSchema, FromQueryResult)]
pub struct Recheck {
    pub person: Uuid,
    #[schema(example = "到户看了地块，查了土地台账")]
    pub note: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "台账上该地块属于村集体")]
    pub finding: Option<String>,
    pub at: Instant,
}

/// What one may do about an objection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectionAction {
    Investigate,
    Decide,
    Appeal,
    DecideAppeal,
}

/// An objection as the caller may see it, with what was found if it is theirs to know.
///
/// # Errors
/// `not_found` for who has no part in it.
pub async fn load(
    on: &impl ConnectionTrait,
    caller: &Neighbour,
    id: Uuid,
    now: Instant,
) -> Outcome<Objection> {
    let village = &caller.village;
    let row = find(on, village, id).await?;
    let hears = caller.serves::<HearsObjections>();
    if !hears && row.side(caller.person, caller.household_in(village)).is_none() {
        return Err(Code::NotFound.into());
    }
    let rows = [row];
    let bodies = Bodies::read(on, village, &rows, now).await?;
    let [row] = rows;
    // Whoever keeps out of the matter learns no more than the line's household does.
    let knows = hears && !bodies.is_kin(caller.person, &row);
    let mut objection = shown(row, caller, &bodies, now)?;
    if knows {
        let sql = "SELECT person, note, finding, at FROM rechecks \
                   WHERE village = $1 AND objection = $2 ORDER BY at, id LIMIT 100";
        let values: [Value; 2] = [village.into(), id.into()];
        objection.rechecks = Some(db::all(on, sql, values).await?);
    }
    Ok(objection)
}

/// What the caller may see of an objection, and do about it.
pub fn shown(row: Row, caller: &Neighbour, bodies: &Bodies, now: Instant) -> Outcome<Objection> {
    let odd = || Problem::fault(format!("objection {}", row.id));
    let side = row.side(caller.person, caller.household_in(&caller.village));
    let hears = caller.serves::<HearsObjections>() && !bodies.is_kin(caller.person, &row);
    let named = hears || side == Some(AppealSide::Filer);
    let seat = bodies.matter(&row).map(|matter| bodies.seat(&matter, now));
    let actions = actions(&row, caller, bodies, side, now);
    let appeal = appeal(&row, hears, side)?;
    let month = row.month.parse().map_err(|_| odd())?;
    let ground = Ground::parse(&row.ground).ok_or_else(odd)?;
    let due_at = row.due_at.filter(|_| row.status == "decided");
    Ok(Objection {
        decision: row.decided(),
        decided_body: row.decided_body.as_deref().and_then(DecidingBody::parse),
        id: row.id,
        month,
        line: row.number,
        ground,
        reason: named.then_some(row.reason),
        status: row.status,
        filed_at: Instant(row.filed_at),
        filed_by: named.then_some(row.filed_by),
        filer_name: row.filer_name.filter(|_| named),
        lies_with: seat.map(|seat| seat.body),
        lies_until: seat.map(|seat| seat.until),
        decided_at: row.decided_at.map(Instant),
        decided_reason: row.decided_reason,
        points_after: row.points_after,
        lapsed_at: row.lapsed_at.map(Instant),
        appeal_until: due_at.map(Instant),
        appeal,
        rechecks: None,
        allowed_actions: actions,
    })
}

fn appeal(row: &Row, hears: bool, side: Option<AppealSide>) -> Outcome<Option<Appeal>> {
    let Some(made) = row.appeal() else { return Ok(None) };
    let odd = || Problem::fault(format!("appeal {}", made.id));
    let by = row.appeal_side.as_deref().and_then(AppealSide::parse).ok_or_else(odd)?;
    let body = row.appeal_decided_body.as_deref();
    Ok(Some(Appeal {
        id: made.id,
        side: by,
        reason: row.appeal_reason.clone().filter(|_| hears || side == Some(by)),
        filed_at: made.filed_at,
        decision: row.appeal_decision.as_deref().and_then(Decision::parse),
        decided_body: body.and_then(DecidingBody::parse),
        decided_at: row.appeal_decided_at.map(Instant),
        decided_reason: row.appeal_decided_reason.clone(),
        points_after: row.appeal_points_after,
        restored: row.restored,
        adjustment: row.adjustment,
    }))
}

fn actions(
    row: &Row,
    caller: &Neighbour,
    bodies: &Bodies,
    side: Option<AppealSide>,
    now: Instant,
) -> Vec<ObjectionAction> {
    use ObjectionAction::{Appeal, Decide, DecideAppeal, Investigate};
    let mut actions = Vec::new();
    if bodies.acts(caller, row, now) {
        actions.push(Investigate);
        actions.push(if row.is_open() { Decide } else { DecideAppeal });
    }
    let until = row.due_at.map(Instant).filter(|_| row.status == "decided");
    let heard = row.decided().zip(side).filter(|_| until.is_some_and(|until| now < until));
    let lost = |heard| may_appeal(heard, row.is_own());
    if heard.is_some_and(lost) {
        actions.push(Appeal);
    }
    actions
}
