//! Jifen (积分): the JSON API behind a village points mini-program.
//!
//! A folder per village process over a thin kernel; `routes` is the table of contents.

pub mod adjustments;
pub mod app;
pub mod awards;
pub mod bindings;
pub mod calendar;
pub mod changes;
pub mod claims;
pub mod config;
pub mod contract;
pub mod founding;
pub mod honours;
pub mod households;
pub mod http;
pub mod identity;
pub mod kernel;
pub mod labels;
pub mod me;
pub mod photos;
pub mod proof;
pub mod publicity;
pub mod rankings;
pub mod redemption;
pub mod regions;
pub mod register;
pub mod reversals;
pub mod routes;
pub mod rules;
pub mod sandbox;
pub mod scoring;
pub mod sessions;
pub mod statistics;
pub mod suggestions;
pub mod verify;
