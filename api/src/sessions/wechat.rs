//! A client of WeChat's server API, as much of it as logging in needs.
//!
//! WeChat's answers are read leniently: a success may omit `errcode`, which may also be a string. A
//! `session_key` is never even decoded. Whatever takes too long, is too long, or is not what it should be
//! is `wechat_unavailable`, and nothing is stored.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::config::Config;
use crate::kernel::cache::Cache;
use crate::kernel::clock::{Clock, Instant};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};

/// A call is given up after this long, so that a login is answered within five seconds.
const PATIENCE: Duration = Duration::from_millis(4_000);
const ANSWER_MAX: usize = 64 * 1024;
/// The access token is fetched anew this long before it ends; WeChat keeps both valid meanwhile.
const RENEWED_BEFORE_SECONDS: i64 = 300;
/// One replica fetches the token; the others wait for it at most this long.
const FLIGHT: Duration = Duration::from_millis(4_500);
const _: () = assert!(PATIENCE.as_millis() < 5_000 && FLIGHT.as_millis() < 5_000);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const TOKEN_KEY: &str = "wechat-token";

/// The mini-program's line to WeChat.
pub struct WeChat {
    /// Made at its first use: the system's root certificates are read then.
    http: OnceLock<Client>,
    base: String,
    /// App id and secret; without them nobody logs in by WeChat.
    keys: Option<(String, String)>,
    cache: Cache,
    /// Seals the token in Redis.
    seal: Vec<u8>,
    token: Arc<Mutex<Option<AccessToken>>>,
}

#[derive(Clone)]
struct AccessToken {
    text: String,
    fresh_until: Instant,
}

/// What WeChat says of itself, as we read it: an error, or a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Success,
    Error(i64),
}

impl WeChat {
    pub fn new(config: &Config, cache: Cache) -> Self {
        let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let wechat = &config.wechat;
        Self {
            http: OnceLock::new(),
            base: wechat.wechat_base_url.trim_end_matches('/').to_owned(),
            keys: set(&wechat.wechat_appid).zip(set(&wechat.wechat_secret)),
            cache,
            seal: config.secrets.identity().to_vec(),
            token: Arc::default(),
        }
    }

    fn http(&self) -> &Client {
        self.http.get_or_init(|| Client::builder().timeout(PATIENCE).build().unwrap_or_default())
    }

    /// The mini-program's app id, if there is one.
    ///
    /// # Errors
    /// `wechat_unavailable` if none is configured.
    pub fn appid(&self) -> Outcome<&str> {
        Ok(&self.keys()?.0)
    }

    fn keys(&self) -> Outcome<&(String, String)> {
        self.keys
            .as_ref()
            .ok_or_else(|| unavailable().because("no mini-program is configured").into())
    }

    /// The openid of whoever got this code from `wx.login`.
    ///
    /// # Errors
    /// `wechat_code_invalid`, `wechat_limited`, `wechat_blocked` or `wechat_unavailable`.
    pub async fn openid(&self, code: &str) -> Outcome<String> {
        let (appid, secret) = self.keys()?;
        let query = [
            ("appid", appid.as_str()),
            ("secret", secret),
            ("js_code", code),
            ("grant_type", "authorization_code"),
        ];
        let url = format!("{}/sns/jscode2session", self.base);
        let answer = ask(self.http().get(url).query(&query)).await?;
        succeeded(&answer)?;
        let fit =
            |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        let openid = answer["openid"].as_str().filter(fit);
        Ok(openid.ok_or_else(unavailable)?.to_owned())
    }

    /// The phone number behind the code of a phone button, as WeChat writes it.
    ///
    /// # Errors
    /// As for [`Self::openid`].
    pub async fn phone(&self, code: &str, clock: &Clock) -> Outcome<String> {
        self.keys()?;
        let mut token = self.access_token(None, clock).await?;
        let mut answer = self.ask_phone(&token, code).await?;
        if said(&answer) == Said::Error(40001) {
            // Somebody else renewed the token: ours is no longer one. The code is not used up.
            token = self.access_token(Some(&token), clock).await?;
            answer = self.ask_phone(&token, code).await?;
        }
        succeeded(&answer)?;
        let phone = answer["phone_info"]["purePhoneNumber"].as_str();
        Ok(phone.ok_or_else(unavailable)?.to_owned())
    }

    async fn ask_phone(&self, token: &str, code: &str) -> Outcome<Value> {
        let url = format!("{}/wxa/business/getuserphonenumber", self.base);
        let request = self.http().post(url).query(&[("access_token", token)]);
        ask(request.json(&json!({ "code": code }))).await
    }

