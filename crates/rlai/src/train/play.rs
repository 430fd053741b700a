use std::sync::atomic::{AtomicBool, Ordering};

use super::{Evaluation, TrainError};
use crate::agent::{Decision, NonFinite, Policy};
use crate::env::{Environment, StepError};
use crate::random::{Key, Stream};

/// Plays `episodes` episodes with the policy's mode. `env` takes actions in its own units.
///
/// The result's `step` is 0: the caller knows when it was played.
///
/// # Errors
/// When the simulator fails, or the policy cannot decide.
pub fn play(
    policy: &Policy,
    env: &mut dyn Environment,
    episodes: usize,
    random: &mut Stream,
) -> Result<Evaluation, StepError> {
    play_with(|observation| policy.decide(observation), env, episodes, random)
}

/// As [`play`], with the decisions of `act`.
///
/// # Errors
/// When the simulator or `act` fails.
pub fn play_with(
    act: impl FnMut(&[f64]) -> Result<Decision, NonFinite>,
    env: &mut dyn Environment,
    episodes: usize,
    random: &mut Stream,
) -> Result<Evaluation, StepError> {
    let never = AtomicBool::new(false);
    Ok(play_until(act, env, episodes, random, &never)?.expect("nothing stops it"))
}

/// As [`play_with`]; none once `stop` is set.
fn play_until(
    mut act: impl FnMut(&[f64]) -> Result<Decision, NonFinite>,
    env: &mut dyn Environment,
    episodes: usize,
    random: &mut Stream,
    stop: &AtomicBool,
) -> Result<Option<Evaluation>, StepError> {
    let mut observation = vec![0.0; env.observation_space().dimension()];
    let mut returns = Vec::with_capacity(episodes);
    let mut steps = 0u64;
    for _ in 0..episodes {
        env.reset(random, &mut observation)?;
        let mut total = 0.0;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let decision = act(&observation)?;
            let step = env.step(decision.action(), &mut observation)?;
            if !step.reward.is_finite() {
                return Err(StepError::Unstable(format!("the reward is {}", step.reward)));
            }
            total += step.reward;
            steps += 1;
            if step.ended() {
                break;
            }
        }
        returns.push(total);
    }
    Ok(Some(summary(returns, steps)))
}

/// What episodes of `steps` steps together came to.
fn summary(returns: Vec<f64>, steps: u64) -> Evaluation {
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let squares: f64 = returns.iter().map(|r| (r - mean) * (r - mean)).sum();
    let sd = if returns.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
    let length_mean = steps as f64 / n;
    Evaluation { step: 0, return_mean: mean, return_sd: sd, length_mean, returns }
}

/// Plays the policy's mode after `step` steps of a run; none if `stop` was set before the end. The stream
/// depends on the step alone: how often one evaluates changes neither training nor another evaluation, and
/// one that was broken off is the same when it is played again.
///
/// # Errors
/// When the simulator fails.
pub(super) fn evaluate(
    policy: &Policy,
    env: &mut dyn Environment,
    episodes: usize,
    key: &Key,
    step: u64,
    stop: &AtomicBool,
) -> Result<Option<Evaluation>, TrainError> {
    let mut stream = key.indexed_stream("evaluation", step);
    let act = |observation: &[f64]| policy.decide(observation);
    let played = play_until(act, env, episodes, &mut stream, stop)
        .map_err(|source| TrainError::Evaluation { step, source })?;
    Ok(played.map(|played| Evaluation { step, ..played }))
}
