//! `POST /v1/sessions/refresh`: a refresh token buys one child, once.
//!
//! A child is derived from its parent and our secret, so that a device whose answer was lost on a weak
//! network gets the same child again: for 20 seconds, and only while the child is unused. Any other
//! second use means that two hold the token: the session ends for both (RFC 9700, 4.14.2).

use actix_web::post;
use actix_web::web::Data;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::open::{Kind, Session, answer, digest, keep};
use super::{Ended, end};
use crate::app::App;
use crate::identity::Bearer;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::derive::derived;
use crate::kernel::problem::{Code, Outcome};

/// An answer lost on the way can be fetched again for this long.
const GRACE_MS: i64 = 20_000;

/// A refresh token and the device it was given to.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    #[validate(length(min = 1, max = 100))]
    #[schema(
        min_length = 1,
        max_length = 100,
        example = "3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    )]
    pub refresh_token: String,
    /// The id that the device logged in with.
    #[validate(custom(function = "uuid_v7"))]
    pub device: Uuid,
}

/// Exchange a refresh token for new tokens
#[utoipa::path(tag = "sessions", operation_id = "sessions_refresh",
    request_body = Refresh, responses((status = 200, body = Session)),
    extensions(("x-codes" = json!("refresh_token_invalid invalid_field"))))]
#[post("/v1/sessions/refresh")]
async fn refresh_session(refresh: Body<Refresh>, app: Data<App>) -> Outcome<Answer<Session>> {
    let done = app.db.write(async |tx| turn(&app, tx, &refresh.0).await).await?;
    // What a betrayed token leads to is committed before its holder is refused.
    Ok(Answer::ok(done.ok_or(Code::RefreshTokenInvalid)?))
}

/// What is known of a token that is presented.
struct Presented {
    /// When it was used, if it was.
    used_at: Option<Instant>,
    /// Whether what it bought was used in turn.
    child_used: bool,
    same_device: bool,
    session_over: bool,
}

/// What a presented token leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// A child is made.
    Advance,
    /// The same child is given again.
    Repeat,
    /// Two hold it: the session ends.
    Betrayed,
    /// The session has ended already.
    Over,
}

fn decide(presented: &Presented, now: Instant) -> Turn {
    let lately = |used_at: Instant| now.0 - used_at.0 <= GRACE_MS;
    match presented.used_at {
        _ if presented.session_over => Turn::Over,
        _ if !presented.same_device => Turn::Betrayed,
        None => Turn::Advance,
        Some(used_at) if lately(used_at) && !presented.child_used => Turn::Repeat,
        Some(_) => Turn::Betrayed,
    }
}

#[derive(FromQueryResult)]
struct Row {
    account: Uuid,
    session: Uuid,
    used_at: Option<i64>,
    child: Option<String>,
    child_used: bool,
    kind: String,
    device: Uuid,
    created_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
}

async fn turn(app: &App, tx: &Tx, refresh: &Refresh) -> Outcome<Option<Session>> {
    let now = app.token_clock.now();
    let Some(row) = find(tx, &refresh.refresh_token).await? else { return Ok(None) };
    let presented = Presented {
        used_at: row.used_at.map(Instant),
        child_used: row.child_used,
        same_device: row.device == refresh.device,
        session_over: row.ended_at.is_some() || row.expires_at <= now.0,
    };
    let bearer = Bearer { account: row.account, session: row.session };
    let expires_at = Kind::parse(&row.kind).expires_at(Instant(row.created_at), now);
    match decide(&presented, now) {
        Turn::Advance => {
            let child = advance(app, tx, &row, &refresh.refresh_token, expires_at, now).await?;
            answer(app, bearer, child, expires_at).map(Some)
        }
        Turn::Repeat => match same_child(app, &row, &refresh.refresh_token) {
            Some(child) => answer(app, bearer, child, expires_at).map(Some),
            None => Ok(None),
        },
        Turn::Betrayed => betrayed(tx, bearer, now).await.map(|()| None),
        Turn::Over => Ok(None),
    }
}

