//! Nets: they walk the contract and fail for an operation that breaks a promise.

mod bench;
mod canary;
mod contract;
mod labels;
mod method;
mod plans;
mod roles;
mod scenarios;
mod schema;
mod statements;
mod tidy;
