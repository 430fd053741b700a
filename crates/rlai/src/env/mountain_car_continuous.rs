use super::classic::{flag_of, snapshot_of, square};
use super::mountain_car::{MAX_POSITION, MAX_SPEED, MIN_POSITION, car_state, observation_space};
use super::numpy::Number::{self, Double, Plain, Single};
use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::random::Stream;

const GOAL: f64 = 0.45;
const POWER: f64 = 0.0015;
const GRAVITY: f64 = 0.0025;

/// Gymnasium's `MountainCarContinuous-v0`: a car in a valley, pushed by one force in `[-1, 1]`.
///
/// The observation is `[position, velocity]` in single precision. Reaching the position 0.45 is
/// rewarded by 100 and terminates; every step costs 0.1 times the squared action, before it is clipped.
/// [`super::TimeLimit`] gives the usual end after 999 steps.
///
/// Equal to the original to the last bit, which keeps its state in single precision from the first step
/// on and computes in the precision of what meets: the state, the action, and Python's own numbers.
#[derive(Clone, Debug)]
pub struct MountainCarContinuous {
    /// Double precision where an episode starts, single precision after that.
    position: Number,
    velocity: Number,
    observation_space: BoxSpace,
    action_space: Space,
}

impl MountainCarContinuous {
    /// The task's name.
    pub const ID: &'static str = "MountainCarContinuous-v0";
    /// Steps of an episode under Gymnasium's time limit.
    pub const TIME_LIMIT: usize = 999;

    /// A car that stands in the valley until it is reset.
    pub fn new() -> Self {
        Self {
            position: Double(-0.5),
            velocity: Double(0.0),
            observation_space: observation_space(),
            action_space: BoxSpace::uniform(1, -1.0, 1.0).into(),
        }
    }

    fn observe(&self, observation: &mut [f64]) {
        for (out, number) in observation.iter_mut().zip([self.position, self.velocity]) {
            *out = f64::from(number.value() as f32);
        }
    }

    /// The position and the velocity after a push.
    fn pushed(&self, action: Number) -> (Number, Number) {
        let force = clip(action, -1.0, 1.0);
        let slope = Plain((Plain(3.0) * self.position).value().cos());
        let push = force * Plain(POWER) - Plain(GRAVITY) * slope;
        let velocity = clip(self.velocity + push, -MAX_SPEED, MAX_SPEED);
        let position = clip(self.position + velocity, MIN_POSITION, MAX_POSITION);
        let is_stopped = position == Plain(MIN_POSITION) && velocity < Plain(0.0);
        (position, if is_stopped { Plain(0.0) } else { velocity })
    }
}

/// A bound where a number is beyond it, which is one of Python's own numbers.
fn clip(number: Number, low: f64, high: f64) -> Number {
    if number < Plain(low) {
        Plain(low)
    } else if number > Plain(high) {
        Plain(high)
    } else {
        number
    }
}

fn read_action(action: Action<'_>) -> Result<Number, StepError> {
    match action {
        Action::F32(&[force]) if force.is_finite() => Ok(Single(force)),
        Action::F64(&[force]) if force.is_finite() => Ok(Double(force)),
        other => {
            let id = MountainCarContinuous::ID;
            Err(StepError::State(format!("{id} takes one finite force, not {other:?}")))
        }
    }
}

impl Default for MountainCarContinuous {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for MountainCarContinuous {
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
        self.set_state(&[random.uniform(-0.6, -0.4)], &[0.0], observation)
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let action = read_action(action)?;
        let (position, velocity) = self.pushed(action);
        let terminated = position >= Plain(GOAL) && velocity >= Plain(0.0);
        let bonus = if terminated { 100.0 } else { 0.0 };
        let reward = bonus - square(action.value()) * 0.1;
        self.position = Single(position.value() as f32);
        self.velocity = Single(velocity.value() as f32);
        self.observe(observation);
        Ok(Step { reward, terminated, truncated: false })
    }

    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let (position, velocity) = car_state(Self::ID, qpos, qvel)?;
        (self.position, self.velocity) = (Double(position), Double(velocity));
        self.observe(observation);
        Ok(())
    }

    /// The position, the velocity, and 1 where they are in single precision.
    fn snapshot(&self) -> Option<Vec<f64>> {
        let is_single = f64::from(u8::from(matches!(self.position, Single(_))));
        Some(vec![self.position.value(), self.velocity.value(), is_single])
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        _random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let [position, velocity, is_single] = snapshot_of(Self::ID, snapshot)?;
        if !flag_of(Self::ID, "is_single", is_single)? {
            return self.set_state(&[position], &[velocity], observation);
        }
        // Bounds in single precision lie a little outside of those in double precision.
        if !self.observation_space.contains(&[position, velocity]) {
            let message = format!("{}: {snapshot:?} is no state of it", Self::ID);
            return Err(StepError::State(message));
        }
        (self.position, self.velocity) = (Single(position as f32), Single(velocity as f32));
        self.observe(observation);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Golden, assert_equal};
    use super::*;
    use crate::random::Key;

    #[test]
    fn rollouts_equal_those_of_gymnasium() {
        let golden = Golden::read("mountain_car_continuous.json");
        let ends = assert_equal(&golden, &mut MountainCarContinuous::new());
        assert!(ends > 0, "the goal is part of the vectors");
    }

    #[test]
    fn a_snapshot_is_the_whole_state_at_bounds_too() {
        let mut random = Key::from_seed(0).stream("environment");
        let mut task = MountainCarContinuous::new();
        let (mut observation, mut again) = ([0.0; 2], [0.0; 2]);
        task.set_state(&[-1.15], &[-0.07], &mut observation).unwrap();
        let wall = f64::from(-1.2f32);
        for is_at_wall in [true, false] {
            let snapshot = task.snapshot().unwrap();
            let mut other = MountainCarContinuous::new();
            other.restore(&snapshot, &mut random, &mut again).unwrap();
            assert_eq!(again, observation);
            let step = task.step(Action::F32(&[-0.9]), &mut observation).unwrap();
            assert_eq!(other.step(Action::F32(&[-0.9]), &mut again).unwrap(), step);
            assert_eq!(again, observation);
            assert_eq!(observation[0] == wall, is_at_wall);
        }
        assert!(task.restore(&[0.0], &mut random, &mut again).is_err());
        assert!(task.restore(&[0.7, 0.0, 1.0], &mut random, &mut again).is_err());
    }

    #[test]
    fn unfit_states_and_actions_are_refused() {
        let mut task = MountainCarContinuous::new();
        let mut observation = [0.0; 2];
        assert!(task.set_state(&[0.7], &[0.0], &mut observation).is_err());
        for action in [Action::F32(&[f32::NAN]), Action::F64(&[]), Action::Discrete(0)] {
            assert!(task.step(action, &mut observation).is_err());
        }
    }
}
