//! Photos (佐证照片): pictures that show a deed, uploaded once and used by claims.

mod uses;

pub use uses::{Known, attach, detach, first_uses, known};
