//! Measures Jifen beside its floors: each figure is a ratio of two things done in turn on one machine.
//! `run` starts what this needs, and prints how to call it.

mod bare;
mod board_build;
mod boards;
mod claim_floor;
mod claim_submit;
mod claims;
mod idle;
mod load;
mod machine;
mod outage;
mod process;
mod ranking_read;
mod redeem;
mod redis_stopped;
mod report;
mod scale;
mod seed;
mod simulated_year;
mod sqlite_claim;
mod table;
mod weekly_close;
#[path = "../year/mod.rs"]
mod year;

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::report::Measure;
use crate::seed::Size;

type Done<T> = Result<T, Box<dyn Error>>;

#[derive(Parser)]
#[command(name = "bench")]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take the measures, one JSON line each on standard output
    Measure(Bench),
    /// Print the lines of a run as a table
    Table {
        /// The lines
        results: PathBuf,
        /// Put it into this document, between its two marks, instead
        #[arg(long)]
        into: Option<PathBuf>,
    },
    /// Serve one answer and do nothing else: the floor of a read
    Bare(bare::Bare),
}

/// What the measures stand on.
#[derive(Args)]
struct Bench {
    /// The server to be measured
    #[arg(long)]
    jifen: PathBuf,
    /// `postgres://user@host:port`, a server of its own that may be filled with databases
    #[arg(long)]
    postgres: String,
    /// The folder of pgbench
    #[arg(long)]
    postgres_bin: PathBuf,
    /// `redis://host:port`
    #[arg(long)]
    redis: String,
    /// An empty folder
    #[arg(long)]
    folder: PathBuf,
    /// Also what claims, reads and closes cost with 16,000, 160,000 and a million households
    #[arg(long)]
    scale: bool,
    /// Short repeats over a tenth of the county
    #[arg(long)]
    quick: bool,
    /// Just the measures whose name contains this, or one of several divided by commas
    #[arg(long, default_value = "")]
    only: String,
    /// Approved claims that `weekly_close` settles
    #[arg(long)]
    claims: Option<usize>,
}

impl Bench {
    fn wants(&self, name: &str) -> bool {
        self.only.split(',').any(|part| name.contains(part))
    }

    /// Prints those of these that are wanted.
    fn print_wanted(&self, measures: &[Measure]) -> Done<()> {
        measures.iter().filter(|it| self.wants(it.name)).try_for_each(Measure::print)
    }

    fn database(&self, name: &str) -> String {
        format!("{}/{name}", self.postgres)
    }

    /// A county as the national statistics know it.
    fn county(&self) -> Size {
        let tenth = if self.quick { 10 } else { 1 };
        Size { villages: 100 / tenth, grids: 275 / tenth, households: 16_000 / tenth }
    }

    /// How long one repeat of a rate takes.
    fn repeat(&self) -> Duration {
        Duration::from_secs(if self.quick { 4 } else { 15 })
    }

    /// How many times ours and its floor are measured in turn.
    fn pairs(&self) -> usize {
        if self.quick { 3 } else { 5 }
    }
}

#[actix_web::main]
async fn main() -> Done<()> {
    match Line::parse().command {
        Command::Bare(bare) => bare::serve(bare).await,
        Command::Measure(bench) => measure(&bench).await,
        Command::Table { results, into } => show(&std::fs::read_to_string(results)?, into),
    }
}

fn show(results: &str, into: Option<PathBuf>) -> Done<()> {
    let Some(file) = into else {
        return Ok(std::io::stdout().write_all(table::table(results)?.as_bytes())?);
    };
    let document = std::fs::read_to_string(&file)?;
    Ok(std::fs::write(file, table::put_into(&document, results)?)?)
}

async fn measure(bench: &Bench) -> Done<()> {
    machine::describe(bench).await?;
    let reads = [ranking_read::NAME, ranking_read::NAME_UNCHANGED, ranking_read::P99, boards::NAME];
    let writes = [claim_submit::NAME, claim_submit::P99, redeem::HOT, redeem::SPREAD];
    let online = [&reads[..], &writes, &redis_stopped::NAMES].concat();
    if online.iter().any(|name| bench.wants(name)) {
        let county = seed::county(bench).await?;
        ranking_read::measure(bench, &county).await?;
        boards::measure(bench, &county).await?;
        claim_submit::measure(bench, &county).await?;
        redis_stopped::measure(bench, &county).await?;
        redeem::measure(bench, &county).await?;
    }
    board_build::measure(bench).await?;
    weekly_close::measure(bench).await?;
    sqlite_claim::measure(bench).await?;
    if bench.wants(simulated_year::NAME) {
        simulated_year::measure(bench).await?;
    }
    idle::measure(bench).await?;
    scale::measure(bench).await
}
