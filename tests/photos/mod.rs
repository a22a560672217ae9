mod clean;
mod forgotten;
mod memory;
mod remove;
mod show;
mod upload;
mod uses;

use uuid::Uuid;

use crate::support::HERE;

/// The path of the photos here.
pub fn photos() -> String {
    format!("/v1/villages/{HERE}/photos")
}

/// The path of one of them.
pub fn photo(id: Uuid) -> String {
    format!("/v1/villages/{HERE}/photos/{id}")
}
