//! `POST /v1/sessions`: a villager logs in with what `wx.login` gave.

use actix_web::post;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::open::{Device, Kind, Session, open};
use crate::app::App;
use crate::kernel::command::{Answer, Body};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome};

/// A login by WeChat.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// What `wx.login` gave, for one use within five minutes.
    #[validate(length(min = 1, max = 128))]
    #[schema(min_length = 1, max_length = 128, example = "0b3GkTll2abcd1234efgh")]
    pub code: String,
    #[validate(nested)]
    pub device: Device,
}

/// Log in by WeChat
#[utoipa::path(tag = "sessions", operation_id = "sessions_create",
    request_body = NewSession, responses((status = 201, body = Session)),
    extensions(("x-codes" = json!("wechat_code_invalid wechat_limited wechat_blocked \
        wechat_unavailable account_disabled invalid_field"))))]
#[post("/v1/sessions")]
async fn create_session(login: Body<NewSession>, app: Data<App>) -> Outcome<Answer<Session>> {
    // Asked before the transaction: nobody waits for WeChat with the database in hand.
    let openid = app.wechat.openid(&login.0.code).await?;
    let session = app.db.write(async |tx| {
        let account = account_of(&app, tx, &openid).await?;
        open(&app, tx, account, Kind::Wechat, &login.0.device).await
    });
    Ok(Answer::ok(session.await?).created())
}

/// The account of an openid, made at its first login together with a person who has no name yet.
///
/// # Errors
/// `account_disabled` if it is one that may not log in any more.
async fn account_of(app: &App, tx: &Tx, openid: &str) -> Outcome<Uuid> {
    #[derive(FromQueryResult)]
    struct Row {
        account: Uuid,
        status: String,
    }
    let appid = app.wechat.appid()?;
    let sql = "SELECT w.account, a.status FROM wechat_logins w \
               JOIN accounts a ON a.id = w.account WHERE w.appid = $1 AND w.openid = $2";
    // Two first logins at once make one account.
    db::lock(tx, &format!("openid|{openid}")).await?;
    match db::one::<Row>(tx, sql, [appid.into(), openid.into()]).await? {
        Some(row) if row.status == "active" => Ok(row.account),
        Some(_) => Err(Code::AccountDisabled.into()),
        None => register(app, tx, appid, openid).await,
    }
}

async fn register(app: &App, tx: &Tx, appid: &str, openid: &str) -> Outcome<Uuid> {
    let (now, person, account) = (app.clock.now(), Uuid::now_v7(), Uuid::now_v7());
    let sql = "INSERT INTO persons (id, name, created_at) VALUES ($1, '', $2)";
    db::run(tx, sql, [person.into(), now.0.into()]).await?;
    let sql = "INSERT INTO accounts (id, person, status, created_at) \
               VALUES ($1, $2, 'active', $3)";
    db::run(tx, sql, [account.into(), person.into(), now.0.into()]).await?;
    let sql = "INSERT INTO wechat_logins (appid, openid, account, created_at) \
               VALUES ($1, $2, $3, $4)";
    let values: [Value; 4] = [appid.into(), openid.into(), account.into(), now.0.into()];
    db::run(tx, sql, values).await?;
    Ok(account)
}
