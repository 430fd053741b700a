use std::f64::consts::PI;
use std::hint::black_box;

use super::classic::snapshot_of;
use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::random::Stream;

const MAX_SPEED: f64 = 8.0;
const MAX_TORQUE: f64 = 2.0;
const TIME_STEP: f64 = 0.05;
/// `3 g / (2 l)` with `g = 10` and `l = 1`.
const GRAVITY_FACTOR: f64 = 15.0;
/// `3 / (m l^2)` with `m = l = 1`.
const TORQUE_FACTOR: f64 = 3.0;
const TORQUE_COST: f64 = 0.001;

/// Gymnasium's `Pendulum-v1`: swing a rod up and hold it there with a weak motor.
///
/// The observation is `[cos theta, sin theta, theta']`, rounded to single precision; the action is one
/// torque, clipped to `[-2, 2]`; the reward is `-(theta^2 + 0.1 theta'^2 + 0.001 torque^2)` with
/// `theta` in `[-pi, pi)` and zero upright. An episode never terminates; [`super::TimeLimit`] gives
/// the usual end after 200 steps.
#[derive(Clone, Debug)]
pub struct Pendulum {
    /// Angle from upright in radians, not wrapped.
    theta: f64,
    /// Angular velocity in radians per second.
    theta_dot: f64,
    observation_space: BoxSpace,
    action_space: Space,
}

impl Pendulum {
    /// The task's name.
    pub const ID: &'static str = "Pendulum-v1";
    /// Steps of an episode under Gymnasium's time limit.
    pub const TIME_LIMIT: usize = 200;

    /// A pendulum that stands upright and still until it is reset.
    pub fn new() -> Self {
        let high = vec![1.0, 1.0, MAX_SPEED];
        let low = high.iter().map(|bound| -bound).collect();
        Self {
            theta: 0.0,
            theta_dot: 0.0,
            observation_space: BoxSpace { low, high },
            action_space: BoxSpace::uniform(1, -MAX_TORQUE, MAX_TORQUE).into(),
        }
    }

    fn observe(&self, observation: &mut [f64]) {
        let values = [self.theta.cos(), self.theta.sin(), self.theta_dot];
        for (out, value) in observation.iter_mut().zip(values) {
            *out = f64::from(value as f32);
        }
    }
}

impl Default for Pendulum {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for Pendulum {
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
        self.theta = random.uniform(-PI, PI);
        self.theta_dot = random.uniform(-1.0, 1.0);
        self.observe(observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let Torque { acceleration, cost: torque_cost } = Torque::of(action)?;
        let cost = square(wrap_angle(self.theta)) + 0.1 * square(self.theta_dot) + torque_cost;
        let acceleration = GRAVITY_FACTOR * self.theta.sin() + acceleration;
        self.theta_dot = (self.theta_dot + acceleration * TIME_STEP).clamp(-MAX_SPEED, MAX_SPEED);
        self.theta += self.theta_dot * TIME_STEP;
        self.observe(observation);
        Ok(Step { reward: -cost, terminated: false, truncated: false })
    }

    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let (&[theta], &[theta_dot]) = (qpos, qvel) else {
            return Err(StepError::State(format!(
                "{} has 1 position and 1 velocity, the state has {} and {}",
                Self::ID,
                qpos.len(),
                qvel.len()
            )));
        };
        if !(theta.is_finite() && theta_dot.is_finite()) {
            return Err(StepError::State(format!(
                "{}: position {theta} and velocity {theta_dot} must be finite",
                Self::ID
            )));
        }
        (self.theta, self.theta_dot) = (theta, theta_dot);
        self.observe(observation);
        Ok(())
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        Some(vec![self.theta, self.theta_dot])
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        _random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let [theta, theta_dot] = snapshot_of(Self::ID, snapshot)?;
        self.set_state(&[theta], &[theta_dot], observation)
    }
}

/// What the clipped torque adds to the angular acceleration and to the cost.
///
/// The original computes both in the precision of the action it is given.
struct Torque {
    acceleration: f64,
    cost: f64,
}

