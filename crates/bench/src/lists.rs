//! Lists and searches of a large hostel through the gateway: how long an answer takes when one person asks at a time.

use std::{net::SocketAddr, time::Instant};

use anyhow::Context as _;
use clap::Args;
use hostelpulse::{Composed, Gateways, SERVICES, run_services};
use kit::telemetry;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    hostel,
    load::{get, micros, read_answer},
    product::token_of,
};

/// What is asked for before it counts.
const WARM_UP: usize = 20;

#[derive(Args)]
pub(crate) struct Options {
    /// How many students there are.
    #[arg(long, default_value_t = 50_000)]
    students: usize,
    /// How often each question is asked.
    #[arg(long, default_value_t = 300)]
    requests: usize,
    /// A PostgreSQL server, `postgres://user:password@host:port`, instead of SQLite. The databases `bench_…` are made there
    /// and stay: the next measurement finds them filled.
    #[arg(long)]
    postgres: Option<url::Url>,
}

/// What is asked: in words, and the path.
const QUESTIONS: [(&str, &str); 14] = [
    ("first page", "/api/v1/students"),
    ("page 500", "/api/v1/students?page=500"),
    ("last page", "/api/v1/students?page=2500"),
    ("block and year", "/api/v1/students?block=B07&year=2"),
    (
        "sorted by created_at, desc",
        "/api/v1/students?sort_by=created_at&order=desc",
    ),
    ("search: beginning of a name", "/api/v1/students?search=ver"),
    ("search: two words", "/api/v1/students?search=asha%20ver"),
    ("search: one letter", "/api/v1/students?search=a"),
    ("search: number", "/api/v1/students?search=REG-2026-04321"),
    (
        "search: e-mail address",
        "/api/v1/students?search=student4321%40hostel.example",
    ),
    ("search: nobody", "/api/v1/students?search=nobody"),
    ("rooms, first page", "/api/v1/rooms"),
    ("rooms with space", "/api/v1/rooms?has_space=true"),
    ("blocks", "/api/v1/blocks"),
];

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let telemetry = telemetry::init("bench", "error", None)?;
    let folder = tempfile::tempdir()?;
    let config = hostel::config(folder.path().to_owned(), options.postgres.as_ref());
    let filled = hostel::fill(config.clone(), options.students).await?;
    println!(
        "{} students stored within {:.1} s",
        options.students,
        filled.as_secs_f64()
    );
    let with = Gateways {
        gateway: true,
        demo: false,
    };
    let Composed { host, listens, .. } = run_services(config, Some(&telemetry), &SERVICES, with).await?;
    let address = listens.context("the gateway does not listen")?;
    let token = token_of(&host, hostel::ADMIN).await?;
    println!("{:<28} {:>8} {:>8} {:>8}", "", "p50 ms", "p95 ms", "p99 ms");
    for (question, path) in QUESTIONS {
        let [p50, p95, p99] = ask(address, path, &token, options.requests).await.context(question)?;
        println!("{question:<28} {p50:>8.2} {p95:>8.2} {p99:>8.2}");
    }
    Ok(())
}

/// Asks again and again on one connection; milliseconds that half, 95 and 99 of a hundred answers took at most.
async fn ask(address: SocketAddr, path: &str, token: &str, requests: usize) -> anyhow::Result<[f64; 3]> {
    let request = get(address, path, token);
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut buffer, mut latencies) = (Vec::new(), Vec::with_capacity(requests));
    for turn in 0..requests + WARM_UP {
        let sent = Instant::now();
        stream.write_all(&request).await?;
        let status = read_answer(&mut stream, &mut buffer).await?;
        anyhow::ensure!(status == 200, "{path}: {}", String::from_utf8_lossy(&buffer));
        if turn >= WARM_UP {
            latencies.push(micros(sent.elapsed()));
        }
    }
    latencies.sort_unstable();
    Ok([50, 95, 99].map(|share| {
        let place = latencies.len() * share / 100;
        #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
        let millis = latencies.get(place).copied().unwrap_or_default() as f64 / 1000.0;
        millis
    }))
}
