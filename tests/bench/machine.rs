//! The first line of a run: which machine and which programs the figures are of.

use std::path::Path;

use api::kernel::clock::Clock;
use sea_orm::{ConnectionTrait, Database, Statement};
use tokio::process::Command;

use crate::report::print;
use crate::{Bench, Done};

pub async fn describe(bench: &Bench) -> Done<()> {
    let memory_kib = after(Path::new("/proc/meminfo"), "MemTotal:")?;
    let memory_kib: f64 = memory_kib.trim_end_matches(" kB").parse()?;
    print(&serde_json::json!({
        "name": "machine",
        "processor": after(Path::new("/proc/cpuinfo"), "model name\t:")?,
        "cores": std::thread::available_parallelism()?,
        "memory_gib": (memory_kib / 1024.0 / 1024.0).round(),
        "kernel": std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim(),
        "postgres": postgres(bench).await?,
        "redis": redis().await?,
        "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
        "quick": bench.quick,
        "day": Clock::System.now().day().to_string(),
    }))
}

/// What stands in a file after these words, the first time.
fn after(file: &Path, words: &str) -> Done<String> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(words));
    Ok(line.map_or("unknown", str::trim).to_owned())
}

/// The number before the distribution's name.
async fn postgres(bench: &Bench) -> Done<String> {
    let server = Database::connect(bench.database("postgres")).await?;
    let sql = "SELECT split_part(current_setting('server_version'), ' ', 1) AS version";
    let asked = Statement::from_string(server.get_database_backend(), sql);
    let row = server.query_one_raw(asked).await?.ok_or("PostgreSQL has no version")?;
    let version = row.try_get("", "version")?;
    server.close().await?;
    Ok(version)
}

async fn redis() -> Done<String> {
    let output = Command::new("redis-server").arg("--version").output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split(' ').find_map(|word| word.strip_prefix("v="));
    Ok(version.unwrap_or("unknown").to_owned())
}
