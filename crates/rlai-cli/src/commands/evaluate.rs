//! `rlai evaluate`: plays a trained policy.

use std::path::PathBuf;

use rlai::Policy;
use rlai::random::Key;
use serde::Serialize;

use crate::error::Failure;
use crate::settings::whole_number;
use crate::tasks;
use crate::text::{decimal, thousands};

/// Play a trained policy and print the mean and spread of its returns
///
/// The policy's mode is played, without exploration.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai evaluate runs/Pendulum-v1-reverse-kl-seed0
  rlai evaluate runs/Pendulum-v1-reverse-kl-seed0 --episodes 100 --seed 7 --json")]
pub struct Args {
    /// Folder of a run
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Episodes to play
    #[arg(long, value_name = "N", default_value = "10", value_parser = whole_number, allow_hyphen_values = true)]
    episodes: i64,
    /// Seed of the episodes' starts
    #[arg(long, value_name = "K", default_value = "0", value_parser = whole_number, allow_hyphen_values = true)]
    seed: i64,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    dir: PathBuf,
    env: String,
    /// Environment steps of training behind the policy.
    step: u64,
    episodes: usize,
    seed: u64,
    return_mean: f64,
    return_sd: f64,
    return_min: f64,
    return_max: f64,
    length_mean: f64,
    returns: Vec<f64>,
}

/// Most episodes of one evaluation.
const MOST_EPISODES: i64 = 1_000_000;

/// Plays the policy.
///
/// # Errors
/// Bad input, or a simulator that fails.
pub fn run(args: Args) -> Result<(), Failure> {
    if !(1..=MOST_EPISODES).contains(&args.episodes) {
        let text = format!("episodes = {}: from 1 to {MOST_EPISODES}", args.episodes);
        return Err(Failure::input(text));
    }
    let seed = u64::try_from(args.seed)
        .map_err(|_| Failure::input(format!("seed = {}: at least 0", args.seed)))?;
    let policy = Policy::load(&args.dir).map_err(Failure::input)?;
    let mut env = tasks::make_env(policy.env())?;
    check_fit(&policy, env.as_ref())?;
    let mut stream = Key::from_seed(seed).stream("evaluate");
    let episodes = args.episodes as usize;
    let played = rlai::train::play(&policy, env.as_mut(), episodes, &mut stream)
        .map_err(Failure::running)?;
    let report = Report {
        dir: args.dir.clone(),
        env: policy.env().to_owned(),
        step: policy.step(),
        episodes,
        seed,
        return_mean: played.return_mean,
        return_sd: played.return_sd,
        return_min: played.returns.iter().copied().fold(f64::INFINITY, f64::min),
        return_max: played.returns.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        length_mean: played.length_mean,
        returns: played.returns,
    };
    report.print(args.json)
}

fn check_fit(policy: &Policy, env: &dyn rlai::env::Environment) -> Result<(), Failure> {
    let (given, needed) = (env.observation_space().dimension(), policy.observation_dimension());
    if given == needed {
        return Ok(());
    }
    let id = env.id();
    Err(Failure::input(format!(
        "the policy reads observations of {needed} numbers, and {id} gives {given}"
    )))
}

impl Report {
    fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            line_out!("{}", serde_json::to_string(self).map_err(Failure::running)?);
            return Ok(());
        }
        line_out!("{}, trained for {} steps", self.env, thousands(self.step));
        line_out!(
            "return {} ± {} (mean ± s.d. of {} episodes, from {} to {}), {} steps an episode",
            decimal(self.return_mean),
            decimal(self.return_sd),
            self.episodes,
            decimal(self.return_min),
            decimal(self.return_max),
            decimal(self.length_mean),
        );
        Ok(())
    }
}
