//! `GET /v1/regions/{region}/committees` and `…/{committee}`: bodies, their terms and their seats.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::grants::GrantState;
use super::{Overseer, Role, Watches};
use crate::app::App;
use crate::http::{Query, path_id};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::RegionCode;

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommitteeKind {
    /// 评议小组: weighs claims.
    Panel,
    /// 积分监督管理委员会: votes, supervises, and decides objections.
    Committee,
}

impl CommitteeKind {
    /// The role that a seat is.
    pub fn role(self) -> Role {
        match self {
            Self::Panel => Role::Panel,
            Self::Committee => Role::Committee,
        }
    }
}

/// What a member does in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// 主任 or 组长; every body has one.
    Chair,
    Deputy,
    Secretary,
    Member,
}

impl Duty {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chair => "chair",
            Self::Deputy => "deputy",
            Self::Secretary => "secretary",
            Self::Member => "member",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Chair, Self::Deputy, Self::Secretary, Self::Member];
        all.into_iter().find(|duty| duty.as_str() == text)
    }
}

/// A body of a village, with its term and everybody who has or had a seat in it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Committee {
    pub id: Uuid,
    pub region: RegionCode,
    pub kind: CommitteeKind,
    #[schema(example = "梅西村积分监督管理委员会")]
    pub name: String,
    #[schema(value_type = String, format = Date, example = "2024-09-01")]
    pub starts_on: NaiveDate,
    /// The day before which the term ends.
    #[schema(value_type = String, format = Date, example = "2029-09-01")]
    pub ends_on: NaiveDate,
    pub state: GrantState,
    pub members: Vec<CommitteeMember>,
}

/// A seat. It is the role as long as it holds.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CommitteeMember {
    pub person: Uuid,
    #[schema(example = "符国华")]
    pub name: String,
    pub duty: Duty,
    #[schema(value_type = String, format = Date, example = "2024-09-01")]
    pub starts_on: NaiveDate,
    #[schema(value_type = String, format = Date, example = "2029-09-01")]
    pub ends_on: NaiveDate,
    pub state: GrantState,
}

#[derive(Serialize, ToSchema)]
pub struct CommitteePage {
    pub items: Vec<Committee>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CommitteeQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// The bodies of a region and below
#[utoipa::path(tag = "committees", operation_id = "committees_list", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a region of any level"),
        CommitteeQuery),
    responses((status = 200, body = CommitteePage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/regions/{region}/committees")]
async fn list_committees(
    overseer: Overseer<Watches>,
    query: Query<CommitteeQuery>,
    app: Data<App>,
) -> Outcome<Answer<CommitteePage>> {
    let CommitteeQuery { cursor, limit } = query.0;
    let filter = format!("committees {}", overseer.region);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let [from, to] = overseer.region.bounds();
    let sql = "SELECT * FROM committees WHERE region >= $1 AND region < $2 AND id > $3 \
               ORDER BY id LIMIT $4";
    let values = [from, to, start.after.unwrap_or(Uuid::nil()).into(), start.fetch().into()];
    let rows = db::all::<entity::committee::Model>(app.db.read(), sql, values).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let items = with_members(app.db.read(), page.items, app.clock.now()).await?;
    Ok(Answer::ok(CommitteePage { items, next_cursor: page.next_cursor }))
}

/// One body with its seats
#[utoipa::path(tag = "committees", operation_id = "committees_show", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the village or a region above"),
        ("committee" = Uuid, Path, description = "The committee's id")),
    responses((status = 200, body = Committee)),
    extensions(("x-codes" = json!("role_required"))))]
#[get("/v1/regions/{region}/committees/{committee}")]
async fn show_committee(
    overseer: Overseer<Watches>,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Committee>> {
    let id = path_id(&request, "committee")?;
    Ok(Answer::ok(load(app.db.read(), &overseer.region, id, app.clock.now()).await?))
}

/// The committee of this id in a region or below.
///
/// # Errors
/// `not_found` for any other.
pub async fn load(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    id: Uuid,
    now: Instant,
) -> Outcome<Committee> {
    let [from, to] = region.bounds();
    let sql = "SELECT * FROM committees WHERE region >= $1 AND region < $2 AND id = $3";
    let row = db::one::<entity::committee::Model>(on, sql, [from, to, id.into()]).await?;
    let found = with_members(on, row.into_iter().collect(), now).await?;
    Ok(found.into_iter().next().ok_or(Code::NotFound)?)
}

#[derive(FromQueryResult)]
struct SeatRow {
    region: String,
    committee: Uuid,
    person: Uuid,
    name: String,
    duty: String,
    starts_at: i64,
    ends_at: i64,
}

/// Adds their seats to committees, in one more statement for all of them.
async fn with_members(
    on: &impl ConnectionTrait,
    rows: Vec<entity::committee::Model>,
    now: Instant,
) -> Outcome<Vec<Committee>> {
    // An id is a region's own.
    let pair = |at: usize| format!("(s.region = ${} AND s.committee = ${})", 2 * at - 1, 2 * at);
    let places: Vec<_> = (1..=rows.len()).map(pair).collect();
    let sql = format!(
        "SELECT s.region, s.committee, s.person, p.name, s.duty, s.starts_at, s.ends_at \
         FROM committee_members s JOIN persons p ON p.id = s.person \
         WHERE {} ORDER BY s.starts_at, s.person",
        if places.is_empty() { "FALSE".to_owned() } else { places.join(" OR ") }
    );
    let ids = rows.iter().flat_map(|row| [Value::from(row.region.as_str()), row.id.into()]);
    let mut members = BTreeMap::<(String, Uuid), Vec<CommitteeMember>>::new();
    for seat in db::all::<SeatRow>(on, &sql, ids).await? {
        let odd = || Problem::fault(format!("a seat of committee {}", seat.committee));
        let member = CommitteeMember {
            person: seat.person,
            duty: Duty::parse(&seat.duty).ok_or_else(odd)?,
            starts_on: Instant(seat.starts_at).day(),
            ends_on: Instant(seat.ends_at).day(),
            state: GrantState::of(seat.starts_at, Some(seat.ends_at), now),
            name: seat.name,
        };
        members.entry((seat.region, seat.committee)).or_default().push(member);
    }
    let committee = |row: entity::committee::Model| {
        let region = row.region.parse();
        Ok(Committee {
            id: row.id,
            region: region.map_err(|_| Problem::fault(format!("region {}", row.region)))?,
            kind: match row.kind.as_str() {
                "panel" => CommitteeKind::Panel,
                _ => CommitteeKind::Committee,
            },
            name: row.name,
            starts_on: Instant(row.starts_at).day(),
            ends_on: Instant(row.ends_at).day(),
            state: GrantState::of(row.starts_at, Some(row.ends_at), now),
            members: members.remove(&(row.region, row.id)).unwrap_or_default(),
        })
    };
    rows.into_iter().map(committee).collect()
}
