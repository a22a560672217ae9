//! `POST /v1/regions/{region}/grants`, and what every appointment goes through.

use actix_web::post;
use actix_web::web::Data;
use chrono::NaiveDate;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::grants::{Appointment, WorkerKind, load};
use super::rules::{Term, kept_apart, kept_apart_from, may_appoint, term};
use super::{Caller, Governs, Overseer, Role};
use crate::app::App;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{RegionCode, Village};
use crate::regions;

/// A role to be given.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// Somebody else who has an account.
    pub person: Uuid,
    pub role: Role,
    /// How a grid worker is employed; only for that role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<WorkerKind>,
    /// The first day; without it, from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = Date, example = "2024-09-01")]
    pub starts_on: Option<NaiveDate>,
    /// The day before which it ends; without it, it holds until it is ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = Date, example = "2027-09-01")]
    pub ends_on: Option<NaiveDate>,
}

/// Give somebody a role in the region
#[utoipa::path(tag = "grants", operation_id = "grants_create", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the region it is for")),
    request_body = NewGrant, responses((status = 201, body = Appointment)),
    extensions(("x-codes" = json!("role_required role_above_own conflict_of_interest \
        near_relatives grant_exists id_taken invalid_field"))))]
#[post("/v1/regions/{region}/grants")]
async fn create_grant(
    officer: Overseer<Governs>,
    grant: Command<NewGrant>,
    app: Data<App>,
) -> Outcome<Answer<Appointment>> {
    let region = &officer.region;
    let done = grant.once(&app, region.as_str(), officer.caller.account, async |tx| {
        let now = app.clock.now();
        let seat = grant.body.seat(region, now)?;
        give(tx, &officer.caller, &seat, now).await?;
        load(tx, region, seat.id, now).await
    });
    Ok(done.await?.created())
}

impl NewGrant {
    fn seat<'a>(&self, region: &'a RegionCode, now: Instant) -> Result<Seat<'a>, Refusal> {
        let Self { id, person, role, kind, starts_on, ends_on } = *self;
        if kind.is_some() && role != Role::GridWorker {
            let what = "only a grid worker is of a kind";
            return Err(Refusal::from(Code::InvalidField).at("/kind", "role", what));
        }
        let term = term(starts_on, ends_on, now)?;
        Ok(Seat { id, person, role, region, kind, committee: None, term })
    }
}

/// A role as it is given, alone or as a seat of a committee.
pub struct Seat<'a> {
    pub id: Uuid,
    pub person: Uuid,
    pub role: Role,
    pub region: &'a RegionCode,
    pub kind: Option<WorkerKind>,
    pub committee: Option<Uuid>,
    pub term: Term,
}

/// Gives a person a role, under the lock of its region.
///
/// # Errors
/// Those of [`may_appoint`]; `conflict_of_interest` for a near relative of the giver; `not_found` for a
/// person without an account; `grant_exists` if they hold it in that time; `near_relatives`;
/// `id_taken`.
pub async fn give(tx: &Tx, by: &Caller, seat: &Seat<'_>, now: Instant) -> Outcome<()> {
    may_appoint(by, seat.person, seat.role, seat.region)?;
    regions::lock(tx, seat.region).await?;
    has_account(tx, seat.person).await?;
    if let Some(id) = holds(tx, seat).await? {
        return Err(Refusal::from(Code::GrantExists).existing(id).into());
    }
    if let Some(village) = village_of(seat.region) {
        let near = near_to(tx, &village, seat.person).await?;
        if near.contains(&by.person) {
            return Err(Code::ConflictOfInterest.into());
        }
        kept_apart(seat.person, &near, &holders(tx, seat).await?)?;
    }
    insert(tx, by.person, seat).await?;
    let act = Act {
        region: seat.region.as_str(),
        actor: Some(by.person),
        action: "grant.create",
        subject: seat.id.to_string(),
        detail: serde_json::json!({ "person": seat.person, "role": seat.role,
            "committee": seat.committee }),
    };
    audit::record(tx, now, act).await
}

