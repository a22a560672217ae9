//! Request bodies: read within limits, decoded strictly, checked by their own rules, and for every
//! POST bound to its Idempotency-Key.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use uuid::Uuid;
use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

use super::db::Tx;
use super::derive::{derived, hex};
use super::gate::Waiter;
use super::idempotency::{self, Done, Key, Scope, Turn};
use super::problem::{Code, Outcome, Problem, Refusal};
use crate::app::App;

/// A body is at most this long, in bytes.
pub const BODY_MAX: usize = 256 * 1024;

/// A checked body without a key: for PUT, which is idempotent by itself, for logging in, and for what
/// changes nothing. It is at most `MAX` bytes long.
pub struct Body<T, const MAX: usize = BODY_MAX>(pub T);

/// A checked body that takes effect once.
pub struct Command<T> {
    pub body: T,
    key: Key,
}

impl<T> Command<T> {
    /// The answer that was given to this key before: for effects that begin outside the database.
    pub async fn known<R: Serialize + DeserializeOwned>(
        &self,
        app: &App,
        region: &str,
        account: Uuid,
    ) -> Outcome<Option<Answer<R>>> {
        let body = self.key.stored(app.db.read(), &Scope { region, account }).await?;
        Ok(body.map(|body| Answer::new(Done { body, replayed: true })))
    }

    /// Runs `effect` in one transaction, once for this key, and answers with what it returns.
    pub async fn once<R: Serialize + DeserializeOwned>(
        &self,
        app: &App,
        region: &str,
        account: Uuid,
        effect: impl AsyncFn(&Tx) -> Outcome<R>,
    ) -> Outcome<Answer<R>> {
        once(&self.key, app, region, account, effect).await
    }
}

/// A command and who sent it, among others that take effect together.
pub struct Sent<'a, T> {
    pub command: &'a Command<T>,
    pub region: &'a str,
    pub account: Uuid,
}

impl<T> Sent<'_, T> {
    fn turn(&self) -> Turn<'_> {
        let (region, account) = (self.region, self.account);
        Turn { key: &self.command.key, scope: Scope { region, account } }
    }
}

/// Runs `effect` once for each of the keys, in the transaction; see [`idempotency::once_each`].
pub async fn once_each<T, R: Serialize + DeserializeOwned>(
    tx: &Tx,
    app: &App,
    sent: &[Sent<'_, T>],
    effect: impl AsyncFn(&[usize]) -> Outcome<Vec<Result<R, Refusal>>>,
) -> Outcome<Vec<Outcome<Answer<R>>>> {
    let turns: Vec<_> = sent.iter().map(Sent::turn).collect();
    let done = idempotency::once_each(tx, &turns, app.clock.now(), effect).await?;
    Ok(done.into_iter().map(|it| it.map(Answer::new)).collect())
}

/// Runs `effect` in one transaction, once for `key`.
pub(super) async fn once<R: Serialize + DeserializeOwned>(
    key: &Key,
    app: &App,
    region: &str,
    account: Uuid,
    effect: impl AsyncFn(&Tx) -> Outcome<R>,
) -> Outcome<Answer<R>> {
    let scope = Scope { region, account };
    let done = key.once(&app.db, &scope, app.clock.now(), effect).await?;
    Ok(Answer::new(done))
}

/// What a handler returns: a JSON body, 200 or 201, and whether it is a replay.
pub struct Answer<R> {
    pub body: R,
    created: bool,
    replayed: bool,
    etag: Option<String>,
}

impl<R> Answer<R> {
    pub(super) fn new(done: Done<R>) -> Self {
        Self { body: done.body, created: false, replayed: done.replayed, etag: None }
    }

    /// 200 with this body.
    pub fn ok(body: R) -> Self {
        Self { body, created: false, replayed: false, etag: None }
    }

    /// 201 instead of 200.
    pub fn created(mut self) -> Self {
        self.created = true;
        self
    }

    /// With the strong ETag of this version of the thing.
    pub fn version(mut self, version: i64) -> Self {
        self.etag = Some(format!("\"{version}\""));
        self
    }

    /// As [`Self::map`], where the change can fail.
    pub fn try_map<S>(self, change: impl FnOnce(R) -> Outcome<S>) -> Outcome<Answer<S>> {
        let Self { body, created, replayed, etag } = self;
        Ok(Answer { body: change(body)?, created, replayed, etag })
    }

    /// Changes the body after it was stored: secrets are never stored in it.
    pub fn map<S>(self, change: impl FnOnce(R) -> S) -> Answer<S> {
        let Self { body, created, replayed, etag } = self;
        Answer { body: change(body), created, replayed, etag }
    }
}

impl<R: Serialize> Responder for Answer<R> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        if let Some(etag) = &self.etag
            && crate::http::has_etag(request, etag)
        {
            return HttpResponse::NotModified().insert_header(("ETag", etag.as_str())).finish();
        }
        let mut answer = if self.created { HttpResponse::Created() } else { HttpResponse::Ok() };
        if self.replayed {
            answer.insert_header(("Idempotent-Replayed", "true"));
        }
        if let Some(etag) = self.etag {
            answer.insert_header(("ETag", etag));
        }
        answer.json(self.body)
    }
}

