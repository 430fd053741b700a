use std::f64::consts::PI;

use super::classic::{flag_of, snapshot_of};
use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::random::Stream;

const GRAVITY: f64 = 9.8;
const MASS_CART: f64 = 1.0;
const MASS_POLE: f64 = 0.1;
const TOTAL_MASS: f64 = MASS_POLE + MASS_CART;
/// Half of the pole's length.
const LENGTH: f64 = 0.5;
const POLE_MASS_LENGTH: f64 = MASS_POLE * LENGTH;
const FORCE: f64 = 10.0;
const TIME_STEP: f64 = 0.02;
const MOST_ANGLE: f64 = 12.0 * 2.0 * PI / 360.0;
const MOST_DISTANCE: f64 = 2.4;

/// Gymnasium's `CartPole-v1`: push a cart left (0) or right (1) so that the pole on it does not fall.
///
/// The observation is `[x, x', theta, theta']`, rounded to single precision. Every step is rewarded by
/// 1, the last one included; the task terminates when the pole leans more than 12 degrees or the cart is
/// more than 2.4 away. [`super::TimeLimit`] gives the usual end after 500 steps.
#[derive(Clone, Debug)]
pub struct CartPole {
    /// Position, velocity, angle from upright, angular velocity.
    state: [f64; 4],
    /// The pole has fallen: what is played beyond that has no reward.
    fallen: bool,
    observation_space: BoxSpace,
    action_space: Space,
}

impl CartPole {
    /// The task's name.
    pub const ID: &'static str = "CartPole-v1";
    /// Steps of an episode under Gymnasium's time limit.
    pub const TIME_LIMIT: usize = 500;

    /// A cart in the middle under an upright pole, until it is reset.
    pub fn new() -> Self {
        let single = |bound: f64| f64::from(bound as f32);
        let (distance, angle) = (single(2.0 * MOST_DISTANCE), single(2.0 * MOST_ANGLE));
        let high = vec![distance, f64::INFINITY, angle, f64::INFINITY];
        let low = high.iter().map(|bound| -bound).collect();
        Self {
            state: [0.0; 4],
            fallen: false,
            observation_space: BoxSpace { low, high },
            action_space: Space::Discrete(2),
        }
    }

    fn start(&mut self, state: [f64; 4], observation: &mut [f64]) {
        self.state = state;
        self.fallen = false;
        self.observe(observation);
    }

    fn observe(&self, observation: &mut [f64]) {
        for (out, value) in observation.iter_mut().zip(self.state) {
            *out = f64::from(value as f32);
        }
    }

    /// Accelerations of the cart and of the angle under a force (Florian 2007, eqs. 23 and 24, without
    /// friction).
    fn accelerations(&self, force: f64) -> (f64, f64) {
        let [_, _, theta, theta_dot] = self.state;
        let (sin, cos) = (theta.sin(), theta.cos());
        let temp = (force + POLE_MASS_LENGTH * (theta_dot * theta_dot) * sin) / TOTAL_MASS;
        let angular = (GRAVITY * sin - cos * temp)
            / (LENGTH * (4.0 / 3.0 - MASS_POLE * (cos * cos) / TOTAL_MASS));
        (temp - POLE_MASS_LENGTH * angular * cos / TOTAL_MASS, angular)
    }
}