/// The village that a village's or grid's code begins with.
fn village_of(region: &RegionCode) -> Option<Village> {
    region.as_str().get(..12).and_then(|code| code.parse().ok())
}

/// # Errors
/// `not_found` for a person whom nobody knows by name, or who cannot log in.
pub async fn has_account(tx: &Tx, person: Uuid) -> Outcome<()> {
    let sql = "SELECT COUNT(*) FROM accounts a JOIN persons p ON p.id = a.person \
               WHERE a.person = $1 AND a.status = 'active' AND p.name <> ''";
    match db::number(tx, sql, [person.into()]).await? {
        0 => Err(Code::NotFound.into()),
        _ => Ok(()),
    }
}

#[derive(FromQueryResult)]
struct PersonRow {
    person: Uuid,
}

/// Bounds of a term for `starts_at < $to AND (ends_at IS NULL OR ends_at > $from)`.
fn bounds(term: Term) -> [Value; 2] {
    [term.starts_at.0.into(), term.ends_at.map_or(i64::MAX, |at| at.0).into()]
}

/// The grant by which the person holds this role here in that time already.
async fn holds(tx: &Tx, seat: &Seat<'_>) -> Outcome<Option<Uuid>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let sql = "SELECT id FROM grants WHERE person = $1 AND role = $2 AND region = $3 \
               AND (ends_at IS NULL OR ends_at > $4) AND starts_at < $5 ORDER BY id";
    let [from, to] = bounds(seat.term);
    let values = [seat.person.into(), seat.role.as_str().into(), seat.region.into(), from, to];
    Ok(db::one::<Row>(tx, sql, values).await?.map(|row| row.id))
}

/// Who, in that time, holds an office whose near relatives may not have this role.
async fn holders(tx: &Tx, seat: &Seat<'_>) -> Outcome<Vec<Uuid>> {
    let roles = kept_apart_from(seat.role);
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<_> = (4..4 + roles.len()).map(|at| format!("${at}")).collect();
    let sql = format!(
        "SELECT person FROM grants WHERE region = $1 AND (ends_at IS NULL OR ends_at > $2) \
         AND starts_at < $3 AND role IN ({})",
        places.join(", ")
    );
    let [from, to] = bounds(seat.term);
    let roles = roles.iter().map(|role| Value::from(role.as_str()));
    let values = [seat.region.into(), from, to].into_iter().chain(roles);
    let rows = db::all::<PersonRow>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| row.person).collect())
}

/// A person's near relatives as a village knows them: those of their household, and confirmed kin.
pub async fn near_to(tx: &Tx, village: &Village, person: Uuid) -> Outcome<Vec<Uuid>> {
    let sql = "SELECT m.person FROM members me JOIN members m \
                 ON m.village = me.village AND m.household = me.household \
               WHERE me.village = $1 AND me.person = $2 AND m.person <> $2 \
                 AND me.left_at IS NULL AND m.left_at IS NULL \
               UNION SELECT k.relative FROM kin k \
               WHERE k.village = $1 AND k.person = $2 AND k.confirmed_at IS NOT NULL \
               UNION SELECT k.person FROM kin k \
               WHERE k.village = $1 AND k.relative = $2 AND k.confirmed_at IS NOT NULL";
    let values: [Value; 2] = [village.into(), person.into()];
    let rows = db::all::<PersonRow>(tx, sql, values).await?;
    Ok(rows.into_iter().map(|row| row.person).collect())
}

async fn insert(tx: &Tx, by: Uuid, seat: &Seat<'_>) -> Outcome<()> {
    let values: [Value; 9] = [
        seat.id.into(),
        seat.person.into(),
        seat.role.as_str().into(),
        seat.region.into(),
        seat.term.starts_at.0.into(),
        seat.term.ends_at.map(|at| at.0).into(),
        by.into(),
        seat.kind.map(WorkerKind::as_str).into(),
        seat.committee.into(),
    ];
    let sql = "INSERT INTO grants (id, person, role, region, starts_at, ends_at, granted_by, \
               kind, committee) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    match db::run(tx, sql, values).await? {
        0 => Err(Code::IdTaken.into()),
        _ => Ok(()),
    }
}
