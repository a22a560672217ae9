//! Who may call, as types: an extractor authenticates, reads the village or region of the path, and
//! checks the scope before a handler runs.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use uuid::Uuid;

use super::present::{Present, present};
use super::{Caller, Grant, Role, token};
use crate::app::App;
use crate::http::path_part;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::gate::Gate;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::regions::VillageRow;

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

/// Whose token the request bears, with the village of its path, if it is asked for.
async fn authenticate(request: &HttpRequest, village: Option<&Village>) -> Outcome<Present> {
    let app = app_of(request)?;
    let (secrets, now) = (app.config.secrets.tokens(), app.token_clock.now());
    present(&app, token::verify(secrets, bearer(request)?, now)?, village).await
}

impl Caller {
    async fn authorise(request: &HttpRequest) -> Outcome<Self> {
        Ok(authenticate(request, None).await?.caller)
    }
}

/// Somebody who wants to be forgotten, or was: asking twice is answered twice.
pub enum Leaver {
    Present(Box<Caller>),
    /// Since when there is nothing left of them.
    Gone(Instant),
}

impl Leaver {
    async fn authorise(request: &HttpRequest) -> Outcome<Self> {
        let app = app_of(request)?;
        let (secrets, now) = (app.config.secrets.tokens(), app.token_clock.now());
        let bearer = token::verify(secrets, bearer(request)?, now)?;
        let sql = "SELECT COALESCE(p.erased_at, 0) FROM accounts a \
                   JOIN persons p ON p.id = a.person \
                   WHERE a.id = $1 AND a.status = 'disabled'";
        match db::number(app.db.read(), sql, [bearer.account.into()]).await? {
            0 => Ok(Self::Present(Box::new(present(&app, bearer, None).await?.caller))),
            erased_at => Ok(Self::Gone(Instant(erased_at))),
        }
    }
}

/// Somebody who reads what is public: logged in, or not.
pub struct Reader(Option<Caller>);

impl Reader {
    async fn authorise(request: &HttpRequest) -> Outcome<Self> {
        match request.headers().contains_key(AUTHORIZATION) {
            true => Ok(Self(Some(Caller::authorise(request).await?))),
            false => Ok(Self(None)),
        }
    }

    /// Whether the reader lives or serves in the village: among neighbours names are not masked, for
    /// three 张* cannot be told apart.
    pub fn is_neighbour(&self, village: &Village) -> bool {
        self.0.as_ref().is_some_and(|caller| caller.sees(village.as_str()))
    }

    /// Whether the reader has one of an office's roles over the region.
    pub fn has_office<O: Office>(&self, region: &RegionCode) -> bool {
        let held = |caller: &Caller| O::ROLES.iter().any(|role| caller.has(*role, region.as_str()));
        self.0.as_ref().is_some_and(held)
    }

    /// The reader's own household, if it is in this village.
    pub fn household_in(&self, village: &Village) -> Option<Uuid> {
        self.0.as_ref().and_then(|caller| caller.household_in(village))
    }

