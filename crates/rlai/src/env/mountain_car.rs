use super::classic::{finite_state, snapshot_of};
use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::random::Stream;

pub(super) const MIN_POSITION: f64 = -1.2;
pub(super) const MAX_POSITION: f64 = 0.6;
pub(super) const MAX_SPEED: f64 = 0.07;
const GOAL: f64 = 0.5;
const FORCE: f64 = 0.001;
const GRAVITY: f64 = 0.0025;

/// Gymnasium's `MountainCar-v0`: a car in a valley, too weak to climb out without swinging.
///
/// The observation is `[position, velocity]`, rounded to single precision; the three choices push left,
/// not at all, and right. Every step costs 1, the last one included; the task terminates at the
/// position 0.5 (Moore 1990). [`super::TimeLimit`] gives the usual end after 200 steps. Equal to the
/// original to the last bit.
#[derive(Clone, Debug)]
pub struct MountainCar {
    position: f64,
    velocity: f64,
    observation_space: BoxSpace,
    action_space: Space,
}

/// What a car's position and velocity are seen in.
pub(super) fn observation_space() -> BoxSpace {
    let single = |values: [f64; 2]| values.map(|bound| f64::from(bound as f32)).to_vec();
    BoxSpace { low: single([MIN_POSITION, -MAX_SPEED]), high: single([MAX_POSITION, MAX_SPEED]) }
}

/// The position and the velocity, if a car can have them.
pub(super) fn car_state(id: &str, qpos: &[f64], qvel: &[f64]) -> Result<(f64, f64), StepError> {
    let ([position], [velocity]) = finite_state(id, qpos, qvel)?;
    let is_on_track = (MIN_POSITION..=MAX_POSITION).contains(&position);
    if !is_on_track || velocity.abs() > MAX_SPEED {
        let message = format!(
            "{id}: a position from {MIN_POSITION} to {MAX_POSITION} and a velocity up to {MAX_SPEED}, not {position} and {velocity}"
        );
        return Err(StepError::State(message));
    }
    Ok((position, velocity))
}

impl MountainCar {
    /// The task's name.
    pub const ID: &'static str = "MountainCar-v0";
    /// Steps of an episode under Gymnasium's time limit.
    pub const TIME_LIMIT: usize = 200;

    /// A car that stands in the valley until it is reset.
    pub fn new() -> Self {
        Self {
            position: -0.5,
            velocity: 0.0,
            observation_space: observation_space(),
            action_space: Space::Discrete(3),
        }
    }

    fn observe(&self, observation: &mut [f64]) {
        for (out, value) in observation.iter_mut().zip([self.position, self.velocity]) {
            *out = f64::from(value as f32);
        }
    }
}

impl Default for MountainCar {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for MountainCar {
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
        (self.position, self.velocity) = (random.uniform(-0.6, -0.4), 0.0);
        self.observe(observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let direction = match action {
            Action::Discrete(choice @ 0..3) => choice as f64 - 1.0,
            other => {
                let message = format!("{} takes a choice below 3, not {other:?}", Self::ID);
                return Err(StepError::State(message));
            }
        };
        let push = direction * FORCE + (3.0 * self.position).cos() * -GRAVITY;
        self.velocity = (self.velocity + push).clamp(-MAX_SPEED, MAX_SPEED);
        self.position = (self.position + self.velocity).clamp(MIN_POSITION, MAX_POSITION);
        if self.position == MIN_POSITION && self.velocity < 0.0 {
            self.velocity = 0.0;
        }
        self.observe(observation);
        let terminated = self.position >= GOAL && self.velocity >= 0.0;
        Ok(Step { reward: -1.0, terminated, truncated: false })
    }

    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        (self.position, self.velocity) = car_state(Self::ID, qpos, qvel)?;
        self.observe(observation);
        Ok(())
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        Some(vec![self.position, self.velocity])
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        _random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let [position, velocity] = snapshot_of(Self::ID, snapshot)?;
        self.set_state(&[position], &[velocity], observation)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Golden, assert_equal};
    use super::*;
    use crate::random::Key;

    #[test]
    fn rollouts_equal_those_of_gymnasium() {
        let ends = assert_equal(&Golden::read("mountain_car.json"), &mut MountainCar::new());
        assert!(ends > 0, "the goal is part of the vectors");
    }

    /// Pushing the way one moves is a known solution, within the time limit.
    #[test]
    fn swinging_reaches_the_goal() {
        let mut task = MountainCar::new();
        let mut observation = [0.0; 2];
        task.reset(&mut Key::from_seed(0).stream("environment"), &mut observation).unwrap();
        let mut swing = || {
            let choice = if observation[1] < 0.0 { 0 } else { 2 };
            task.step(Action::Discrete(choice), &mut observation).unwrap().terminated
        };
        assert!((0..MountainCar::TIME_LIMIT).any(|_| swing()));
    }

    #[test]
    fn unfit_states_and_actions_are_refused() {
        let mut task = MountainCar::new();
        let mut observation = [0.0; 2];
        for (qpos, qvel) in [(&[][..], 0.0), (&[f64::NAN], 0.0), (&[0.7], 0.0), (&[0.0], -0.08)] {
            assert!(task.set_state(qpos, &[qvel], &mut observation).is_err());
        }
        for action in [Action::Discrete(3), Action::F32(&[0.0])] {
            assert!(task.step(action, &mut observation).is_err());
        }
    }
}
