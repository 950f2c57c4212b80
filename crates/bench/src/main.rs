//! Measurements, each against something hand-written in the same run: machines are noisy, ratios less so.

mod bare;
mod hop;
mod load;
mod usage;

use std::{net::SocketAddr, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures the product; figures are ratios within one run.")]
struct Cli {
    #[command(subcommand)]
    measure: Option<Measure>,
}

#[derive(Subcommand)]
enum Measure {
    /// `GET /api/v1/auth/me` through the gateway, beside a hand-written hop. What runs when nothing is named.
    Hop(hop::Options),
    /// Sends requests as fast as they are answered and says how it went, as JSON. The measurements run it as a process
    /// of its own, so that its work is not counted as the product's.
    Load {
        address: SocketAddr,
        path: String,
        #[arg(long, default_value = "")]
        token: String,
        #[arg(long, default_value_t = 64)]
        connections: usize,
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse()
        .measure
        .unwrap_or_else(|| Measure::Hop(hop::Options::default()))
    {
        Measure::Hop(options) => kit::service::runtime().and_then(|runtime| runtime.block_on(hop::run(options))),
        Measure::Load {
            address,
            path,
            token,
            connections,
            seconds,
        } => load::run(address, &path, &token, connections, seconds),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
