//! One request through the gateway beside one through a hand-written handler, over the pipe and over TCP.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use clap::Args;
use hostelpulse::{Gateways, SERVICES, run_services};
use kit::{
    config::Config,
    service::{Host, sections},
    telemetry::{self, Telemetry},
};
use proto::{
    auth::{LoginRequest, User, auth_client::AuthClient},
    options::Role,
};

use crate::{bare, load::Report, usage};

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
    let bare_pipe = bare::serve(bare::over_a_pipe(user.clone())?)?;
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

/// The demo on embedded stores; with an address, the gateway calls the services there instead of through pipes.
async fn product(
    data: std::path::PathBuf,
    grpc: Option<SocketAddr>,
    telemetry: &Telemetry,
) -> anyhow::Result<(Host, SocketAddr)> {
    let mut config: Config = kit::config::Loader::empty(sections());
    config.base.data = data;
    config.base.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.set("limits.enabled", false);
    config.base.grpc_listen = grpc;
    if grpc.is_some() {
        let secret = "a secret for measurements, of enough length".to_owned();
        config.base.service_secret = Some(kit::config::SecretText(secret.into()));
    }
    let demo = Gateways {
        gateway: grpc.is_none(),
        demo: true,
    };
    let (host, address) = run_services(config.clone(), Some(telemetry), &SERVICES, demo).await?;
    let Some(grpc) = grpc else {
        return Ok((
            host,
            address.ok_or_else(|| anyhow::anyhow!("the gateway does not listen"))?,
        ));
    };
    config.base.grpc_listen = None;
    for service in SERVICES {
        config
            .base
            .upstreams
            .insert(service.name().to_owned(), format!("http://{grpc}").parse()?);
    }
    let (front, address) = run_services(
        config,
        Some(telemetry),
        &[],
        Gateways {
            gateway: true,
            demo: false,
        },
    )
    .await?;
    // Both run until the measurement's process ends.
    tokio::spawn(front.lifecycle.run(std::future::pending()));
    Ok((
        host,
        address.ok_or_else(|| anyhow::anyhow!("the gateway does not listen"))?,
    ))
}

async fn token(host: &Host) -> anyhow::Result<String> {
    let channel = host
        .upstreams
        .channel("auth")
        .ok_or_else(|| anyhow::anyhow!("no channel to auth"))?;
    let request = LoginRequest {
        identifier: "student@demo.local".to_owned(),
        password: "Demo@1234".to_owned(),
    };
    Ok(AuthClient::new(channel).login(request).await?.into_inner().access_token)
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
    let child = tokio::process::Command::new(std::env::current_exe()?)
        .args([
            "load",
            &candidate.address.to_string(),
            candidate.path,
            "--token",
            &candidate.token,
        ])
        .args([
            "--connections",
            &options.connections.to_string(),
            "--seconds",
            &options.seconds.to_string(),
        ])
        .stderr(Stdio::inherit())
        .stdout(Stdio::piped())
        .spawn()?;
    let limit = Duration::from_secs(options.seconds + 30);
    let output = tokio::time::timeout(limit, child.wait_with_output()).await??;
    let used = usage::cpu()?.saturating_sub(before);
    let report: Report = serde_json::from_slice(&output.stdout)?;
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
