//! What every test stands on: a server of its own with a database of its own, people to act as, and a
//! clock to move.

mod actor;
pub mod canary;
mod database;
mod orders;
pub mod pictures;
mod redis;
mod replica;
mod wechat;
mod world;

pub use actor::{Actor, Answer, contract};
pub use orders::{order_at, order_of, price};
pub use redis::{FakeRedis, Mood};
pub use replica::{Replica, eventually, jifen};
pub use wechat::{FakeWeChat, Reply, SESSION_KEY};
pub use world::{FAR, HERE, NEXT, World, claim, consent, grid_of, head_id, household_id};

use api::kernel::clock::Instant;
use uuid::Uuid;

/// An instant in the village's words: `2024-09-25 09:00` or with seconds and milliseconds.
pub fn at(text: &str) -> Instant {
    let text = text.replace(' ', "T");
    let seconds = if text.len() == 16 { ":00" } else { "" };
    Instant::parse(&format!("{text}{seconds}+08:00")).expect("an instant")
}

pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
