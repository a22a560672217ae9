//! `POST /v1/regions/{region}/staff-logins` and `PUT /v1/me/password`: how officials get their login.

use actix_web::web::{self, Data};
use actix_web::{post, put};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::staff::{password_hash, second_factor};
use super::{Ended, end};
use crate::app::App;
use crate::identity::{Caller, Governs, Overseer, Role};
use crate::kernel::audit::{self, Act};
use crate::kernel::command::{Answer, Body, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem};

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

/// Hashes away from the threads that serve requests.
pub async fn hashed(password: String) -> Outcome<String> {
    let hash = web::block(move || password_hash(&password)).await;
    hash.map_err(|error| Problem::fault(error.to_string()))?
}

/// Whose login somebody makes could log in as them: so not one's own, and only of officials who serve
/// in the region and below one's own rank.
async fn may_enrol(tx: &Tx, caller: &Caller, region: &str, person: Uuid, now: i64) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        role: String,
        region: String,
    }
    if caller.person == person {
        return Err(Code::ConflictOfInterest.into());
    }
    let sql = "SELECT role, region FROM grants WHERE person = $1 AND starts_at <= $2 \
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
    Ok(())
}

/// Makes the login, and the account if the person has none that staff could use.
///
/// # Errors
/// `login_taken` if the name is in use or the person has a login already.
pub async fn enrol(
    app: &App,
    tx: &Tx,
    by: Option<Uuid>,
    region: &str,
    staff: &NewStaff,
    password: &str,
) -> Outcome<Enrolled> {
    let (now, account) = (app.clock.now(), Uuid::now_v7());
    let taken = "SELECT COUNT(*) FROM staff_logins l JOIN accounts a ON a.id = l.account \
                 WHERE l.login = $1 OR a.person = $2";
    if db::number(tx, taken, [staff.login.as_str().into(), staff.person.into()]).await? > 0 {
        return Err(Code::LoginTaken.into());
    }
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
    let act = Act {
        region,
        actor: by,
        action: "staff_login.create",
        subject: staff.person.to_string(),
        detail: serde_json::json!({ "login": staff.login }),
    };
    audit::record(tx, now, act).await?;
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
