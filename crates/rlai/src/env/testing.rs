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

/// Shows the action it was given as its observation: coordinates, then choices, then nothing but 0.
#[derive(Debug)]
pub(super) struct Echo {
    space: BoxSpace,
    action: Space,
}

impl Echo {
    pub(super) fn new(space: BoxSpace) -> Self {
        Self { action: space.clone().into(), space }
    }

    /// With two numbers to see.
    pub(super) fn of(action: Space) -> Self {
        Self { action, space: BoxSpace::unbounded(2) }
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

    fn reset(&mut self, _: &mut Stream, _: &mut [f64]) -> Result<(), StepError> {
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let coordinates = (0..action.len()).map(|i| action.get(i));
        let choices = match action {
            Action::Discrete(choice) | Action::Hybrid { choice, .. } => vec![choice],
            Action::Factored(choices) => choices.to_vec(),
            _ => Vec::new(),
        };
        let all = coordinates.chain(choices.into_iter().map(|choice| choice as f64));
        observation.fill(0.0);
        observation.iter_mut().zip(all).for_each(|(out, value)| *out = value);
        Ok(Step { reward: 0.0, terminated: false, truncated: false })
    }
}
