//! A simulated year: weeks of deeds, objections, prizes, splits and merges, lived twice with the same
//! acts at the same instants, once with the jobs on time and once three days late.
//!
//! Most deeds are written as approved rows; what decides about points goes over HTTP. Everything is
//! drawn from one seed, and ids are made as clients make them, so that two lives differ only in when the
//! calendar's work was done.

#![expect(clippy::expect_used, reason = "a life that cannot go on fails")]

mod acts;
mod deeds;
mod look;

use std::collections::BTreeMap;
use std::time::Instant as Stopwatch;

use actix_web::web::Data;
use api::app::App;
use api::calendar;
use api::kernel::clock::{DAY_MS, Instant};
use api::kernel::db;
use api::kernel::period::Week;
use reqwest::Client;
use sea_orm::FromQueryResult;
use serde_json::Value;
use uuid::Uuid;

/// How much happens.
#[derive(Clone, Copy)]
pub struct Pace {
    /// The first week lived.
    pub first: Week,
    pub weeks: usize,
    /// Deeds of a hundred households in a week, already approved.
    pub deeds_per_hundred: usize,
    /// Over HTTP, each week.
    pub claims: usize,
    pub objections: usize,
    pub redemptions: usize,
    /// Confirmed lines that the committee wants back.
    pub reversals: usize,
}

/// A household as it was at the beginning.
#[derive(Clone, FromQueryResult)]
struct Home {
    village: String,
    id: Uuid,
    number: i64,
    grid: String,
    head: Uuid,
}

/// Where a life is led: a running server, and the clock of its calendar.
pub struct Life<'a> {
    app: &'a Data<App>,
    base: String,
    client: Client,
    pace: Pace,
    homes: Vec<Home>,
    villages: Vec<String>,
    /// Access tokens by persona, for one week.
    tokens: BTreeMap<String, String>,
    now: Instant,
    random: u64,
    serial: u64,
    /// What was done and how it was answered.
    pub done: BTreeMap<String, u64>,
    /// Households that were split or merged: others leave them alone.
    ended: Vec<Uuid>,
    /// Redemptions to be collected on Saturday, with their codes.
    held: Vec<(usize, Value)>,
    /// Objections to be decided: village and id.
    filed: Vec<(String, Value)>,
    /// Reversals to be decided: village and id.
    proposed: Vec<(String, Value)>,
    /// Collected redemptions, of which some are given back.
    collected: Vec<(usize, String)>,
}

/// What a life came to.
pub struct Lived {
    pub done: BTreeMap<String, u64>,
    pub digests: BTreeMap<&'static str, String>,
    /// Seconds of the calendar's own work.
    pub closing: f64,
}

impl<'a> Life<'a> {
    /// A life among everybody who is in the database.
    pub async fn of(app: &'a Data<App>, base: &str, client: Client, pace: Pace) -> Self {
        let sql = "SELECT h.village, h.id, h.number, h.grid, m.person AS head FROM households h \
                   JOIN members m ON m.village = h.village AND m.household = h.id AND m.is_head \
                   ORDER BY h.village, h.number";
        let homes = db::all::<Home>(app.db.read(), sql, []).await.expect("the households");
        let mut villages: Vec<_> = homes.iter().map(|home| home.village.clone()).collect();
        villages.dedup();
        Self {
            app,
            base: base.to_owned(),
            client,
            pace,
            homes,
            villages,
            tokens: BTreeMap::new(),
            now: pace.first.starts_at(),
            random: 42,
            serial: 0,
            done: BTreeMap::new(),
            ended: Vec::new(),
            held: Vec::new(),
            filed: Vec::new(),
            proposed: Vec::new(),
            collected: Vec::new(),
        }
    }

    /// Lives the weeks; with `days_late`, whatever falls due on a Monday is done so much later.
    pub async fn live(mut self, days_late: i64) -> Lived {
        let mut week = self.pace.first;
        let mut closing = 0.0;
        for _ in 0..self.pace.weeks {
            let monday = week.starts_at();
            self.clock(monday.plus_days(days_late));
            closing += self.settle().await;
            self.clock(Instant(monday.plus_days(3).0 + DAY_MS / 2));
            closing += self.settle().await;
            look::at_totals(self.app, week).await;
            self.tokens.clear();
            self.deeds(week).await;
            self.thursday().await;
            self.clock(Instant(monday.plus_days(5).0 + DAY_MS / 2));
            closing += self.settle().await;
            self.saturday().await;
            week = week.next();
        }
        self.clock(week.starts_at().plus_days(3));
        closing += self.settle().await;
        look::at_totals(self.app, week).await;
        let report = api::verify::verify(&self.app.db).await.expect("a report");
        assert!(report.is_clean(), "{report}");
        let digests = look::digests(self.app, &self.villages).await;
        Lived { done: self.done, digests, closing }
    }

    /// Moves the calendar's clock.
    fn clock(&mut self, to: Instant) {
        self.now = to;
        self.app.clock.advance_to(to);
    }

    /// Has everything done that is due; seconds it took.
    async fn settle(&self) -> f64 {
        let began = Stopwatch::now();
        calendar::settle_all(self.app, None).await.expect("what is due is settled");
        began.elapsed().as_secs_f64()
    }

    /// A number below `below`, the same in every life.
    fn draw(&mut self, below: usize) -> usize {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let below = u64::try_from(below.max(1)).expect("a number");
        usize::try_from((mixed ^ (mixed >> 31)) % below).expect("a number")
    }

    /// An id as a client makes it now.
    fn id(&mut self) -> Uuid {
        self.serial += 1;
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&self.serial.to_be_bytes());
        let millis = u64::try_from(self.now.0).expect("an instant after 1970");
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// A household that is still as it was.
    fn home(&mut self) -> usize {
        loop {
            let at = self.draw(self.homes.len());
            if !self.ended.contains(&self.homes[at].id) {
                return at;
            }
        }
    }
}
