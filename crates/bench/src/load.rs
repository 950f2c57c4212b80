//! A closed-loop load: each connection sends its next request when the last was answered. Written on the bare socket, so
//! that it costs little beside what it measures.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// How a load went.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub requests: u64,
    pub failures: u64,
    pub seconds: f64,
    pub p50_micros: u64,
    pub p99_micros: u64,
}

impl Report {
    pub(crate) fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
        let requests = self.requests as f64;
        requests / self.seconds
    }
}

/// Sends the load and prints the report.
pub(crate) fn run(
    address: SocketAddr,
    path: &str,
    token: &str,
    connections: usize,
    seconds: u64,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(send(address, path, token, connections, Duration::from_secs(seconds)))?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

async fn send(
    address: SocketAddr,
    path: &str,
    token: &str,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Report> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n");
    let begun = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        senders.spawn(one_connection(address, request.clone().into_bytes(), begun + time));
    }
    let mut latencies = Vec::new();
    let mut failures = 0;
    while let Some(sender) = senders.join_next().await {
        let (mut some, failed) = sender??;
        latencies.append(&mut some);
        failures += failed;
    }
    latencies.sort_unstable();
    let at = |share: usize| {
        latencies
            .get(latencies.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok(Report {
        requests: latencies.len() as u64,
        failures,
        seconds: begun.elapsed().as_secs_f64(),
        p50_micros: at(50),
        p99_micros: at(99),
    })
}

/// The latencies of one connection's requests, in microseconds, and how many did not answer 200.
async fn one_connection(address: SocketAddr, request: Vec<u8>, end: Instant) -> anyhow::Result<(Vec<u64>, u64)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let (mut latencies, mut failures) = (Vec::with_capacity(65_536), 0);
    while Instant::now() < end {
        let sent = Instant::now();
        stream.write_all(&request).await?;
        if !read_answer(&mut stream, &mut buffer).await? {
            failures += 1;
        }
        latencies.push(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok((latencies, failures))
}

/// Reads one answer whole; whether its status was 200.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<bool> {
    buffer.clear();
    let head = loop {
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head])?.to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length
        .ok_or_else(|| anyhow::anyhow!("an answer without a length"))?
        .trim()
        .parse()?;
    while buffer.len() < head + length {
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
    }
    Ok(text.starts_with("http/1.1 200"))
}
