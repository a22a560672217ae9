//! `POST /v1/regions/{region}/staff-logins` and `PUT /v1/me/password`: how officials get their login.

use actix_web::web::Data;
use actix_web::{post, put};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::staff::{password_hash, second_factor, slowly};
use super::{Ended, end};
use crate::app::App;
use crate::identity::{Caller, Governs, Overseer, Role};
use crate::kernel::audit::{self, Act};
use crate::kernel::command::{Answer, Body, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};

/// A login for an official who was appointed.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStaff {
    /// Who will log in.
    pub person: Uuid,
    /// Lower-case letters, digits, `.`, `-` and `_`; unique in the system.
    #[validate(length(min = 3, max = 60), custom(function = "login_name"))]
    #[schema(min_length = 3, max_length = 60, example = "fu.wenhai")]
    pub login: String,
    /// To be handed over and changed by its owner.
    #[validate(length(min = 12, max = 128))]
    #[schema(min_length = 12, max_length = 128, example = "correct horse battery staple")]
    pub password: String,
}

fn login_name(login: &str) -> Result<(), validator::ValidationError> {
    let fit =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    match login.bytes().all(fit) {
        true => Ok(()),
        false => Err(validator::ValidationError::new("login")),
    }
}

/// A login that was made, and what the authenticator app scans.
#[derive(Serialize, ToSchema)]
pub struct StaffLogin {
    pub account: Uuid,
    #[schema(example = "fu.wenhai")]
    pub login: String,
    /// To be shown as a QR code, to nobody but its owner.
    #[schema(example = "otpauth://totp/Jifen:fu.wenhai?secret=MFRGGZDFMZTWQ2LK&issuer=Jifen")]
    pub otpauth_url: String,
}

/// What is stored with the Idempotency-Key: no secret.
#[derive(Serialize, Deserialize)]
pub struct Enrolled {
    pub account: Uuid,
    login: String,
    generation: i64,
}

impl Enrolled {
    /// With the second factor, derived again.
    pub fn shown(self, app: &App) -> Outcome<StaffLogin> {
        let Self { account, login, generation } = self;
        let factor = second_factor(app.config.secrets.identity(), account, generation)?;
        let otpauth_url = factor.to_url().map_err(|error| Problem::fault(error.to_string()))?;
        Ok(StaffLogin { account, login, otpauth_url })
    }
}

/// Give an official a login
#[utoipa::path(tag = "sessions", operation_id = "sessions_enrol_staff", security(("bearer" = [])),
    params(("region" = crate::kernel::region::RegionCode, Path, description = "Where the official serves")),
    request_body = NewStaff, responses((status = 201, body = StaffLogin)),
    extensions(("x-codes" = json!("role_required role_above_own conflict_of_interest login_taken \
        invalid_field"))))]
#[post("/v1/regions/{region}/staff-logins")]
async fn enrol_staff(
    overseer: Overseer<Governs>,
    staff: Command<NewStaff>,
    app: Data<App>,
) -> Outcome<Answer<StaffLogin>> {
    let password = hashed(staff.body.password.clone()).await?;
    let Overseer { caller, region, .. } = &overseer;
    let done = staff.once(&app, region.as_str(), caller.account, async |tx| {
        may_enrol(tx, caller, region.as_str(), staff.body.person, app.clock.now().0).await?;
        enrol(&app, tx, Some(caller.person), region.as_str(), &staff.body, &password).await
    });
    done.await?.created().try_map(|enrolled| enrolled.shown(&app))
}

/// A login for oneself.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnStaffLogin {
    /// Lower-case letters, digits, `.`, `-` and `_`; unique in the system.
    #[validate(length(min = 3, max = 60), custom(function = "login_name"))]
    #[schema(min_length = 3, max_length = 60, example = "wang.xiuying")]
    pub login: String,
    #[validate(length(min = 12, max = 128))]
    #[schema(min_length = 12, max_length = 128, example = "correct horse battery staple")]
    pub password: String,
}

