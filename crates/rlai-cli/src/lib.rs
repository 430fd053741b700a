//! The program `rlai`: reinforcement learning as inference from the command line.
//!
//! A library only so that tests and fuzz targets reach what reads files ([`reading`]); what others build
//! on is the crate `rlai`.

#[macro_use]
mod text;

mod commands;
mod dataset;
mod display;
mod error;
mod export;
mod figures;
mod live;
mod metrics;
mod npy;
pub mod reading;
mod recorder;
mod report;
mod run_folder;
mod settings;
mod signals;
mod slurm_job;
mod source;
mod spec;
mod study;
mod tasks;
mod trained;
mod training;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::error::Failure;

/// Reinforcement learning as inference: train policies by reverse or forward KL, and compare them
#[derive(Parser)]
#[command(
    name = "rlai",
    version,
    after_help = "\
Examples:
  rlai study run studies/first-look.toml
  rlai train --env Pendulum-v1 --steps 10000
  rlai resume runs/Pendulum-v1-reverse-kl-seed0
  rlai evaluate runs/Pendulum-v1-reverse-kl-seed0

Exit codes:
  0   done, or already finished
  1   failed while running
  2   bad input or environment; nothing was created or changed
  75  train, resume or study stopped by a signal; what was learned is saved, and goes on when asked
  130 stopped at once: by a second signal, or any other command by the first (143 if by SIGTERM)

RLAI_LOG sets what is logged to standard error: error, warn, info, debug or trace."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(Box<commands::train::Args>),
    Resume(commands::resume::Args),
    Inspect(commands::inspect::Args),
    Evaluate(commands::evaluate::Args),
    Policy(commands::policy::Args),
    Study(commands::study::Args),
    Stats(commands::stats::Args),
    Plot(commands::plot::Args),
    Export(commands::export::Args),
    Lab(commands::lab::Args),
    Bench(commands::bench::Args),
    Env(commands::env::Args),
    Setup(commands::setup::Args),
    Doctor(commands::doctor::Args),
    Completions(commands::completions::Args),
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_standard_error();
    let result = match cli.command {
        Command::Train(args) => commands::train::run(*args),
        Command::Resume(args) => commands::resume::run(args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Evaluate(args) => commands::evaluate::run(args),
        Command::Policy(args) => commands::policy::run(args),
        Command::Study(args) => commands::study::run(args),
        Command::Stats(args) => commands::stats::run(&args),
        Command::Plot(args) => commands::plot::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Lab(args) => commands::lab::run(args),
        Command::Bench(args) => commands::bench::run(args),
        Command::Env(args) => commands::env::run(args),
        Command::Setup(args) => commands::setup::run(args),
        Command::Doctor(args) => commands::doctor::run(args),
        Command::Completions(args) => commands::completions::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Stopped) {
                line_err!("error: {failure}");
            }
            failure.exit_code()
        }
    }
}

fn log_to_standard_error() {
    let filter = EnvFilter::try_from_env("RLAI_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,rlai_mujoco=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .without_time()
        .with_target(false)
        .init();
}