/// Ids that clients make are UUIDv7, which neither nil nor the greatest id is.
///
/// # Errors
/// `uuid_v7` for any other.
pub fn uuid_v7(id: &Uuid) -> Result<(), ValidationError> {
    if id.get_version_num() == 7 { Ok(()) } else { Err(ValidationError::new("uuid_v7")) }
}

pub(super) type Extracting<T> = Pin<Box<dyn Future<Output = Outcome<T>>>>;

impl<T: DeserializeOwned + Validate + 'static, const MAX: usize> FromRequest for Body<T, MAX> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (waiter, read) = (Waiter::at(request), read(request, payload, MAX));
        Box::pin(async move {
            waiter.pass().await;
            decode(&read.await?).map(Self)
        })
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Command<T> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (waiter, read) = (Waiter::at(request), read(request, payload, BODY_MAX));
        let request = request.clone();
        Box::pin(async move {
            waiter.pass().await;
            let key = key(&request)?;
            let bytes = read.await?;
            Ok(Self { body: decode(&bytes)?, key: bound(key, &request, &bytes) })
        })
    }
}

fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    max: usize,
) -> impl Future<Output = Outcome<Bytes>> + use<> {
    let allowed = allowed(request, max);
    let body = web::Payload::from_request(request, payload);
    async move {
        let json = allowed?;
        let body = body.await.map_err(|error| Problem::fault(error.to_string()))?;
        match body.to_bytes_limited(max).await {
            Ok(Ok(bytes)) if !json && !bytes.is_empty() => Err(Code::UnsupportedMediaType.into()),
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) => Err(Code::MalformedJson.into()),
            Err(_) => Err(Code::BodyTooLarge.into()),
        }
    }
}

/// What can be refused before a byte of the body is read; whether what comes says it is JSON.
fn allowed(request: &HttpRequest, max: usize) -> Outcome<bool> {
    let header = |name: HeaderName| request.headers().get(name).and_then(|it| it.to_str().ok());
    let length = header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > max as u64) {
        return Err(Code::BodyTooLarge.into());
    }
    let media = header(CONTENT_TYPE).and_then(|it| it.split(';').next()).map(str::trim);
    let json = media.is_none_or(|media| media.eq_ignore_ascii_case("application/json"));
    if header(CONTENT_ENCODING).is_some() || (!json && length.is_some_and(|length| length > 0)) {
        return Err(Code::UnsupportedMediaType.into());
    }
    Ok(json)
}

pub(super) fn key(request: &HttpRequest) -> Outcome<String> {
    let mut sent = request.headers().get_all("Idempotency-Key");
    let value = sent.next().ok_or(Code::IdempotencyKeyMissing)?;
    if sent.next().is_some() {
        return Err(Code::InvalidHeader.into());
    }
    let text = value.to_str().map_err(|_| Code::IdempotencyKeyInvalid)?.trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let visible = bare.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || bare.is_empty() || bare.len() > 255 {
        return Err(Code::IdempotencyKeyInvalid.into());
    }
    Ok(bare.to_owned())
}

