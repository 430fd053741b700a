//! `rlai bench`: how fast a real training loop runs, as a share of what the machine could do.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rlai::Trainer;
use rlai::env::{ActionShape, Environment};
use rlai::nn::gemm_gflops;
use rlai::train::{ConfigError, TrainConfig, TrainError, TrajectoryObjective, work};
use serde::Serialize;

use crate::error::Failure;
use crate::settings::{Settings, whole_number};
use crate::spec::{Method, RunSpec};
use crate::tasks;

/// Measure training speed on this machine
///
/// Trains for real and, in turns, measures the machine's own rate of matrix products with as many
/// threads. Figures are medians over the turns. The fraction says how much of that rate an update's
/// needed work reaches, everything around it (environment, replay, sampling, optimiser) included.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai bench --env HalfCheetah-v5
  rlai bench --env Humanoid-v5 --objective forward-kl --samples 16 --threads 2 --json")]
pub struct Args {
    /// Task to train on
    #[arg(long, value_name = "ID", default_value = "HalfCheetah-v5")]
    env: String,
    /// Policy update, any objective over actions that `rlai train` has
    #[arg(long, value_name = "NAME", default_value = "reverse-kl")]
    objective: String,
    /// Actions sampled per state [default: as in `rlai train`]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true)]
    samples: Option<i64>,
    /// Threads of a training step, 1 or 2
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, default_value = "1")]
    threads: i64,
    /// How long to measure, in seconds, from 1 to 3600; filling replay and warming up come on top
    #[arg(long, value_name = "S", allow_hyphen_values = true, default_value_t = 20.0)]
    seconds: f64,
    /// Print the figures as one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// What was measured. Rates are medians over [`TURNS`] turns.
#[derive(Debug, Serialize)]
struct Report {
    env: String,
    objective: &'static str,
    samples: usize,
    threads: usize,
    env_steps_per_second: f64,
    updates_per_second: f64,
    gflop_per_update: f64,
    gemm_gflops: f64,
    fraction_of_gemm_limit: f64,
    peak_rss_mb: Option<f64>,
}

/// Turns of training, each followed by a measurement of the machine.
const TURNS: u32 = 10;
/// Share of a turn that goes to the machine's own rate.
const YARDSTICK: f64 = 0.25;
const RANDOM_STEPS: u64 = 2_000;
const WARM_UP_UPDATES: u64 = 50;

/// Measures and reports.
///
/// # Errors
/// Bad input, or a training step that fails.
pub fn run(args: Args) -> Result<(), Failure> {
    if !(1.0..=3600.0).contains(&args.seconds) {
        return Err(Failure::input(format!("seconds = {}: from 1 to 3600", args.seconds)));
    }
    if TrajectoryObjective::ALL.iter().any(|objective| objective.name() == args.objective) {
        let allowed = "an objective over actions: those on trajectories are not measured";
        let error = ConfigError::new("objective", format!("{:?}", args.objective), allowed);
        return Err(Failure::input(error));
    }
    let spec = RunSpec::check(&args.settings()).map_err(Failure::input)?;
    let Method::Actions(config) = &spec.method else { unreachable!("it is not on trajectories") };
    let env = tasks::make_env(&spec.env)?;
    let observation = env.observation_space().dimension();
    let actions = ActionShape::from(env.action_space());
    let head = config.policy.head::<f32>(&actions).map_err(Failure::input)?;
    let mut trainer =
        Trainer::new(config.clone(), env, tasks::make_env(&spec.env)?).map_err(Failure::input)?;
    let rates = measure(&mut trainer, config, (observation, &actions), args.seconds)
        .map_err(Failure::running)?;
    let gflop_per_update =
        work::gflop_per_update(config, observation, &actions, head.parameters_per_state());
    let report = Report {
        env: spec.env,
        objective: config.objective.name(),
        samples: config.samples,
        threads: config.threads,
        env_steps_per_second: rates.steps,
        updates_per_second: rates.updates,
        gflop_per_update,
        gemm_gflops: rates.gemm_gflops,
        fraction_of_gemm_limit: rates.updates * gflop_per_update / rates.gemm_gflops,
        peak_rss_mb: peak_rss_mb(),
    };
    report.print(args.json)
}

impl Args {
    fn settings(&self) -> Settings {
        Settings {
            env: Some(self.env.clone()),
            objective: Some(self.objective.clone()),
            samples: self.samples,
            threads: Some(self.threads),
            learning_starts: Some(RANDOM_STEPS as i64),
            ..Settings::default()
        }
    }
}

struct Rates {
    steps: f64,
    updates: f64,
    gemm_gflops: f64,
}

fn measure(
    trainer: &mut Trainer,
    config: &TrainConfig,
    (observation, actions): (usize, &ActionShape),
    seconds: f64,
) -> Result<Rates, TrainError> {
    let bar = ProgressBar::new(u64::from(TURNS))
        .with_style(ProgressStyle::with_template("{msg} {bar:30} {eta}").expect("a valid template"))
        .with_message("warming up");
    bar.tick();
    let team = trainer.agent().team();
    while trainer.updates() < WARM_UP_UPDATES {
        team.run(|| trainer.advance())?;
    }
    let shapes = work::product_shapes(config, observation, actions);
    let turn = seconds / f64::from(TURNS);
    let yardstick = Duration::from_secs_f64(turn * YARDSTICK / shapes.len() as f64);
    let (mut steps, mut updates, mut rates) = (vec![], vec![], vec![]);
    bar.set_message("measuring");
    for _ in 0..TURNS {
        let before = (trainer.step(), trainer.updates());
        let start = Instant::now();
        let time = Duration::from_secs_f64(turn * (1.0 - YARDSTICK));
        team.run(|| {
            while start.elapsed() < time {
                trainer.advance()?;
            }
            Ok::<_, TrainError>(())
        })?;
        let elapsed = start.elapsed().as_secs_f64();
        steps.push((trainer.step() - before.0) as f64 / elapsed);
        updates.push((trainer.updates() - before.1) as f64 / elapsed);
        rates.push(gemm_gflops(&shapes, config.threads, yardstick));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(Rates { steps: median(steps), updates: median(updates), gemm_gflops: median(rates) })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        0.5 * (values[middle - 1] + values[middle])
    } else {
        values[middle]
    }
}

/// The most memory the process ever held, in 10^6 bytes, where the system tells.
fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

impl Report {
    fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            line_out!("{}", serde_json::to_string(self).map_err(Failure::running)?);
            return Ok(());
        }
        line_out!(
            "{} · {} · N = {} · threads {}",
            self.env,
            self.objective,
            self.samples,
            self.threads
        );
        line_out!("environment steps   {:>10.1} /s", self.env_steps_per_second);
        line_out!("updates             {:>10.1} /s", self.updates_per_second);
        line_out!("needed work         {:>10.3} GFLOP an update", self.gflop_per_update);
        line_out!("matrix products     {:>10.1} GFLOP/s", self.gemm_gflops);
        line_out!("fraction of limit   {:>10.3}", self.fraction_of_gemm_limit);
        if let Some(peak) = self.peak_rss_mb {
            line_out!("peak memory         {peak:>10.0} MB");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
