//! Where the states of a marginalised estimator come from, and what each of them weighs.

use super::TabularSubject;
use super::trajectories::Batch;
use crate::env::StepError;
use crate::estimator::trajectory::{Moved, Simulator, StateWeights, smooth};
use crate::lab::{Process, Table, sample_states};
use crate::random::Stream;

/// Where the states come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum States {
    /// All states of all steps, weighted by p(s_t|O): nothing is drawn.
    Everywhere,
    /// M independent draws from q(s_t) at each step.
    Marginal,
    /// M independent draws from p(s_t|O) at each step.
    Posterior,
    /// The states of M trajectories, with the actions taken there.
    Taken,
    /// The states of M trajectories, weighted.
    Weighted(StateWeights),
    /// The states of a particle smoother.
    Smoothed,
}

/// A state at a step, with its weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    pub time: usize,
    pub state: usize,
    pub weight: f64,
    /// The action that was taken, where it stands for the policy like any other draw.
    pub taken: Option<usize>,
}

/// Draws visits, with room for trajectories.
pub(super) struct StateSampler<'a> {
    subject: &'a TabularSubject,
    states: States,
    batch: Batch,
    weights: Vec<f64>,
    pub visits: Vec<Visit>,
}

impl<'a> StateSampler<'a> {
    pub fn new(subject: &'a TabularSubject) -> Self {
        let (batch, weights, visits) = (Batch::default(), Vec::new(), Vec::new());
        Self { subject, states: subject.states(), batch, weights, visits }
    }

    /// Fills `visits`; tells the effective sample size of a step's states where they are weighed.
    pub fn draw(&mut self, stream: &mut Stream) -> Option<f64> {
        self.visits.clear();
        match self.states {
            States::Everywhere => self.everywhere(),
            States::Marginal => self.independent(&self.subject.marginals, stream),
            States::Posterior => self.independent(&self.subject.posterior, stream),
            States::Taken => self.weighted(StateWeights::Uniform, true, stream),
            States::Weighted(weights) => self.weighted(weights, false, stream),
            States::Smoothed => self.smoothed(stream),
        }
        let weighed = match self.states {
            States::Weighted(weights) => weights != StateWeights::Uniform,
            States::Smoothed => true,
            _ => false,
        };
        weighed.then(|| self.effective_states())
    }

    fn everywhere(&mut self) {
        let posterior = &self.subject.posterior;
        for time in 0..self.subject.process.horizon() {
            for (state, &weight) in posterior.row([time]).iter().enumerate() {
                self.visits.push(Visit { time, state, weight, taken: None });
            }
        }
    }

    fn independent(&mut self, marginals: &Table, stream: &mut Stream) {
        let count = self.subject.settings.count;
        let weight = 1.0 / count as f64;
        for time in 0..self.subject.process.horizon() {
            let drawn = sample_states(marginals, time, count, stream).into_iter().flatten();
            self.visits.extend(drawn.map(|state| Visit { time, state, weight, taken: None }));
        }
    }

    fn weighted(&mut self, kind: StateWeights, taken: bool, stream: &mut Stream) {
        let (process, subject) = (&self.subject.process, self.subject);
        self.batch.draw(process, subject.settings.count, &subject.twist, stream);
        kind.write(&self.batch.trajectories(), process.alpha(), &mut self.weights);
        let steps = self.batch.steps.iter().zip(&self.weights);
        self.visits.extend(steps.map(|(&(time, state, action), &weight)| Visit {
            time,
            state,
            weight,
            taken: taken.then_some(action),
        }));
    }

    fn smoothed(&mut self, stream: &mut Stream) {
        let process = &self.subject.process;
        let mut walk = Walk { process, twist: &self.subject.twist };
        let (count, horizon) = (self.subject.settings.count, process.horizon());
        let smoothed = smooth(&mut walk, count, horizon, process.alpha(), stream);
        let steps = smoothed.expect("a tabular process always moves").steps;
        self.visits.extend(steps.into_iter().map(|step| Visit {
            time: step.time,
            state: step.state.1,
            weight: step.weight,
            taken: None,
        }));
    }

    /// `(sum w)^2 / sum w^2` over the states of a step, mean over the steps that were reached.
    fn effective_states(&self) -> f64 {
        let (mut total, mut reached) = (0.0, 0.0);
        for time in 0..self.subject.process.horizon() {
            let at_time = self.visits.iter().filter(|visit| visit.time == time);
            let (sum, squares) = at_time.fold((0.0, 0.0), |(sum, squares), visit| {
                (sum + visit.weight, squares + visit.weight * visit.weight)
            });
            if squares > 0.0 {
                total += sum * sum / squares;
                reached += 1.0;
            }
        }
        if reached > 0.0 { total / reached } else { 0.0 }
    }
}

/// The process as a particle filter plays it: the state is the step and the state.
struct Walk<'a> {
    process: &'a Process,
    twist: &'a Table,
}

impl Simulator for Walk<'_> {
    type State = (usize, usize);
    type Action = usize;

    fn start(&mut self, stream: &mut Stream) -> Result<Self::State, StepError> {
        Ok((0, self.process.sample_start(stream)))
    }

    fn value(&mut self, &(time, state): &Self::State) -> f64 {
        self.twist[[time, state]]
    }

    fn step(
        &mut self,
        at: &mut Self::State,
        stream: &mut Stream,
    ) -> Result<Moved<usize>, StepError> {
        let (time, state) = *at;
        let action = self.process.sample_action(state, stream);
        let next = self.process.sample_next(state, action, stream);
        let next = next.filter(|_| time + 1 < self.process.horizon());
        *at = (time + 1, next.unwrap_or(state));
        Ok(Moved {
            action,
            reward: self.process.reward(state, action),
            log_ratio: self.process.log_ratio(state, action),
            ended: next.is_none(),
        })
    }
}
