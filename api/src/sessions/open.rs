//! Opening a session: what a device holds after any kind of login.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::app::App;
use crate::identity::{ACCESS_SECONDS, Bearer, issue};
use crate::kernel::clock::Instant;
use crate::kernel::command::uuid_v7;
use crate::kernel::db::{self, Tx};
use crate::kernel::derive::hex;
use crate::kernel::problem::Outcome;
use crate::kernel::text::readable;

/// A device keeps its session by using it at least this often.
const KEPT_DAYS: i64 = 30;
/// Staff log in anew every working day.
const STAFF_SECONDS: i64 = 12 * 3600;
/// An account is logged in on at most this many devices; the oldest makes room.
const DEVICES_MAX: i64 = 10;

/// How somebody logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Wechat,
    Staff,
    Sandbox,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wechat => "wechat",
            Self::Staff => "staff",
            Self::Sandbox => "sandbox",
        }
    }

    pub fn parse(word: &str) -> Self {
        match word {
            "staff" => Self::Staff,
            "sandbox" => Self::Sandbox,
            _ => Self::Wechat,
        }
    }

    /// When a session that is used now ends, if it is not used again. A staff session is not prolonged.
    pub fn expires_at(self, opened_at: Instant, used_at: Instant) -> Instant {
        match self {
            Self::Staff => opened_at.plus_seconds(STAFF_SECONDS),
            Self::Wechat | Self::Sandbox => used_at.plus_days(KEPT_DAYS),
        }
    }
}

/// The phone, tablet or computer that asks.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Made once by the client and kept with its tokens, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// What its owner will recognise in the list of devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 60))]
    #[schema(nullable = false, min_length = 1, max_length = 60, example = "Redmi 9A")]
    pub name: Option<String>,
}

/// What a device holds: a short access token, and a refresh token that is used once.
#[derive(Serialize, ToSchema)]
pub struct Session {
    pub session: Uuid,
    /// To be sent as `Authorization: Bearer …`.
    #[schema(example = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")]
    pub access_token: String,
    /// Seconds until the access token expires, by the real clock also in the sandbox.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// For `POST /v1/sessions/refresh`, once.
    #[schema(example = "3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    pub refresh_token: String,
    /// Seconds until the session ends, if it is not refreshed.
    #[schema(example = 2_592_000)]
    pub refresh_expires_in: i64,
}

/// Logs a device in; an older session of the same device ends.
pub async fn open(
    app: &App,
    tx: &Tx,
    account: Uuid,
    kind: Kind,
    device: &Device,
) -> Outcome<Session> {
    let now = app.token_clock.now();
    let session = Uuid::now_v7();
    let expires_at = kind.expires_at(now, now);
    make_room(tx, account, device.id, now).await?;
    let values: [Value; 7] = [
        account.into(),
        session.into(),
        kind.as_str().into(),
        device.id.into(),
        device.name.as_deref().and_then(readable).into(),
        now.0.into(),
        expires_at.0.into(),
    ];
    let sql = "INSERT INTO sessions \
                 (account, id, kind, device, device_name, created_at, used_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $6, $7)";
    db::run(tx, sql, values).await?;
    let refresh_token = URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 32]>());
    keep(tx, account, session, &refresh_token, now).await?;
    answer(app, Bearer { account, session }, refresh_token, expires_at)
}

/// Ends the device's older session, and the oldest ones beyond [`DEVICES_MAX`].
async fn make_room(tx: &Tx, account: Uuid, device: Uuid, now: Instant) -> Outcome<()> {
    let sql = "UPDATE sessions SET ended_at = $3, ended_because = 'replaced' \
               WHERE account = $1 AND ended_at IS NULL AND (device = $2 OR id NOT IN \
                 (SELECT id FROM sessions WHERE account = $1 AND ended_at IS NULL \
                  ORDER BY id DESC LIMIT $4))";
    let values: [Value; 4] =
        [account.into(), device.into(), now.0.into(), (DEVICES_MAX - 1).into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// What is stored of a refresh token.
pub(super) fn digest(token: &str) -> String {
    hex(&Sha256::digest(token))
}

/// Writes the row of a new refresh token.
pub(super) async fn keep(
    tx: &Tx,
    account: Uuid,
    session: Uuid,
    token: &str,
    now: Instant,
) -> Outcome<()> {
    let sql = "INSERT INTO refresh_tokens (digest, account, session, issued_at) \
               VALUES ($1, $2, $3, $4)";
    let values: [Value; 4] = [digest(token).into(), account.into(), session.into(), now.0.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// The answer to a login or a refresh.
pub(super) fn answer(
    app: &App,
    bearer: Bearer,
    refresh_token: String,
    expires_at: Instant,
) -> Outcome<Session> {
    let now = app.token_clock.now();
    let secret = app.config.secrets.tokens().next().unwrap_or_default();
    Ok(Session {
        session: bearer.session,
        access_token: issue(secret, bearer, now)?,
        expires_in: ACCESS_SECONDS,
        refresh_token,
        refresh_expires_in: expires_at.seconds() - now.seconds(),
    })
}
