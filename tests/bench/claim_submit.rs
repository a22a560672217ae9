//! `claim_submit`: claims over HTTP — authenticated, validated, idempotent, audited, durable when
//! answered — beside pgbench writing the same rows.
//!
//! The generator is not the limit: while it ran, its process took 2% of one processor by
//! `/proc/PID/stat`, the server 70% and PostgreSQL the rest; on the bare server of `ranking_read` it
//! reaches 60,000 to 100,000 requests/s.

use std::sync::Arc;

use api::identity::{self, Bearer};
use api::kernel::clock::Clock;
use api::kernel::db;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::load::{CONNECTIONS, Load, Tally};
use crate::process::{Server, TOKEN_SECRET};
use crate::report::{Goal, Measure, say};
use crate::seed::{self, County};
use crate::{Bench, Done, claim_floor};

pub const NAME: &str = "claim_submit";

/// The head of a household, who files for it.
#[derive(FromQueryResult)]
struct Head {
    account: Uuid,
    person: Uuid,
    village: String,
    household: Uuid,
}

/// A filer's request up to what differs from claim to claim.
struct Filer {
    head: String,
    body: String,
}

pub async fn measure(bench: &Bench, county: &County) -> Done<()> {
    if !bench.wants(NAME) {
        return Ok(());
    }
    let app = seed::connect(bench, &county.database).await?;
    let day = app.clock.now().day().to_string();
    let on = app.db.read();
    // Spread over the villages first.
    let sql = "SELECT a.id AS account, m.person, m.village, m.household FROM members m \
               JOIN households h ON h.village = m.village AND h.id = m.household \
               JOIN accounts a ON a.person = m.person WHERE m.is_head ORDER BY h.number, m.village";
    let heads = db::all::<Head>(on, sql, []).await?;
    let jifen = Server::jifen(bench, &bench.database(&county.database)).await?;
    let claims = async || {
        on.execute_unprepared("CHECKPOINT").await?;
        submit(bench, &jifen, filers(&heads, &day)?).await
    };
    // A session each, with the account's own id.
    let sessions = "INSERT INTO sessions \
                      (account, id, kind, device, created_at, used_at, expires_at) \
                    SELECT id, id, 'wechat', id, 0, 0, 9000000000000 FROM accounts \
                    ON CONFLICT DO NOTHING";
    on.execute_unprepared(sessions).await?;
    say("claim_submit: warming up");
    claims().await?;
    let script = claim_floor::script(bench, county, on).await?;
    let mut measure = Measure::new(NAME, "claims/s", Goal::RatioAtLeast(1.5));
    for _ in 0..bench.pairs() {
        let ours = claims().await?;
        on.execute_unprepared("CHECKPOINT").await?;
        measure.p99(ours.p99_ms);
        measure.pair(ours.per_second, claim_floor::run(bench, county, &script).await?);
    }
    jifen.stop().await?;
    measure.print()
}

/// Fresh tokens: they live for a quarter of an hour.
fn filers(heads: &[Head], day: &str) -> Done<Vec<Filer>> {
    let filer = |it: &Head| {
        let bearer = Bearer { account: it.account, session: it.account };
        let token = identity::issue(TOKEN_SECRET.as_bytes(), bearer, Clock::System.now())?;
        let head = format!(
            "POST /v1/villages/{}/claims HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n",
            it.village
        );
        let body = format!(
            "\"household\":\"{}\",\"member\":\"{}\",\"rule\":\"ent.training\",\"count\":1,\
             \"occurred_on\":\"{day}\",\"evidence\":[{{\"kind\":\"sign_in_sheet\",\
             \"reference\":\"签到表 {day}\"}}]",
            it.household, it.person
        );
        Ok(Filer { head, body })
    };
    heads.iter().map(filer).collect()
}

/// Each connection files for household after household, one claim each; per second.
async fn submit(bench: &Bench, jifen: &Server, filers: Vec<Filer>) -> Done<Tally> {
    let load = Load { address: jifen.address, duration: bench.repeat(), status: 201 };
    let filers = Arc::new(filers);
    load.run(move |connection| {
        let filers = filers.clone();
        let mut turns = (connection..filers.len()).step_by(CONNECTIONS).cycle();
        move |next: &mut Vec<u8>| {
            let filer = turns.next().and_then(|turn| filers.get(turn));
            next.extend(filer.map(request).unwrap_or_default().into_bytes());
        }
    })
    .await
}

/// A claim of a deed that nobody has claimed before.
fn request(filer: &Filer) -> String {
    let (id, event, key) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let body = format!("{{\"id\":\"{id}\",\"event\":\"{event}\",{}}}", filer.body);
    let length = body.len();
    format!("{}Idempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n{body}", filer.head)
}