    /// The server's access token: from this process, else from Redis, else from WeChat, one flight at
    /// a time in the process and among the replicas. `stale` is one that WeChat no longer takes.
    async fn access_token(&self, stale: Option<&str>, clock: &Clock) -> Outcome<String> {
        let mut held = self.token.lock().await;
        let fit = |token: &AccessToken| {
            token.fresh_until > clock.now() && stale != Some(token.text.as_str())
        };
        if let Some(token) = held.as_ref().filter(|token| fit(token)) {
            return Ok(token.text.clone());
        }
        let tries = FLIGHT.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..tries {
            if let Some(token) = self.shared_token().await.filter(|token| fit(token)) {
                *held = Some(token.clone());
                return Ok(token.text);
            }
            if self.cache.try_flight(TOKEN_KEY, FLIGHT).await {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let token = self.fetch_token(clock).await;
        if let Ok(token) = &token {
            self.share_token(token, clock).await;
            *held = Some(token.clone());
        }
        self.cache.end_flight(TOKEN_KEY).await;
        token.map(|token| token.text)
    }

    async fn fetch_token(&self, clock: &Clock) -> Outcome<AccessToken> {
        let (appid, secret) = self.keys()?;
        let body = json!({ "grant_type": "client_credential", "appid": appid, "secret": secret });
        let url = format!("{}/cgi-bin/stable_token", self.base);
        let answer = ask(self.http().post(url).json(&body)).await?;
        succeeded(&answer)?;
        let text = answer["access_token"].as_str().filter(|text| !text.is_empty());
        let seconds = number(&answer["expires_in"]).filter(|seconds| *seconds > 0);
        let (text, seconds) = text.zip(seconds).ok_or_else(unavailable)?;
        let fresh = (seconds.min(7200) - RENEWED_BEFORE_SECONDS).max(1);
        Ok(AccessToken { text: text.to_owned(), fresh_until: clock.now().plus_seconds(fresh) })
    }

    async fn shared_token(&self) -> Option<AccessToken> {
        let text = self.cache.unsealed(TOKEN_KEY, &self.seal).await?;
        let (until, text) = text.split_once(' ')?;
        Some(AccessToken { text: text.to_owned(), fresh_until: Instant(until.parse().ok()?) })
    }

    async fn share_token(&self, token: &AccessToken, clock: &Clock) {
        let seconds = token.fresh_until.seconds() - clock.now().seconds();
        let text = format!("{} {}", token.fresh_until.0, token.text);
        let seconds = u64::try_from(seconds).unwrap_or(1).max(1);
        self.cache.keep_sealed(TOKEN_KEY, &self.seal, &text, seconds).await;
    }
}

/// To be tried again with a new code a little later.
fn unavailable() -> Refusal {
    Refusal { retry_after: Some(5), ..Code::WechatUnavailable.into() }
}

/// Sends a request and reads a JSON object of bounded length. Causes go to the log without the URL,
/// which holds the secret.
async fn ask(request: RequestBuilder) -> Outcome<Value> {
    let odd = |cause: String| -> Problem {
        tracing::warn!(cause, "WeChat did not serve");
        unavailable().into()
    };
    let gone = |error: reqwest::Error| odd(error.without_url().to_string());
    let mut response = request.send().await.map_err(gone)?;
    if !response.status().is_success() {
        return Err(odd(response.status().to_string()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(gone)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_MAX {
            return Err(odd("the answer is too long".to_owned()));
        }
    }
    let answer = serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object);
    answer.ok_or_else(|| odd("the answer is not a JSON object".to_owned()))
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn said(answer: &Value) -> Said {
    match &answer["errcode"] {
        Value::Null => Said::Success,
        code => match number(code) {
            Some(0) => Said::Success,
            Some(code) => Said::Error(code),
            // An errcode that is no number is an error we do not know.
            None => Said::Error(i64::MIN),
        },
    }
}

/// Page 3.3: what WeChat's error codes mean for our caller.
fn succeeded(answer: &Value) -> Result<(), Refusal> {
    let error = match said(answer) {
        Said::Success => return Ok(()),
        Said::Error(error) => error,
    };
    let after = |code: Code, seconds| Refusal { retry_after: Some(seconds), ..code.into() };
    Err(match error {
        40029 | 40163 => Code::WechatCodeInvalid.into(),
        45011 => after(Code::WechatLimited, 60),
        40226 => Code::WechatBlocked.into(),
        _ => {
            tracing::warn!(error, "WeChat refused");
            unavailable()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errcode_may_be_absent_zero_a_number_or_a_text() {
        for success in [json!({}), json!({ "errcode": 0 }), json!({ "errcode": "0" })] {
            assert_eq!(said(&success), Said::Success, "{success}");
        }
        assert_eq!(said(&json!({ "errcode": 40029 })), Said::Error(40029));
        assert_eq!(said(&json!({ "errcode": " 40029 " })), Said::Error(40029));
        assert_eq!(said(&json!({ "errcode": -1 })), Said::Error(-1));
        assert_eq!(said(&json!({ "errcode": "what" })), Said::Error(i64::MIN));
    }
}
