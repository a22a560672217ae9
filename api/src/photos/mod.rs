//! Photos (佐证照片): pictures that show a deed, uploaded once and used by claims.
//!
//! A picture is made anew from its pixels and kept in the object store; its row says whose it is and
//! what it shows. Nobody sees it but by a link that lives for ten minutes.

mod clean;
mod jpeg;
mod likeness;
mod remove;
mod show;
mod store;
mod sweep;
mod upload;
mod uses;
use crate::kernel::routes::Routes;

pub use clean::{Clean, clean, measure};
pub use likeness::{Similar, similar};
pub use store::Photos;
pub use sweep::{forget, sweep};
pub use uses::{Known, attach, detach, first_uses, known};

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(upload::create_photo)
        .service(show::show_photo)
        .service(remove::delete_photo)
        .service(show::show_photo_content);
}
