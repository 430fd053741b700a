//! `rlai evaluate`: plays a trained policy.

use std::path::PathBuf;

use rlai::Policy;
use rlai::random::Key;
use rlai::train::play_with;
use serde::Serialize;

use crate::dataset::{self, Recording};
use crate::error::Failure;
use crate::settings::whole_number;
use crate::tasks;
use crate::text::{decimal, thousands};

/// Play a trained policy and print the mean and spread of its returns
///
/// The policy's mode is played, without exploration, or with --sample its own random actions.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai evaluate runs/Pendulum-v1-reverse-kl-seed0
  rlai evaluate runs/Pendulum-v1-reverse-kl-seed0 --episodes 100 --seed 7 --json
  rlai evaluate runs/Pendulum-v1-reverse-kl-seed0 --sample --record played.npz")]
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
    /// Play the policy's random actions, not its mode
    #[arg(long)]
    sample: bool,
    /// Keep every step in this new file (.npz), a data set for `rlai train --dataset`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
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
    if let Some(path) = &args.record
        && env.action_space().as_box().is_none()
    {
        let (path, id) = (path.display(), policy.env());
        let reason =
            format!("--record {path}: a data set holds actions of a box, {id} has choices");
        return Err(Failure::input(reason));
    }
    let recording = args.record.as_deref().map(|path| {
        let bad = |error| Failure::input(format!("--record {}: {error:#}", path.display()));
        dataset::start_recording(path).map(|file| (file, path)).map_err(bad)
    });
    let recording = recording.transpose()?;
    let key = Key::from_seed(seed);
    let (mut starts, mut actions) = (key.stream("evaluate"), key.stream("evaluate actions"));
    let act = |observation: &[f64]| {
        if args.sample {
            policy.sample(observation, &mut actions)
        } else {
            policy.decide(observation)
        }
    };
    let episodes = args.episodes as usize;
    let played = match recording {
        None => play_with(act, env.as_mut(), episodes, &mut starts).map_err(Failure::running)?,
        Some((file, path)) => {
            let mut env = Recording::new(env);
            let played =
                play_with(act, &mut env, episodes, &mut starts).map_err(Failure::running)?;
            let failed =
                |error| Failure::running(format!("cannot write {}: {error}", path.display()));
            env.write(file, path).map_err(failed)?;
            line_err!("{} steps in {}", thousands(env.steps() as u64), path.display());
            played
        }
    };
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
        line_out!("{}, trained for {} steps", tasks::shown(&self.env), thousands(self.step));
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
