//! A file in a form, as `wx.uploadFile` sends it: multipart/form-data with one file and a few short
//! fields, bound to an Idempotency-Key like every command.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use super::command::{Answer, Extracting, bound, key, once};
use super::db::Tx;
use super::gate::Waiter;
use super::idempotency::{Done, Key, Scope};
use super::problem::{Code, Outcome, Refusal};
use crate::app::App;

/// What a form holds.
pub trait Layout {
    /// What the file's part is called: the first name, or an older client's.
    const FILE: &'static [&'static str];
    /// At most this many bytes of file.
    const BYTES_MAX: usize;
    /// The text fields; each must be there, once.
    const FIELDS: &'static [&'static str];
}

/// A file and its fields, which take effect once. File names and the media types of parts are not
/// looked at: the client makes them up.
pub struct Form<L> {
    pub bytes: Bytes,
    fields: BTreeMap<&'static str, String>,
    key: Key,
    // Gives the room back when the file goes.
    _room: Room,
    layout: PhantomData<L>,
}

/// A text field has at most this many bytes.
const TEXT_MAX: usize = 200;
/// Boundaries and heads of parts take at most this many bytes more.
const AROUND_MAX: usize = 64 * 1024;
/// RFC 2046, 5.1.1.
const BOUNDARY_MAX: usize = 70;
/// `wx.uploadFile` gives up after so long.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// Room for the files of all forms that are being read or worked on, in KiB: 40 MiB.
static ROOM: Semaphore = Semaphore::const_new(40 * 1024);

/// What a file takes of [`ROOM`], as much as has come of it.
struct Room {
    permits: Option<SemaphorePermit<'static>>,
}

impl Room {
    /// # Errors
    /// `busy` if there is none: to wait for it while holding some could be for ever.
    fn grow(&mut self, bytes: usize) -> Outcome<()> {
        let has = self.permits.as_ref().map_or(0, SemaphorePermit::num_permits);
        let more = bytes.div_ceil(1024).saturating_sub(has);
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let busy = || Refusal { retry_after: Some(2), ..Code::Busy.into() };
        let permits = ROOM.try_acquire_many(more).map_err(|_| busy())?;
        match &mut self.permits {
            Some(all) => all.merge(permits),
            None => self.permits = Some(permits),
        }
        Ok(())
    }
}

impl<L: Layout> Form<L> {
    /// The text of a field of the layout.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// As [`super::command::Command::known`].
    pub async fn known<R: Serialize + DeserializeOwned>(
        &self,
        app: &App,
        region: &str,
        account: Uuid,
    ) -> Outcome<Option<Answer<R>>> {
        let body = self.key.stored(app.db.read(), &Scope { region, account }).await?;
        Ok(body.map(|body| Answer::new(Done { body, replayed: true })))
    }

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

impl<L: Layout + 'static> FromRequest for Form<L> {
    type Error = super::problem::Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (waiter, allowed) = (Waiter::at(request), allowed::<L>(request));
        let parts = Multipart::new(request.headers(), payload.take());
        let request = request.clone();
        Box::pin(async move {
            waiter.pass().await;
            let key = key(&request)?;
            allowed?;
            let late = |_| malformed("it took longer than a minute");
            let read = tokio::time::timeout(READ_WITHIN, read::<L>(parts)).await;
            let Parts { bytes, fields, room } = read.map_err(late)??;
            // A boundary is another one at every try: what counts is what it parts.
            let mut sent = fields.values().cloned().collect::<Vec<_>>().join("\n").into_bytes();
            sent.push(b'\n');
            sent.extend_from_slice(&bytes);
            let key = bound(key, &request, &sent);
            Ok(Self { bytes: bytes.into(), fields, key, _room: room, layout: PhantomData })
        })
    }
}

fn malformed(why: impl Into<String>) -> Refusal {
    Refusal::from(Code::MalformedUpload).because(why)
}

