//! Who is calling, and what they may do: accounts, persons, roles.
//!
//! Who may call stands in a handler's signature. [`Neighbour`] is anybody with business in the
//! village of the path; [`Official`] has one of the named roles there. What lies outside the caller's
//! scope answers 404, a role that is lacking inside it 403.

mod me;
mod token;

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub use token::{AccessToken, issue};

use crate::app::App;
use crate::http::path_part;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::regions::{self, VillageRow};

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(me::show_me).service(me::list_inbox);
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

    fn parse(text: &str) -> Option<Self> {
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

    /// The caller's own household, if it is in this village.
    pub fn household_in(&self, village: &Village) -> Option<Uuid> {
        self.home.as_ref().filter(|home| home.village == *village).map(|home| home.household)
    }

    async fn load(app: &App, account: Uuid) -> Outcome<Self> {
        #[derive(FromQueryResult)]
        struct Who {
            person: Uuid,
            name: String,
            village: Option<String>,
            household: Option<Uuid>,
        }
        #[derive(FromQueryResult)]
        struct Granted {
            role: String,
            region: String,
        }
        let sql = "SELECT a.person, p.name, b.village, b.household FROM accounts a \
                   JOIN persons p ON p.id = a.person \
                   LEFT JOIN bindings b ON b.person = a.person AND b.ended_at IS NULL \
                   WHERE a.id = $1 AND a.status = 'active'";
        let who = db::one::<Who>(app.db.read(), sql, [account.into()]).await?;
        let Who { person, name, village, household } = who.ok_or(Code::TokenInvalid)?;
        let village = village.and_then(|village| village.parse().ok());
        let home = village.zip(household).map(|(village, household)| Home { village, household });
        let sql = "SELECT role, region FROM grants WHERE person = $1 \
                   AND starts_at <= $2 AND (ends_at IS NULL OR ends_at > $2)";
        let values: [Value; 2] = [person.into(), app.clock.now().0.into()];
        let granted = db::all::<Granted>(app.db.read(), sql, values).await?;
        let grant = |row: Granted| {
            Some(Grant { role: Role::parse(&row.role)?, region: row.region.parse().ok()? })
        };
        let grants = granted.into_iter().filter_map(grant).collect();
        Ok(Self { account, person, name, home, grants })
    }
}

type Extracting<T> = Pin<Box<dyn Future<Output = Outcome<T>>>>;

fn app_of(request: &HttpRequest) -> Outcome<Data<App>> {
    request.app_data::<Data<App>>().cloned().ok_or_else(|| Problem::fault("the app has no state"))
}

/// The bearer token of the request; a token in the query string is not looked at.
fn bearer(request: &HttpRequest) -> Outcome<&str> {
    let mut sent = request.headers().get_all(AUTHORIZATION);
    let header = sent.next().ok_or(Code::TokenMissing)?;
    if sent.next().is_some() {
        return Err(Code::InvalidHeader.into());
    }
    let token = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
    Ok(token.map(str::trim).filter(|token| !token.is_empty()).ok_or(Code::TokenMissing)?)
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app_of(&request)?;
            let account = token::verify(app.config.secrets.token(), bearer(&request)?)?;
            Self::load(&app, account).await
        })
    }
}

/// A caller with business in the village of the path, and the village.
pub struct Neighbour {
    pub caller: Caller,
    pub village: Village,
    pub policy: VillageRow,
}

impl Deref for Neighbour {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Neighbour {
    /// The household the caller acts for: their own.
    ///
    /// # Errors
    /// `role_required` for one who lives elsewhere.
    pub fn own_household(&self) -> Outcome<Uuid> {
        Ok(self.caller.household_in(&self.village).ok_or(Code::RoleRequired)?)
    }

    async fn extract(request: &HttpRequest) -> Outcome<Self> {
        let village: Village = path_part(request, "village")?;
        let caller = Caller::extract(request).await?;
        if !caller.sees(village.as_str()) {
            return Err(Code::NotFound.into());
        }
        let app = app_of(request)?;
        let policy = regions::village(app.db.read(), &village).await?;
        Ok(Self { caller, village, policy })
    }
}

impl FromRequest for Neighbour {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::extract(&request).await })
    }
}

/// Which roles an [`Official`] may have.
pub trait Office {
    const ROLES: &'static [Role];
}

/// A [`Neighbour`] with one of an office's roles over the village, or, for a grid worker, in it.
pub struct Official<O> {
    neighbour: Neighbour,
    office: PhantomData<O>,
}

impl<O> Deref for Official<O> {
    type Target = Neighbour;

    fn deref(&self) -> &Neighbour {
        &self.neighbour
    }
}

