//! `POST /v1/villages/{village}/photos`: a picture, as `wx.uploadFile` sends it.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::Duration;

use actix_web::post;
use actix_web::web::{Bytes, Data};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::ToSchema;
use uuid::Uuid;

use super::clean::{Clean, MEMORY_MAX, clean, measure};
use crate::app::App;
use crate::claims;
use crate::identity::Neighbour;
use crate::kernel::clock::{DAY_MS, Instant};
use crate::kernel::command::{Answer, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::form::{Form, Layout};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;

/// A person uploads at most so many photos a day, village time.
const DAILY_MAX: i64 = 60;
/// At most so many photos of a person wait for a claim.
const UNUSED_MAX: i64 = 200;
/// Days after which a photo that no claim uses goes.
pub const UNUSED_DAYS: i64 = 7;
/// How long a photo waits for its turn to be decoded.
const TURN_WITHIN: Duration = Duration::from_secs(20);

/// So many photos are decoded at once in the process.
const TURNS_MAX: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(TURNS_MAX);
/// And they take so much memory together, in KiB.
static MEMORY: Semaphore = Semaphore::const_new((MEMORY_MAX / 1024) as usize);

/// Where they are decoded: always the same threads, for an allocator keeps some of what a thread gave back
/// for that thread. Of the large ones there is room for one at a time, so all of them have one.
static THREADS: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| threads(TURNS_MAX));
static THREAD_OF_LARGE: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| threads(1));

fn threads(number: usize) -> std::io::Result<Runtime> {
    let mut threads = tokio::runtime::Builder::new_current_thread();
    threads.max_blocking_threads(number).thread_name("photos").build()
}

/// A photo, as kept: made anew from the pixels of what was sent, upright, without metadata.
#[derive(Clone, Debug, FromQueryResult, Serialize, Deserialize, ToSchema)]
pub struct Photo {
    pub id: Uuid,
    /// Pixels, at most 2048.
    #[schema(example = 2048)]
    pub width: i64,
    #[schema(example = 1536)]
    pub height: i64,
    /// Of the JPEG file.
    #[schema(example = 412_806)]
    pub bytes: i64,
    /// What the camera's clock said, if it said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub taken_at: Option<Instant>,
    pub uploaded_at: Instant,
}

/// One file and its id.
#[derive(ToSchema)]
#[expect(dead_code, reason = "what the form looks like, for the contract alone")]
pub struct NewPhoto {
    /// Made by the client, UUIDv7.
    id: Uuid,
    /// JPEG, PNG or WebP, at most 5 MiB, 8192 pixels on a side and 24 million in all. `file` does as
    /// well as a name. What the file is called does not matter.
    #[schema(value_type = String, format = Binary)]
    photo: Vec<u8>,
}

pub struct PhotoForm;

impl Layout for PhotoForm {
    const FILE: &'static [&'static str] = &["photo", "file"];
    const BYTES_MAX: usize = 5 * 1024 * 1024;
    const FIELDS: &'static [&'static str] = &["id"];
}

/// Upload a photo that a claim can then use as evidence
///
/// With `wx.uploadFile`: `name: 'photo'`, `formData: { id }`, and the headers `Authorization` and
/// `Idempotency-Key`. A photo that no claim uses goes after a week.
#[utoipa::path(tag = "photos", operation_id = "photos_create", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body(content = NewPhoto, content_type = "multipart/form-data"),
    responses((status = 201, body = Photo)),
    extensions(("x-codes" = json!("malformed_upload invalid_field id_taken photo_unreadable \
        photo_outsized photo_quota"))))]
#[post("/v1/villages/{village}/photos")]
async fn create_photo(
    by: Neighbour,
    form: Form<PhotoForm>,
    app: Data<App>,
) -> Outcome<Answer<Photo>> {
    let (village, id) = (&by.village, id_of(&form)?);
    if let Some(known) = form.known(&app, village.as_str(), by.account).await? {
        return Ok(known.created());
    }
    // Before the work, and again when it is written down.
    refuse_too_many(app.db.read(), by.person, app.clock.now()).await?;
    let picture = decoded(form.bytes.clone()).await?;
    keep(&app, &by, &form, id, picture).await
}

/// # Errors
/// `malformed_upload` if it is no UUID in its canonical form, `invalid_field` if not of version 7.
fn id_of(form: &Form<PhotoForm>) -> Outcome<Uuid> {
    let text = form.field("id");
    let id = text.parse::<Uuid>().ok().filter(|id| id.to_string() == text);
    let odd = || Refusal::from(Code::MalformedUpload).at("/id", "type", "expected a UUID");
    let id = id.ok_or_else(odd)?;
    let other = |_| Refusal::from(Code::InvalidField).at("/id", "uuid_v7", "");
    uuid_v7(&id).map_err(other)?;
    Ok(id)
}

/// The picture made anew, beside the workers, when its turn has come.
async fn decoded(bytes: Bytes) -> Outcome<Clean> {
    let measured = measure(&bytes)?;
    let turn = turn(measured.memory).await?;
    let threads = if measured.memory > MEMORY_MAX / 2 { &THREAD_OF_LARGE } else { &THREADS };
    let threads = threads.as_ref().map_err(|error| Problem::fault(error.to_string()))?;
    let work = threads.spawn_blocking(move || {
        // Held here: the work goes on when the client does not wait for it.
        let _turn = turn;
        clean(&bytes, &measured)
    });
    let done = work.await.map_err(|error| Problem::fault(error.to_string()))?;
    Ok(done?)
}