/// What can be refused before a byte of the body is read.
fn allowed<L: Layout>(request: &HttpRequest) -> Outcome<()> {
    let header = |name: HeaderName| request.headers().get(name).and_then(|it| it.to_str().ok());
    let sent = header(CONTENT_TYPE).unwrap_or_default();
    let media = sent.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("multipart/form-data") || header(CONTENT_ENCODING).is_some() {
        let detail = "send it as multipart/form-data, not compressed";
        return Err(Refusal::from(Code::UnsupportedMediaType).because(detail).into());
    }
    let mut parameters = sent.split(';').filter_map(|it| it.trim().split_once('='));
    let boundary = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"));
    let length = boundary.map_or(0, |(_, it)| it.trim_matches('"').len());
    if !(1..=BOUNDARY_MAX).contains(&length) {
        return Err(malformed("the boundary has 1 to 70 characters").into());
    }
    let length = header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > (L::BYTES_MAX + AROUND_MAX) as u64) {
        return Err(Code::BodyTooLarge.into());
    }
    Ok(())
}

struct Parts {
    bytes: Vec<u8>,
    fields: BTreeMap<&'static str, String>,
    room: Room,
}

async fn read<L: Layout>(mut parts: Multipart) -> Outcome<Parts> {
    let mut room = Room { permits: None };
    let mut file = None;
    let mut fields = BTreeMap::new();
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(odd)?;
        if part.content_type().is_some_and(|it| it.type_() == "multipart") {
            return Err(malformed("a part has parts of its own").into());
        }
        let name = part.name().unwrap_or_default().to_owned();
        let twice = || malformed("a part comes twice").at(&pointer(&name), "repeated", "once only");
        if L::FILE.contains(&name.as_str()) {
            if file.is_some() {
                return Err(twice().into());
            }
            file = Some(bytes_of(&mut part, L::BYTES_MAX, &mut room).await?);
        } else if let Some(known) = L::FIELDS.iter().find(|it| **it == name) {
            let bytes = bytes_of(&mut part, TEXT_MAX, &mut Room { permits: None }).await?;
            let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
            let text = text.ok_or_else(|| malformed("a field is no text"))?;
            if fields.insert(*known, text).is_some() {
                return Err(twice().into());
            }
        } else {
            let known = [&L::FILE[..1], L::FIELDS].concat().join(", ");
            let refusal = Refusal::from(Code::UnknownField);
            let detail = format!("the parts are {known}");
            return Err(refusal.at(&pointer(&name), "unknown_field", detail).into());
        }
    }
    let absent = L::FIELDS.iter().find(|name| !fields.contains_key(*name));
    if let Some(name) = absent.or(L::FILE.first().filter(|_| file.is_none())) {
        let refusal = malformed("a part is missing");
        return Err(refusal.at(&pointer(name), "required", "it must be there").into());
    }
    match file {
        Some(bytes) if !bytes.is_empty() => Ok(Parts { bytes, fields, room }),
        _ => Err(Code::BodyMissing.into()),
    }
}

/// JSON pointer to a part; nothing longer than a name of ours is repeated.
fn pointer(name: &str) -> String {
    format!("/{}", name.chars().filter(|it| !it.is_control()).take(40).collect::<String>())
}

async fn bytes_of(part: &mut Field, max: usize, room: &mut Room) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(odd)?;
        if bytes.len() + chunk.len() > max {
            return Err(Code::BodyTooLarge.into());
        }
        room.grow(bytes.len() + chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn odd(error: MultipartError) -> Refusal {
    malformed(match error {
        MultipartError::ContentDispositionNameMissing
        | MultipartError::ContentDispositionMissing => "a part has no name",
        MultipartError::Incomplete => "it ends before its last boundary",
        MultipartError::Payload(_) => "it broke off, or a part's head is too long",
        _ => "it is not multipart/form-data as RFC 7578 has it",
    })
}
