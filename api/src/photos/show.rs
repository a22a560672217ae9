//! `GET …/photos/{photo}`: a link that an `<image>` can open for ten minutes; and what it leads to.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::upload::Photo;
use crate::app::App;
use crate::http::{Query, path_id, path_part};
use crate::identity::{Neighbour, WeighsEvidence};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::derive::{derived, hex, is_derived};
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;

/// How long a link can be opened.
const LINK_SECONDS: i64 = 600;
const LABEL: &str = "photo link";

/// A photo, and where it can be seen for a while.
#[derive(Serialize, ToSchema)]
pub struct PhotoLink {
    pub id: Uuid,
    /// To be put behind the address of the API. Whoever has it sees the photo: it is not to be kept.
    #[schema(
        example = "/v1/villages/460205100201/photos/0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11/content?expires=1727226600&signature=5f0c"
    )]
    pub url: String,
    /// Ten minutes from now, by the real clock.
    pub expires_at: Instant,
    #[schema(example = 2048)]
    pub width: i64,
    #[schema(example = 1536)]
    pub height: i64,
    #[schema(example = 412_806)]
    pub bytes: i64,
    /// What the camera's clock said, if it said anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub taken_at: Option<Instant>,
    pub uploaded_at: Instant,
}

/// A link to a photo: for whoever uploaded it, the household whose claim uses it, and reviewers
#[utoipa::path(tag = "photos", operation_id = "photos_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("photo" = Uuid, Path, description = "The photo's id")),
    responses((status = 200, body = PhotoLink)))]
#[get("/v1/villages/{village}/photos/{photo}")]
async fn show_photo(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let row = visible(app.db.read(), &caller, path_id(&request, "photo")?).await?;
    Ok(crate::http::private_json(&link(&app, &caller.village, row.into())))
}

/// A photo that the caller may see.
///
/// # Errors
/// `not_found` also for one that they may not: a neighbour need not know that it is there.
pub async fn visible(
    on: &impl ConnectionTrait,
    caller: &Neighbour,
    id: Uuid,
) -> Outcome<entity::photo::Model> {
    let sql = "SELECT * FROM photos WHERE village = $1 AND id = $2";
    let key: [Value; 2] = [(&caller.village).into(), id.into()];
    let row = db::one::<entity::photo::Model>(on, sql, key).await?.ok_or(Code::NotFound)?;
    if row.uploaded_by == caller.person || caller.serves::<WeighsEvidence>() {
        return Ok(row);
    }
    let household = caller.household_in(&caller.village).ok_or(Code::NotFound)?;
    let sql = "SELECT COUNT(*) FROM photo_uses u \
               JOIN claims c ON c.village = u.village AND c.id = u.claim \
               WHERE u.village = $1 AND u.photo = $2 AND c.household = $3";
    let values: [Value; 3] = [(&caller.village).into(), id.into(), household.into()];
    match db::number(on, sql, values).await? {
        0 => Err(Code::NotFound.into()),
        _ => Ok(row),
    }
}

fn link(app: &App, village: &Village, photo: Photo) -> PhotoLink {
    let expires_at = app.token_clock.now().plus_seconds(LINK_SECONDS);
    let Photo { id, width, height, bytes, taken_at, uploaded_at } = photo;
    let expires = expires_at.seconds();
    let secret = app.config.secrets.tokens().next().unwrap_or_default();
    let signature = hex(&derived(secret, LABEL, signed(village, id, expires).as_bytes()));
    let path = format!("/v1/villages/{village}/photos/{id}/content");
    let url = format!("{path}?expires={expires}&signature={signature}");
    let expires_at = Instant(expires * 1000);
    PhotoLink { id, url, expires_at, width, height, bytes, taken_at, uploaded_at }
}

/// What a link is signed over.
fn signed(village: &Village, id: Uuid, expires: i64) -> String {
    format!("{village}|{id}|{expires}")
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LinkQuery {
    /// Seconds since 1970, as in the link.
    #[param(example = "1727226600")]
    expires: String,
    /// As in the link.
    #[param(example = "5f0c")]
    signature: String,
}

/// What a photo's link leads to; needs no token, for an `<image>` sends none
#[utoipa::path(tag = "photos", operation_id = "photos_show_content",
    params(("village" = Village, Path, description = "Code of the village"),
        ("photo" = Uuid, Path, description = "The photo's id"), LinkQuery),
    responses((status = 200, body = Vec<u8>, content_type = "image/jpeg",
        description = "The picture")),
    extensions(("x-codes" = json!("link_expired"))))]
#[get("/v1/villages/{village}/photos/{photo}/content")]
async fn show_photo_content(
    request: HttpRequest,
    query: Query<LinkQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let village: Village = path_part(&request, "village")?;
    let id = path_id(&request, "photo")?;
    let seconds = open_for(&app, &village, id, &query.0)?;
    let sql = "SELECT * FROM photos WHERE village = $1 AND id = $2";
    let key: [Value; 2] = [(&village).into(), id.into()];
    let row = db::one::<entity::photo::Model>(app.db.read(), sql, key).await?;
    let row = row.ok_or(Code::NotFound)?;
    let picture = app.photos.get(&row.name).await?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header(("Cache-Control", format!("private, max-age={seconds}")));
    answer.insert_header(("X-Content-Type-Options", "nosniff"));
    // Opened by itself it is a picture and nothing else.
    answer.insert_header(("Content-Security-Policy", "default-src 'none'; sandbox"));
    Ok(answer.content_type(row.media).body(picture))
}

/// For how many more seconds the link can be opened.
///
/// # Errors
/// `not_found` if it is not one of ours, `link_expired` if it was.
fn open_for(app: &App, village: &Village, id: Uuid, link: &LinkQuery) -> Outcome<i64> {
    let expires = link.expires.parse::<i64>().ok().filter(|it| it.to_string() == link.expires);
    let expires = expires.ok_or(Code::NotFound)?;
    let text = signed(village, id, expires);
    let ours =
        |secret: &[u8]| is_derived(secret, LABEL, text.as_bytes(), link.signature.as_bytes());
    // All secrets are tried, so that time tells nothing of which one signed.
    if app.config.secrets.tokens().filter(|secret| ours(secret)).count() == 0 {
        return Err(Code::NotFound.into());
    }
    match expires - app.token_clock.now().seconds() {
        left if left > 0 => Ok(left),
        _ => Err(Code::LinkExpired.into()),
    }
}
