//! A roll call of a whole campus: every student scans once, many at once, against the real binary; beside it, what PostgreSQL
//! alone makes of one-row commits into the same tables.

mod installation;
mod load;
mod people;
mod pgbench;

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use clap::Args;

pub(crate) use load::{ScanReport, scan_all};

use self::{
    installation::{Installation, Usage},
    people::People,
};
use crate::{load::in_a_process, tokens::Signer};

/// What was stored is published within this time, or something is wrong.
const DRAIN_LIMIT: Duration = Duration::from_mins(5);
const LOAD_LIMIT: u64 = 600;
/// For so long what was copied a moment ago is read again and again; nobody scans right after twenty thousand moved in.
const NEWS: Duration = Duration::from_secs(35);

#[derive(Args)]
pub(crate) struct Options {
    /// How many students scan, each once.
    #[arg(long, default_value_t = 20_000)]
    students: usize,
    /// How many at once.
    #[arg(long, default_value_t = 100)]
    at_once: usize,
    /// A PostgreSQL server, `postgres://user:password@host:port`, instead of SQLite. Its databases `scan_…` are made anew.
    #[arg(long, requires_all = ["redis", "rabbitmq"])]
    postgres: Option<url::Url>,
    /// A Redis server, `redis://…`.
    #[arg(long)]
    redis: Option<url::Url>,
    /// A RabbitMQ server, `amqp://…`.
    #[arg(long)]
    rabbitmq: Option<url::Url>,
    /// Every service and the gateway in a process of its own; needs the servers.
    #[arg(long, requires = "postgres")]
    split: bool,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let People { beginning, scanners } = People::of(options.students);
    let mut installation = Installation::prepare(&options, beginning).await?;
    installation.start(options.split, options.students).await?;
    tokio::time::sleep(NEWS).await;
    let signer = Signer::of(installation.config()).await?;
    let wanted = installation.open_roll_calls(&signer, &scanners).await?;
    let plan = installation.folder().join("scans.json");
    std::fs::write(&plan, serde_json::to_vec(&wanted)?)?;

    let before = installation.usage().await?;
    let report = load(&installation, &plan, options.at_once).await?;
    let answered = installation.usage().await?.since(before);
    installation.drained(DRAIN_LIMIT).await?;
    let heard = installation.usage().await?.since(before);
    let rows = installation.marks().await?;

    print(&options, &report, rows, [answered, heard]);
    anyhow::ensure!(
        rows == report.marked,
        "{} marks were answered and {rows} rows are there",
        report.marked
    );
    if let Some(server) = &options.postgres {
        let [mark, both] = pgbench::single_rows(server, options.at_once).await.context("pgbench")?;
        println!("one-row commits by pgbench, as many at once: {mark:.0} marks/s, {both:.0} marks with their tries/s");
        let scans = report.per_second();
        println!("scans against that: {:.2}, {:.2}", scans / mark, scans / both);
    }
    Ok(())
}

/// Sent by a process of its own, so that its work is not counted as the product's.
async fn load(installation: &Installation, plan: &Path, at_once: usize) -> anyhow::Result<ScanReport> {
    let (address, at_once) = (installation.address()?.to_string(), at_once.to_string());
    let plan = plan.to_string_lossy();
    in_a_process(&["scan-load", &address, &plan, "--at-once", &at_once], LOAD_LIMIT).await
}

fn print(options: &Options, report: &ScanReport, rows: u64, [answered, heard]: [Usage; 2]) {
    let mode = if options.split {
        "a process a service"
    } else {
        "one process"
    };
    let stores = if options.postgres.is_some() {
        "PostgreSQL, Redis, RabbitMQ"
    } else {
        "SQLite"
    };
    println!(
        "{} students scan once each, {} at once; {mode}; {stores}",
        options.students, options.at_once
    );
    println!(
        "{:.0} scans/s, p50 {:.1} ms, p99 {:.1} ms; marked {}, refused {}, failed {}; rows {rows}",
        report.per_second(),
        millis(report.p50_micros),
        millis(report.p99_micros),
        report.marked,
        report.refused,
        report.failed,
    );
    println!(
        "{:<24} {:>16} {:>22}",
        "CPU a scan, µs", "until answered", "until all was told"
    );
    for (whose, of) in [
        ("our processes", Usage::ours as fn(&Usage) -> Duration),
        ("PostgreSQL", Usage::postgres),
    ] {
        let each = |usage: &Usage| {
            of(usage).as_secs_f64() * 1e6 / f64::from(u32::try_from(report.marked.max(1)).unwrap_or(u32::MAX))
        };
        println!("{whose:<24} {:>16.0} {:>22.0}", each(&answered), each(&heard));
    }
}

fn millis(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1e3
}
