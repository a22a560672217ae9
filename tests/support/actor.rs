//! People who act over HTTP, and the nets that look at every answer they get.

use std::sync::OnceLock;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::canary;
use super::pictures;

/// Somebody with a token, or nobody.
#[derive(Clone)]
pub struct Actor {
    pub base: String,
    pub token: Option<String>,
    pub client: Client,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
}

impl Answer {
    /// The body of a 2xx; anything else fails the test and shows itself.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {:#}", self.status, self.body);
        self.body
    }

    /// The body of a refusal with exactly this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let found = (self.status, self.body["code"].as_str().unwrap_or_default());
        assert_eq!(found, (status, code), "{:#}", self.body);
        self.body
    }

    pub fn is_replay(&self) -> bool {
        self.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Actor {
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, |request| request).await
    }

    /// Posts with a key of its own.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.post_as(&Uuid::now_v7().to_string(), path, body).await
    }

    /// Posts with this key.
    pub async fn post_as(&self, key: &str, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, |it| it.header("Idempotency-Key", key).json(&body)).await
    }

    /// Posts without a key, as one logs in.
    pub async fn send_json(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, |request| request.json(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, |request| request.json(&body)).await
    }

    /// Puts what was read at this version.
    pub async fn put_at(&self, version: i64, path: &str, body: Value) -> Answer {
        let tag = format!("\"{version}\"");
        self.send(Method::PUT, path, |request| request.header("If-Match", tag).json(&body)).await
    }

    /// The person who acts.
    pub async fn person(&self) -> Uuid {
        let me = self.get("/v1/me").await.ok();
        me["person"].as_str().and_then(|id| id.parse().ok()).expect("a person")
    }

    /// Uploads a photo as `wx.uploadFile` does, with a key of its own.
    pub async fn upload(&self, path: &str, id: Uuid, bytes: &[u8]) -> Answer {
        self.upload_as(&Uuid::now_v7().to_string(), path, id, bytes).await
    }

    /// Uploads with this key, and with a boundary of its own.
    pub async fn upload_as(&self, key: &str, path: &str, id: Uuid, bytes: &[u8]) -> Answer {
        let (media, body) = pictures::upload(id, bytes);
        let shape = |request: RequestBuilder| {
            let request = request.header("Idempotency-Key", key).header("Content-Type", media);
            request.body(body)
        };
        self.send(Method::POST, path, shape).await
    }

    /// Any request; what comes back passes the nets.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = shape(request).send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("the body arrives");
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| page(&headers, &bytes));
        let answer = Answer { status: status.as_u16(), body, headers };
        look_at(&method, path, status, &answer);
        answer
    }
}

/// The text of a page, table or picture as the body's one value, so that the nets look at it too.
fn page(headers: &reqwest::header::HeaderMap, bytes: &[u8]) -> Value {
    let media = headers.get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default();
    match media.starts_with("text/") || media.starts_with("image/svg") {
        true => String::from_utf8_lossy(bytes).into(),
        false => Value::Null,
    }
}

/// Nets over every answer: a problem is problem+json with a request id, its code is one that the
/// contract lists for the operation, and nothing is ever our fault.
fn look_at(method: &Method, path: &str, status: StatusCode, answer: &Answer) {
    let what = format!("{method} {path}: {} {:#}", answer.status, answer.body);
    assert!(!status.is_server_error() || answer.status == 503, "{what}");
    assert!(answer.header("x-request-id").is_some(), "no request id: {what}");
    canary::look_at_body(&what, answer);
    if !status.is_client_error() {
        return;
    }
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
    let id = answer.header("x-request-id");
    assert_eq!(answer.body["instance"].as_str(), id, "{what}");
    if method == Method::HEAD {
        return;
    }
    let code = answer.body["code"].as_str().unwrap_or_default();
    if let Some(operation) = operation(method, path) {
        let listed = operation["x-codes"].as_array().expect("the operation lists its codes");
        assert!(listed.iter().any(|it| it == code), "`{code}` is not documented: {what}");
    }
}

/// The contract, read once.
pub fn contract() -> &'static Value {
    static CONTRACT: OnceLock<Value> = OnceLock::new();
    CONTRACT.get_or_init(api::contract::document)
}

/// The operation that serves a concrete path.
pub fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or(path);
    let parts: Vec<_> = path.split('/').collect();
    let fits = |template: &str| {
        let template: Vec<_> = template.split('/').collect();
        template.len() == parts.len()
            && template.iter().zip(&parts).all(|(t, part)| t.starts_with('{') || t == part)
    };
    let paths = contract()["paths"].as_object()?;
    let (_, item) = paths.iter().find(|(template, _)| fits(template))?;
    item.get(method.as_str().to_lowercase())
}
