//! One request through the gateway beside one through a hand-written handler, over the pipe and over TCP.

use std::net::SocketAddr;

use clap::Args;
use kit::telemetry;
use proto::{auth::User, options::Role};

use crate::{
    bare,
    load::{self, Report},
    product::{product, token},
    usage,
};

#[derive(Args)]
pub(crate) struct Options {
    /// Seconds a measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections that send at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How often everything is measured, in turns; the best of each counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seconds: 5,
            connections: 64,
            rounds: 3,
        }
    }
}

/// Something that is measured.
struct Candidate {
    name: &'static str,
    address: SocketAddr,
    path: &'static str,
    token: String,
}

/// One measurement.
struct Figure {
    report: Report,
    cpu_micros: f64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    // As it runs in earnest: spans and figures are kept, and lines are written.
    let telemetry = telemetry::init("bench", "info", None)?;
    let folder = tempfile::tempdir()?;
    let (piped, over_pipe) = product(folder.path().join("pipe"), None, &telemetry).await?;
    let grpc = free_address()?;
    let (served, over_tcp) = product(folder.path().join("tcp"), Some(grpc), &telemetry).await?;
    let user = somebody();
    let bare_pipe = bare::serve(bare::over_a_pipe(user.clone()))?;
    let bare_tcp = bare::serve(bare::over_tcp(user).await?)?;
    let me = "/api/v1/auth/me";
    let candidates = [
        candidate("actix alone", bare_pipe, "/", String::new()),
        candidate("hand-written hop, pipe", bare_pipe, "/me", String::new()),
        candidate("gateway, pipe", over_pipe, me, token(&piped).await?),
        candidate("hand-written hop, TCP", bare_tcp, "/me", String::new()),
        candidate("gateway, TCP", over_tcp, me, token(&served).await?),
    ];
    let figures = measure_all(&candidates, &options).await?;
    print(&candidates, &figures);
    Ok(())
}

fn candidate(name: &'static str, address: SocketAddr, path: &'static str, token: String) -> Candidate {
    Candidate {
        name,
        address,
        path,
        token,
    }
}

fn somebody() -> User {
    User {
        id: "0192f3a4-0000-7000-8000-000000000000".to_owned(),
        email: "student@demo.local".to_owned(),
        name: "Asha Verma".to_owned(),
        role: Role::Student.into(),
        is_active: true,
        ..User::default()
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// In turns, so that a busy moment of the machine hits all alike; the best round of each counts.
async fn measure_all(candidates: &[Candidate], options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut best: Vec<Option<Figure>> = candidates.iter().map(|_| None).collect();
    for _ in 0..options.rounds {
        for (candidate, best) in candidates.iter().zip(&mut best) {
            let figure = measure(candidate, options).await?;
            let better = best
                .as_ref()
                .is_none_or(|best| figure.report.per_second() > best.report.per_second());
            if better {
                *best = Some(figure);
            }
        }
    }
    Ok(best.into_iter().flatten().collect())
}

async fn measure(candidate: &Candidate, options: &Options) -> anyhow::Result<Figure> {
    let before = usage::cpu()?;
    let report: Report = load::in_a_process(
        &[
            "load",
            &candidate.address.to_string(),
            candidate.path,
            "--token",
            &candidate.token,
            "--connections",
            &options.connections.to_string(),
            "--seconds",
            &options.seconds.to_string(),
        ],
        options.seconds,
    )
    .await?;
    let used = usage::cpu()?.saturating_sub(before);
    anyhow::ensure!(
        report.failures == 0,
        "{}: {} of {} failed",
        candidate.name,
        report.failures,
        report.requests
    );
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    let cpu_micros = used.as_micros() as f64 / report.requests.max(1) as f64;
    Ok(Figure { report, cpu_micros })
}

fn print(candidates: &[Candidate], figures: &[Figure]) {
    println!(
        "{:<24} {:>10} {:>9} {:>9} {:>12}",
        "", "requests/s", "p50 µs", "p99 µs", "CPU µs each"
    );
    for (candidate, figure) in candidates.iter().zip(figures) {
        let Report {
            p50_micros, p99_micros, ..
        } = figure.report;
        let rate = figure.report.per_second();
        println!(
            "{:<24} {rate:>10.0} {p50_micros:>9} {p99_micros:>9} {:>12.1}",
            candidate.name, figure.cpu_micros
        );
    }
    for (name, gateway, hop) in [("pipe", 2, 1), ("TCP", 4, 3)] {
        let ratio = figures[gateway].report.per_second() / figures[hop].report.per_second();
        println!("gateway against the hand-written hop over {name}: {ratio:.2}");
    }
}
