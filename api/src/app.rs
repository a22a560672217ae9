//! The state every request sees, and the server around it; used by `main` and by the tests.

use std::net::TcpListener;
use std::sync::atomic::AtomicI64;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App as Actix, HttpServer};
use migration::MigratorTrait;

use crate::config::Config;
use crate::kernel::cache::Cache;
use crate::kernel::clock::Clock;
use crate::kernel::db::{self, Db};
use crate::kernel::lease::Lease;
use crate::kernel::problem::Outcome;
use crate::kernel::routes::{Routes, Shelves};
use crate::kernel::tries::Tries;
use crate::photos::Photos;
use crate::proof::Signer;
use crate::sessions::WeChat;
use crate::{
    calendar, claims, contract, http, identity, proof, rankings, redemption, routes, rules, sandbox,
};

pub struct App {
    pub db: Db,
    pub cache: Cache,
    pub clock: Clock,
    /// What tokens live by: the real clock, also in the sandbox.
    pub token_clock: Clock,
    pub config: Config,
    pub rule_books: rules::Books,
    /// No village has anything due before this instant; see [`calendar`].
    pub next_due: AtomicI64,
    /// Held by the one replica that settles what nobody asks for.
    pub calendar_lease: Lease,
    pub wechat: WeChat,
    /// Where pictures lie.
    pub photos: Photos,
    /// Wrong household codes: 20 in 15 minutes.
    pub code_tries: Tries,
    /// Objections sent, accepted or not: 60 a minute.
    pub objection_tries: Tries,
    /// Where those who call at the same moment meet.
    pub callers: identity::Callers,
    /// Where claims that arrive together meet.
    pub claims: claims::Claims,
    /// Where orders for prizes meet.
    pub redemptions: redemption::Redemptions,
    /// Signs public lists; production does not start without it.
    pub list_key: Option<Signer>,
}

impl App {
    /// Opens the database, the cache and the store of photos; changes nothing.
    pub async fn connect(config: Config) -> Result<Self, Box<dyn std::error::Error>> {
        use_tls_of_the_database();
        let storage = &config.storage;
        create_folder(&storage.database_url)?;
        let db = Db::connect(&storage.database_url, storage.database_connections).await?;
        let cache = Cache::connect(storage.redis_url.as_deref(), &storage.redis_prefix).await;
        let photos = Photos::open(&storage.photos_url)?;
        let clock = if config.is_sandbox() { sandbox::clock() } else { Clock::System };
        let (rule_books, next_due) = (rules::Books::new(64), AtomicI64::new(0));
        let token_clock = Clock::System;
        let wechat = WeChat::new(&config, cache.clone());
        let (code_tries, objection_tries) = (Tries::new(20, 15), Tries::new(60, 1));
        let list_key = list_key(&config)?;
        Ok(Self {
            db,
            cache,
            clock,
            token_clock,
            config,
            rule_books,
            next_due,
            calendar_lease: Lease::new("calendar"),
            wechat,
            photos,
            code_tries,
            objection_tries,
            callers: identity::Callers::default(),
            claims: claims::Claims::default(),
            redemptions: redemption::Redemptions::default(),
            list_key,
        })
    }
}

fn list_key(config: &Config) -> Result<Option<Signer>, String> {
    match &config.secrets.list_key_file {
        Some(file) => proof::load_key(file).map(Some),
        None if config.is_sandbox() => Ok(proof::sandbox_key(config.secrets.identity())),
        None => Ok(None),
    }
}

/// One TLS stack: the client of WeChat takes the provider that the database's driver brings. Only the
/// first call of a process has an effect.
pub fn use_tls_of_the_database() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// SQLite makes the file but not the folder it lies in.
fn create_folder(database_url: &str) -> std::io::Result<()> {
    let path = database_url.strip_prefix("sqlite://").and_then(|rest| rest.split('?').next());
    match path.map(std::path::Path::new).and_then(std::path::Path::parent) {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder),
        _ => Ok(()),
    }
}

/// Brings the schema up to date; refuses a database that is newer than this program.
pub async fn migrate(app: &App) -> Result<(), sea_orm::DbErr> {
    migration::Migrator::up(app.db.schema(), None).await?;
    // Two databases behind one Redis never read each other's bytes.
    app.cache.belong_to(&db::identity(app.db.read()).await?);
    Ok(())
}

/// In the sandbox: loads the demo county into an empty database and sets the clock where it stood.
pub async fn prepare_sandbox(app: &App) -> Outcome<()> {
    if app.config.is_sandbox() {
        sandbox::prepare(app).await?;
    }
    Ok(())
}

/// Starts the server on `listener`, and the ticker that settles what is due.
pub fn serve(app: Data<App>, listener: TcpListener) -> std::io::Result<Server> {
    let workers = usize::from(app.config.server.workers);
    calendar::start_ticker(app.clone());
    let sandbox = app.config.is_sandbox();
    let contract = Data::new(contract::Served::new(sandbox));
    let server = HttpServer::new(move || {
        Actix::new()
            .app_data(app.clone())
            .configure(|config| {
                let mut shelves = Shelves::default();
                routes::routes(Routes::Serving(&mut shelves), sandbox);
                shelves.serve(config);
            })
            .configure(|config: &mut web::ServiceConfig| contract::routes(config, &contract))
            .wrap(from_fn(calendar::settle_first))
            .wrap(from_fn(http::answer_problems))
            .wrap(from_fn(rankings::at_hand_first))
    });
    let server = server.workers(workers).shutdown_timeout(5).listen(listener)?;
    Ok(server.run())
}
