//! One database per test: a copy of a migrated template.

use std::path::PathBuf;

use api::app;
use sea_orm::{ConnectionTrait, Database};
use uuid::Uuid;

/// Where a test's data is, and how it goes away.
pub struct TestDatabase {
    pub url: String,
    pub redis_url: Option<String>,
    pub name: String,
    /// The folder of photos.
    pub photos: PathBuf,
    kind: Kind,
}

enum Kind {
    File(PathBuf),
    Postgres { server: String },
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where files of tests lie.
fn folder() -> PathBuf {
    variable("JIFEN_TEST_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

impl TestDatabase {
    pub async fn create() -> Self {
        let name = format!("jifen_test_{}", Uuid::now_v7().simple());
        if variable("JIFEN_TEST_BACKEND").as_deref() == Some("postgres") {
            return Self::postgres(name).await;
        }
        let path = folder().join(format!("{name}.db"));
        let url = format!("sqlite://{}", path.display());
        if let Some(template) = variable("JIFEN_TEST_SQLITE_TEMPLATE") {
            std::fs::copy(template, &path).expect("the template is copied");
        }
        let photos = folder().join(format!("{name}.photos"));
        Self { url, redis_url: None, name, photos, kind: Kind::File(path) }
    }

    async fn postgres(name: String) -> Self {
        let server = variable("JIFEN_TEST_POSTGRES_URL").expect("JIFEN_TEST_POSTGRES_URL is set");
        let redis_url = variable("JIFEN_TEST_REDIS_URL");
        on_server(&server, &format!("CREATE DATABASE {name} TEMPLATE jifen_template")).await;
        let url = format!("{server}/{name}");
        let photos = folder().join(format!("{name}.photos"));
        Self { url, redis_url, name, photos, kind: Kind::Postgres { server } }
    }

    /// Brings the schema up to date: nothing to do after a template, everything without one.
    pub async fn migrate(&self, app: &app::App) {
        app::migrate(app).await.expect("the schema is up to date");
    }
}

async fn on_server(server: &str, sql: &str) {
    let admin = Database::connect(format!("{server}/postgres")).await.expect("PostgreSQL answers");
    admin.execute_unprepared(sql).await.expect("the statement runs");
    admin.close().await.expect("the connection closes");
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.photos);
        match &self.kind {
            Kind::File(path) => {
                for suffix in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
                }
            }
            Kind::Postgres { server } => {
                let (server, name) = (server.clone(), self.name.clone());
                // A test's own runtime is ending: this one is only for the good-bye.
                let drop = std::thread::spawn(move || {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_all().build();
                    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    runtime.expect("a runtime").block_on(on_server(&server, &sql));
                });
                let _ = drop.join();
            }
        }
    }
}
