//! Measures Jifen beside its floors: each figure is a ratio of two things done in turn on one machine.
//! `run` starts what this needs, and prints how to call it.

mod bare;
mod board_build;
mod claim_floor;
mod claim_submit;
mod idle;
mod load;
mod process;
mod ranking_read;
mod redeem;
mod report;
mod seed;
mod simulated_year;
mod weekly_close;
#[path = "../year/mod.rs"]
mod year;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

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
    /// Short repeats over a tenth of the county
    #[arg(long)]
    quick: bool,
    /// Just the measures whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// Approved claims that `weekly_close` settles
    #[arg(long)]
    claims: Option<usize>,
}

impl Bench {
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
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
    }
}

async fn measure(bench: &Bench) -> Done<()> {
    let reads = [ranking_read::NAME, ranking_read::NAME_UNCHANGED];
    let online = [&reads[..], &[claim_submit::NAME, redeem::HOT, redeem::SPREAD]].concat();
    if online.iter().any(|name| bench.wants(name)) {
        let county = seed::county(bench).await?;
        ranking_read::measure(bench, &county).await?;
        claim_submit::measure(bench, &county).await?;
        redeem::measure(bench, &county).await?;
    }
    board_build::measure(bench).await?;
    if bench.wants(weekly_close::NAME) {
        weekly_close::measure(bench).await?;
    }
    if bench.wants(simulated_year::NAME) {
        simulated_year::measure(bench).await?;
    }
    idle::measure(bench).await
}