async fn find(tx: &Tx, token: &str) -> Outcome<Option<Row>> {
    // The session's row is locked too, so that nothing is bought from a session that is just ending.
    let sql = format!(
        "SELECT r.account, r.session, r.used_at, r.child, s.kind, s.device, s.created_at, \
           s.expires_at, s.ended_at, \
           EXISTS (SELECT 1 FROM refresh_tokens c WHERE c.digest = r.child \
             AND c.used_at IS NOT NULL) AS child_used \
         FROM refresh_tokens r JOIN sessions s ON s.account = r.account AND s.id = r.session \
         JOIN accounts a ON a.id = r.account AND a.status = 'active' \
         WHERE r.digest = $1{}",
        db::exclusively_of(tx, "r, s")
    );
    Ok(db::one(tx, &sql, [digest(token).into()]).await?)
}

/// What `parent` buys under `secret`.
fn child_of(secret: &[u8], parent: &str) -> String {
    URL_SAFE_NO_PAD.encode(derived(secret, "refresh", parent.as_bytes()))
}

async fn advance(
    app: &App,
    tx: &Tx,
    row: &Row,
    parent: &str,
    expires_at: Instant,
    now: Instant,
) -> Outcome<String> {
    let child = child_of(app.config.secrets.tokens().next().unwrap_or_default(), parent);
    let sql = "UPDATE refresh_tokens SET used_at = $2, child = $3 WHERE digest = $1";
    let values: [Value; 3] = [digest(parent).into(), now.0.into(), digest(&child).into()];
    db::run(tx, sql, values).await?;
    keep(tx, row.account, row.session, &child, now).await?;
    let sql = "UPDATE sessions SET used_at = $3, expires_at = $4 WHERE account = $1 AND id = $2";
    let values: [Value; 4] =
        [row.account.into(), row.session.into(), now.0.into(), expires_at.0.into()];
    db::run(tx, sql, values).await?;
    Ok(child)
}

/// The child bought before, also if the secret was changed in between.
fn same_child(app: &App, row: &Row, parent: &str) -> Option<String> {
    let mut children = app.config.secrets.tokens().map(|secret| child_of(secret, parent));
    children.find(|child| row.child.as_deref() == Some(digest(child).as_str()))
}

async fn betrayed(tx: &Tx, bearer: Bearer, now: Instant) -> Outcome<()> {
    end(tx, Ended::Session(bearer), "refresh_reused", now).await?;
    let act = Act {
        region: "",
        actor: None,
        action: "session.betrayed",
        subject: bearer.session.to_string(),
        detail: serde_json::json!({ "account": bearer.account }),
    };
    audit::record(tx, now, act).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const USED: Instant = Instant(1_000_000);

    fn used() -> Presented {
        Presented { used_at: Some(USED), child_used: false, same_device: true, session_over: false }
    }

    #[test]
    fn a_lost_answer_can_be_fetched_again_for_twenty_seconds() {
        assert_eq!(decide(&used(), USED), Turn::Repeat);
        assert_eq!(decide(&used(), Instant(USED.0 + GRACE_MS)), Turn::Repeat);
        assert_eq!(decide(&used(), Instant(USED.0 + GRACE_MS + 1)), Turn::Betrayed);
    }

    #[test]
    fn another_device_a_used_child_or_an_ended_session_gets_nothing() {
        let fresh = || Presented { used_at: None, ..used() };
        assert_eq!(decide(&fresh(), USED), Turn::Advance);
        for presented in [fresh(), used()] {
            let elsewhere = Presented { same_device: false, ..presented };
            assert_eq!(decide(&elsewhere, USED), Turn::Betrayed);
        }
        assert_eq!(decide(&Presented { child_used: true, ..used() }, USED), Turn::Betrayed);
        assert_eq!(decide(&Presented { session_over: true, ..fresh() }, USED), Turn::Over);
    }

    #[test]
    fn a_child_follows_from_its_parent_and_the_secret() {
        assert_eq!(child_of(b"secret", "parent"), child_of(b"secret", "parent"));
        assert_ne!(child_of(b"secret", "parent"), child_of(b"another", "parent"));
        assert_eq!(child_of(b"secret", "parent").len(), 43);
    }
}
