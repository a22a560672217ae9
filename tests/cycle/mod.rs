//! The whole quarter over HTTP: from the first claim to the prize handed over the counter.

mod close;
mod policy;
mod quarter;
mod replicas;
mod week;
mod year;
