//! Plain rows, one module a table: no rules, no API schema.
//!
//! Instants are integer milliseconds, days and periods their canonical text, so that a row reads the
//! same on every database.

pub mod account;
pub mod audit_event;
pub mod awaited_photo;
pub mod balance;
pub mod binding;
pub mod binding_request;
pub mod claim;
pub mod committee;
pub mod committee_member;
pub mod consent;
pub mod database;
pub mod grant;
pub mod grid_departure;
pub mod grid_move;
pub mod household;
pub mod idempotency_key;
pub mod inbox_item;
pub mod journal;
pub mod kin;
pub mod member;
pub mod next_policy;
pub mod objection;
pub mod person;
pub mod photo;
pub mod photo_use;
pub mod posting;
pub mod prize;
pub mod public_list;
pub mod public_list_line;
pub mod redemption;
pub mod refresh_token;
pub mod region;
pub mod review;
pub mod rule;
pub mod rule_set;
pub mod sandbox_clock;
pub mod score_line;
pub mod score_sheet;
pub mod session;
pub mod staff_failure;
pub mod staff_login;
pub mod standing;
pub mod stock_move;
pub mod village;
pub mod village_change;
pub mod wechat_login;
