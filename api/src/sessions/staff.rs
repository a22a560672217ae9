//! `POST /v1/staff-sessions`: officials log in with a password and a second factor.
//!
//! The answer and its time are the same for a name that does not exist. Each try is counted before it is
//! looked at, so that many at once gain nothing.

use std::sync::OnceLock;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, post};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use totp_rs::{Builder, Totp};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::open::{Device, Kind, Session, open};
use crate::app::App;
use crate::http::address_of;
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body};
use crate::kernel::db::{self, Tx};
use crate::kernel::derive::derived;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};

/// So many failures lock a name for an address …
const FAILURES_MAX: i64 = 5;
/// … so many for the name from all addresses together lock it everywhere …
const ANYWHERE_MAX: i64 = 50;
/// … and so many for all names together lock the address …
const ADDRESS_MAX: i64 = 50;
/// … for so long after the last of them, in milliseconds.
const LOCKED_MS: i64 = 15 * 60 * 1000;

/// A login by password and second factor.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStaffSession {
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "fu.wenhai")]
    pub login: String,
    #[validate(length(min = 1, max = 128))]
    #[schema(min_length = 1, max_length = 128, example = "correct horse battery staple")]
    pub password: String,
    /// The six digits that the authenticator app shows.
    #[validate(length(min = 6, max = 6))]
    #[schema(min_length = 6, max_length = 6, example = "492039")]
    pub totp: String,
    #[validate(nested)]
    pub device: Device,
}

/// Log in as an official
#[utoipa::path(tag = "sessions", operation_id = "sessions_create_staff",
    request_body = NewStaffSession, responses((status = 201, body = Session)),
    extensions(("x-codes" = json!("login_failed login_locked invalid_field"))))]
#[post("/v1/staff-sessions")]
async fn create_staff_session(
    request: HttpRequest,
    login: Body<NewStaffSession>,
    app: Data<App>,
) -> Outcome<Answer<Session>> {
    let address = address_of(&request, app.config.server.behind_proxy);
    Ok(Answer::ok(log_in(&app, login.0, &address).await?).created())
}

#[derive(FromQueryResult)]
struct Row {
    account: Uuid,
    password: String,
    generation: i64,
}

async fn log_in(app: &App, sent: NewStaffSession, address: &str) -> Outcome<Session> {
    let now = app.token_clock.now();
    let login = sent.login.to_lowercase();
    count_try(app, &login, address, now).await?;
    let sql = "SELECT l.account, l.password, l.generation FROM staff_logins l \
               JOIN accounts a ON a.id = l.account AND a.status = 'active' WHERE l.login = $1";
    let row = db::one::<Row>(app.db.read(), sql, [login.as_str().into()]).await?;
    let hash = row.as_ref().map(|row| row.password.clone());
    let right = slowly(move || is_password(hash.as_deref(), &sent.password)).await?;
    let (Some(row), true) = (row, right) else { return Err(Code::LoginFailed.into()) };
    let secret = app.config.secrets.identity();
    let step = second_factor(secret, row.account, row.generation)?
        .check(&sent.totp, u64::try_from(now.seconds()).unwrap_or_default());
    let step = step.and_then(|step| i64::try_from(step).ok()).ok_or(Code::LoginFailed)?;
    let session = app.db.write(async |tx| {
        // A code is good once: neither it nor an older one is taken again.
        let sql = "UPDATE staff_logins SET last_step = $2 WHERE login = $1 AND last_step < $2";
        if db::run(tx, sql, [login.as_str().into(), step.into()]).await? == 0 {
            return Err(Code::LoginFailed.into());
        }
        forget_tries(tx, &login, address).await?;
        open(app, tx, row.account, Kind::Staff, &sent.device).await
    });
    session.await
}

/// The login name of an account whose password this is. Counted like a login from nowhere.
///
/// # Errors
/// `role_required` without a staff login, `password_wrong`, `login_locked`.
pub(super) async fn check_password(app: &App, account: Uuid, sent: String) -> Outcome<String> {
    #[derive(FromQueryResult)]
    struct Login {
        login: String,
        password: String,
    }
    let sql = "SELECT login, password FROM staff_logins WHERE account = $1";
    let row = db::one::<Login>(app.db.read(), sql, [account.into()]).await?;
    let Login { login, password } = row.ok_or(Code::RoleRequired)?;
    count_try(app, &login, "", app.token_clock.now()).await?;
    if !slowly(move || is_password(Some(&password), &sent)).await? {
        return Err(Code::PasswordWrong.into());
    }
    app.db.write(async |tx| forget_tries(tx, &login, "").await).await?;
    Ok(login)
}

