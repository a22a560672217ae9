//! Uploads: rows C67 to C82 of the catalogue.

mod forms;
mod links;
mod pictures;

use super::{Case, Catalogue, Sent};
use crate::support::{Actor, HERE, new_id, pictures as made};

#[actix_web::test]
async fn nothing_but_a_picture_is_kept_and_nobody_else_sees_it() {
    let mut catalogue = Catalogue::of("uploads");
    pictures::try_all(&mut catalogue).await;
    forms::try_all(&mut catalogue).await;
    links::try_all(&mut catalogue).await;
    catalogue.report();
}

fn path() -> String {
    format!("/v1/villages/{HERE}/photos")
}

/// A POST of a body of this media type, with a key of its own.
fn body(
    row: &'static str,
    what: impl Into<String>,
    who: &Actor,
    (media, body): (String, Vec<u8>),
) -> Case {
    let case = Case::post(row, what, who, &path(), serde_json::Value::Null);
    Case { sent: Sent::Bytes(media, body), ..case }
}

/// An upload of this file by a well-behaved client.
fn file(row: &'static str, what: impl Into<String>, who: &Actor, bytes: &[u8]) -> Case {
    body(row, what, who, made::upload(new_id(), bytes))
}
