//! A Redis of one's own, to be stopped while somebody needs it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::process::{Child, Command};

use crate::process::free_address;
use crate::{Bench, Done};

/// How Redis fails.
#[derive(Clone, Copy)]
pub enum Outage {
    /// It keeps its connections, and answers nobody.
    Frozen,
    /// It refuses connections, and comes back on the same port with nothing in it.
    Killed,
}

pub struct Redis {
    address: SocketAddr,
    folder: PathBuf,
    child: Child,
}

impl Redis {
    pub async fn start(bench: &Bench) -> Done<Self> {
        let address = free_address()?;
        let folder = bench.folder.clone();
        let child = spawn(address, &folder)?;
        let redis = Self { address, folder, child };
        redis.ready().await?;
        Ok(redis)
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub async fn stop(&mut self, outage: Outage) -> Done<()> {
        match outage {
            Outage::Frozen => self.signal("STOP").await,
            Outage::Killed => Ok(self.child.kill().await?),
        }
    }

    pub async fn resume(&mut self, outage: Outage) -> Done<()> {
        match outage {
            Outage::Frozen => self.signal("CONT").await?,
            Outage::Killed => self.child = spawn(self.address, &self.folder)?,
        }
        self.ready().await
    }

    /// How many keys it holds.
    pub async fn keys(&self) -> Done<usize> {
        let mut redis = self.connect().await?;
        Ok(redis::cmd("DBSIZE").query_async(&mut redis).await?)
    }

    async fn signal(&self, name: &str) -> Done<()> {
        let id = self.child.id().ok_or("Redis has ended")?.to_string();
        // The shell's own, which every system has.
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().await?;
        sent.success().then_some(()).ok_or_else(|| format!("Redis took no SIG{name}").into())
    }

    async fn connect(&self) -> redis::RedisResult<MultiplexedConnection> {
        redis::Client::open(self.url())?.get_multiplexed_async_connection().await
    }

    async fn ready(&self) -> Done<()> {
        for _ in 0..100 {
            if self.connect().await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("Redis does not answer".into())
    }
}

fn spawn(address: SocketAddr, folder: &PathBuf) -> std::io::Result<Child> {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
        .arg(address.port().to_string())
        .arg("--dir")
        .arg(folder)
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
}
