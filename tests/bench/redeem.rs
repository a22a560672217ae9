//! `redeem_hot`: everybody of a village wants one prize on opening morning, over HTTP; and
//! `redeem_spread`: a county redeems many prizes. Both beside pgbench writing the same rows in the best
//! order of statements.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use api::identity::{self, Bearer};
use api::kernel::clock::Clock;
use api::kernel::db;
use sea_orm::{ConnectionTrait, DatabaseConnection, FromQueryResult};
use tokio::process::Command;
use uuid::Uuid;

use crate::load::{Load, Tally};
use crate::process::{Server, TOKEN_SECRET};
use crate::report::{Goal, Measure, say};
use crate::seed::{self, COUNTY, County, HEAD_ID, HOUSEHOLD_ID};
use crate::{Bench, Done};

pub const HOT: &str = "redeem_hot";
pub const SPREAD: &str = "redeem_spread";

/// Phones on opening morning.
const CLIENTS: usize = 256;
/// Prizes of each village.
const PRIZES: usize = 20;
/// Their ids end in a hundred times the village's place and the prize's number.
const PRIZE_ID: &str = "01920000-0000-7000-8009-";

/// The head of a household, who redeems for it.
#[derive(FromQueryResult)]
struct Head {
    account: Uuid,
    village: String,
}

/// What is wanted: one prize of the first village, or all prizes of all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rush {
    Hot,
    Spread,
}

pub async fn measure(bench: &Bench, county: &County) -> Done<()> {
    let rushes = [(HOT, Rush::Hot, 5.0), (SPREAD, Rush::Spread, 1.0)];
    if !rushes.iter().any(|(name, ..)| bench.wants(name)) {
        return Ok(());
    }
    let app = seed::connect(bench, &county.database).await?;
    let on = app.db.read();
    fill_shops(on).await?;
    // Spread over the villages first.
    let sql = "SELECT a.id AS account, m.village FROM members m \
               JOIN households h ON h.village = m.village AND h.id = m.household \
               JOIN accounts a ON a.person = m.person WHERE m.is_head ORDER BY h.number, m.village";
    let heads = db::all::<Head>(on, sql, []).await?;
    let jifen = Server::jifen(bench, &bench.database(&county.database)).await?;
    for (name, rush, goal) in rushes.into_iter().filter(|(name, ..)| bench.wants(name)) {
        say(&format!("{name}: warming up"));
        tidy(on).await?;
        redeem(bench, &jifen, &heads, rush).await?;
        let script = script(bench, county, on, rush).await?;
        let mut measure = Measure::new(name, "redemptions/s", Goal::RatioAtLeast(goal));
        for _ in 0..bench.pairs() {
            tidy(on).await?;
            let ours = redeem(bench, &jifen, &heads, rush).await?;
            tidy(on).await?;
            measure.p99(ours.p99_ms);
            measure.pair(ours.per_second, floor(bench, county, &script).await?);
        }
        measure.print()?;
    }
    jifen.stop().await
}

/// Shops that are always open, with more of everything, and households with more points, than a measure
/// can use up.
async fn fill_shops(on: &DatabaseConnection) -> Done<()> {
    let prizes = format!(
        "INSERT INTO prizes (village, id, key, name_zh, name_en, kind, points, value_fen, stock, \
           household_limit, funding, position) \
         SELECT v.village, ('{PRIZE_ID}' || lpad(to_hex(v.place * 100 + n), 12, '0'))::uuid, \
           'goods.p' || n, '洗衣液(2kg)', 'Laundry liquid', 'goods', 1, 100, 1000000000, 1000000000, \
           'village_collective', n \
         FROM (SELECT village, ROW_NUMBER() OVER (ORDER BY village) - 1 AS place FROM villages) v, \
           generate_series(1, {PRIZES}) n"
    );
    for sql in [
        "UPDATE villages SET mode = 'always_open', window_points_max = 1000000000",
        &prizes,
        "INSERT INTO balances (village, household, account, points, held) \
         SELECT village, id, 'available', 1000000000, 0 FROM households WHERE true \
         ON CONFLICT (village, household, account) DO UPDATE SET points = excluded.points",
        "INSERT INTO sessions (account, id, kind, device, created_at, used_at, expires_at) \
         SELECT id, id, 'wechat', id, 0, 0, 9000000000000 FROM accounts ON CONFLICT DO NOTHING",
    ] {
        on.execute_unprepared(sql).await?;
    }
    Ok(())
}

