//! The command line: `jifen` alone serves.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;

use actix_web::web::Data;
use api::app::{self, App};
use api::calendar;
use api::config::{self, Config};
use api::founding::{self, First};
use api::identity::Role;
use api::kernel::clock::{Clock, Instant};
use api::kernel::problem::Problem;
use api::kernel::region::RegionCode;
use api::proof::{self, Verifier};
use api::rankings;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "jifen",
    version,
    about = "The JSON API of a village points system (乡村治理积分制)"
)]
struct Line {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default)
    Serve,
    /// Bring the database's schema up to date
    Migrate,
    /// Recompute every balance, line and standing from the postings; names the first row that disagrees.
    /// With REDIS_URL, compare the boards kept there with those that SQL makes, and name each that differs
    Verify {
        /// Check a list file or a proof instead, without a database or a network
        #[arg(long)]
        list: Option<PathBuf>,
        /// A public key that may have signed, e.g. one of former years; may be given several times.
        /// The server's own (LIST_KEY_FILE) is trusted besides; with `--list` and no `--key` the key
        /// in the file is believed
        #[arg(long = "key", value_parser = public_key)]
        keys: Vec<Verifier>,
    },
    /// The key that signs public lists
    Key {
        #[command(subcommand)]
        act: Key,
    },
    /// Close every week, list and term that is over, as the calendar does while the server runs
    Close {
        /// Only what was over at this instant, e.g. `2024-09-09T00:00:00+08:00`; never one to come
        #[arg(long, value_parser = instant)]
        as_of: Option<Instant>,
        /// Only the villages of this region
        #[arg(long)]
        region: Option<RegionCode>,
    },
    /// Load the table of regions from `code,name` lines
    Regions { file: PathBuf },
    /// Appoint the first official of a township or county; prints what they log in with
    Appoint {
        /// `county` or `township`
        #[arg(long)]
        role: String,
        /// The region's code
        #[arg(long)]
        region: RegionCode,
        /// The official's name
        #[arg(long)]
        name: String,
        /// Their login name: lower-case letters, digits, `.`, `-` and `_`
        #[arg(long)]
        login: String,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Print the text of `.env.example`
    EnvExample,
}

#[derive(Subcommand)]
enum Key {
    /// Make a key in a new file that only you can read; prints its public half
    New {
        file: PathBuf,
        /// Whose key it is: visible ASCII without `+`, e.g. the domain of the API
        #[arg(long, default_value = "jifen")]
        name: String,
    },
    /// Print the public half of a key, for the notice board and for `verify --key`
    Show { file: PathBuf },
}

#[actix_web::main]
async fn main() -> ExitCode {
    // A missing `.env` is the normal case; a broken one is named by the setting it breaks.
    let _ = dotenvy::dotenv();
    let line = Line::parse();
    let filter = tracing_subscriber::EnvFilter::new(&line.config.server.log);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(line).await {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "jifen: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(line: Line) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    match line.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(line.config).await?,
        Command::Migrate => {
            let app = App::connect(line.config).await?;
            app::migrate(&app).await?;
            app.db.close().await?;
        }
        Command::Close { as_of, region } => {
            let mut app = ready(line.config).await?;
            app::prepare_sandbox(&app).await?;
            let now = app.clock.now();
            let as_of = as_of.unwrap_or(now);
            if as_of > now {
                return Err(format!("{as_of} is to come; it is {now}").into());
            }
            app.clock = Clock::standing_at(as_of);
            let steps = calendar::settle_all(&app, region.as_ref()).await.map_err(told)?;
            writeln!(out, "{steps} steps, as of {as_of}")?;
        }
        Command::Key { act: Key::New { file, name } } => {
            writeln!(out, "{}", proof::make_key(&file, &name)?)?;
        }
        Command::Key { act: Key::Show { file } } => writeln!(out, "{}", proof::show_key(&file)?)?,
        Command::Verify { list: Some(file), keys } => {
            let (found, holds) = one_of(&keys, |key| proof::verify_file(&file, key))?;
            write!(out, "{found}")?;
            return Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Regions { file } => {
            let app = ready(line.config).await?;
            writeln!(out, "{} regions", founding::load_regions(&app, &file).await?)?;
        }
        Command::Appoint { role, region, name, login } => {
            let role = Role::parse(&role).ok_or("no such role")?;
            let app = ready(line.config).await?;
            let first = First { role, region, name, login };
            writeln!(out, "{}", founding::appoint(&app, first).await.map_err(told)?)?;
        }
        Command::Openapi => writeln!(out, "{:#}", api::contract::document())?,
        Command::EnvExample => write!(out, "{}", config::env_example())?,
        Command::Verify { list: None, keys: mut trusted } => {
            let app = App::connect(line.config).await?;
            trusted.extend(app.list_key.as_ref().map(|key| key.verifier.clone()));
            let found = api::verify::verify_trusting(&app.db, &trusted).await?;
            writeln!(out, "{found}")?;
            let mut agrees = found.is_clean();
            if agrees && app.config.storage.redis_url.is_some() {
                let kept = rankings::compare_kept(&app).await?;
                writeln!(out, "{kept}")?;
                agrees = kept.differing.is_empty();
            }
            return Ok(if agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An app whose secrets are set and whose schema is up to date.
async fn ready(config: Config) -> Result<App, Box<dyn std::error::Error>> {
    let app = App::connect(complete(config)?).await?;
    app::migrate(&app).await?;
    Ok(app)
}

fn public_key(text: &str) -> Result<Verifier, String> {
    Verifier::parse(text).ok_or_else(|| "expected what `jifen key show` prints".to_owned())
}

/// The verdict on a file under the first of the keys that it holds under, else under the last; without
/// keys under its own.
fn one_of(
    keys: &[Verifier],
    check: impl Fn(Option<&str>) -> Result<(String, bool), String>,
) -> Result<(String, bool), String> {
    let Some((last, others)) = keys.split_last() else { return check(None) };
    for key in others {
        let (found, holds) = check(Some(&key.vkey()))?;
        if holds {
            return Ok((found, holds));
        }
    }
    check(Some(&last.vkey()))
}

fn instant(text: &str) -> Result<Instant, String> {
    Instant::parse(text).ok_or_else(|| "expected an RFC 3339 instant".to_owned())
}

/// A refusal as a sentence for the terminal.
fn told(problem: Problem) -> String {
    let refusal = problem.refusal();
    let told = || format!("{}: {problem}", refusal.code.title(true));
    refusal.detail.clone().map_or_else(told, String::from)
}

/// The configuration, if nothing that it needs is missing.
fn complete(config: Config) -> Result<Config, String> {
    let missing = config.missing();
    if missing.is_empty() { Ok(config) } else { Err(missing.join("; ")) }
}

async fn serve(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let config = complete(config)?;
    let listener = TcpListener::bind(config.server.bind_addr)
        .map_err(|error| format!("cannot listen on {}: {error}", config.server.bind_addr))?;
    let app = App::connect(config).await?;
    app::migrate(&app).await?;
    app::prepare_sandbox(&app).await?;
    proof::seal_missing(&app).await?;
    tracing::info!("listening on http://{}, documentation at /docs", listener.local_addr()?);
    app::serve(Data::new(app), listener)?.await?;
    Ok(())
}
