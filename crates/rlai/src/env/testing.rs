//! Tasks so small that what they must do is plain, and Gymnasium's rollouts; for the tests of this folder.

use serde::Deserialize;

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

/// Rollouts as Gymnasium played them, `golden/rollouts/NAME.json`.
#[derive(Deserialize)]
pub(super) struct Golden {
    rollouts: Vec<Rollout>,
}

#[derive(Deserialize)]
struct Rollout {
    precision: String,
    qpos: Vec<f64>,
    qvel: Vec<f64>,
    /// `[T, A]`; a choice is one whole number.
    actions: Vec<Vec<f64>>,
    /// `[T + 1, O]`.
    observations: Vec<Vec<f64>>,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
}

impl Golden {
    pub(super) fn read(name: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/rollouts");
        let bytes = std::fs::read(std::path::Path::new(folder).join(name)).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }
}

/// Checks that a task plays every rollout to the last bit; returns how many steps terminated.
pub(super) fn assert_equal(golden: &Golden, task: &mut dyn Environment) -> usize {
    let mut ends = 0;
    assert_eq!(golden.rollouts.len(), 12);
    for rollout in &golden.rollouts {
        assert_eq!(rollout.observations.len(), rollout.actions.len() + 1);
        let mut observation = vec![0.0; task.observation_space().dimension()];
        task.set_state(&rollout.qpos, &rollout.qvel, &mut observation).unwrap();
        assert_eq!(observation, rollout.observations[0]);
        for (i, action) in rollout.actions.iter().enumerate() {
            let single: Vec<f32> = action.iter().map(|&a| a as f32).collect();
            let action = match (task.action_space(), rollout.precision.as_str()) {
                (Space::Discrete(_), _) => Action::Discrete(action[0] as usize),
                (_, "float32") => Action::F32(&single),
                _ => Action::F64(action),
            };
            let step = task.step(action, &mut observation).unwrap();
            assert_eq!(observation, rollout.observations[i + 1], "step {i}");
            assert_eq!(step.reward, rollout.rewards[i], "step {i}");
            assert_eq!(step.terminated, rollout.terminated[i], "step {i}");
            assert!(task.observation_space().contains(&observation), "step {i}");
            ends += usize::from(step.terminated);
        }
    }
    ends
}
