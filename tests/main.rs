//! The integration suite: one binary, one folder per slice, names that read as outcomes.
//!
//! `JIFEN_TEST_BACKEND=postgres` with `JIFEN_TEST_POSTGRES_URL` and `JIFEN_TEST_REDIS_URL` runs it on
//! PostgreSQL and Redis; otherwise on SQLite and memory. `tests/run` runs both.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod awards;
mod bad_inputs;
mod bindings;
mod claims;
mod cycle;
mod honours;
mod households;
mod http;
mod identity;
mod ledger;
mod me;
mod nets;
mod photos;
mod publicity;
mod rankings;
mod redemption;
mod regions;
mod rules;
mod sandbox;
mod sessions;
mod statistics;
mod support;
mod year;
