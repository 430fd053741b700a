use std::f64::consts::PI;

use super::classic::{finite_state, snapshot_of, square};
use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::random::Stream;

const TIME_STEP: f64 = 0.2;
/// Length and mass of a link, and its moment of inertia.
const LENGTH: f64 = 1.0;
const MASS: f64 = 1.0;
const INERTIA: f64 = 1.0;
/// Where a link's centre of mass is.
const CENTRE: f64 = 0.5;
const GRAVITY: f64 = 9.8;
const MOST_SPEED_1: f64 = 4.0 * PI;
const MOST_SPEED_2: f64 = 9.0 * PI;

/// Gymnasium's `Acrobot-v1`: swing two hanging links up by a motor in the joint between them.
///
/// The three choices are the torques -1, 0 and 1. The observation is `[cos theta1, sin theta1,
/// cos theta2, sin theta2, theta1', theta2']`, rounded to single precision; theta1 is 0 where the first
/// link hangs down, theta2 is the second link's angle to the first. Every step costs 1 but the one in
/// which the tip rises above the height of one link, `-cos theta1 - cos (theta2 + theta1) > 1`, which
/// terminates the task. The dynamics are those of Sutton and Barto's book, integrated by one
/// Runge-Kutta step of fourth order. [`super::TimeLimit`] gives the usual end after 500 steps.
///
/// Observations, rewards and ends are the original's to the last bit, where both use the same C library.
/// The one exception is the first observation after a reset, whose sines and cosines the original
/// computes in single precision: the last bit of fewer than one of a thousand differs.
#[derive(Clone, Debug)]
pub struct Acrobot {
    /// theta1, theta2, and their velocities.
    state: [f64; 4],
    observation_space: BoxSpace,
    action_space: Space,
}

impl Acrobot {
    /// The task's name.
    pub const ID: &'static str = "Acrobot-v1";
    /// Steps of an episode under Gymnasium's time limit.
    pub const TIME_LIMIT: usize = 500;

    /// Two links that hang down and are still, until they are reset.
    pub fn new() -> Self {
        let single = |bound: f64| f64::from(bound as f32);
        let high = vec![1.0, 1.0, 1.0, 1.0, single(MOST_SPEED_1), single(MOST_SPEED_2)];
        let low = high.iter().map(|bound| -bound).collect();
        Self {
            state: [0.0; 4],
            observation_space: BoxSpace { low, high },
            action_space: Space::Discrete(3),
        }
    }

    fn observe(&self, observation: &mut [f64]) {
        let [theta1, theta2, speed1, speed2] = self.state;
        let seen = [theta1.cos(), theta1.sin(), theta2.cos(), theta2.sin(), speed1, speed2];
        for (out, value) in observation.iter_mut().zip(seen) {
            *out = f64::from(value as f32);
        }
    }

    fn is_up(&self) -> bool {
        let [theta1, theta2, ..] = self.state;
        -theta1.cos() - (theta2 + theta1).cos() > 1.0
    }
}

impl Default for Acrobot {
    fn default() -> Self {
        Self::new()
    }
}

/// The time derivative of a state, in the original's order of operations.
fn derivative([theta1, theta2, speed1, speed2]: [f64; 4], torque: f64) -> [f64; 4] {
    let (sin2, cos2) = (theta2.sin(), theta2.cos());
    let centre_squared = CENTRE * CENTRE;
    let coupling = MASS * LENGTH * CENTRE;
    let d1 = MASS * centre_squared
        + MASS * (LENGTH * LENGTH + centre_squared + 2.0 * LENGTH * CENTRE * cos2)
        + INERTIA
        + INERTIA;
    let d2 = MASS * (centre_squared + LENGTH * CENTRE * cos2) + INERTIA;
    let phi2 = MASS * CENTRE * GRAVITY * (theta1 + theta2 - PI / 2.0).cos();
    let phi1 = -coupling * square(speed2) * sin2 - 2.0 * coupling * speed2 * speed1 * sin2
        + (MASS * CENTRE + MASS * LENGTH) * GRAVITY * (theta1 - PI / 2.0).cos()
        + phi2;
    let acceleration2 = (torque + d2 / d1 * phi1 - coupling * square(speed1) * sin2 - phi2)
        / (MASS * centre_squared + INERTIA - square(d2) / d1);
    [speed1, speed2, -(d2 * acceleration2 + phi1) / d1, acceleration2]
}