/// Make my login for the back office, or a new second factor for it
#[utoipa::path(tag = "sessions", operation_id = "sessions_enrol_self", security(("bearer" = [])),
    request_body = OwnStaffLogin, responses((status = 201, body = StaffLogin)),
    extensions(("x-codes" = json!("role_required login_taken invalid_field"))))]
#[post("/v1/me/staff-login")]
async fn enrol_self(
    caller: Caller,
    staff: Command<OwnStaffLogin>,
    app: Data<App>,
) -> Outcome<Answer<StaffLogin>> {
    let OwnStaffLogin { login, password } = staff.body.clone();
    let hash = hashed(password.clone()).await?;
    let staff_login = NewStaff { person: caller.person, login, password };
    let done = staff.once(&app, "session", caller.account, async |tx| {
        may_enrol_self(&caller)?;
        enrol(&app, tx, Some(caller.person), "", &staff_login, &hash).await
    });
    done.await?.created().try_map(|enrolled| enrolled.shown(&app))
}

/// Officials of a village, who are known by the phone they bound.
fn may_enrol_self(caller: &Caller) -> Outcome<()> {
    let of_village = |role: Role| role.rank() < Role::Township.rank();
    let serves = !caller.grants.is_empty();
    match serves && caller.grants.iter().all(|grant| of_village(grant.role)) {
        true => Ok(()),
        false => Err(Code::RoleRequired.into()),
    }
}

/// Hashes away from the threads that serve requests.
pub async fn hashed(password: String) -> Outcome<String> {
    slowly(move || password_hash(&password)).await?
}

/// Whoever makes somebody's login could log in as them: so not one's own, and only those of townships
/// that one's own rank appointed. The officials of a village, who watch each other, make their own with
/// `POST /v1/me/staff-login`. A role that is still to come counts as well.
async fn may_enrol(tx: &Tx, caller: &Caller, region: &str, person: Uuid, now: i64) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        role: String,
        region: String,
    }
    if caller.person == person {
        return Err(Code::ConflictOfInterest.into());
    }
    let sql = "SELECT role, region FROM grants WHERE person = $1 \
               AND (ends_at IS NULL OR ends_at > $2)";
    let grants = db::all::<Row>(tx, sql, [person.into(), now.into()]).await?;
    if !grants.iter().any(|grant| grant.region.starts_with(region)) {
        return Err(Code::NotFound.into());
    }
    let own = caller.grants.iter().filter(|grant| grant.region.contains(region));
    let own = own.map(|grant| grant.role.rank()).max().unwrap_or_default();
    let rank = |grant: &Row| Role::parse(&grant.role).map_or(u8::MAX, Role::rank);
    let above = |grant: &Row| rank(grant) >= own || !grant.region.starts_with(region);
    if grants.iter().any(above) {
        return Err(Code::RoleAboveOwn.into());
    }
    let of_village = |grant: &Row| rank(grant) < Role::Township.rank();
    if grants.iter().any(of_village) {
        return Err(Refusal::from(Code::RoleRequired)
            .because("officials of a village make their own login, in their own session")
            .into());
    }
    Ok(())
}

/// Makes the login; for one who has it already, a new password and a new second factor, and every session
/// by the old ones ends.
///
/// # Errors
/// `login_taken` if the name is somebody else's, or the person's is another.
pub async fn enrol(
    app: &App,
    tx: &Tx,
    by: Option<Uuid>,
    region: &str,
    staff: &NewStaff,
    password: &str,
) -> Outcome<Enrolled> {
    let enrolled = match present(tx, staff).await? {
        Some(it) if it.person != staff.person || it.login != staff.login => {
            return Err(Code::LoginTaken.into());
        }
        Some(present) => renew(app, tx, present, password).await?,
        None => make(app, tx, staff, password).await?,
    };
    let act = Act {
        region,
        actor: by,
        action: "staff_login.create",
        subject: staff.person.to_string(),
        detail: serde_json::json!({ "login": staff.login, "generation": enrolled.generation }),
    };
    audit::record(tx, app.clock.now(), act).await?;
    Ok(enrolled)
}

