//! Servers that are started to be measured, and stopped again.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::load::Connection;
use crate::{Bench, Done};

/// What tokens are signed with.
pub const TOKEN_SECRET: &str = "a secret of the bench, which protects nothing";
const IDENTITY_SECRET: &str = "a third secret of the bench, for second factors";
const PICKUP_SECRET: &str = "another secret of the bench, for pickup codes";
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a port of its own; stopped when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    /// From the start of the process to its first 200.
    pub ready_after: Duration,
    child: Child,
}

impl Server {
    /// The product, as it would run in production on PostgreSQL and Redis.
    pub async fn jifen(bench: &Bench, database: &str) -> Done<Self> {
        Self::production(bench, database, Some(&bench.redis)).await
    }

    /// The product in production, with a Redis or without.
    pub async fn production(bench: &Bench, database: &str, redis: Option<&str>) -> Done<Self> {
        let mut command = jifen(bench, database);
        command
            .env("PROFILE", "production")
            .env("TOKEN_SECRET", TOKEN_SECRET)
            .env("PICKUP_SECRET", PICKUP_SECRET)
            .env("IDENTITY_SECRET", IDENTITY_SECRET)
            .env("LIST_KEY_FILE", list_key(bench)?);
        if let Some(redis) = redis {
            command.env("REDIS_URL", redis);
        }
        Self::start(command, "/healthz").await
    }

    /// The product as it is after `cargo run`: SQLite, memory, the demo county.
    pub async fn embedded(bench: &Bench, file: &Path) -> Done<Self> {
        let command = jifen(bench, &format!("sqlite://{}", file.display()));
        Self::start(command, "/v1/regions").await
    }

    /// The floor: this program's own bare server, which answers as `like` does.
    pub async fn bare(like: Option<(SocketAddr, &str)>) -> Done<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare").arg("--workers").arg(workers().to_string());
        if let Some((address, path)) = like {
            command.arg("--like").arg(address.to_string()).arg("--path").arg(path);
        }
        Self::start(command, "/").await
    }

    async fn start(mut command: Command, path: &str) -> Done<Self> {
        let address = free_address()?;
        let started = Instant::now();
        let child = command
            .env("BIND_ADDR", address.to_string())
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .spawn()?;
        let mut server = Self { address, ready_after: Duration::ZERO, child };
        while !server.answers(path).await {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended with {status}").into());
            }
            if started.elapsed() > PATIENCE {
                return Err("the server does not answer".into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    async fn answers(&self, path: &str) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else { return false };
        connection.exchange(&get(path, "")).await.is_ok_and(|answer| answer.status == 200)
    }

    /// Resident memory, in MiB.
    pub fn resident_mib(&self) -> Done<f64> {
        let id = self.child.id().ok_or("the server has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kib.ok_or("no VmRSS")?.parse::<f64>()? / 1024.0)
    }

    pub async fn stop(mut self) -> Done<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// The key that signs lists, made once a run.
pub fn list_key(bench: &Bench) -> Done<PathBuf> {
    let file = bench.folder.join("list.key");
    if !file.exists() {
        api::proof::make_key(&file, "bench")?;
    }
    Ok(file)
}

fn jifen(bench: &Bench, database: &str) -> Command {
    let mut command = Command::new(&bench.jifen);
    command
        .arg("serve")
        // Where no `.env` lies.
        .current_dir(&bench.folder)
        .env("DATABASE_URL", database)
        .env("WORKERS", workers().to_string())
        .env("LOG", "warn");
    command
}

/// A worker for every processor, on both sides.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

pub fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// A GET as it goes over the wire; each of `headers` ends in a line break.
pub fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}
