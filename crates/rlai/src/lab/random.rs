//! Random decision processes, to test and to compare estimators on.

use super::{Process, ProcessSpec};
use crate::random::Stream;

/// What a random process may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomOptions {
    /// The temperature.
    pub alpha: f64,
    /// The normaliser of optimality.
    pub z0: f64,
    /// Every state and action ends a trajectory with a probability of its own, uniform from 0 to this.
    pub termination: f64,
    /// Whether an action leads to one state alone.
    pub deterministic: bool,
}

impl Default for RandomOptions {
    fn default() -> Self {
        Self { alpha: 0.5, z0: 1.0, termination: 0.0, deterministic: false }
    }
}

/// Draws a process of S states, A actions and H steps: distributions uniform over all distributions,
/// standard normal logits, rewards normal around -1 with standard deviation 1/2.
///
/// # Panics
/// When the sizes or the options make no process: see [`Process::new`].
pub fn random_process(
    stream: &mut Stream,
    states: usize,
    actions: usize,
    horizon: usize,
    options: &RandomOptions,
) -> Process {
    let cells = states * actions;
    let rho0 = distribution(states, 1.0, stream);
    let transitions = (0..cells).flat_map(|_| row(states, options, stream)).collect();
    let rewards = (0..cells).map(|_| 0.5 * stream.normal() - 1.0).collect();
    let default_policy = (0..states).flat_map(|_| distribution(actions, 1.0, stream)).collect();
    let logits = (0..cells).map(|_| stream.normal()).collect();
    let spec = ProcessSpec {
        states,
        actions,
        horizon,
        alpha: options.alpha,
        z0: options.z0,
        rho0,
        transitions,
        rewards,
        default_policy,
        logits,
        gamma: None,
    };
    Process::new(spec).unwrap_or_else(|error| panic!("no random process: {error}"))
}

/// A row of transition probabilities.
fn row(states: usize, options: &RandomOptions, stream: &mut Stream) -> Vec<f64> {
    let going_on = 1.0 - stream.uniform(0.0, options.termination);
    if options.deterministic {
        let mut row = vec![0.0; states];
        row[stream.below(states)] = going_on;
        row
    } else {
        distribution(states, going_on, stream)
    }
}

/// Probabilities that sum to `total`, uniform over the simplex: normalised exponential draws.
fn distribution(length: usize, total: f64, stream: &mut Stream) -> Vec<f64> {
    // The floor keeps every probability positive.
    let draws: Vec<f64> = (0..length).map(|_| 1e-6 - (1.0 - stream.unit()).ln()).collect();
    let sum: f64 = draws.iter().sum();
    draws.iter().map(|draw| total * draw / sum).collect()
}
