//! The ledger against a real database: properties, and what it refuses to anybody.

mod append_only;
mod chain;
mod properties;
mod tampering;

pub use tampering::{tampered, unlock};
