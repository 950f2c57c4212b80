//! Measurements, each against something hand-written in the same run: machines are noisy, ratios less so.

mod bare;
mod hop;
mod hostel;
mod import;
mod lists;
mod load;
mod login;
mod product;
mod reports;
mod scans;
mod server;
mod storm;
mod tickets;
mod tokens;
mod upload;
mod usage;

use std::{net::SocketAddr, process::ExitCode, time::Duration};

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
    /// Sign-ins beside bare bcrypt, what others feel of a storm of them, and whether their time tells who is known.
    Login(login::Options),
    /// Lists and searches of 50,000 students through the gateway.
    Students(lists::Options),
    /// Reports of 5,000 students' attendance of half a year through the gateway.
    Reports(reports::Options),
    /// A roll call of 20,000 students against the real binary, beside one-row commits by pgbench.
    Scans(scans::Options),
    /// Sends the scans of a plan; run by measurements, like `load`.
    ScanLoad {
        address: SocketAddr,
        plan: std::path::PathBuf,
        #[arg(long, default_value_t = 100)]
        at_once: usize,
    },
    /// Grievances that many raise at once, beside the same transaction by hand with and without numbers.
    Tickets(tickets::Options),
    /// A file of 5,000 students, imported and sent again, by the product's own binary.
    Import(import::Options),
    /// A document of 47 MiB up and down, and what memory that takes the product's own binary.
    Upload(upload::Options),
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
    /// Sends requests at a pace; run by measurements, like `load`.
    Paced {
        address: SocketAddr,
        path: String,
        #[arg(long, default_value = "")]
        token: String,
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        per_second: u32,
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// Signs people of the demo in, again and again; run by measurements, like `load`.
    Storm {
        address: SocketAddr,
        #[arg(long, default_value_t = 200)]
        clients: usize,
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// Wrong sign-ins of known and unknown people in turns; run by measurements, like `load`.
    Turns {
        address: SocketAddr,
        #[arg(long, default_value_t = 40)]
        rounds: usize,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse()
        .measure
        .unwrap_or_else(|| Measure::Hop(hop::Options::default()))
    {
        Measure::Hop(options) => kit::service::runtime().and_then(|runtime| runtime.block_on(hop::run(options))),
        Measure::Login(options) => kit::service::runtime().and_then(|runtime| runtime.block_on(login::run(options))),
        Measure::Students(options) => kit::service::runtime().and_then(|runtime| runtime.block_on(lists::run(options))),
        Measure::Reports(options) => {
            kit::service::runtime().and_then(|runtime| runtime.block_on(reports::run(options)))
        }
        Measure::Scans(options) => kit::service::runtime().and_then(|runtime| runtime.block_on(scans::run(options))),
        Measure::ScanLoad { address, plan, at_once } => load::report(scans::scan_all(address, &plan, at_once)),
        Measure::Tickets(options) => {
            kit::service::runtime().and_then(|runtime| runtime.block_on(tickets::run(options)))
        }
        Measure::Import(options) => kit::service::runtime().and_then(|runtime| runtime.block_on(import::run(options))),
        Measure::Upload(options) => kit::service::runtime().and_then(|runtime| runtime.block_on(upload::run(options))),
        Measure::Load {
            address,
            path,
            token,
            connections,
            seconds,
        } => load::run(address, &path, &token, connections, seconds),
        Measure::Paced {
            address,
            path,
            token,
            per_second,
            seconds,
        } => load::report(load::paced(
            address,
            &path,
            &token,
            per_second,
            Duration::from_secs(seconds),
        )),
        Measure::Storm {
            address,
            clients,
            seconds,
        } => load::report(storm::storm(address, clients, Duration::from_secs(seconds))),
        Measure::Turns { address, rounds } => load::report(storm::turns(address, rounds)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