/// # Errors
/// `busy` if none comes within 20 seconds.
async fn turn(memory: u64) -> Outcome<(SemaphorePermit<'static>, SemaphorePermit<'static>)> {
    let room = u32::try_from(memory.div_ceil(1024)).unwrap_or(u32::MAX);
    let both = async { Ok((TURNS.acquire().await?, MEMORY.acquire_many(room).await?)) };
    match tokio::time::timeout(TURN_WITHIN, both).await {
        Ok(turn) => {
            turn.map_err(|error: tokio::sync::AcquireError| Problem::fault(error.to_string()))
        }
        Err(_) => Err(Refusal { retry_after: Some(5), ..Code::Busy.into() }.into()),
    }
}

/// First the picture, then its row: what has no row is swept.
async fn keep(
    app: &App,
    by: &Neighbour,
    form: &Form<PhotoForm>,
    id: Uuid,
    mut picture: Clean,
) -> Outcome<Answer<Photo>> {
    let jpeg = std::mem::take(&mut picture.jpeg);
    let now = app.clock.now();
    let bytes = i64::try_from(jpeg.len()).unwrap_or(i64::MAX);
    let photo = Photo {
        id,
        width: picture.width.into(),
        height: picture.height.into(),
        bytes,
        taken_at: picture.taken_at,
        uploaded_at: now,
    };
    let name = app.photos.put(jpeg, now).await?;
    let written = Cell::new(false);
    let done = form.once(app, by.village.as_str(), by.account, async |tx| {
        written.set(false);
        if let Some(photo) = sent_before(tx, by, id, &picture.pixels).await? {
            return Ok(photo);
        }
        write(tx, by, &photo, &name, &picture).await?;
        written.set(true);
        Ok(photo.clone())
    });
    let done = done.await;
    // After any other failure the row may be there all the same: the sweep looks.
    if matches!(done, Ok(_) | Err(Problem::Refused(_))) && !(done.is_ok() && written.get()) {
        app.photos.remove(&[name]).await?;
    }
    Ok(done?.created())
}

/// The photo of this id, if the same person sent the same picture.
///
/// # Errors
/// `id_taken` if it is another's, or of another picture.
async fn sent_before(tx: &Tx, by: &Neighbour, id: Uuid, pixels: &str) -> Outcome<Option<Photo>> {
    let sql = "SELECT * FROM photos WHERE village = $1 AND id = $2";
    let key: [Value; 2] = [(&by.village).into(), id.into()];
    let Some(row) = db::one::<entity::photo::Model>(tx, sql, key).await? else { return Ok(None) };
    match row.uploaded_by == by.person && row.pixels == pixels {
        true => Ok(Some(row.into())),
        false => Err(Code::IdTaken.into()),
    }
}

impl From<entity::photo::Model> for Photo {
    fn from(row: entity::photo::Model) -> Self {
        Self {
            id: row.id,
            width: row.width,
            height: row.height,
            bytes: row.bytes,
            taken_at: row.taken_at.map(Instant),
            uploaded_at: Instant(row.uploaded_at),
        }
    }
}

async fn write(tx: &Tx, by: &Neighbour, photo: &Photo, name: &str, picture: &Clean) -> Outcome<()> {
    // Of many at once no more are let in than one after the other.
    db::lock(tx, &format!("photos of {}", by.person)).await?;
    refuse_too_many(tx, by.person, photo.uploaded_at).await?;
    let sql = "INSERT INTO photos (village, id, uploaded_by, name, media, width, height, bytes, \
                 pixels, likeness, taken_at, used, uploaded_at) \
               VALUES ($1, $2, $3, $4, 'image/jpeg', $5, $6, $7, $8, $9, $10, FALSE, $11) \
               ON CONFLICT (village, id) DO NOTHING";
    let values: [Value; 11] = [
        (&by.village).into(),
        photo.id.into(),
        by.person.into(),
        name.into(),
        photo.width.into(),
        photo.height.into(),
        photo.bytes.into(),
        picture.pixels.as_str().into(),
        picture.likeness.as_str().into(),
        photo.taken_at.map(|at| at.0).into(),
        photo.uploaded_at.0.into(),
    ];
    match db::run(tx, sql, values).await? {
        // Another was faster with the same id.
        0 => Err(Code::IdTaken.into()),
        _ => claims::photo_arrived(tx, &by.village, photo.id, by.person).await,
    }
}

#[derive(FromQueryResult)]
struct Uploads {
    today: i64,
    unused: i64,
    oldest: Option<i64>,
}

/// # Errors
/// `photo_quota` with the seconds until the next day, or until the oldest unused one goes.
async fn refuse_too_many(on: &impl ConnectionTrait, person: Uuid, now: Instant) -> Outcome<()> {
    let midnight = Instant::at_midnight(now.day());
    let sql = "SELECT (SELECT COUNT(*) FROM photos WHERE uploaded_by = $1 AND uploaded_at >= $2) \
                 AS today, COUNT(*) AS unused, MIN(uploaded_at) AS oldest \
               FROM photos WHERE uploaded_by = $1 AND NOT used";
    let uploads = db::one::<Uploads>(on, sql, [person.into(), midnight.0.into()]).await?;
    let Some(Uploads { today, unused, oldest }) = uploads else { return Ok(()) };
    let until = if today >= DAILY_MAX {
        midnight.plus_days(1).0
    } else if unused >= UNUSED_MAX {
        // The sweep comes once a day.
        oldest.unwrap_or(now.0) + (UNUSED_DAYS + 1) * DAY_MS
    } else {
        return Ok(());
    };
    let seconds = u32::try_from((until - now.0) / 1000 + 1).unwrap_or(1);
    Err(Refusal { retry_after: Some(seconds), ..Code::PhotoQuota.into() }.into())
}
