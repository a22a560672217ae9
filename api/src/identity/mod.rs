//! Who is calling, and what they may do: accounts, persons, roles.
//!
//! Who may call stands in a handler's signature. [`Neighbour`] is anybody with business in the
//! village of the path; [`Official`] has one of the named roles there. What lies outside the caller's
//! scope answers 404, a role that is lacking inside it 403.

mod appoint;
mod assignments;
mod committees;
mod confirm;
mod death;
mod declare;
mod end;
mod extract;
mod facts;
mod found;
mod give;
mod grants;
mod kin;
mod present;
mod rules;
mod seats;
mod sounds;
mod token;

use std::collections::BTreeSet;

use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use appoint::{NewOfficial, appoint};
pub use death::{end_accounts, may_dismiss};
pub use extract::{
    Adjusts, Confirms, Corrects, CountsStock, Decides, ExtendsPublicity, Files, Follows, Governs,
    HandsOver, HearsObjections, Inspects, KeepsShop, Leaver, Neighbour, Office, Official, Overseer,
    Reader, Registers, Reviews, Serves, SetsRules, Watches, WeighsEvidence,
};
pub use facts::{GROWN_UP, IdNumber, Malformed, Phone, Private, age_on, is_birthday, is_grown_up};
pub use grants::{Appointment, WorkerKind, grid_workers, in_office};
pub use present::Callers;
pub use sounds::initials;
pub use token::{ACCESS_SECONDS, Bearer, issue};

use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::{RegionCode, Village};
use crate::kernel::routes::Routes;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(grants::list_grants)
        .service(give::create_grant)
        .service(end::end_grant)
        .service(committees::list_committees)
        .service(found::create_committee)
        .service(committees::show_committee)
        .service(seats::add_member)
        .service(seats::end_member)
        .service(kin::list_kin)
        .service(declare::declare_kin)
        .service(confirm::confirm_kin)
        .service(assignments::list_assignments)
        .service(assignments::assign);
}

/// What somebody is trusted with, in a region and all below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 网格员: visits the households of a grid, files for those without a phone, prechecks.
    GridWorker,
    /// 评议小组: weighs claims.
    Panel,
    /// 积分监督管理委员会: votes, and decides objections.
    Committee,
    /// 积分超市管理员: hands prizes over.
    Clerk,
    /// 镇: sets the framework, decides what a village cannot.
    Township,
    /// 县: reads all, decides appeals.
    County,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GridWorker => "grid_worker",
            Self::Panel => "panel",
            Self::Committee => "committee",
            Self::Clerk => "clerk",
            Self::Township => "township",
            Self::County => "county",
        }
    }

    /// How high the role stands: county over township over the offices of a village.
    pub fn rank(self) -> u8 {
        match self {
            Self::County => 3,
            Self::Township => 2,
            Self::GridWorker | Self::Panel | Self::Committee | Self::Clerk => 1,
        }
    }

    /// What people call it, in Chinese and English.
    pub fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::GridWorker => ("网格员", "grid worker"),
            Self::Panel => ("评议小组成员", "appraisal panel"),
            Self::Committee => ("积分监督管理委员会成员", "supervision committee"),
            Self::Clerk => ("积分超市管理员", "shop clerk"),
            Self::Township => ("镇管理员", "township"),
            Self::County => ("县管理员", "county"),
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::GridWorker,
            Self::Panel,
            Self::Committee,
            Self::Clerk,
            Self::Township,
            Self::County,
        ];
        all.into_iter().find(|role| role.as_str() == text)
    }
}

/// A role and where it holds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    pub role: Role,
    pub region: RegionCode,
}

/// The household somebody belongs to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Home {
    pub village: Village,
    pub household: Uuid,
}

/// A logged-in person, read fresh at every request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub account: Uuid,
    pub session: Uuid,
    pub person: Uuid,
    pub name: String,
    pub home: Option<Home>,
    pub grants: Vec<Grant>,
}

impl Caller {
    /// Whether the caller has this role over this region.
    pub fn has(&self, role: Role, region: &str) -> bool {
        self.grants.iter().any(|grant| grant.role == role && grant.region.contains(region))
    }

