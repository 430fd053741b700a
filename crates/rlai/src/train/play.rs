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
    mut act: impl FnMut(&[f64]) -> Result<Decision, NonFinite>,
    env: &mut dyn Environment,
    episodes: usize,
    random: &mut Stream,
) -> Result<Evaluation, StepError> {
    let mut observation = vec![0.0; env.observation_space().dimension()];
    let mut returns = Vec::with_capacity(episodes);
    let mut steps = 0u64;
    for _ in 0..episodes {
        env.reset(random, &mut observation)?;
        let mut total = 0.0;
        loop {
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
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let squares: f64 = returns.iter().map(|r| (r - mean) * (r - mean)).sum();
    let sd = if returns.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
    Ok(Evaluation {
        step: 0,
        return_mean: mean,
        return_sd: sd,
        length_mean: steps as f64 / n,
        returns,
    })
}

/// Plays the policy's mode after `step` steps of a run. The stream depends on the step alone: how often
/// one evaluates changes neither training nor another evaluation.
///
/// # Errors
/// When the simulator fails.
pub(super) fn evaluate(
    policy: &Policy,
    env: &mut dyn Environment,
    episodes: usize,
    key: &Key,
    step: u64,
) -> Result<Evaluation, TrainError> {
    let mut stream = key.indexed_stream("evaluation", step);
    let played = play(policy, env, episodes, &mut stream)
        .map_err(|source| TrainError::Step { step, source })?;
    Ok(Evaluation { step, ..played })
}
