//! `GET /v1/consent-text`: what a household agrees to.

use std::sync::LazyLock;

use actix_web::get;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::kernel::command::Answer;
use crate::kernel::problem::{Code, Outcome};

/// Rises with every change of the text; consents to earlier versions stay as they were given.
pub const VERSION: &str = "1";
const TEXT: &str = include_str!("../../data/consent.zh.md");

/// SHA-256 of the text's UTF-8 bytes, in hex.
pub static DIGEST: LazyLock<String> =
    LazyLock::new(|| Sha256::digest(TEXT).iter().map(|byte| format!("{byte:02x}")).collect());

/// What households agree to (告知同意书), in Markdown.
#[derive(Serialize, ToSchema)]
pub struct ConsentText {
    #[schema(example = "1")]
    pub version: &'static str,
    #[schema(example = "# 乡村积分制参与告知同意书")]
    pub text: &'static str,
    /// SHA-256 of the text's UTF-8 bytes, in hex: proves which text was shown.
    #[schema(example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    pub digest: String,
}

/// The consent text in force
#[utoipa::path(tag = "households", operation_id = "households_show_consent_text",
    responses((status = 200, body = ConsentText)))]
#[get("/v1/consent-text")]
async fn show_consent_text() -> Answer<ConsentText> {
    Answer::ok(ConsentText { version: VERSION, text: TEXT, digest: DIGEST.clone() })
}

/// Whether this is the text in force.
///
/// # Errors
/// `consent_text_changed` if it is not.
pub fn in_force(version: &str, digest: &str) -> Outcome<()> {
    if version == VERSION && digest == DIGEST.as_str() {
        return Ok(());
    }
    Err(Code::ConsentTextChanged.into())
}
