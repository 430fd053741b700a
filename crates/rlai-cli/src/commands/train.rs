//! `rlai train`: one run.

use std::path::PathBuf;

use crate::error::Failure;
use crate::settings::{NumberOrWord, Settings};
use crate::source::Source;
use crate::spec::RunSpec;
use crate::training::{self, Manner, Start};

/// Train a policy
///
/// Settings come from flags, then from --config, then from defaults; a flag --like-this is the
/// key like_this of the file. The run's folder holds run.toml (all settings and versions), a folder
/// attempt-N/ for each process that worked on it and, once the run has finished, metrics.jsonl,
/// checkpoint/ (the networks) and result.json.
///
/// The same command again goes on with a run that was interrupted, bit for bit as if it never was.
#[derive(clap::Args, Debug)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  rlai train --env Pendulum-v1 --steps 10000
  rlai train --env HalfCheetah-v5 --objective forward-kl --samples 16 --seed 1
  rlai train --env Hopper-v5 --steps 1e6 --print-config > hopper.toml
  rlai train --config hopper.toml --seed 2 --json > result.json
  rlai train --env Pendulum-v1 --objective awac --dataset played.npz --steps 20000"
)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    /// TOML file with settings
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    config: Option<PathBuf>,
    /// Print all settings as a TOML file and do nothing else
    #[arg(long, help_heading = "Output")]
    print_config: bool,
    #[command(flatten)]
    manner: Manner,
}

/// Trains, and leaves a run's folder.
///
/// # Errors
/// Bad input, a run that failed, or a signal.
pub fn run(args: Args) -> Result<(), Failure> {
    let spec = args.check()?;
    if args.print_config {
        print_out!("{}", spec.to_reusable_toml());
        return Ok(());
    }
    training::train(&spec, Start::NewOrUnfinished, &args.manner)
}

impl Args {
    fn check(&self) -> Result<RunSpec, Failure> {
        let Some(path) = &self.config else {
            return RunSpec::check(&self.settings).map_err(Failure::input);
        };
        let file = Source::read(path)?;
        let mut from_file = file.settings(&[], &[])?;
        if self.settings.temperature.is_some() {
            // A temperature that was typed replaces whatever the file says of tuning it.
            from_file.initial_temperature = None;
            (from_file.target_entropy, from_file.target_kl) = (None, None);
            from_file.temperature_loss = None;
            if let Some(NumberOrWord::Number(_)) = self.settings.temperature {
                from_file.temperature_learning_rate = None;
            }
        }
        // One target that was typed replaces the other.
        if self.settings.target_kl.is_some() {
            from_file.target_entropy = None;
        }
        if self.settings.target_entropy.is_some() {
            from_file.target_kl = None;
        }
        let settings = self.settings.over(&from_file);
        RunSpec::check(&settings).map_err(|error| {
            let typed = self.settings.to_table().contains_key(error.key);
            if typed { Failure::input(error) } else { file.refuse_setting(&[], &error) }
        })
    }
}
