//! The load: each connection sends the next student's scan when the last was answered.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use serde::{Deserialize, Serialize};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet};

use crate::load::{micros, percentiles, read_answer};

/// One scan that is to be sent: the token of the student, and the body.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub token: String,
    pub body: String,
}

/// How it went.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScanReport {
    pub marked: u64,
    pub refused: u64,
    pub failed: u64,
    pub seconds: f64,
    pub p50_micros: u64,
    pub p99_micros: u64,
}

#[derive(Default)]
struct Outcome {
    latencies: Vec<u64>,
    marked: u64,
    refused: u64,
    failed: u64,
}

impl ScanReport {
    pub(crate) fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
        let marked = self.marked as f64;
        marked / self.seconds
    }
}

/// Sends every scan of a plan.
pub(crate) async fn scan_all(
    address: SocketAddr,
    plan: &std::path::Path,
    at_once: usize,
) -> anyhow::Result<ScanReport> {
    let wanted: Vec<Wanted> = serde_json::from_slice(&tokio::fs::read(plan).await?)?;
    let requests: Arc<Vec<Vec<u8>>> = Arc::new(wanted.iter().map(|one| request(address, one)).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..at_once {
        senders.spawn(one_connection(address, requests.clone(), next.clone()));
    }
    let mut all = Outcome::default();
    while let Some(sender) = senders.join_next().await {
        let mut one = sender??;
        all.latencies.append(&mut one.latencies);
        all.marked += one.marked;
        all.refused += one.refused;
        all.failed += one.failed;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let [p50_micros, p99_micros] = percentiles(all.latencies);
    Ok(ScanReport {
        marked: all.marked,
        refused: all.refused,
        failed: all.failed,
        seconds,
        p50_micros,
        p99_micros,
    })
}

fn request(address: SocketAddr, wanted: &Wanted) -> Vec<u8> {
    let (token, body, length) = (&wanted.token, &wanted.body, wanted.body.len());
    format!(
        "POST /api/v1/attendance/scan HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn one_connection(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
) -> anyhow::Result<Outcome> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut outcome = Outcome::default();
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let sent = Instant::now();
        stream.write_all(request).await?;
        match read_answer(&mut stream, &mut buffer).await? {
            200 => outcome.marked += 1,
            409 | 422 => outcome.refused += 1,
            status => {
                if outcome.failed == 0 {
                    eprintln!("{status}: {}", String::from_utf8_lossy(&buffer));
                }
                outcome.failed += 1;
            }
        }
        outcome.latencies.push(micros(sent.elapsed()));
    }
    Ok(outcome)
}
