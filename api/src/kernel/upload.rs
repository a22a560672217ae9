//! Files sent as the raw body of a POST: read within their own limit, of a known media type, bound to
//! an Idempotency-Key like every command.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::command::{Answer, Extracting, bound, key, once};
use super::db::Tx;
use super::gate::Waiter;
use super::idempotency::Key;
use super::problem::{Code, Outcome, Problem, Refusal};
use crate::app::App;

/// What a file may be.
pub trait Format {
    /// At most this many bytes.
    const BYTES_MAX: usize;
    /// The media types it may have; none may be left out by the client.
    const MEDIA: &'static [&'static str];
}

/// A file that takes effect once.
pub struct Upload<F> {
    /// One of the format's media types.
    pub media: &'static str,
    pub bytes: Bytes,
    key: Key,
    format: PhantomData<F>,
}

impl<F> Upload<F> {
    /// As [`super::command::Command::once`].
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

impl<F: Format + 'static> FromRequest for Upload<F> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (waiter, media) = (Waiter::at(request), media_of::<F>(request));
        let body = web::Payload::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            waiter.pass().await;
            let key = key(&request)?;
            let media = media?;
            let body = body.await.map_err(|error| Problem::fault(error.to_string()))?;
            let bytes = match body.to_bytes_limited(F::BYTES_MAX).await {
                Ok(Ok(bytes)) if bytes.is_empty() => return Err(Code::BodyMissing.into()),
                Ok(Ok(bytes)) => bytes,
                Ok(Err(_)) => return Err(Code::BodyMissing.into()),
                Err(_) => return Err(Code::BodyTooLarge.into()),
            };
            let key = bound(key, &request, &bytes);
            Ok(Self { media, bytes, key, format: PhantomData })
        })
    }
}

/// What can be refused before a byte of the body is read.
fn media_of<F: Format>(request: &HttpRequest) -> Outcome<&'static str> {
    let header = |name: HeaderName| request.headers().get(name).and_then(|it| it.to_str().ok());
    let length = header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > F::BYTES_MAX as u64) {
        return Err(Code::BodyTooLarge.into());
    }
    let sent = header(CONTENT_TYPE).and_then(|it| it.split(';').next()).map(str::trim);
    let known = sent.and_then(|sent| F::MEDIA.iter().find(|it| it.eq_ignore_ascii_case(sent)));
    match known {
        Some(media) if header(CONTENT_ENCODING).is_none() => Ok(media),
        _ => {
            let detail = format!("send it as {}, not compressed", F::MEDIA.join(" or "));
            Err(Refusal::from(Code::UnsupportedMediaType).because(detail).into())
        }
    }
}