    /// Whether the caller has any business in this region: lives in it, works over or inside it.
    pub fn sees(&self, region: &str) -> bool {
        let lives =
            self.home.as_ref().is_some_and(|home| home.village.as_str().starts_with(region));
        let works = |grant: &Grant| {
            grant.region.contains(region) || grant.region.as_str().starts_with(region)
        };
        lives || self.grants.iter().any(works)
    }

    /// Where the caller lives, then where they serve in a village or one of its grids; at most ten.
    pub fn villages(&self) -> Vec<Village> {
        let served = self.grants.iter().filter_map(|grant| grant.region.village());
        let served: BTreeSet<_> = served.collect();
        let home = self.home.as_ref().map(|home| home.village.clone());
        let elsewhere = served.into_iter().filter(|village| home.as_ref() != Some(village));
        home.iter().cloned().chain(elsewhere).take(10).collect()
    }

    /// The regions over which the caller has one of an office's roles, without those inside another.
    pub fn regions<O: Office>(&self) -> Vec<&RegionCode> {
        let holds = |grant: &&Grant| O::ROLES.contains(&grant.role);
        let regions: BTreeSet<_> = self.grants.iter().filter(holds).map(|it| &it.region).collect();
        let nested = |inner: &RegionCode| {
            regions.iter().any(|outer| *outer != inner && outer.contains(inner.as_str()))
        };
        regions.iter().copied().filter(|region| !nested(region)).collect()
    }

    /// The caller's own household, if it is in this village.
    pub fn household_in(&self, village: &Village) -> Option<Uuid> {
        self.home.as_ref().filter(|home| home.village == *village).map(|home| home.household)
    }
}

/// The households of village `$1` whose matters person `$2` must keep out of: those they belong to, those of
/// anybody who has ever shared a household with them, and those of anybody declared kin with them, whoever
/// of the two declared it.
pub const CONCERNED: &str = "SELECT DISTINCT m.household FROM members m WHERE m.village = $1 \
    AND (m.person = $2 OR EXISTS (SELECT 1 FROM members a JOIN members b ON b.village = a.village \
        AND b.household = a.household WHERE a.village = $1 AND a.person = $2 \
        AND b.person = m.person) \
      OR EXISTS (SELECT 1 FROM kin k WHERE k.village = $1 \
      AND k.confirmed_at IS NOT NULL AND ((k.person = $2 AND k.relative = m.person) \
        OR (k.relative = $2 AND k.person = m.person))))";

/// Whether a person must keep out of a household's matters: a member, or declared kin of one.
pub async fn is_concerned(
    on: &impl sea_orm::ConnectionTrait,
    village: &Village,
    person: Uuid,
    household: Uuid,
) -> Outcome<bool> {
    let sql = format!("SELECT COUNT(*) FROM ({CONCERNED} AND m.household = $3) AS concerned");
    let values: [Value; 3] = [village.into(), person.into(), household.into()];
    Ok(db::number(on, &sql, values).await? > 0)
}

/// The households whose matters a person must keep out of.
pub async fn concerned_households(
    on: &impl sea_orm::ConnectionTrait,
    village: &Village,
    person: Uuid,
) -> Outcome<Vec<Uuid>> {
    #[derive(FromQueryResult)]
    struct Row {
        household: Uuid,
    }
    let rows = db::all::<Row>(on, CONCERNED, [village.into(), person.into()]).await?;
    Ok(rows.into_iter().map(|row| row.household).collect())
}

/// Whether a person has, or had, an office over this village or in it.
pub async fn serves_there(
    on: &impl sea_orm::ConnectionTrait,
    village: &Village,
    person: Uuid,
) -> Outcome<bool> {
    #[derive(FromQueryResult)]
    struct Row {
        region: String,
    }
    let sql = "SELECT DISTINCT region FROM grants WHERE person = $1";
    let rows = db::all::<Row>(on, sql, [person.into()]).await?;
    let code = village.as_str();
    Ok(rows.iter().any(|row| row.region.starts_with(code) || code.starts_with(&row.region)))
}
