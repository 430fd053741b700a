//! `rlai policy`: what a trained policy does in one state.

mod density;
mod figure;
mod report;

use std::path::PathBuf;

use rlai::Policy;
use rlai::env::Environment;
use rlai::random::Key;

use crate::error::Failure;
use crate::settings::whole_number;
use crate::tasks;

use density::Optimal;
pub use figure::Ending;
use report::{Described, Report};

/// Show the distribution of actions of a trained policy in one state
///
/// Its parameters, its mode and its entropy; the probability of every choice, or, over a box of one
/// coordinate, the density, which --figure draws. Several runs of one task are shown side by side.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai policy runs/Pendulum-v1-reverse-kl-seed0
  rlai policy runs/Pendulum-v1-reverse-kl-seed0 --observation -1,0,0 --figure torque.svg
  rlai policy runs/one runs/two --labels 'reverse KL,forward KL' --optimal 0.1 --json")]
pub struct Args {
    /// Folders of runs on one task
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
    /// The state, as the task shows it [default: the start of an episode]
    #[arg(long, value_name = "X,X", value_delimiter = ',', allow_hyphen_values = true)]
    observation: Option<Vec<f64>>,
    /// Seed of the episode's start, and of the draws that entropies are estimated from
    #[arg(long, value_name = "K", default_value = "0", value_parser = whole_number, allow_hyphen_values = true)]
    seed: i64,
    /// Where an episode is one action from a box of one coordinate: also the optimal policy at this
    /// temperature, and the reward
    #[arg(long, value_name = "ALPHA", allow_hyphen_values = true)]
    optimal: Option<f64>,
    /// Draw the densities into this file, .svg or .png
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,
    /// Names of the runs, in their order [default: their folders]
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    labels: Vec<String>,
    /// Title of the figure
    #[arg(long, value_name = "TEXT", default_value = "What the policy does in one state")]
    title: String,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Shows the policies.
///
/// # Errors
/// Bad input, a simulator that fails, or a figure that cannot be written.
pub fn run(args: Args) -> Result<(), Failure> {
    let seed = u64::try_from(args.seed)
        .map_err(|_| Failure::input(format!("seed = {}: at least 0", args.seed)))?;
    let key = Key::from_seed(seed);
    let drawing = args.figure.as_deref().map(|path| Ending::of("figure", path)).transpose()?;
    let policies = load(&args)?;
    let mut env = tasks::make_env(policies[0].1.env())?;
    let observation = observation(&args, &policies, env.as_mut(), &key)?;
    let described = policies
        .iter()
        .map(|(label, policy)| Described::of(label, policy, &observation, &key))
        .collect::<Result<Vec<_>, _>>()?;
    let optimal = args.optimal.map(|alpha| Optimal::of(env.as_mut(), alpha, &key)).transpose()?;
    let space = policies[0].1.action_box();
    let range = (space.dimension() == 1).then(|| (space.low[0], space.high[0]));
    let env = policies[0].1.env();
    let report = Report { env, observation, range, policies: described, optimal };
    if let (Some(path), Some(ending)) = (&args.figure, drawing) {
        figure::write(path, ending, &args.title, &report)?;
    }
    report.print(args.json)
}

/// Every policy with its label.
fn load(args: &Args) -> Result<Vec<(String, Policy)>, Failure> {
    let (given, needed) = (args.labels.len(), args.dirs.len());
    if given != 0 && given != needed {
        let text = format!("labels = {:?}: {needed}, one for each run", args.labels.join(","));
        return Err(Failure::input(text));
    }
    let one = |(i, dir): (usize, &PathBuf)| {
        let folder = dir.display().to_string();
        let policy =
            Policy::load(dir).map_err(|error| Failure::input(format!("{folder}: {error}")))?;
        Ok((args.labels.get(i).cloned().unwrap_or(folder), policy))
    };
    let policies = args.dirs.iter().enumerate().map(one).collect::<Result<Vec<_>, Failure>>()?;
    let env = policies[0].1.env();
    match policies.iter().find(|(_, policy)| policy.env() != env) {
        None => Ok(policies),
        Some((label, other)) => Err(Failure::input(format!(
            "{label} was trained on {}, {} on {env}: runs of one task are shown together",
            other.env(),
            policies[0].0,
        ))),
    }
}

/// The state that was told, or the start of an episode.
fn observation(
    args: &Args,
    policies: &[(String, Policy)],
    env: &mut dyn Environment,
    key: &Key,
) -> Result<Vec<f64>, Failure> {
    let mut start = vec![0.0; env.observation_space().dimension()];
    env.reset(&mut key.stream("policy"), &mut start).map_err(Failure::running)?;
    let observation = args.observation.clone().unwrap_or_else(|| start.clone());
    let shown = || observation.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    for needed in policies.iter().map(|(_, policy)| policy.observation_dimension()) {
        if observation.len() != needed || observation.iter().any(|x| !x.is_finite()) {
            let text = format!("observation = {}: {needed} finite numbers", shown());
            return Err(Failure::input(text));
        }
    }
    if args.optimal.is_some() && observation != start {
        let text =
            "the optimal policy is worked out where an episode starts; leave --observation out";
        return Err(Failure::input(format!("observation = {}: {text}", shown())));
    }
    Ok(observation)
}
