//! `GET /v1/regions/{region}/grants`: who holds which role where, and how a grant is shown.

use actix_web::get;
use actix_web::web::Data;
use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Overseer, Role, Watches};
use crate::app::App;
use crate::http::Query;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::RegionCode;

/// How a grid worker is employed (专业、专职、兼职).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkerKind {
    Professional,
    FullTime,
    PartTime,
}

impl WorkerKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Professional => "professional",
            Self::FullTime => "full_time",
            Self::PartTime => "part_time",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Professional, Self::FullTime, Self::PartTime];
        all.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Whether a grant or seat holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    Coming,
    InForce,
    Ended,
}

impl GrantState {
    pub fn of(starts_at: i64, ends_at: Option<i64>, now: Instant) -> Self {
        match ends_at {
            Some(end) if end <= now.0 => Self::Ended,
            _ if starts_at > now.0 => Self::Coming,
            _ => Self::InForce,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Coming => "coming",
            Self::InForce => "in_force",
            Self::Ended => "ended",
        }
    }
}

/// A role that a person was given, with its dates.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Appointment {
    pub id: Uuid,
    pub person: Uuid,
    #[schema(example = "符国华")]
    pub name: String,
    pub role: Role,
    pub region: RegionCode,
    /// How a grid worker is employed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<WorkerKind>,
    /// The committee whose seat it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub committee: Option<Uuid>,
    #[schema(value_type = String, format = Date, example = "2024-09-01")]
    pub starts_on: NaiveDate,
    /// The day before which it ends, or on which it was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = Date, example = "2027-09-01")]
    pub ends_on: Option<NaiveDate>,
    pub state: GrantState,
}

#[derive(Serialize, ToSchema)]
pub struct AppointmentPage {
    pub items: Vec<Appointment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GrantQuery {
    /// Only this role.
    #[param(nullable = false, inline)]
    role: Option<Role>,
    /// Only this person.
    #[param(nullable = false)]
    person: Option<Uuid>,
    /// Those that have ended instead of those that hold now or later.
    #[param(nullable = false)]
    ended: Option<bool>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Who holds which role in a region and below
#[utoipa::path(tag = "grants", operation_id = "grants_list", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a region of any level"), GrantQuery),
    responses((status = 200, body = AppointmentPage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/regions/{region}/grants")]
async fn list_grants(
    overseer: Overseer<Watches>,
    query: Query<GrantQuery>,
    app: Data<App>,
) -> Outcome<Answer<AppointmentPage>> {
    let GrantQuery { role, person, ended, cursor, limit } = query.0;
    let filter = format!("grants {} {role:?} {person:?} {ended:?}", overseer.region);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let search = Search { region: &overseer.region, role, person, ended, now: app.clock.now() };
    let items = search.read(app.db.read(), &start).await?;
    let page = start.page(items, &filter, |item| item.id);
    Ok(Answer::ok(AppointmentPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Which grants to read: those of a region and below, and of them only some.
pub struct Search<'a> {
    pub region: &'a RegionCode,
    pub role: Option<Role>,
    pub person: Option<Uuid>,
    /// All if it is not said.
    pub ended: Option<bool>,
    pub now: Instant,
}

const SELECT: &str = "SELECT g.id, g.person, p.name, g.role, g.region, g.starts_at, g.ends_at, \
    g.kind, g.committee FROM grants g JOIN persons p ON p.id = g.person";

impl Search<'_> {
    /// The grants in the order of their ids.
    pub async fn read(
        &self,
        on: &impl ConnectionTrait,
        start: &Start<Uuid>,
    ) -> Outcome<Vec<Appointment>> {
        let [from, to] = self.region.bounds();
        let (first, last) =
            self.person.map_or((Uuid::nil(), Uuid::max()), |person| (person, person));
        let ended = match self.ended {
            None => "$8 = $8",
            Some(true) => "g.ends_at <= $8",
            Some(false) => "(g.ends_at IS NULL OR g.ends_at > $8)",
        };
        let sql = format!(
            "{SELECT} WHERE g.region >= $1 AND g.region < $2 AND g.id > $3 \
             AND g.person >= $4 AND g.person <= $5 AND ($6 = '' OR g.role = $6) AND {ended} \
             ORDER BY g.id LIMIT $7"
        );
        let values: [Value; 8] = [
            from,
            to,
            start.after.unwrap_or(Uuid::nil()).into(),
            first.into(),
            last.into(),
            self.role.map_or("", Role::as_str).into(),
            start.fetch().into(),
            self.now.0.into(),
        ];
        let rows = db::all::<GrantRow>(on, &sql, values).await?;
        rows.into_iter().map(|row| row.shown(self.now)).collect()
    }
}

#[derive(FromQueryResult)]
struct GrantRow {
    id: Uuid,
    person: Uuid,
    name: String,
    role: String,
    region: String,
    starts_at: i64,
    ends_at: Option<i64>,
    kind: Option<String>,
    committee: Option<Uuid>,
}

impl GrantRow {
    fn shown(self, now: Instant) -> Outcome<Appointment> {
        let odd = || Problem::fault(format!("grant {}", self.id));
        Ok(Appointment {
            id: self.id,
            person: self.person,
            role: Role::parse(&self.role).ok_or_else(odd)?,
            region: self.region.parse().map_err(|_| odd())?,
            kind: self.kind.as_deref().and_then(WorkerKind::parse),
            committee: self.committee,
            starts_on: Instant(self.starts_at).day(),
            ends_on: self.ends_at.map(|at| Instant(at).day()),
            state: GrantState::of(self.starts_at, self.ends_at, now),
            name: self.name,
        })
    }
}

/// The grant of this id in a region or below.
///
/// # Errors
/// `not_found` for any other.
pub async fn load(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    id: Uuid,
    now: Instant,
) -> Outcome<Appointment> {
    let sql = format!("{SELECT} WHERE g.id = $1");
    let row = db::one::<GrantRow>(on, &sql, [id.into()]).await?;
    let row = row.filter(|row| region.contains(&row.region)).ok_or(Code::NotFound)?;
    row.shown(now)
}

/// Whether a person holds an office in just this region at `now`.
pub async fn in_office(
    on: &impl ConnectionTrait,
    person: Uuid,
    role: Role,
    region: &str,
    now: Instant,
) -> Outcome<bool> {
    let sql = "SELECT COUNT(*) FROM grants WHERE person = $1 AND role = $2 AND region = $3 \
               AND starts_at <= $4 AND (ends_at IS NULL OR ends_at > $4)";
    let values: [Value; 4] = [person.into(), role.as_str().into(), region.into(), now.0.into()];
    Ok(db::number(on, sql, values).await? > 0)
}

/// The grid workers of a village that are in force, by grid.
pub async fn grid_workers(
    on: &impl ConnectionTrait,
    village: &crate::kernel::region::Village,
    now: Instant,
) -> Outcome<Vec<Appointment>> {
    let [from, to] = village.region().bounds();
    let sql = format!(
        "{SELECT} WHERE g.region >= $1 AND g.region < $2 AND g.role = 'grid_worker' \
         AND g.starts_at <= $3 AND (g.ends_at IS NULL OR g.ends_at > $3) ORDER BY g.region, g.id"
    );
    let rows = db::all::<GrantRow>(on, &sql, [from, to, now.0.into()]).await?;
    rows.into_iter().map(|row| row.shown(now)).collect()
}
