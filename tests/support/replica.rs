//! Servers as processes of their own, as an operator runs several on one database.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use super::database::TestDatabase;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// After this a condition will not come about any more.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server in production, by the real clock; killed when it is dropped.
pub struct Replica {
    /// What PostgreSQL calls its connections.
    pub name: String,
    pub base: String,
    child: Child,
}

impl Replica {
    pub fn start(database: &TestDatabase, name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let child = production(database)
            .env("BIND_ADDR", address.to_string())
            .env("PGAPPNAME", name)
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        Self { name: name.to_owned(), base: format!("http://{address}"), child }
    }

    /// Stops it where it stands, as a paused virtual machine does.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on, knowing nothing of what happened meanwhile.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(done.expect("kill runs").success());
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the program does with this command line and a test's database, by the real clock.
pub fn jifen(database: &TestDatabase, line: &[&str]) -> Output {
    production(database).args(line).output().expect("the program runs")
}

/// The program as it runs in production, in a folder without an `.env`.
fn production(database: &TestDatabase) -> Command {
    std::fs::create_dir_all(&database.photos).expect("a folder");
    let key = database.photos.join("list.key");
    if !key.exists() {
        api::proof::make_key(&key, "jifen-test").expect("a key");
    }
    let mut command = Command::new(program());
    command
        .current_dir(&database.photos)
        .env("PROFILE", "production")
        .env("DATABASE_URL", &database.url)
        .env("DATABASE_CONNECTIONS", "4")
        .env("PHOTOS_URL", format!("file://{}", database.photos.display()))
        .env("LIST_KEY_FILE", &key)
        .env("LOG", "error")
        .envs(["TOKEN_SECRET", "PICKUP_SECRET", "IDENTITY_SECRET"].map(|key| (key, SECRET)))
        .stdin(Stdio::null());
    command
}

/// The server's program, built beside the suite.
fn program() -> PathBuf {
    let suite = std::env::current_exe().expect("the suite has a path");
    let folder = suite.parent().and_then(|deps| deps.parent()).expect("a target folder");
    folder.join("jifen")
}

/// Looks again and again until `condition` yields something.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = condition().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("{what} did not come about"))
}
