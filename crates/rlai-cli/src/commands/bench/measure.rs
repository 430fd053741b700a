use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rlai::Trainer;
use rlai::nn::gemm_gflops;
use rlai::train::TrainError;

use crate::error::Failure;

use super::case::{Case, Work};
use super::phases::Phases;
use super::spread::median;

/// What one run came to.
pub struct Rates {
    pub steps: f64,
    pub updates: f64,
    pub gemm_gflops: f64,
    /// Processor time of the training steps by the clock's and the threads' number, where the system tells.
    pub share_of_cores: Option<f64>,
    pub phases: Phases,
}

/// Random steps before the first update, which fill the replay.
pub const RANDOM_STEPS: u64 = 2_000;
/// Turns of training in a run, each followed by a measurement of the machine.
const TURNS: u32 = 4;
/// Share of a turn that goes to the machine's own rate.
const YARDSTICK: f64 = 0.25;
/// Updates before measuring, or as many as fit into the time, but some.
const WARM_UP: (u64, u64, Duration) = (3, 50, Duration::from_millis(500));

/// A run from its start, measured for `seconds`; phases only if `profile`.
///
/// # Errors
/// A task that cannot be had, or a training step that fails.
pub fn one_run(case: &Case, work: &Work, seconds: f64, profile: bool) -> Result<Rates, Failure> {
    let mut trainer = case.trainer()?;
    warm_up(&mut trainer).map_err(Failure::running)?;
    let turn = seconds / f64::from(TURNS);
    let yardstick = Duration::from_secs_f64(turn * YARDSTICK / work.shapes.len() as f64);
    let time = Duration::from_secs_f64(turn * (1.0 - YARDSTICK));
    let before = (trainer.step(), trainer.updates());
    let (mut spent, mut worked, mut rates, mut phases) =
        (0.0, Some(0.0), vec![], Phases::default());
    for _ in 0..TURNS {
        let before = processor_seconds();
        spent += train(&mut trainer, time, profile).map_err(Failure::running)?;
        let after = processor_seconds();
        worked = worked.zip(before.zip(after)).map(|(sum, (before, after))| sum + after - before);
        phases.add(trainer.profile());
        rates.push(gemm_gflops(&work.shapes, case.config.threads, yardstick));
    }
    phases.steps = trainer.step() - before.0;
    Ok(Rates {
        steps: (trainer.step() - before.0) as f64 / spent,
        updates: (trainer.updates() - before.1) as f64 / spent,
        gemm_gflops: median(&rates),
        share_of_cores: worked.map(|worked| worked / (spent * case.config.threads as f64)),
        phases,
    })
}

/// Processor time of all threads of this process so far, in hundredths of a second, where the system tells.
fn processor_seconds() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/self/stat").ok()?;
    // What comes after the program's name, which may hold anything: user and system time are the 12th and 13th.
    let mut fields = told.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}

fn warm_up(trainer: &mut Trainer) -> Result<(), TrainError> {
    while trainer.updates() == 0 {
        trainer.advance()?;
    }
    let (least, most, time) = WARM_UP;
    let start = Instant::now();
    while trainer.updates() < least || (trainer.updates() < most && start.elapsed() < time) {
        trainer.advance()?;
    }
    Ok(())
}

/// Trains for about `time`; the seconds that it took.
fn train(trainer: &mut Trainer, time: Duration, profile: bool) -> Result<f64, TrainError> {
    if profile {
        trainer.profile().start();
    }
    let start = Instant::now();
    while start.elapsed() < time {
        trainer.advance()?;
    }
    let seconds = start.elapsed().as_secs_f64();
    trainer.profile().stop();
    Ok(seconds)
}

/// A bar for so many measurements.
pub fn bar(measurements: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("measuring {bar:30} {eta}").expect("a valid template");
    let bar = ProgressBar::new(measurements as u64).with_style(style);
    bar.tick();
    bar
}
