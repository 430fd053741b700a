//! What is told of every policy.

use rlai::Policy;
use rlai::distribution::Draws;
use rlai::random::Key;
use serde::Serialize;

use super::density::{Density, Optimal};
use crate::error::Failure;
use crate::text::thousands;

/// Draws from which an entropy is estimated that has no closed form.
const DRAWS: usize = 10_000;

/// One policy in the state.
#[derive(Debug, Serialize)]
pub struct Described {
    pub label: String,
    /// Environment steps of training behind it.
    pub step: u64,
    pub distribution: String,
    /// In the order in which the distribution has them.
    pub parameters: Vec<f32>,
    /// Choices, then coordinates in the task's own units.
    pub mode: Vec<f32>,
    /// Nats; of coordinates in [-1, 1].
    pub entropy: f64,
    /// Standard error of the entropy, where it is estimated from draws.
    pub entropy_se: Option<f64>,
    /// Probability of every choice, a list for each discrete factor of the action.
    pub probabilities: Option<Vec<Vec<f64>>>,
    /// Weight of every branch of a mixture.
    pub branches: Option<Vec<f64>>,
    /// Over a box of one coordinate.
    pub density: Option<Density>,
}

impl Described {
    /// # Errors
    /// When the policy has no finite answer.
    pub fn of(
        label: &str,
        policy: &Policy,
        observation: &[f64],
        key: &Key,
    ) -> Result<Self, Failure> {
        let parameters = policy.distribution_parameters(observation).map_err(Failure::running)?;
        let mode = policy.decide(observation).map_err(Failure::running)?.numbers();
        let (entropy, entropy_se) = entropy(policy, &parameters, key);
        Ok(Self {
            label: label.to_owned(),
            step: policy.step(),
            distribution: policy.distribution_name().to_owned(),
            mode,
            entropy,
            entropy_se,
            probabilities: probabilities(policy, &parameters),
            branches: policy
                .action_shape()
                .factors
                .is_empty()
                .then(|| branches(policy, &parameters))
                .flatten(),
            density: Density::of(policy, &parameters),
            parameters,
        })
    }
}

/// The entropy, and its standard error where it is estimated.
fn entropy(policy: &Policy, parameters: &[f32], key: &Key) -> (f64, Option<f64>) {
    let head = policy.distribution();
    if let Some(entropy) = head.entropy(parameters) {
        return (f64::from(entropy), None);
    }
    let coordinates = policy.action_shape().coordinates;
    let mut draws = Draws::with_choices(1, DRAWS, coordinates, head.choices_per_draw());
    head.draw(parameters, &mut key.stream("policy entropy"), &mut draws);
    let count = DRAWS as f64;
    let surprise = || draws.log_pi.iter().map(|log_pi| -f64::from(*log_pi));
    let mean = surprise().sum::<f64>() / count;
    let variance = surprise().map(|s| (s - mean) * (s - mean)).sum::<f64>() / (count - 1.0);
    (mean, Some((variance / count).sqrt()))
}

/// Of every choice, a list for each discrete factor of the action.
fn probabilities(policy: &Policy, parameters: &[f32]) -> Option<Vec<Vec<f64>>> {
    let factors = &policy.action_shape().factors;
    if factors.is_empty() {
        return None;
    }
    if policy.action_shape().coordinates > 0 {
        return branches(policy, parameters).map(|probabilities| vec![probabilities]);
    }
    // The factors are independent: with the others held, log pi differs by one factor's log-probability.
    let of_factor = |factor: usize| {
        let count = factors[factor];
        let mut draws = Draws::with_choices(1, count, 0, factors.len());
        for (i, choices) in draws.choices.chunks_exact_mut(factors.len()).enumerate() {
            choices[factor] = i;
        }
        policy.distribution().evaluate(parameters, &mut draws);
        let joint: Vec<f64> = draws.log_pi.iter().map(|log_pi| f64::from(*log_pi).exp()).collect();
        let total: f64 = joint.iter().sum();
        joint.iter().map(|p| p / total).collect()
    };
    Some((0..factors.len()).map(of_factor).collect())
}

/// Of every branch of a mixture, or every choice of a hybrid policy.
fn branches(policy: &Policy, parameters: &[f32]) -> Option<Vec<f64>> {
    let head = policy.distribution();
    let mut log_branches = vec![0.0; head.abilities().branches?];
    head.log_branches(parameters, &mut log_branches);
    Some(log_branches.iter().map(|log_p| f64::from(*log_p).exp()).collect())
}

/// Everything that is told.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    pub env: &'a str,
    pub observation: Vec<f64>,
    /// Ends of the box of one coordinate.
    #[serde(skip)]
    pub range: Option<(f64, f64)>,
    pub policies: Vec<Described>,
    pub optimal: Option<Optimal>,
}

impl Report<'_> {
    /// # Errors
    /// When it cannot be put into JSON.
    pub fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            line_out!("{}", serde_json::to_string(self).map_err(Failure::running)?);
            return Ok(());
        }
        line_out!("{} at {}", crate::tasks::shown(self.env), numbers(&self.observation));
        for policy in &self.policies {
            line_out!("\n{}, trained for {} steps", policy.label, thousands(policy.step));
            line_out!("  {}  {}", policy.distribution, numbers(&policy.parameters));
            line_out!("  mode  {}", numbers(&policy.mode));
            let error = policy.entropy_se.map_or(String::new(), |se| format!(" ± {se:.4}"));
            line_out!("  entropy  {:.4}{error} nats", policy.entropy);
            for (i, probabilities) in policy.probabilities.iter().flatten().enumerate() {
                let several = policy.probabilities.as_ref().is_some_and(|all| all.len() > 1);
                let which = if several { format!(" of choice {i}") } else { String::new() };
                line_out!("  probabilities{which}  {}", numbers(probabilities));
            }
            if let Some(branches) = &policy.branches {
                line_out!("  weights of the branches  {}", numbers(branches));
            }
        }
        Ok(())
    }
}

/// To four decimal places.
fn numbers<T: std::fmt::Display>(numbers: &[T]) -> String {
    numbers.iter().map(|number| format!("{number:.4}")).collect::<Vec<_>>().join(" ")
}