impl Default for CartPole {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for CartPole {
    fn id(&self) -> &str {
        Self::ID
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        let state = std::array::from_fn(|_| random.uniform(-0.05, 0.05));
        self.start(state, observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let force = match action {
            Action::Discrete(0) => -FORCE,
            Action::Discrete(1) => FORCE,
            other => {
                let message = format!("{} takes the choice 0 or 1, not {other:?}", Self::ID);
                return Err(StepError::State(message));
            }
        };
        let (cart, angular) = self.accelerations(force);
        let [x, x_dot, theta, theta_dot] = self.state;
        self.state = [
            x + TIME_STEP * x_dot,
            x_dot + TIME_STEP * cart,
            theta + TIME_STEP * theta_dot,
            theta_dot + TIME_STEP * angular,
        ];
        let terminated = self.state[0].abs() > MOST_DISTANCE || self.state[2].abs() > MOST_ANGLE;
        let reward = if terminated && self.fallen { 0.0 } else { 1.0 };
        self.fallen |= terminated;
        self.observe(observation);
        Ok(Step { reward, terminated, truncated: false })
    }

    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let (&[x, theta], &[x_dot, theta_dot]) = (qpos, qvel) else {
            return Err(StepError::State(format!(
                "{} has 2 positions and 2 velocities, the state has {} and {}",
                Self::ID,
                qpos.len(),
                qvel.len()
            )));
        };
        let state = [x, x_dot, theta, theta_dot];
        if state.iter().any(|value| !value.is_finite()) {
            return Err(StepError::State(format!("{}: {state:?} must be finite", Self::ID)));
        }
        self.start(state, observation);
        Ok(())
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        let fallen = if self.fallen { 1.0 } else { 0.0 };
        Some([&self.state[..], &[fallen]].concat())
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        _random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let [x, x_dot, theta, theta_dot, fallen] = snapshot_of(Self::ID, snapshot)?;
        let fallen = flag_of(Self::ID, "fallen", fallen)?;
        self.set_state(&[x, theta], &[x_dot, theta_dot], observation)?;
        self.fallen = fallen;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Golden {
        rollouts: Vec<Rollout>,
    }

    #[derive(Deserialize)]
    struct Rollout {
        qpos: Vec<f64>,
        qvel: Vec<f64>,
        actions: Vec<usize>,
        observations: Vec<Vec<f64>>,
        rewards: Vec<f64>,
        terminated: Vec<bool>,
    }

    #[test]
    fn rollouts_equal_those_of_gymnasium() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/rollouts/cart_pole.json");
        let golden: Golden = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(golden.rollouts.len(), 6);
        let mut ends = 0;
        for rollout in &golden.rollouts {
            assert_eq!(rollout.observations.len(), rollout.actions.len() + 1);
            let mut task = CartPole::new();
            let mut observation = [0.0; 4];
            task.set_state(&rollout.qpos, &rollout.qvel, &mut observation).unwrap();
            assert_eq!(observation.as_slice(), rollout.observations[0]);
            for (i, &action) in rollout.actions.iter().enumerate() {
                let step = task.step(Action::Discrete(action), &mut observation).unwrap();
                assert_eq!(observation.as_slice(), rollout.observations[i + 1], "step {i}");
                assert_eq!(step.reward, rollout.rewards[i], "step {i}");
                assert_eq!(step.terminated, rollout.terminated[i], "step {i}");
                ends += usize::from(step.terminated);
            }
        }
        assert!(ends > 0, "a fall is part of the vectors");
    }

    #[test]
    fn a_snapshot_is_the_whole_state() {
        let mut task = CartPole::new();
        let mut observation = [0.0; 4];
        task.reset(&mut Key::from_seed(1).stream("environment"), &mut observation).unwrap();
        assert!(observation.iter().all(|x| x.abs() <= 0.05));
        for _ in 0..30 {
            task.step(Action::Discrete(1), &mut observation).unwrap();
        }
        let snapshot = task.snapshot().unwrap();
        let after = task.step(Action::Discrete(0), &mut observation).unwrap();
        assert_eq!(after.reward, 0.0, "beyond the fall");
        let mut again = [0.0; 4];
        let mut other = CartPole::new();
        let mut random = Key::from_seed(2).stream("environment");
        other.restore(&snapshot, &mut random, &mut again).unwrap();
        assert_eq!(other.step(Action::Discrete(0), &mut again).unwrap(), after);
        assert_eq!(again, observation);
        assert!(other.restore(&snapshot[..3], &mut random, &mut again).is_err());
    }

    #[test]
    fn unfit_states_and_actions_are_refused() {
        let mut task = CartPole::new();
        let mut observation = [0.0; 4];
        assert!(task.set_state(&[0.0], &[0.0, 0.0], &mut observation).is_err());
        assert!(task.set_state(&[0.0, f64::NAN], &[0.0, 0.0], &mut observation).is_err());
        for action in [Action::Discrete(2), Action::F32(&[0.0])] {
            assert!(task.step(action, &mut observation).is_err());
        }
    }
}
