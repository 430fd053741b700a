use serde::{Deserialize, Serialize};

use super::head::{Chosen, Taken};
use crate::env::Space;
use crate::estimator::trajectory::Trajectories;

/// Trajectories on their way into an update.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rollouts {
    /// O.
    width: usize,
    /// `[steps, O]`.
    pub(super) observations: Vec<f32>,
    pub(super) taken: Taken,
    pub(super) log_pi: Vec<f64>,
    /// log pi_0 of the action taken, `[steps]`; empty if it is 0 everywhere.
    pub(super) log_pi_0: Vec<f64>,
    /// log pi_0 of every choice, `[steps, K]`; empty if it is 0 everywhere.
    pub(super) log_default: Vec<f64>,
    pub(super) reward: Vec<f64>,
    /// Time and state of a tabular task, `[steps]`; empty on others.
    pub(super) cells: Vec<(usize, usize)>,
    offsets: Vec<usize>,
    terminated: Vec<bool>,
    /// Observation after the last step of each, `[M, O]`.
    pub(super) final_observations: Vec<f32>,
}

/// What the rollouts of a run must be like.
pub(crate) struct RolloutsOf<'a> {
    /// M, at which an update takes them.
    pub(crate) trajectories: usize,
    pub(crate) actions: &'a Space,
    /// K where the task has a default policy of its own, else 0.
    pub(crate) default_policy: usize,
    /// Times and states of a tabular task.
    pub(crate) cells: Option<(usize, usize)>,
}

/// A step to be kept.
pub(crate) struct Played<'a> {
    pub(crate) observation: &'a [f32],
    pub(crate) chosen: &'a Chosen,
    pub(crate) log_pi: f64,
    pub(crate) log_default: Option<&'a [f64]>,
    pub(crate) cell: Option<(usize, usize)>,
    pub(crate) reward: f64,
}

impl Rollouts {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            observations: Vec::new(),
            taken: Taken::default(),
            log_pi: Vec::new(),
            log_pi_0: Vec::new(),
            log_default: Vec::new(),
            reward: Vec::new(),
            cells: Vec::new(),
            offsets: vec![0],
            terminated: Vec::new(),
            final_observations: Vec::new(),
        }
    }

    /// Whether these are whole, fewer than an update needs, and such as `task` gives; `other` is of its width.
    pub(crate) fn fits(&self, other: &Self, task: &RolloutsOf<'_>) -> bool {
        let (steps, count) = (self.log_pi.len(), self.terminated.len());
        let of_steps = |length: usize, width: usize| steps.checked_mul(width) == Some(length);
        let choices = task.actions.choices();
        let coordinates = task.actions.coordinates().map_or(0, |space| space.dimension());
        self.width == other.width
            && of_steps(self.observations.len(), self.width)
            && count.checked_mul(self.width) == Some(self.final_observations.len())
            && of_steps(self.reward.len(), 1)
            && of_steps(self.taken.u.len(), coordinates)
            && of_steps(self.taken.choices.len(), usize::from(choices.is_some()))
            && self.taken.choices.iter().all(|choice| Some(choice) < choices.as_ref())
            && of_steps(self.log_pi_0.len(), usize::from(task.default_policy > 0))
            && of_steps(self.log_default.len(), task.default_policy)
            && of_steps(self.cells.len(), usize::from(task.cells.is_some()))
            && self.cells.iter().all(|&(time, state)| {
                task.cells.is_some_and(|(times, states)| time < times && state < states)
            })
            && count < task.trajectories
            && self.offsets.len() == count + 1
            && self.offsets[0] == 0
            && self.offsets.is_sorted()
            && self.offsets[count] <= steps
    }

    pub(crate) fn clear(&mut self) {
        self.observations.clear();
        self.taken.clear();
        self.final_observations.clear();
        self.terminated.clear();
        self.cells.clear();
        self.offsets.truncate(1);
        for numbers in
            [&mut self.log_pi, &mut self.log_pi_0, &mut self.log_default, &mut self.reward]
        {
            numbers.clear();
        }
    }

    pub(crate) fn push(&mut self, step: &Played<'_>) {
        self.observations.extend(step.observation);
        self.taken.push(step.chosen);
        self.log_pi.push(step.log_pi);
        if let (Some(log_default), Chosen::Choice(choice)) = (step.log_default, step.chosen) {
            self.log_pi_0.push(log_default[*choice]);
            self.log_default.extend(log_default);
        }
        self.cells.extend(step.cell);
        self.reward.push(step.reward);
    }

    /// The trajectory being played is over.
    pub(crate) fn end(&mut self, terminated: bool, observation: &[f32]) {
        self.offsets.push(self.steps());
        self.terminated.push(terminated);
        self.final_observations.extend(observation);
    }

    pub(crate) fn steps(&self) -> usize {
        self.observations.len() / self.width
    }

    /// M.
    pub(crate) fn count(&self) -> usize {
        self.terminated.len()
    }

    /// Without values; the caller adds what it knows.
    pub(super) fn trajectories(&self) -> Trajectories<'_, f64> {
        Trajectories {
            offsets: &self.offsets,
            log_pi: &self.log_pi,
            log_pi_0: (!self.log_pi_0.is_empty()).then_some(&self.log_pi_0),
            reward: &self.reward,
            value: None,
            final_value: None,
            terminated: &self.terminated,
        }
    }
}
