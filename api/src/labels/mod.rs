//! `GET /v1/labels`: every word of the contract in Chinese and English, so that no client keeps a list of
//! its own.

mod cycle;
mod people;
mod reports;

use std::sync::OnceLock;

use actix_web::{HttpRequest, HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::public_json;
use crate::kernel::cache::Ready;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::routes::Routes;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes.service(show_labels);
}

/// A word and what people call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Label {
    #[schema(example = "in_review")]
    pub word: &'static str,
    #[schema(example = "审核中")]
    pub zh: &'static str,
    #[schema(example = "In review")]
    pub en: &'static str,
}

/// An enumeration: its name is that of its schema in the contract, in snake_case, or of the thing and
/// its field.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct LabelledEnum {
    #[schema(example = "claim_status")]
    pub name: &'static str,
    pub words: &'static [Label],
}

/// All words that this version of the API knows.
#[derive(Serialize, ToSchema)]
pub struct Labels {
    pub enums: Vec<LabelledEnum>,
}

/// One enumeration after another: its name, and each word with its Chinese and its English label.
macro_rules! labels {
    ($($name:ident { $($word:literal $zh:literal $en:literal;)* })*) => {
        pub const TABLE: &[super::LabelledEnum] = &[$(super::LabelledEnum {
            name: stringify!($name),
            words: &[$(super::Label { word: $word, zh: $zh, en: $en }),*],
        }),*];
    };
}
use labels;

/// All enumerations, in the order of the table.
pub fn all() -> impl Iterator<Item = &'static LabelledEnum> {
    cycle::TABLE.iter().chain(people::TABLE).chain(reports::TABLE)
}

/// The label of a word of an enumeration; the word itself in both languages if the table lacks it, which a
/// test does not let happen.
pub fn label(name: &str, word: &'static str) -> Label {
    let found = all().find(|it| it.name == name);
    let found = found.and_then(|it| it.words.iter().find(|label| label.word == word));
    found.copied().unwrap_or(Label { word, zh: word, en: word })
}

/// What a word that stands in data is called; the word itself if the table lacks it.
pub fn called(name: &str, word: &str, english: bool) -> String {
    let found = all().find(|it| it.name == name);
    let found = found.and_then(|it| it.words.iter().find(|label| label.word == word));
    found.map_or(word, |label| if english { label.en } else { label.zh }).to_owned()
}

/// The labels of all enumerations, Chinese and English
#[utoipa::path(tag = "labels", operation_id = "labels_show", responses((status = 200, body = Labels)))]
#[get("/v1/labels")]
async fn show_labels(request: HttpRequest) -> Outcome<HttpResponse> {
    static READY: OnceLock<Ready> = OnceLock::new();
    if let Some(ready) = READY.get() {
        return Ok(public_json(&request, ready));
    }
    let bytes = serde_json::to_vec(&Labels { enums: all().copied().collect() });
    let bytes = bytes.map_err(|error| Problem::fault(error.to_string()))?;
    Ok(public_json(&request, READY.get_or_init(|| Ready::of(bytes))))
}