impl<O: Office + 'static> FromRequest for Official<O> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let neighbour = Neighbour::extract(&request).await?;
            let village = neighbour.village.as_str();
            let works_here = |grant: &Grant| {
                grant.region.contains(village) || grant.region.as_str().starts_with(village)
            };
            let held = |grant: &Grant| O::ROLES.contains(&grant.role) && works_here(grant);
            if !neighbour.grants.iter().any(held) {
                return Err(Code::RoleRequired.into());
            }
            Ok(Self { neighbour, office: PhantomData })
        })
    }
}

/// A caller with business in the region of the path.
pub struct Overseer<O> {
    pub caller: Caller,
    pub region: RegionCode,
    office: PhantomData<O>,
}

impl<O: Office + 'static> FromRequest for Overseer<O> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let region: RegionCode = path_part(&request, "region")?;
            let caller = Caller::extract(&request).await?;
            if !caller.sees(region.as_str()) {
                return Err(Code::NotFound.into());
            }
            let held = |role: &Role| caller.has(*role, region.as_str());
            if !O::ROLES.iter().any(held) {
                return Err(Code::RoleRequired.into());
            }
            Ok(Self { caller, region, office: PhantomData })
        })
    }
}

macro_rules! offices {
    ($($(#[$doc:meta])* $name:ident: $($role:ident)|+;)*) => {
        $($(#[$doc])*
        pub struct $name;

        impl Office for $name {
            const ROLES: &'static [Role] = &[$(Role::$role),+];
        })*
    };
}

offices! {
    /// Who files claims for the village: rounds of inspection and the committee's own.
    Files: GridWorker | Panel | Committee;
    /// Who reviews claims at some step.
    Reviews: GridWorker | Panel | Committee | Township;
    /// Who decides objections.
    Decides: Committee;
    /// Who hands prizes over and keeps the stock.
    KeepsShop: Clerk;
    /// Who sets up villages and their rules.
    Governs: Township | County;
}

/// Whether a person must keep out of a household's matters: a member, or declared kin of one.
pub async fn is_concerned(
    on: &impl sea_orm::ConnectionTrait,
    village: &Village,
    person: Uuid,
    household: Uuid,
) -> Outcome<bool> {
    let sql = "SELECT COUNT(*) FROM members m \
               LEFT JOIN kin k ON k.village = m.village AND k.relative = m.person AND k.person = $2 \
               WHERE m.village = $1 AND m.household = $3 \
               AND (m.person = $2 OR k.person IS NOT NULL)";
    let values: [Value; 3] = [village.into(), person.into(), household.into()];
    Ok(db::number(on, sql, values).await? > 0)
}

/// A person to be created together with an account and roles.
pub struct NewOfficial {
    pub person: Uuid,
    pub name: String,
    pub persona: Option<String>,
    pub grants: Vec<Grant>,
}

/// Creates persons that have an account, and grants them their roles.
pub async fn appoint(
    tx: &db::Tx,
    by: Option<Uuid>,
    officials: &[NewOfficial],
    now: Instant,
) -> Outcome<()> {
    use db::Column;
    let count = officials.len();
    let persons: Vec<_> = officials.iter().map(|it| it.person).collect();
    let columns = [
        Column::Uuid("id", persons.clone()),
        Column::Text("name", officials.iter().map(|it| it.name.clone()).collect()),
        Column::Number("created_at", vec![now.0; count]),
    ];
    // A villager who takes an office keeps the person row they have.
    db::bulk_insert(tx, "persons", &columns, "ON CONFLICT DO NOTHING").await?;
    let columns = [
        Column::Uuid("id", persons.iter().map(|_| Uuid::now_v7()).collect()),
        Column::Uuid("person", persons),
        Column::MaybeText("persona", officials.iter().map(|it| it.persona.clone()).collect()),
        Column::Text("status", vec!["active".to_owned(); count]),
        Column::Number("created_at", vec![now.0; count]),
    ];
    db::bulk_insert(tx, "accounts", &columns, "").await?;
    let grants: Vec<_> =
        officials.iter().flat_map(|it| it.grants.iter().map(|grant| (it.person, grant))).collect();
    let columns = [
        Column::Uuid("id", grants.iter().map(|_| Uuid::now_v7()).collect()),
        Column::Uuid("person", grants.iter().map(|(person, _)| *person).collect()),
        Column::Text("role", grants.iter().map(|(_, it)| it.role.as_str().to_owned()).collect()),
        Column::Text("region", grants.iter().map(|(_, it)| it.region.to_string()).collect()),
        Column::Number("starts_at", vec![now.0; grants.len()]),
        Column::MaybeUuid("granted_by", vec![by; grants.len()]),
    ];
    db::bulk_insert(tx, "grants", &columns, "").await?;
    Ok(())
}