impl Torque {
    fn of(action: Action<'_>) -> Result<Self, StepError> {
        match action {
            Action::F32(&[torque]) if torque.is_finite() => {
                let torque = torque.clamp(-MAX_TORQUE as f32, MAX_TORQUE as f32);
                Ok(Self {
                    acceleration: f64::from(TORQUE_FACTOR as f32 * torque),
                    cost: f64::from(TORQUE_COST as f32 * square_single(torque)),
                })
            }
            Action::F64(&[torque]) if torque.is_finite() => {
                let torque = torque.clamp(-MAX_TORQUE, MAX_TORQUE);
                Ok(Self {
                    acceleration: TORQUE_FACTOR * torque,
                    cost: TORQUE_COST * square(torque),
                })
            }
            other => Err(StepError::Unstable(format!(
                "{} takes one finite torque, not {other:?}",
                Pendulum::ID
            ))),
        }
    }
}

// NumPy squares its scalars by the C library's `pow`, which rounds some squares differently from a
// product. `black_box` keeps the compiler from turning the call into that product.
fn square(x: f64) -> f64 {
    x.powf(black_box(2.0))
}

fn square_single(x: f32) -> f32 {
    x.powf(black_box(2.0))
}

/// The same angle in `[-pi, pi)`.
fn wrap_angle(angle: f64) -> f64 {
    (angle + PI).rem_euclid(2.0 * PI) - PI
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::random::Key;

    #[derive(Deserialize)]
    struct Rollout {
        precision: String,
        qpos: Vec<f64>,
        qvel: Vec<f64>,
        actions: Vec<f64>,
        observations: Vec<[f64; 3]>,
        rewards: Vec<f64>,
    }

    #[derive(Deserialize)]
    struct Golden {
        rollouts: Vec<Rollout>,
    }

    fn replay(rollout: &Rollout) {
        let mut pendulum = Pendulum::new();
        let mut observation = [0.0; 3];
        pendulum.set_state(&rollout.qpos, &rollout.qvel, &mut observation).unwrap();
        assert_eq!(observation, rollout.observations[0]);
        for (i, &action) in rollout.actions.iter().enumerate() {
            let step = match rollout.precision.as_str() {
                "float32" => pendulum.step(Action::F32(&[action as f32]), &mut observation),
                _ => pendulum.step(Action::F64(&[action]), &mut observation),
            }
            .unwrap();
            assert!(!step.ended());
            assert_eq!(observation, rollout.observations[i + 1], "step {i}");
            let error = (step.reward - rollout.rewards[i]).abs();
            assert!(error <= 1e-12, "step {i}: reward differs by {error:e}");
        }
    }

    #[test]
    fn rollouts_equal_those_of_gymnasium() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/rollouts/pendulum.json");
        let golden: Golden = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(golden.rollouts.len(), 4);
        for rollout in &golden.rollouts {
            assert_eq!(rollout.observations.len(), rollout.actions.len() + 1);
            assert_eq!(rollout.rewards.len(), rollout.actions.len());
            assert!(!rollout.actions.is_empty());
            replay(rollout);
        }
    }

    #[test]
    fn resets_cover_the_circle_and_slow_speeds() {
        let mut random = Key::from_seed(1).stream("environment");
        let mut pendulum = Pendulum::new();
        let mut observation = [0.0; 3];
        let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
        for _ in 0..500 {
            pendulum.reset(&mut random, &mut observation).unwrap();
            assert!(pendulum.observation_space().contains(&observation));
            assert!(pendulum.theta.abs() <= PI && pendulum.theta_dot.abs() <= 1.0);
            lowest = lowest.min(pendulum.theta);
            highest = highest.max(pendulum.theta);
        }
        assert!(lowest < -0.9 * PI && highest > 0.9 * PI);
    }

    #[test]
    fn unfit_states_and_actions_are_refused() {
        let mut pendulum = Pendulum::new();
        let mut observation = [0.0; 3];
        let state = pendulum.set_state(&[0.0, 1.0], &[0.0], &mut observation);
        assert!(matches!(state, Err(StepError::State(_))));
        let state = pendulum.set_state(&[f64::NAN], &[0.0], &mut observation);
        assert!(matches!(state, Err(StepError::State(_))));
        for action in [Action::F32(&[f32::NAN]), Action::F32(&[]), Action::F64(&[0.0, 0.0])] {
            assert!(pendulum.step(action, &mut observation).is_err());
        }
    }
}
