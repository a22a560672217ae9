//! What every slice stands on, and what knows no slice.

pub mod audit;
pub mod background;
pub mod cache;
pub mod chain;
pub mod clock;
pub mod command;
pub mod db;
pub mod derive;
pub mod form;
pub mod gate;
pub mod group;
pub mod idempotency;
pub mod lease;
pub mod ledger;
pub mod page;
mod patience;
pub mod period;
pub mod problem;
pub mod region;
pub mod routes;
mod seal;
pub mod spreadsheet;
pub mod text;
pub mod tries;
pub mod upload;
pub mod year;
