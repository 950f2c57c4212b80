//! Signing in: how many a second against what the machine can hash, what others feel of it, and whether the time that an
//! answer takes tells who is known.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use kit::telemetry;

use crate::{
    load::{self, Report},
    product::{PASSWORD, product, token},
    storm::{StormReport, TurnsReport},
};

/// How far the product's hashing threads stand back.
const NICE: i32 = 10;

/// The cost that the product hashes with by default.
const COST: u32 = 12;

#[derive(Args)]
pub(crate) struct Options {
    /// Seconds a storm, and a measurement without one.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Requests a second of the one who only looks at `GET /api/v1/auth/me`.
    #[arg(long, default_value_t = 50)]
    pace: u32,
    /// Wrong sign-ins of each kind.
    #[arg(long, default_value_t = 40)]
    rounds: usize,
}

/// One storm, and what the one beside it felt.
struct Storm {
    clients: usize,
    report: StormReport,
    me: Report,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    // As it runs in earnest: spans and figures are kept, and lines are written.
    let telemetry = telemetry::init("bench", "info", None)?;
    let folder = tempfile::tempdir()?;
    let (host, address) = product(folder.path().to_owned(), None, &telemetry).await?;
    let token = token(&host).await?;
    let cores = thread::available_parallelism()?.get();
    let bare_time = Duration::from_secs(options.seconds / 4 + 1);

    // Before, between and after, so that a busy moment of the machine does not pass for a slow product.
    let mut bare = vec![bare_rate(cores, bare_time)?];
    let quiet = look(address, &token, &options).await?;
    let mut storms = Vec::new();
    for clients in [2 * cores, 50, 200] {
        let (report, me) = tokio::try_join!(storm(address, clients, &options), look(address, &token, &options))?;
        storms.push(Storm { clients, report, me });
        bare.push(bare_rate(cores, bare_time)?);
    }
    let turns = turns(address, &options).await?;
    print(cores, &bare, &quiet, &storms);
    print_turns(&turns);
    Ok(())
}

/// Hashes a second that the machine can verify when it does nothing else. The threads stand back as those of the product
/// do, so that other programs slow both alike.
fn bare_rate(cores: usize, time: Duration) -> anyhow::Result<f64> {
    let hash = bcrypt::hash(PASSWORD, COST)?;
    let verify_for = || {
        if cfg!(target_os = "linux") {
            rustix::process::nice(NICE)?;
        }
        let begun = Instant::now();
        let mut rate = 0.0;
        let mut hashes = 0.0;
        while begun.elapsed() < time {
            std::hint::black_box(bcrypt::verify(PASSWORD, &hash).is_ok_and(|matches| matches));
            hashes += 1.0;
            rate = hashes / begun.elapsed().as_secs_f64();
        }
        anyhow::Ok(rate)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(verify_for)).collect();
        let rates = threads.into_iter().map(|thread| match thread.join() {
            Ok(rate) => rate,
            Err(_) => Err(anyhow::anyhow!("a hashing thread panicked")),
        });
        rates.sum()
    })
}

async fn look(address: SocketAddr, token: &str, options: &Options) -> anyhow::Result<Report> {
    let (address, pace) = (address.to_string(), options.pace.to_string());
    let seconds = options.seconds.to_string();
    let path = "/api/v1/auth/me";
    let arguments = [
        "paced",
        &address,
        path,
        "--token",
        token,
        "--per-second",
        &pace,
        "--seconds",
        &seconds,
    ];
    let report: Report = load::in_a_process(&arguments, options.seconds).await?;
    anyhow::ensure!(
        report.failures == 0,
        "{} of {} failed",
        report.failures,
        report.requests
    );
    Ok(report)
}

async fn storm(address: SocketAddr, clients: usize, options: &Options) -> anyhow::Result<StormReport> {
    let (address, clients, seconds) = (address.to_string(), clients.to_string(), options.seconds.to_string());
    let arguments = ["storm", &address, "--clients", &clients, "--seconds", &seconds];
    load::in_a_process(&arguments, options.seconds).await
}

async fn turns(address: SocketAddr, options: &Options) -> anyhow::Result<TurnsReport> {
    let (address, rounds) = (address.to_string(), options.rounds.to_string());
    // Two hashes a round; each may take a second on a slow machine.
    let limit = 2 * options.rounds as u64;
    load::in_a_process(&["turns", &address, "--rounds", &rounds], limit).await
}

fn print(cores: usize, bare: &[f64], quiet: &Report, storms: &[Storm]) {
    let figures: Vec<String> = bare.iter().map(|rate| format!("{rate:.2}")).collect();
    println!(
        "bare bcrypt of cost {COST} on {cores} cores: {} hashes/s in turns",
        figures.join(", ")
    );
    println!(
        "{:<16} {:>9} {:>8} {:>9} {:>9} {:>9} {:>10} {:>10}",
        "", "logins/s", "of bare", "p50 s", "asked", "failed", "me p50 µs", "me p99 µs"
    );
    println!(
        "{:<16} {:>9} {:>8} {:>9} {:>9} {:>9} {:>10} {:>10}",
        "no storm", "", "", "", "", "", quiet.p50_micros, quiet.p99_micros
    );
    for (storm, around) in storms.iter().zip(bare.windows(2)) {
        let StormReport {
            busy,
            failures,
            p50_micros,
            ..
        } = storm.report;
        let (rate, bare) = (storm.report.per_second(), f64::midpoint(around[0], around[1]));
        println!(
            "{:<16} {rate:>9.2} {:>8.2} {:>9.2} {busy:>9} {failures:>9} {:>10} {:>10}",
            format!("{} clients", storm.clients),
            rate / bare,
            Duration::from_micros(p50_micros).as_secs_f64(),
            storm.me.p50_micros,
            storm.me.p99_micros
        );
    }
    println!("asked: how often somebody was asked to come back later; failed: any other answer");
}

fn print_turns(turns: &TurnsReport) {
    let seconds = |micros: u64| Duration::from_micros(micros).as_secs_f64();
    let (known, unknown) = (seconds(turns.known_micros), seconds(turns.unknown_micros));
    let apart = 100.0 * (known - unknown).abs() / known.min(unknown);
    println!("a wrong password takes {known:.4} s, an unknown user {unknown:.4} s: {apart:.1} % apart");
}