/// The key, bound to what was sent with it: method, path, query and body. Keyed, because a body can hold
/// a phone or a password, and few guesses find one from a plain digest.
pub(super) fn bound(key: String, request: &HttpRequest, body: &[u8]) -> Key {
    let app = request.app_data::<web::Data<App>>();
    let secret = app.map_or(&[][..], |app| app.config.secrets.identity());
    let (path, query) = (request.path(), request.query_string());
    let mut sent = format!("{} {path}?{query}\n", request.method()).into_bytes();
    sent.extend_from_slice(body);
    Key { key, digest: hex(&derived(secret, "request", &sent)) }
}

fn decode<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Outcome<T> {
    if has_nul(bytes) {
        return Err(Refusal::from(Code::MalformedJson).because("a text holds U+0000").into());
    }
    // A command without fields needs no body.
    let empty = bytes.iter().all(u8::is_ascii_whitespace);
    let text = if empty { b"{}" } else { bytes };
    // A derived struct would also take its fields from an array, by position.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(Refusal::from(Code::MalformedJson).because("expected an object").into());
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let decoded = serde_path_to_error::deserialize(&mut json);
    let body: T = match decoded {
        Ok(_) if json.end().is_err() => return Err(Code::MalformedJson.into()),
        Ok(body) => body,
        Err(_) if empty => return Err(Code::BodyMissing.into()),
        Err(error) => return Err(undecodable(&error).into()),
    };
    body.validate().map_err(|errors| invalid(&errors))?;
    Ok(body)
}

/// Whether a JSON text spells U+0000, which no database text can hold.
fn has_nul(json: &[u8]) -> bool {
    let mut escaped = false;
    let mut rest = json;
    while let [first, tail @ ..] = rest {
        if escaped && tail.starts_with(b"0000") && *first == b'u' {
            return true;
        }
        escaped = !escaped && *first == b'\\';
        rest = tail;
    }
    false
}

fn undecodable(error: &serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let pointer: String = error
        .path()
        .iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{key}"),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect();
    let cause = error.inner().to_string();
    if !error.inner().is_data() {
        return Refusal::from(Code::MalformedJson).because(cause);
    }
    if cause.starts_with("unknown field") {
        return Refusal::from(Code::UnknownField).at(&pointer, "unknown_field", cause);
    }
    let code = if cause.starts_with("missing field") { "required" } else { "type" };
    Refusal::from(Code::MalformedJson).at(&pointer, code, cause)
}

fn invalid(errors: &ValidationErrors) -> Problem {
    let mut refusal = Refusal::from(Code::InvalidField);
    collect(errors, "", &mut refusal);
    refusal.errors.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    refusal.into()
}

fn collect(errors: &ValidationErrors, at: &str, refusal: &mut Refusal) {
    for (field, kind) in errors.errors() {
        let pointer = format!("{at}/{field}");
        match kind {
            ValidationErrorsKind::Struct(inner) => collect(inner, &pointer, refusal),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(inner, &format!("{pointer}/{index}"), refusal);
                }
            }
            ValidationErrorsKind::Field(broken) => {
                for error in broken {
                    let bounds = ["min", "max", "equal"].into_iter().filter_map(|name| {
                        error.params.get(name).map(|bound| format!("{name} {bound}"))
                    });
                    let detail = bounds.collect::<Vec<_>>().join(", ");
                    *refusal = refusal.clone().at(&pointer, &error.code, detail);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::has_nul;

    #[test]
    fn only_a_spelled_nul_is_a_nul() {
        assert!(has_nul(br#"{"a":"x\u0000y"}"#));
        assert!(has_nul(br#"{"a":"x\\\u0000y"}"#));
        assert!(!has_nul(br#"{"a":"x\\u0000y"}"#));
        assert!(!has_nul(br#"{"a":"\u0001 u0000"}"#));
    }
}
