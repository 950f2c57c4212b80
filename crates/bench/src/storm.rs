//! Many people who sign in at once, and one who tries to guess who is known: the loads of the measurement `login`.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::mpsc};

use crate::{
    load::{micros, percentiles, read_answer},
    product::PASSWORD,
};

/// Whoever is asked to come back does so after as long as `Retry-After` says.
const COME_BACK: Duration = Duration::from_secs(2);

/// How a storm went.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StormReport {
    /// Sign-ins between the first and the last one, without the first.
    pub logins: u64,
    /// Time between the first and the last one.
    pub seconds: f64,
    /// How often somebody was asked to come back.
    pub busy: u64,
    pub failures: u64,
    pub p50_micros: u64,
}

impl StormReport {
    pub(crate) fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
        let logins = self.logins as f64;
        logins / self.seconds
    }
}

/// How long answers to wrong sign-ins took, in the middle.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TurnsReport {
    pub known_micros: u64,
    pub unknown_micros: u64,
}

/// What one answer was.
struct Outcome {
    status: u16,
    at: Instant,
    took: Duration,
}

/// `clients` people sign in, again and again, for a time; then all leave at once.
pub(crate) async fn storm(address: SocketAddr, clients: usize, time: Duration) -> anyhow::Result<StormReport> {
    let (tell, mut told) = mpsc::unbounded_channel();
    for number in 0..clients {
        let tell = tell.clone();
        tokio::spawn(async move {
            // The channel closes when the time is over.
            if let Err(error) = sign_in_again_and_again(address, number, &tell).await {
                eprintln!("a client of the storm: {error:#}");
            }
        });
    }
    let mut outcomes = Vec::new();
    let end = tokio::time::Instant::now() + time;
    while let Ok(Some(outcome)) = tokio::time::timeout_at(end, told.recv()).await {
        outcomes.push(outcome);
    }
    let count = |status: u16| outcomes.iter().filter(|outcome| outcome.status == status).count() as u64;
    let signed_in = || outcomes.iter().filter(|outcome| outcome.status == 200);
    let (first, last) = (signed_in().map(|one| one.at).min(), signed_in().map(|one| one.at).max());
    let between = first.zip(last).map_or(Duration::ZERO, |(first, last)| last - first);
    let [p50_micros, _] = percentiles(signed_in().map(|one| micros(one.took)).collect());
    let (logins, busy) = (count(200), count(503));
    Ok(StormReport {
        logins: logins.saturating_sub(1),
        seconds: between.as_secs_f64(),
        busy,
        failures: outcomes.len() as u64 - logins - busy,
        p50_micros,
    })
}

async fn sign_in_again_and_again(
    address: SocketAddr,
    number: usize,
    tell: &mpsc::UnboundedSender<Outcome>,
) -> anyhow::Result<()> {
    let roles = ["student", "warden", "guard", "staff", "teacher", "admin"];
    let identifier = format!("{}@demo.local", roles[number % roles.len()]);
    let request = login(address, &identifier, PASSWORD);
    let mut stream = connect(address).await?;
    let mut buffer = Vec::new();
    loop {
        let sent = Instant::now();
        stream.write_all(&request).await?;
        let status = read_answer(&mut stream, &mut buffer).await?;
        let outcome = Outcome {
            status,
            at: Instant::now(),
            took: sent.elapsed(),
        };
        if tell.send(outcome).is_err() {
            return Ok(());
        }
        if status == 503 {
            tokio::time::sleep(COME_BACK).await;
        }
    }
}

/// Wrong sign-ins, in turns of somebody who is known and somebody who is not.
pub(crate) async fn turns(address: SocketAddr, rounds: usize) -> anyhow::Result<TurnsReport> {
    let mut stream = connect(address).await?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let mut buffer = Vec::new();
    for round in 0..rounds {
        let stranger = format!("stranger{round}@demo.local");
        for (identifier, times) in [("student@demo.local", &mut known), (stranger.as_str(), &mut unknown)] {
            let request = login(address, identifier, "Wrong@1234");
            let sent = Instant::now();
            stream.write_all(&request).await?;
            let status = read_answer(&mut stream, &mut buffer).await?;
            times.push(micros(sent.elapsed()));
            anyhow::ensure!(status == 401, "{identifier} with a wrong password: {status}");
        }
    }
    Ok(TurnsReport {
        known_micros: percentiles(known)[0],
        unknown_micros: percentiles(unknown)[0],
    })
}

async fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn login(address: SocketAddr, identifier: &str, password: &str) -> Vec<u8> {
    let body = serde_json::json!({"identifier": identifier, "password": password}).to_string();
    let length = body.len();
    format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