/// One step of the classic Runge-Kutta method of fourth order, the torque held.
fn runge_kutta(y: [f64; 4], torque: f64) -> [f64; 4] {
    let at = |dt: f64, k: [f64; 4]| std::array::from_fn(|i| y[i] + dt * k[i]);
    let half = TIME_STEP / 2.0;
    let k1 = derivative(y, torque);
    let k2 = derivative(at(half, k1), torque);
    let k3 = derivative(at(half, k2), torque);
    let k4 = derivative(at(TIME_STEP, k3), torque);
    std::array::from_fn(|i| y[i] + TIME_STEP / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]))
}

/// The same angle in [-pi, pi], by whole turns one after another.
fn wrap(mut angle: f64) -> f64 {
    while angle > PI {
        angle -= 2.0 * PI;
    }
    while angle < -PI {
        angle += 2.0 * PI;
    }
    angle
}

impl Environment for Acrobot {
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
        self.state = std::array::from_fn(|_| f64::from(random.uniform(-0.1, 0.1) as f32));
        self.observe(observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let torque = match action {
            Action::Discrete(choice @ 0..3) => choice as f64 - 1.0,
            other => {
                let message = format!("{} takes a choice below 3, not {other:?}", Self::ID);
                return Err(StepError::State(message));
            }
        };
        let [theta1, theta2, speed1, speed2] = runge_kutta(self.state, torque);
        self.state = [
            wrap(theta1),
            wrap(theta2),
            speed1.clamp(-MOST_SPEED_1, MOST_SPEED_1),
            speed2.clamp(-MOST_SPEED_2, MOST_SPEED_2),
        ];
        let terminated = self.is_up();
        self.observe(observation);
        let reward = if terminated { 0.0 } else { -1.0 };
        Ok(Step { reward, terminated, truncated: false })
    }

    /// Velocities beyond the task's bounds are refused: from there a step could turn a link any number
    /// of times.
    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let ([theta1, theta2], [speed1, speed2]) = finite_state(Self::ID, qpos, qvel)?;
        let are_angles = theta1.abs() <= PI && theta2.abs() <= PI;
        if !are_angles || speed1.abs() > MOST_SPEED_1 || speed2.abs() > MOST_SPEED_2 {
            let message = format!(
                "{}: angles up to pi and velocities up to 4 pi and 9 pi, not {qpos:?} and {qvel:?}",
                Self::ID
            );
            return Err(StepError::State(message));
        }
        self.state = [theta1, theta2, speed1, speed2];
        self.observe(observation);
        Ok(())
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        Some(self.state.to_vec())
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        _random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let [theta1, theta2, speed1, speed2] = snapshot_of(Self::ID, snapshot)?;
        self.set_state(&[theta1, theta2], &[speed1, speed2], observation)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Golden, assert_equal};
    use super::*;

    #[test]
    fn rollouts_equal_those_of_gymnasium() {
        let ends = assert_equal(&Golden::read("acrobot.json"), &mut Acrobot::new());
        assert!(ends > 0, "a tip above the line is part of the vectors");
    }

    #[test]
    fn unfit_states_and_actions_are_refused() {
        let mut task = Acrobot::new();
        let mut observation = [0.0; 6];
        for (qpos, qvel) in [
            (&[0.0][..], &[0.0, 0.0][..]),
            (&[0.0, f64::NAN], &[0.0, 0.0]),
            (&[0.0, 4.0], &[0.0, 0.0]),
            (&[0.0, 1.0], &[0.0, 30.0]),
        ] {
            assert!(task.set_state(qpos, qvel, &mut observation).is_err());
        }
        for action in [Action::Discrete(3), Action::F32(&[0.0])] {
            assert!(task.step(action, &mut observation).is_err());
        }
    }
}