/// A login that is there already.
#[derive(FromQueryResult)]
struct Present {
    account: Uuid,
    person: Uuid,
    login: String,
    generation: i64,
}

/// The login of this name, or of this person.
async fn present(tx: &Tx, staff: &NewStaff) -> Outcome<Option<Present>> {
    let sql = "SELECT l.account, a.person, l.login, l.generation FROM staff_logins l \
               JOIN accounts a ON a.id = l.account WHERE l.login = $1 OR a.person = $2 \
               ORDER BY CASE WHEN l.login = $1 THEN 0 ELSE 1 END";
    Ok(db::one(tx, sql, [staff.login.as_str().into(), staff.person.into()]).await?)
}

async fn renew(app: &App, tx: &Tx, present: Present, password: &str) -> Outcome<Enrolled> {
    let Present { account, login, generation, .. } = present;
    let generation = generation + 1;
    let sql = "UPDATE staff_logins SET password = $2, generation = $3, last_step = 0 \
               WHERE login = $1";
    let values: [Value; 3] = [login.as_str().into(), password.into(), generation.into()];
    db::run(tx, sql, values).await?;
    end(tx, Ended::Account(account), "enrolled_anew", app.token_clock.now()).await?;
    Ok(Enrolled { account, login, generation })
}

async fn make(app: &App, tx: &Tx, staff: &NewStaff, password: &str) -> Outcome<Enrolled> {
    let (now, account) = (app.clock.now(), Uuid::now_v7());
    let sql = "INSERT INTO accounts (id, person, status, created_at) VALUES ($1, $2, 'active', $3)";
    db::run(tx, sql, [account.into(), staff.person.into(), now.0.into()]).await?;
    let sql = "INSERT INTO staff_logins \
                 (login, account, password, generation, last_step, created_at) \
               VALUES ($1, $2, $3, 1, 0, $4) ON CONFLICT DO NOTHING";
    let values: [Value; 4] =
        [staff.login.as_str().into(), account.into(), password.into(), now.0.into()];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::LoginTaken.into());
    }
    Ok(Enrolled { account, login: staff.login.clone(), generation: 1 })
}

/// A new password; every device is logged out.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    #[validate(length(min = 1, max = 128))]
    #[schema(min_length = 1, max_length = 128, example = "correct horse battery staple")]
    pub present: String,
    #[validate(length(min = 12, max = 128))]
    #[schema(min_length = 12, max_length = 128, example = "four other words instead")]
    pub new: String,
}

/// What became of the password.
#[derive(Serialize, ToSchema)]
pub struct PasswordChanged {
    /// How many sessions ended, this one included.
    #[schema(example = 2)]
    pub ended: u64,
}

/// Change my password
#[utoipa::path(tag = "sessions", operation_id = "sessions_change_password",
    security(("bearer" = [])), request_body = NewPassword,
    responses((status = 200, body = PasswordChanged)),
    extensions(("x-codes" = json!("password_wrong role_required login_locked invalid_field"))))]
#[put("/v1/me/password")]
async fn change_password(
    caller: Caller,
    change: Body<NewPassword>,
    app: Data<App>,
) -> Outcome<Answer<PasswordChanged>> {
    Ok(Answer::ok(PasswordChanged { ended: change_to(&app, &caller, change.0).await? }))
}

async fn change_to(app: &App, caller: &Caller, change: NewPassword) -> Outcome<u64> {
    let name = super::staff::check_password(app, caller.account, change.present).await?;
    let password = hashed(change.new).await?;
    let ended = app.db.write(async |tx| {
        let now = app.token_clock.now();
        let sql = "UPDATE staff_logins SET password = $2 WHERE login = $1";
        db::run(tx, sql, [name.as_str().into(), password.as_str().into()]).await?;
        let act = Act {
            region: "",
            actor: Some(caller.person),
            action: "password.change",
            subject: caller.account.to_string(),
            detail: serde_json::json!({}),
        };
        audit::record(tx, app.clock.now(), act).await?;
        end(tx, Ended::Account(caller.account), "password_changed", now).await
    });
    ended.await
}
