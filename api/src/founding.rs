//! What the operator does from the command line, once: load the table of regions, and appoint the first
//! official, who appoints the others over the API.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use uuid::Uuid;
use validator::Validate;

use crate::app::App;
use crate::identity::{self, Grant, NewOfficial, Role};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::{Level, RegionCode};
use crate::kernel::text::readable;
use crate::regions;
use crate::sessions::{self, NewStaff};

/// Loads `code,name` lines into the table of regions: parents before their parts or after, codes that
/// are known stay as they are. Returns how many lines were read.
///
/// # Errors
/// A line that is not a code and a name, or a code whose parent is nowhere, is named; nothing is loaded.
pub async fn load_regions(app: &App, file: &Path) -> Result<usize, Box<dyn std::error::Error>> {
    let mut lines = csv::ReaderBuilder::new().has_headers(false).from_path(file)?;
    let mut regions = Vec::new();
    for (number, line) in (1..).zip(lines.records()) {
        let line = line?;
        let code = line.get(0).and_then(|code| code.trim().parse::<RegionCode>().ok());
        let name = line.get(1).and_then(readable);
        let region = code.zip(name).ok_or_else(|| format!("line {number} is not `code,name`"))?;
        regions.push(region);
    }
    // A code sorts after every code that it begins with.
    regions.sort();
    let count = regions.len();
    app.db.write(async |tx| regions::add(tx, &regions).await).await?;
    Ok(count)
}

/// Whom to appoint.
pub struct First {
    pub role: Role,
    pub region: RegionCode,
    pub name: String,
    pub login: String,
}

/// What the new official needs to log in; shown once.
pub struct Credentials {
    login: String,
    password: String,
    otpauth_url: String,
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "login:    {}", self.login)?;
        writeln!(f, "password: {}", self.password)?;
        write!(f, "scan:     {}", self.otpauth_url)
    }
}

/// Appoints an official of a township or county and gives them a login.
pub async fn appoint(app: &App, first: First) -> Outcome<Credentials> {
    let level = match first.role {
        Role::Township => Level::Township,
        Role::County => Level::County,
        Role::GridWorker | Role::Panel | Role::Committee | Role::Clerk => {
            return Err(Refusal::from(Code::RoleRequired)
                .because("the officials of a village are appointed over the API")
                .into());
        }
    };
    let First { role, region, name, login } = first;
    regions::find(app.db.read(), &region).await?;
    let odd = |what: &str| Problem::from(Refusal::from(Code::InvalidField).because(what));
    if region.level() != level {
        return Err(odd("the role does not fit the region's level"));
    }
    let name = readable(&name).ok_or_else(|| odd("the name is not readable"))?;
    let password = URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 15]>());
    let staff = NewStaff { person: Uuid::now_v7(), login, password: password.clone() };
    staff.validate().map_err(|errors| odd(&errors.to_string()))?;
    let hash = sessions::hashed(password.clone()).await?;
    let enrolled = app.db.write(async |tx| {
        let grants = vec![Grant { role, region: region.clone() }];
        let (person, name) = (staff.person, name.clone());
        let official = NewOfficial { person, name, persona: None, grants };
        identity::appoint(tx, None, &[official], app.clock.now()).await?;
        sessions::enrol(app, tx, None, region.as_str(), &staff, &hash).await
    });
    let shown = enrolled.await?.shown(app)?;
    Ok(Credentials { login: shown.login, password, otpauth_url: shown.otpauth_url })
}
