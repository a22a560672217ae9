//! The floor of `claim_submit`: pgbench, which inserts the rows of a claim that the product accepted.

use std::path::PathBuf;
use std::process::Stdio;

use sea_orm::{DatabaseConnection, FromQueryResult};
use tokio::process::Command;

use api::kernel::db;

use crate::load::CONNECTIONS;
use crate::seed::{COUNTY, County, HEAD_ID, HOUSEHOLD_ID};
use crate::{Bench, Done};

/// The values of an accepted claim that pgbench does not make up.
#[derive(FromQueryResult)]
struct Sample {
    rule_set: uuid::Uuid,
    rule: String,
    category: String,
    occurred_on: String,
    evidence: String,
    digest: String,
    body: String,
}

/// Writes pgbench's script after the first claim that the server stored.
pub async fn script(bench: &Bench, county: &County, on: &DatabaseConnection) -> Done<PathBuf> {
    let sql = "SELECT c.rule_set, c.rule, c.category, c.occurred_on, c.evidence, k.digest, k.body \
               FROM idempotency_keys k JOIN claims c ON c.village = k.scope \
                 AND c.id = (k.body::json ->> 'id')::uuid LIMIT 1";
    let sample = db::one::<Sample>(on, sql, []).await?.ok_or("the server stored no claim")?;
    let size = county.size;
    let values = [
        ("households_per_village", (size.households / size.villages).to_string()),
        ("households", size.households.to_string()),
        ("county", COUNTY.to_owned()),
        ("household_id", HOUSEHOLD_ID.to_owned()),
        ("head_id", HEAD_ID.to_owned()),
        ("rule_set", sample.rule_set.to_string()),
        ("rule", sample.rule),
        ("category", sample.category),
        ("occurred_on", sample.occurred_on),
        ("evidence", literal(&sample.evidence)),
        ("digest", sample.digest),
        ("body", literal(&sample.body)),
    ];
    let mut script = include_str!("claim_floor.sql").to_owned();
    for (name, value) in values {
        script = script.replace(&format!("{{{name}}}"), &value);
    }
    let path = bench.folder.join("claim_floor.sql");
    std::fs::write(&path, script)?;
    Ok(path)
}

/// A text of the same length in which pgbench sees neither a quote nor a variable.
fn literal(text: &str) -> String {
    text.replace('\'', " ").replace(':', ";")
}

/// Claims per second.
pub async fn run(bench: &Bench, county: &County, script: &PathBuf) -> Done<f64> {
    let connections = CONNECTIONS.to_string();
    let output = Command::new(bench.postgres_bin.join("pgbench"))
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--client", &connections])
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
