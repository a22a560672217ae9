//! Proof: that a line is on the list that was published, and that the list was not changed afterwards,
//! for anybody, without us and without a network.
//!
//! When a month's list opens, a tree (RFC 6962) is made over its lines, and its root is signed together
//! with the head of the village's chain of journals (C2SP checkpoint). The board in the village prints
//! both. Lines that are not itemised in public are in the tree too, salted, so that nobody can guess them.

mod board;
mod check;
mod keys;
mod line;
mod lines;
mod note;
mod offline;
mod online;
mod prove;
mod seal;
mod show;
mod tree;
mod verify;

use crate::kernel::routes::Routes;
use actix_web::web;

pub use check::{FileLeaf, LineProof, ListFile, ProofFlaw, check_list, check_proof};
pub use keys::{load_key, make_key, sandbox_key, show_key};
pub use line::{Line, salt, salted, seed};
pub use note::{Checkpoint, Signer, Verifier};
pub use offline::verify_file;
pub use seal::{Sealed, seal_list, seal_missing, sealed};
pub use tree::{Hash, leaf, path, root};
pub use verify::first_odd;

/// The page with which a villager checks a list or a line without us: one file, no network.
pub const PAGE: &str = include_str!("../../data/verify.html");

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(show::show_checkpoint)
        .service(show::show_file)
        .service(show::show_key)
        .service(prove::show_proof)
        .service(online::check_line)
        .service(board::show_board)
        .service(show::show_page);
}

/// What a page of ours may do in a browser: nothing but show itself. `parts` are the sources it needs
/// besides.
fn page(html: impl Into<web::Bytes>, policy: &str) -> actix_web::HttpResponse {
    let mut answer = actix_web::HttpResponse::Ok();
    answer.insert_header(("Content-Security-Policy", policy));
    answer.insert_header(("X-Content-Type-Options", "nosniff"));
    answer.insert_header(("Referrer-Policy", "no-referrer"));
    answer.insert_header(("Cache-Control", "public, max-age=2"));
    answer.content_type("text/html; charset=utf-8").body(html.into())
}