    /// Who reads, if they have logged in.
    pub fn person(&self) -> Option<Uuid> {
        self.0.as_ref().map(|caller| caller.person)
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

    /// Whether the caller sets up this village: township or county.
    pub fn governs(&self) -> bool {
        let here = self.village.as_str();
        self.caller.has(Role::Township, here) || self.caller.has(Role::County, here)
    }

    /// Whether the caller has one of an office's roles over the village, or, for a grid worker, in it.
    pub fn serves<O: Office>(&self) -> bool {
        let village = self.village.as_str();
        let here = |grant: &Grant| {
            grant.region.contains(village) || grant.region.as_str().starts_with(village)
        };
        self.caller.grants.iter().any(|grant| O::ROLES.contains(&grant.role) && here(grant))
    }

    async fn authorise(request: &HttpRequest) -> Outcome<Self> {
        let village: Village = path_part(request, "village")?;
        let Present { caller, policy } = authenticate(request, Some(&village)).await?;
        if !caller.sees(village.as_str()) {
            return Err(Code::NotFound.into());
        }
        let policy = policy.ok_or(Code::NotFound)?;
        Ok(Self { caller, village, policy })
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

impl<O: Office> Official<O> {
    async fn authorise(request: &HttpRequest) -> Outcome<Self> {
        let neighbour = Neighbour::authorise(request).await?;
        if !neighbour.serves::<O>() {
            return Err(Code::RoleRequired.into());
        }
        Ok(Self { neighbour, office: PhantomData })
    }
}

/// A caller with business in the region of the path.
pub struct Overseer<O> {
    pub caller: Caller,
    pub region: RegionCode,
    office: PhantomData<O>,
}

impl<O: Office> Overseer<O> {
    async fn authorise(request: &HttpRequest) -> Outcome<Self> {
        let region: RegionCode = path_part(request, "region")?;
        let caller = Caller::authorise(request).await?;
        if !caller.sees(region.as_str()) {
            return Err(Code::NotFound.into());
        }
        let held = |role: &Role| caller.has(*role, region.as_str());
        if !O::ROLES.iter().any(held) {
            return Err(Code::RoleRequired.into());
        }
        Ok(Self { caller, region, office: PhantomData })
    }
}

/// An extractor that lets those of body and query pass when it has authorised the caller.
macro_rules! authorises {
    ($($name:ident $([$office:ident])?;)*) => {
        $(impl$(<$office: Office + 'static>)? FromRequest for $name$(<$office>)? {
            type Error = Problem;
            type Future = Extracting<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let gate = Gate::close(request);
                let request = request.clone();
                Box::pin(async move {
                    let authorised = Self::authorise(&request).await?;
                    gate.open();
                    Ok(authorised)
                })
            }
        })*
    };
}

authorises! {
    Caller;
    Leaver;
    Neighbour;
    Reader;
    Official[O];
    Overseer[O];
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
    /// Who files claims for the village: rounds of inspection, the committee's own, lists from outside.
    Files: GridWorker | Panel | Committee | Township;
    /// Who goes round the households of a grid.
    Inspects: GridWorker;
    /// Who keeps a copy of a grid up to date; a grid worker only of the own one.
    Follows: GridWorker | Committee | Township;
    /// Who reviews claims at some step.
    Reviews: GridWorker | Panel | Committee | Township | County;
    /// Who votes on rules, answers suggestions and confirms kin.
    Decides: Committee;
    /// Who decides objections, each in its turn.
    HearsObjections: Committee | Township | County;
    /// Who has a list hang longer.
    ExtendsPublicity: Township;
    /// Who proposes adjustments, and corrections of closed lists.
    Adjusts: Committee;
    /// Who takes confirmed points back, and decides what another of them proposed.
    Corrects: Committee | Township;
    /// Who is the second person for what a committee proposes.
    Confirms: Committee | Township | County;
    /// Who hands prizes over and keeps the stock.
    KeepsShop: Clerk;
    /// Who hands prizes over or witnesses it: at the counter, and at the door of their grid.
    HandsOver: GridWorker | Clerk;
    /// Who looks into the stock of the shop.
    CountsStock: Clerk | Committee | Township | County;
    /// Who writes down how households live; a grid worker only those of the grid.
    Registers: GridWorker | Township | County;
    /// Who sets up villages and their rules.
    Governs: Township | County;
    /// Who writes rules: a village's committee its own, township and county also frameworks.
    SetsRules: Committee | Township | County;
    /// Who sees who holds which office.
    Watches: Committee | Township | County;
    /// Who sees the photos of claims: whoever reviews or oversees; the shop needs none.
    WeighsEvidence: GridWorker | Panel | Committee | Township | County;
    /// Whoever holds an office for the village.
    Serves: GridWorker | Panel | Committee | Clerk | Township | County;
}
