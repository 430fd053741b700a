//! Densities of one coordinate, in the task's own units, at the middles of equal steps.

use rlai::Policy;
use rlai::distribution::Draws;
use rlai::env::{Action, Environment};
use rlai::random::Key;
use serde::Serialize;

use crate::error::Failure;

/// Steps into which the box is cut.
const STEPS: usize = 400;

/// The middles of the steps, in [-1, 1].
fn middles() -> impl Iterator<Item = f64> {
    (0..STEPS).map(|i| (2 * i + 1) as f64 / STEPS as f64 - 1.0)
}

/// A density over a box of one coordinate.
#[derive(Debug, Serialize)]
pub struct Density {
    /// Actions in the task's own units.
    pub action: Vec<f64>,
    /// The density there.
    pub density: Vec<f64>,
}

impl Density {
    /// That of a policy, if its actions are one coordinate and nothing else.
    pub fn of(policy: &Policy, parameters: &[f32]) -> Option<Self> {
        let shape = policy.action_shape();
        if shape.coordinates != 1 || !shape.factors.is_empty() {
            return None;
        }
        let head = policy.distribution();
        let mut draws = Draws::with_choices(1, STEPS, 1, head.choices_per_draw());
        for (u, a) in draws.u.iter_mut().zip(middles()) {
            *u = (if head.is_squashed() { a.atanh() } else { a }) as f32;
        }
        head.evaluate(parameters, &mut draws);
        let space = policy.action_box();
        let half = 0.5 * (space.high[0] - space.low[0]);
        let density = draws.log_pi.iter().map(|log_pi| f64::from(*log_pi).exp() / half).collect();
        Some(Self { action: in_box(space.low[0], half), density })
    }
}

fn in_box(low: f64, half: f64) -> Vec<f64> {
    middles().map(|a| low + (a + 1.0) * half).collect()
}

/// The optimal policy `exp(r/alpha)/Z` of a task whose episode is one action.
#[derive(Debug, Serialize)]
pub struct Optimal {
    /// What the reward is divided by.
    pub temperature: f64,
    /// Where, and how dense.
    #[serde(flatten)]
    pub density: Density,
    /// The reward there.
    pub reward: Vec<f64>,
}

impl Optimal {
    /// Plays every action once.
    ///
    /// # Errors
    /// A temperature that is none, or a task of another kind.
    pub fn of(env: &mut dyn Environment, alpha: f64, key: &Key) -> Result<Self, Failure> {
        let refused = |reason: &str| Failure::input(format!("optimal = {alpha}: {reason}"));
        if !(alpha.is_finite() && alpha > 0.0) {
            return Err(refused("a temperature, a positive number"));
        }
        let space = env.action_space().as_box().filter(|space| space.dimension() == 1).cloned();
        let Some(space) = space.filter(rlai::env::BoxSpace::is_bounded) else {
            return Err(refused("only where actions are a box of one coordinate"));
        };
        let half = 0.5 * (space.high[0] - space.low[0]);
        let action = in_box(space.low[0], half);
        let mut observation = vec![0.0; env.observation_space().dimension()];
        let mut reward = Vec::with_capacity(STEPS);
        for a in &action {
            env.reset(&mut key.stream("policy"), &mut observation).map_err(Failure::running)?;
            let played = env.step(Action::F64(&[*a]), &mut observation);
            let step = played.map_err(Failure::running)?;
            if !step.terminated {
                return Err(refused("only where an episode is one action"));
            }
            reward.push(step.reward);
        }
        let density = normalised(&reward, alpha, 2.0 * half / STEPS as f64);
        Ok(Self { temperature: alpha, density: Density { action, density }, reward })
    }
}

/// `exp(r/alpha)/Z` over steps of this length, the largest exponent taken out.
fn normalised(reward: &[f64], alpha: f64, length: f64) -> Vec<f64> {
    let largest = reward.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = reward.iter().map(|r| ((r - largest) / alpha).exp()).collect();
    let evidence: f64 = powers.iter().sum::<f64>() * length;
    powers.iter().map(|power| power / evidence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_optimal_policy_has_mass_1_and_the_odds_of_its_rewards() {
        let density = normalised(&[1.0, 0.9, 400.0, 399.8], 0.1, 0.25);
        assert!((density.iter().sum::<f64>() * 0.25 - 1.0).abs() < 1e-12);
        assert!((density[3] / density[2] - (-2.0f64).exp()).abs() < 1e-9);
    }

    #[test]
    fn the_middles_are_even_and_inside_the_box() {
        let actions = in_box(-2.0, 2.0);
        assert_eq!((actions.len(), actions[0]), (STEPS, -1.995));
        assert!((actions[STEPS - 1] - 1.995).abs() < 1e-12);
        assert!(actions.windows(2).all(|pair| (pair[1] - pair[0] - 0.01).abs() < 1e-12));
    }
}