/// Households begin each repeat without redemptions: no village has thousands of them for one.
async fn tidy(on: &DatabaseConnection) -> Done<()> {
    for sql in [
        "DELETE FROM redemptions",
        "VACUUM ANALYZE redemptions, balances, prizes, stock_moves, idempotency_keys",
        "CHECKPOINT",
    ] {
        on.execute_unprepared(sql).await?;
    }
    Ok(())
}

/// Each connection redeems for household after household; per second.
async fn redeem(bench: &Bench, jifen: &Server, heads: &[Head], rush: Rush) -> Done<Tally> {
    let first = heads.first().map(|head| head.village.clone());
    let chosen = |head: &&Head| rush == Rush::Spread || Some(&head.village) == first.as_ref();
    let requests = heads.iter().filter(chosen).map(request_head);
    let requests = Arc::new(requests.collect::<Done<Vec<_>>>()?);
    let load = Load { address: jifen.address, duration: bench.repeat(), status: 201 };
    load.run_by(CLIENTS, move |connection| {
        let requests = requests.clone();
        let mut turn = connection;
        move |next: &mut Vec<u8>| {
            turn += CLIENTS;
            let head = requests.get(turn % requests.len().max(1));
            let prize = if rush == Rush::Hot { 1 } else { turn / 7 % PRIZES + 1 };
            next.extend(head.map(|head| request(head, prize)).unwrap_or_default().into_bytes());
        }
    })
    .await
}

/// A household's request up to what differs each time, with a fresh token: they live for a quarter of an
/// hour.
fn request_head(head: &Head) -> Done<String> {
    let bearer = Bearer { account: head.account, session: head.account };
    let token = identity::issue(TOKEN_SECRET.as_bytes(), bearer, Clock::System.now())?;
    Ok(format!(
        "POST /v1/villages/{}/redemptions HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n",
        head.village
    ))
}

fn request(head: &str, prize: usize) -> String {
    let (id, key) = (Uuid::now_v7(), Uuid::now_v7());
    let body =
        format!("{{\"id\":\"{id}\",\"prize\":\"goods.p{prize}\",\"quantity\":1,\"points\":1}}");
    let length = body.len();
    format!("{head}Idempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The values of an accepted redemption that pgbench does not make up.
#[derive(FromQueryResult)]
struct Sample {
    digest: String,
    body: String,
}

/// Writes pgbench's script after the first redemption that the server stored.
async fn script(
    bench: &Bench,
    county: &County,
    on: &DatabaseConnection,
    rush: Rush,
) -> Done<PathBuf> {
    let sql = "SELECT k.digest, k.body FROM redemptions r JOIN idempotency_keys k \
               ON k.scope = r.village AND k.body LIKE '%' || r.id || '%' LIMIT 1";
    let sample = db::one::<Sample>(on, sql, []).await?.ok_or("the server stored no redemption")?;
    let size = county.size;
    let each = size.households / size.villages;
    let (last, prize) = match rush {
        Rush::Hot => (each, "1".to_owned()),
        Rush::Spread => (size.households, format!("random(1, {PRIZES})")),
    };
    let values = [
        ("households_per_village", each.to_string()),
        ("first", "1".to_owned()),
        ("last", last.to_string()),
        ("prize_of_village", prize),
        ("county", COUNTY.to_owned()),
        ("household_id", HOUSEHOLD_ID.to_owned()),
        ("head_id", HEAD_ID.to_owned()),
        ("prize_id", PRIZE_ID.to_owned()),
        ("digest", sample.digest),
        // In which pgbench sees neither a quote nor a variable.
        ("body", sample.body.replace('\'', " ").replace(':', ";")),
    ];
    let mut script = include_str!("redeem_floor.sql").to_owned();
    for (name, value) in values {
        script = script.replace(&format!("{{{name}}}"), &value);
    }
    let path = bench.folder.join("redeem_floor.sql");
    std::fs::write(&path, script)?;
    Ok(path)
}

/// Redemptions per second of as many connections.
async fn floor(bench: &Bench, county: &County, script: &PathBuf) -> Done<f64> {
    let output = Command::new(bench.postgres_bin.join("pgbench"))
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--client", &CLIENTS.to_string()])
        .args(["--time", &bench.repeat().as_secs().to_string(), "--file"])
        .arg(script)
        .arg(bench.database(&county.database))
        .stdin(Stdio::null())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
    match rate {
        Some(rate) if output.status.success() => Ok(rate.parse()?),
        _ => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}
