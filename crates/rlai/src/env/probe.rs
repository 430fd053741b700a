//! Tasks so small that what they must do is plain; for the tests of this folder.

use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::random::Stream;

/// Counts down from a number and terminates at zero.
pub(super) struct Countdown {
    from: usize,
    left: usize,
    space: BoxSpace,
    action: Space,
}

impl Countdown {
    pub(super) fn new(from: usize) -> Self {
        let space = BoxSpace::uniform(1, -1.0, 1.0);
        Self { from, left: from, action: space.clone().into(), space }
    }
}

impl Environment for Countdown {
    fn id(&self) -> &str {
        "Countdown"
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.space
    }

    fn action_space(&self) -> &Space {
        &self.action
    }

    fn time_limit(&self) -> Option<usize> {
        None
    }

    fn reset(&mut self, _: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.left = self.from;
        observation[0] = self.left as f64;
        Ok(())
    }

    fn step(&mut self, _: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        self.left -= 1;
        observation[0] = self.left as f64;
        Ok(Step { reward: 0.0, terminated: self.left == 0, truncated: false })
    }

    fn set_state(&mut self, qpos: &[f64], _: &[f64], _: &mut [f64]) -> Result<(), StepError> {
        self.left = qpos[0] as usize;
        Ok(())
    }
}

/// Shows the action it was given as its observation.
#[derive(Debug)]
pub(super) struct Echo {
    space: BoxSpace,
    action: Space,
}

impl Echo {
    pub(super) fn new(space: BoxSpace) -> Self {
        Self { action: space.clone().into(), space }
    }
}

impl Environment for Echo {
    fn id(&self) -> &str {
        "Echo"
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.space
    }

    fn action_space(&self) -> &Space {
        &self.action
    }

    fn time_limit(&self) -> Option<usize> {
        None
    }

    fn reset(&mut self, _: &mut Stream, _: &mut [f64]) -> Result<(), StepError> {
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        for (i, out) in observation.iter_mut().enumerate() {
            *out = action.get(i);
        }
        Ok(Step { reward: 0.0, terminated: false, truncated: false })
    }

    fn set_state(&mut self, _: &[f64], _: &[f64], _: &mut [f64]) -> Result<(), StepError> {
        Ok(())
    }
}
