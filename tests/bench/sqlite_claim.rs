//! `sqlite_claim`: claims over HTTP on the embedded default, SQLite with synchronous=FULL, beside a
//! single writer that inserts the same rows through the same driver, one transaction a claim.

use std::time::Instant;

use api::kernel::clock::Clock;
use api::kernel::db;
use api::kernel::period::Week;
use sea_orm::{DatabaseConnection, FromQueryResult, TransactionTrait, Value};
use uuid::Uuid;

use crate::claims::Filers;
use crate::load::{CONNECTIONS, Load};
use crate::process::Server;
use crate::report::{Goal, Measure, say};
use crate::{Bench, Done, seed};

pub const NAME: &str = "sqlite_claim";
/// A township: counties have PostgreSQL.
const SIZE: seed::Size = seed::Size { villages: 10, grids: 27, households: 1_600 };

/// The rows of a claim, as `claim_floor.sql` has them; nothing is read.
const CLAIM: &str = "INSERT INTO claims (village, id, household, grid, member, rule_set, rule, \
      category, source, count, points, occurred_on, event, evidence, filed_by, on_behalf, \
      submitted_at, status, step, dedupe, version, content, changed, field_grid) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'claim', 1, 2, $9, $10, $11, $5, FALSE, $12, \
      'submitted', 0, $7 || '|' || $10 || '|' || $1, 1, $13, 1, $4)";
const CHANGE: &str = "INSERT INTO village_changes (village, seq) VALUES ($1, 1) \
    ON CONFLICT (village) DO UPDATE SET seq = village_changes.seq + 1";
const AUDIT: &str = "INSERT INTO audit_events (region, id, at, actor, action, subject, detail) \
    VALUES ($1, $2, $3, $4, 'claim.submit', $5, '{\"claims\":1}')";
const KEY: &str = "INSERT INTO idempotency_keys (scope, account, key, digest, body, at) \
    VALUES ($1, $2, $3, $4, $5, $6)";

/// Who claims, and what the server stored of a claim of theirs.
#[derive(FromQueryResult)]
struct Sample {
    village: String,
    household: Uuid,
    grid: String,
    member: Uuid,
    rule_set: Uuid,
    rule: String,
    category: String,
    occurred_on: String,
    evidence: String,
    submitted_at: i64,
    content: String,
    digest: String,
    body: String,
}

pub async fn measure(bench: &Bench) -> Done<()> {
    if !bench.wants(NAME) {
        return Ok(());
    }
    let url = format!("sqlite://{}", bench.folder.join("claims.db").display());
    let app = seed::connect_to(bench, &url).await?;
    seed::people(&app, SIZE, Week::of(Clock::System.now()).previous()).await?;
    let filers = Filers::of(&app, SIZE.households).await?;
    let server = Server::production(bench, &url, None).await?;
    let load = Load { address: server.address, duration: bench.repeat(), status: 201 };
    say("sqlite_claim: warming up");
    filers.submit(load, CONNECTIONS).await?;
    let on = app.db.schema();
    let sql = "SELECT c.village, c.household, c.grid, c.member, c.rule_set, c.rule, c.category, \
                 c.occurred_on, c.evidence, c.submitted_at, c.content, k.digest, k.body \
               FROM claims c, (SELECT digest, body FROM idempotency_keys LIMIT 1) k LIMIT 1000";
    let samples = db::all::<Sample>(on, sql, []).await?;
    let mut measure = Measure::new(NAME, "claims/s", Goal::RatioAtLeast(0.5));
    for _ in 0..bench.pairs() {
        let ours = filers.submit(load, CONNECTIONS).await?;
        measure.p99(ours.p99_ms);
        measure.pair(ours.per_second, floor(bench, on, &samples).await?);
    }
    server.stop().await?;
    app.db.close().await?;
    measure.print()
}

/// Claims per second of one writer.
async fn floor(bench: &Bench, on: &DatabaseConnection, samples: &[Sample]) -> Done<f64> {
    let begun = Instant::now();
    let mut written = 0_u32;
    for sample in samples.iter().cycle() {
        if begun.elapsed() >= bench.repeat() {
            break;
        }
        insert(on, sample).await?;
        written += 1;
    }
    Ok(f64::from(written) / begun.elapsed().as_secs_f64())
}

async fn insert(on: &DatabaseConnection, it: &Sample) -> Done<()> {
    let (id, event, key) = (Uuid::now_v7(), Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
    let claim: [Value; 13] = [
        it.village.as_str().into(),
        id.into(),
        it.household.into(),
        it.grid.as_str().into(),
        it.member.into(),
        it.rule_set.into(),
        it.rule.as_str().into(),
        it.category.as_str().into(),
        it.occurred_on.as_str().into(),
        event.into(),
        it.evidence.as_str().into(),
        it.submitted_at.into(),
        it.content.as_str().into(),
    ];
    let audit: [Value; 5] = [
        it.village.as_str().into(),
        Uuid::now_v7().into(),
        it.submitted_at.into(),
        it.member.into(),
        id.to_string().into(),
    ];
    let stored: [Value; 6] = [
        it.village.as_str().into(),
        it.member.into(),
        key.into(),
        it.digest.as_str().into(),
        it.body.as_str().into(),
        it.submitted_at.into(),
    ];
    let tx = on.begin().await?;
    db::run(&tx, CLAIM, claim).await?;
    db::run(&tx, CHANGE, [it.village.as_str().into()]).await?;
    db::run(&tx, AUDIT, audit).await?;
    db::run(&tx, KEY, stored).await?;
    Ok(tx.commit().await?)
}
