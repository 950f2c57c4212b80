//! Loads, written on the bare socket, so that they cost little beside what they measure: as fast as answers come, or at a
//! pace.

use std::{
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
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

/// Has a load sent by a process of its own and waits for its report.
pub(crate) async fn in_a_process<R: DeserializeOwned>(arguments: &[&str], seconds: u64) -> anyhow::Result<R> {
    let child = tokio::process::Command::new(std::env::current_exe()?)
        .args(arguments)
        .stderr(Stdio::inherit())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let limit = Duration::from_secs(seconds + 30);
    let output = tokio::time::timeout(limit, child.wait_with_output()).await??;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs a load in this process and prints its report.
pub(crate) fn report<R: Serialize>(load: impl Future<Output = anyhow::Result<R>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(load)?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// As fast as answers come: each connection sends its next request when the last was answered.
pub(crate) fn run(
    address: SocketAddr,
    path: &str,
    token: &str,
    connections: usize,
    seconds: u64,
) -> anyhow::Result<()> {
    let time = Duration::from_secs(seconds);
    report(send(address, path, token, connections, time))
}

async fn send(
    address: SocketAddr,
    path: &str,
    token: &str,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Report> {
    let request = get(address, path, token);
    let begun = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        senders.spawn(one_connection(address, request.clone(), begun + time));
    }
    collect(senders, begun).await
}

/// At a pace, whether answers come or not: a late answer counts from the moment when its request was due.
pub(crate) async fn paced(
    address: SocketAddr,
    path: &str,
    token: &str,
    per_second: u32,
    time: Duration,
) -> anyhow::Result<Report> {
    const CONNECTIONS: u32 = 10;
    let request = get(address, path, token);
    let begun = Instant::now();
    let period = Duration::from_secs(1) / per_second;
    let mut senders = JoinSet::new();
    for number in 0..CONNECTIONS {
        let first = begun + period * number;
        senders.spawn(one_paced(
            address,
            request.clone(),
            first,
            period * CONNECTIONS,
            begun + time,
        ));
    }
    collect(senders, begun).await
}

pub(crate) fn get(address: SocketAddr, path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

async fn collect(mut senders: JoinSet<anyhow::Result<(Vec<u64>, u64)>>, begun: Instant) -> anyhow::Result<Report> {
    let mut latencies = Vec::new();
    let mut failures = 0;
    while let Some(sender) = senders.join_next().await {
        let (mut some, failed) = sender??;
        latencies.append(&mut some);
        failures += failed;
    }
    let requests = latencies.len() as u64;
    let [p50_micros, p99_micros] = percentiles(latencies);
    Ok(Report {
        requests,
        failures,
        seconds: begun.elapsed().as_secs_f64(),
        p50_micros,
        p99_micros,
    })
}

/// The median, and what one in a hundred exceeds; nothing for none.
pub(crate) fn percentiles(mut latencies: Vec<u64>) -> [u64; 2] {
    latencies.sort_unstable();
    [50, 99].map(|share| {
        latencies
            .get(latencies.len() * share / 100)
            .copied()
            .unwrap_or_default()
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
        if read_answer(&mut stream, &mut buffer).await? != 200 {
            failures += 1;
        }
        latencies.push(micros(sent.elapsed()));
    }
    Ok((latencies, failures))
}

/// The same for one connection that sends each `period`.
async fn one_paced(
    address: SocketAddr,
    request: Vec<u8>,
    first: Instant,
    period: Duration,
    end: Instant,
) -> anyhow::Result<(Vec<u64>, u64)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let (mut latencies, mut failures, mut due) = (Vec::new(), 0, first);
    while due < end {
        tokio::time::sleep_until(due.into()).await;
        // Timers are rough; what they are late by is not the server's.
        let sent = if due.elapsed() < TIMERS { Instant::now() } else { due };
        stream.write_all(&request).await?;
        if read_answer(&mut stream, &mut buffer).await? != 200 {
            failures += 1;
        }
        latencies.push(micros(sent.elapsed()));
        due += period;
    }
    Ok((latencies, failures))
}

/// How late a timer may be.
const TIMERS: Duration = Duration::from_millis(2);

pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Reads one answer whole; its status. The answer is left in the buffer.
pub(crate) async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    let head = loop {
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head])?.to_ascii_lowercase();
    let status = text.split(' ').nth(1).unwrap_or_default().parse()?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length
        .ok_or_else(|| anyhow::anyhow!("an answer without a length"))?
        .trim()
        .parse()?;
    while buffer.len() < head + length {
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
    }
    Ok(status)
}
