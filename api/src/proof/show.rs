//! `GET …/checkpoint`, `…/file`, `/v1/list-key` and the page that checks a list without us.

use std::sync::OnceLock;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::check::{FILE_FORMAT, FileLeaf, ListFile};
use super::line;
use super::lines::lines;
use super::seal::{Sealed, sealed};
use super::{PAGE, page};
use crate::app::App;
use crate::http::{path_part, public_json};
use crate::kernel::cache::{Ready, Shared};
use crate::kernel::derive::hex;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::regions;

/// The signed root of a month's list as it was opened.
#[derive(Serialize, ToSchema)]
pub struct ListCheckpoint {
    /// The checkpoint as it was signed (C2SP `tlog-checkpoint`).
    pub text: String,
    /// The key that signed it, as it was then.
    #[schema(example = "jifen+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    pub vkey: String,
    /// How many lines the list had.
    #[schema(example = 42)]
    pub size: i64,
    /// 64 hex digits, of which the board prints the first 32.
    #[schema(example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    pub root: String,
    /// How many journals the village had posted then.
    #[schema(example = 1_204)]
    pub chain_length: i64,
    /// The hash of the last of them.
    #[schema(example = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    pub chain_head: String,
}

/// The key that lists are signed with now.
#[derive(Serialize, ToSchema)]
pub struct ListKey {
    /// Name, id and key (C2SP `vkey`).
    #[schema(example = "jifen+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    pub vkey: String,
}

pub fn place(request: &HttpRequest) -> Outcome<(Village, Month)> {
    Ok((path_part(request, "village")?, path_part(request, "month")?))
}

/// What the list was sealed with.
///
/// # Errors
/// `not_found` if the village has no such list.
pub async fn seal_of(app: &App, village: &Village, month: Month) -> Outcome<Sealed> {
    Ok(sealed(app.db.read(), village, month).await?.ok_or(Code::NotFound)?)
}

/// Public bytes of a list, kept until something in the village changes.
pub async fn ready(
    app: &App,
    village: &Village,
    key: &str,
    build: impl Future<Output = Outcome<Vec<u8>>>,
) -> Outcome<Ready> {
    let version = async { Ok(regions::village(app.db.read(), village).await?.version.to_string()) };
    app.cache.ready(Shared { key, of: &format!("village:{village}") }, version, build).await
}

pub fn json(value: &impl Serialize) -> Outcome<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Problem::fault(error.to_string()))
}

/// The signed checkpoint of a month's list
#[utoipa::path(tag = "proof", operation_id = "proofs_show_checkpoint",
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month")),
    responses((status = 200, body = ListCheckpoint)))]
#[get("/v1/villages/{village}/public-lists/{month}/checkpoint")]
async fn show_checkpoint(request: HttpRequest, app: Data<App>) -> Outcome<HttpResponse> {
    let (village, month) = place(&request)?;
    let build = async {
        let Sealed { size, root, chain_length, chain_head, vkey, text, .. } =
            seal_of(&app, &village, month).await?;
        json(&ListCheckpoint { text, vkey, size, root, chain_length, chain_head })
    };
    let key = format!("checkpoint:{{{village}}}:{month}");
    Ok(public_json(&request, &ready(&app, &village, &key, build).await?))
}

/// A whole list as a file that can be kept and checked without us
#[utoipa::path(tag = "proof", operation_id = "proofs_show_file",
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month")),
    responses((status = 200, body = ListFile)))]
#[get("/v1/villages/{village}/public-lists/{month}/file")]
async fn show_file(request: HttpRequest, app: Data<App>) -> Outcome<HttpResponse> {
    let (village, month) = place(&request)?;
    let build = async { json(&file(&app, &village, month).await?) };
    let key = format!("list-file:{{{village}}}:{month}");
    Ok(public_json(&request, &ready(&app, &village, &key, build).await?))
}

async fn file(app: &App, village: &Village, month: Month) -> Outcome<ListFile> {
    let seal = seal_of(app, village, month).await?;
    let (here, name) = (village.as_str(), month.to_string());
    let leaf = |row: super::lines::LineRow| match row.publicly_itemised {
        true => FileLeaf {
            line: Some(row.text(here, &name)),
            salt: Some(line::salt(&seal.seed, row.number)),
            hash: None,
        },
        false => {
            FileLeaf { hash: Some(hex(&row.leaf(here, &name, &seal.seed))), ..FileLeaf::default() }
        }
    };
    let lines = lines(app.db.read(), here, &name, (1, seal.size)).await?;
    let leaves = lines.into_iter().map(leaf).collect();
    let Sealed { vkey, text, .. } = seal;
    Ok(ListFile { format: FILE_FORMAT.to_owned(), checkpoint: text, vkey, leaves })
}

/// The key that lists are signed with
#[utoipa::path(tag = "proof", operation_id = "proofs_show_key",
    responses((status = 200, body = ListKey)), extensions(("x-codes" = json!("not_found"))))]
#[get("/v1/list-key")]
async fn show_key(request: HttpRequest, app: Data<App>) -> Outcome<HttpResponse> {
    let key = app.list_key.as_ref().ok_or(Code::NotFound)?;
    let ready = Ready::of(json(&ListKey { vkey: key.verifier.vkey() })?);
    Ok(public_json(&request, &ready))
}

/// The page that checks a list or a line without us: one file to keep
#[utoipa::path(tag = "proof", operation_id = "proofs_show_page",
    responses((status = 200, body = String, content_type = "text/html", description = "The page")))]
#[get("/verify.html")]
async fn show_page() -> HttpResponse {
    static POLICY: OnceLock<String> = OnceLock::new();
    page(PAGE, POLICY.get_or_init(policy))
}

/// The policy that the page itself names, so that it holds from a file too.
fn policy() -> String {
    let after = PAGE.split_once("http-equiv=\"Content-Security-Policy\" content=\"");
    let policy = after.and_then(|(_, rest)| rest.split_once('"')).map(|(policy, _)| policy);
    policy.unwrap_or("default-src 'none'").to_owned()
}
