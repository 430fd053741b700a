//! Gradients from whole trajectories.

use super::TabularSubject;
use crate::estimator::Duals;
use crate::estimator::trajectory::{Trajectories, TrajectoryEstimator, TrajectorySignal};
use crate::lab::measure::{Sampler, Sizes};
use crate::lab::{Process, Table, Trajectory};
use crate::random::Stream;

/// M trajectories laid end to end, as estimators take them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    offsets: Vec<usize>,
    /// Step within its trajectory, state and action.
    pub steps: Vec<(usize, usize, usize)>,
    log_pi: Vec<f64>,
    log_pi_0: Vec<f64>,
    reward: Vec<f64>,
    value: Vec<f64>,
    terminated: Vec<bool>,
}

impl Batch {
    /// Draws `count` trajectories, with `value[[t, s]]` on each step.
    pub fn draw(&mut self, process: &Process, count: usize, value: &Table, stream: &mut Stream) {
        self.offsets.clear();
        self.offsets.push(0);
        self.steps.clear();
        self.terminated.clear();
        for room in [&mut self.log_pi, &mut self.log_pi_0, &mut self.reward, &mut self.value] {
            room.clear();
        }
        for _ in 0..count {
            self.push(&process.sample_trajectory(stream), value);
        }
    }

    fn push(&mut self, drawn: &Trajectory, value: &Table) {
        for (t, (&s, &a)) in drawn.states.iter().zip(&drawn.actions).enumerate() {
            self.steps.push((t, s, a));
            self.value.push(value[[t, s]]);
        }
        self.log_pi.extend(&drawn.log_pi);
        self.log_pi_0.extend(&drawn.log_pi_0);
        self.reward.extend(&drawn.rewards);
        self.offsets.push(self.steps.len());
        // Nothing follows the last step of the horizon either.
        self.terminated.push(true);
    }

    pub fn trajectories(&self) -> Trajectories<'_, f64> {
        Trajectories {
            offsets: &self.offsets,
            log_pi: &self.log_pi,
            log_pi_0: Some(&self.log_pi_0),
            reward: &self.reward,
            value: Some(&self.value),
            final_value: None,
            terminated: &self.terminated,
        }
    }
}

pub(super) struct TrajectorySampler<'a> {
    subject: &'a TabularSubject,
    estimator: Box<dyn TrajectoryEstimator<f64>>,
    batch: Batch,
    signal: TrajectorySignal<f64>,
}

impl<'a> TrajectorySampler<'a> {
    pub fn new(subject: &'a TabularSubject, estimator: Box<dyn TrajectoryEstimator<f64>>) -> Self {
        Self { subject, estimator, batch: Batch::default(), signal: TrajectorySignal::default() }
    }
}

impl Sampler for TrajectorySampler<'_> {
    fn draw(&mut self, stream: &mut Stream, gradient: &mut [f64]) -> Sizes {
        let process = &self.subject.process;
        self.batch.draw(process, self.subject.settings.count, &self.subject.soft.v, stream);
        let duals = Duals::temperature(process.alpha());
        self.estimator.signal(&self.batch.trajectories(), &duals, &mut self.signal);
        gradient.fill(0.0);
        for (&(_, s, a), score) in self.batch.steps.iter().zip(&self.signal.score) {
            add_score(process, s, a, self.subject.scale() * score, gradient);
        }
        Sizes { effective: Some(self.signal.effective_sample_size), states: None }
    }
}

/// Adds `weight` times the gradient of log pi(a|s) with respect to the logits.
pub(super) fn add_score(process: &Process, s: usize, a: usize, weight: f64, gradient: &mut [f64]) {
    let row = &mut gradient[s * process.actions()..(s + 1) * process.actions()];
    row[a] += weight;
    for (b, out) in row.iter_mut().enumerate() {
        *out -= weight * process.pi(s, b);
    }
}