/// Runs what takes 19 MiB and long on purpose, two at a time; who would wait behind many is refused.
pub(super) async fn slowly<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Outcome<T> {
    static ROOM: Semaphore = Semaphore::const_new(32);
    static DESKS: Semaphore = Semaphore::const_new(2);
    let busy = |_| Refusal { retry_after: Some(1), ..Code::Busy.into() };
    let _room = ROOM.try_acquire().map_err(busy)?;
    let _desk = DESKS.acquire().await.map_err(|error| Problem::fault(error.to_string()))?;
    web::block(work).await.map_err(|error| Problem::fault(error.to_string()))
}

/// Counts a try as failed until it succeeds: for the name from this address, for the name from anywhere,
/// and for the address whatever the name.
///
/// # Errors
/// `login_locked` after [`FAILURES_MAX`], [`ANYWHERE_MAX`] or [`ADDRESS_MAX`].
async fn count_try(app: &App, login: &str, address: &str, now: Instant) -> Outcome<()> {
    let limits =
        [(login, address, FAILURES_MAX), (login, "*", ANYWHERE_MAX), ("*", address, ADDRESS_MAX)];
    app.db
        .write(async |tx| {
            for (login, address, max) in limits {
                count_one(tx, login, address, max, now).await?;
            }
            Ok(())
        })
        .await
}

async fn count_one(tx: &Tx, login: &str, address: &str, max: i64, now: Instant) -> Outcome<()> {
    let sql = "INSERT INTO staff_failures (login, address, failures, last_at) \
               VALUES ($1, $2, 1, $3) ON CONFLICT (login, address) DO UPDATE SET \
                 failures = CASE WHEN staff_failures.last_at <= $4 THEN 1 \
                   ELSE staff_failures.failures + 1 END, last_at = $3 \
               WHERE staff_failures.failures < $5 OR staff_failures.last_at <= $4";
    let over = now.0 - LOCKED_MS;
    let values: [Value; 5] = [login.into(), address.into(), now.0.into(), over.into(), max.into()];
    match db::run(tx, sql, values).await? {
        0 => {
            let seconds = u32::try_from(LOCKED_MS / 1000).ok();
            Err(Refusal { retry_after: seconds, ..Code::LoginLocked.into() }.into())
        }
        _ => Ok(()),
    }
}

/// A success forgets the failures before it; of the address only itself, so that one good login does not
/// cover many bad ones.
async fn forget_tries(tx: &Tx, login: &str, address: &str) -> Outcome<()> {
    let sql = "DELETE FROM staff_failures WHERE login = $1 AND address IN ($2, '*')";
    db::run(tx, sql, [login.into(), address.into()]).await?;
    let sql = "UPDATE staff_failures SET failures = failures - 1 \
               WHERE login = '*' AND address = $1 AND failures > 0";
    db::run(tx, sql, [address.into()]).await?;
    Ok(())
}

/// Argon2id with the library's parameters (OWASP's second choice: 19 MiB, two passes), as a PHC string.
pub(super) fn password_hash(password: &str) -> Outcome<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|error| Problem::fault(error.to_string()))?.to_string())
}

/// Compares with a hash; without one it takes as long and fails.
fn is_password(hash: Option<&str>, password: &str) -> bool {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    let nobodys = NOBODYS.get_or_init(|| password_hash("nobody's").unwrap_or_default());
    let compared = hash.unwrap_or(nobodys);
    let verified = Argon2::default().verify_password(password.as_bytes(), compared);
    tracing::trace!(cost = compared.split('$').nth(3), "compared a password");
    verified.is_ok() && hash.is_some()
}

/// The second factor of an account (RFC 6238: SHA-1, six digits, 30 seconds, one step of skew), derived
/// and stored nowhere. A new generation makes the old one worthless.
pub(super) fn second_factor(secret: &[u8], account: Uuid, generation: i64) -> Outcome<Totp> {
    let text = format!("{account}|{generation}");
    let seed = derived(secret, "second factor", text.as_bytes());
    let seed = seed.get(..20).unwrap_or_default();
    let built = Builder::new().with_secret(seed).with_issuer(Some("Jifen"));
    built
        .with_account_name(account.to_string())
        .build()
        .map_err(|error| Problem::fault(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_compared_with_its_hash_and_nobody_has_one() {
        let hash = password_hash("correct horse").expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_password(Some(&hash), "correct horse"));
        assert!(!is_password(Some(&hash), "wrong horse"));
        assert!(!is_password(None, "nobody's"));
    }

    #[test]
    fn a_code_is_good_for_its_step_and_one_to_each_side() {
        let factor = second_factor(b"secret", Uuid::from_u128(1), 1).expect("a factor");
        let time = 1_711_900_815;
        let code = factor.generate(time).to_string();
        for (later, right) in [(-46, false), (-45, true), (0, true), (44, true), (45, false)] {
            // The step of `time` began 15 seconds before it.
            let at = u64::try_from(1_711_900_815 + later).expect("a time");
            assert_eq!(factor.check(&code, at).is_some(), right, "{later}");
        }
        let next = second_factor(b"secret", Uuid::from_u128(1), 2).expect("a factor");
        assert_ne!(next.generate(time).to_string(), code);
    }
}
