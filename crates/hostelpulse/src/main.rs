//! The command `hostelpulse`.

use std::process::ExitCode;

use clap::Parser as _;
use hostelpulse::{cli::Cli, run};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match kit::service::runtime().and_then(|runtime| runtime.block_on(run(cli))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hostelpulse: {error:#}");
            ExitCode::FAILURE
        }
    }
}
