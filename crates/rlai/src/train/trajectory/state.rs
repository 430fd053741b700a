//! A run on trajectories as a checkpoint holds it, and back.

use std::path::Path;

use super::TrajectoryTrainer;
use crate::agent::trajectory::{Rollouts, RolloutsOf};
use crate::checkpoint::{CheckpointError, Count, State};
use crate::env::EpisodeState;
use crate::random::Stream;
use crate::train::TrainError;

const COUNTERS: &str = "run.counters";
const ENVIRONMENT: &str = "run.environment";
const SNAPSHOT: &str = "run.environment_snapshot";
const SMOOTHING: &str = "run.smoothing";
const BATCH: &str = "run.batch";
const EPISODE: &str = "run.episode";
const OBSERVATION: &str = "run.observation";
const RETURNS: &str = "run.recent_returns";
const SINCE_LAST_LINE: &str = "run.since_last_line";
/// Only where one is.
const EVALUATION_DUE: &str = "run.evaluation_due";

impl TrajectoryTrainer {
    /// Writes everything but networks: counters, streams, moments, the trajectories played so far, the
    /// state of the environment.
    pub fn write_state(&self, state: &mut State) {
        self.agent.write_state(state);
        state.set(COUNTERS, (self.step, self.updates, self.episodes));
        state.set(ENVIRONMENT, self.env_stream.state());
        state.set(SMOOTHING, self.smoothing_stream.state());
        state.set(BATCH, &self.batch);
        state.set(EPISODE, self.episode);
        state.set(OBSERVATION, &self.observation);
        state.set(RETURNS, &self.recent_returns);
        state.set(SINCE_LAST_LINE, &self.since_last_line);
        if self.evaluation_due {
            state.set(EVALUATION_DUE, true);
        }
        state.set(SNAPSHOT, self.episode.and_then(|_| EpisodeState::of(self.env.as_ref())));
    }

    /// Goes on, bit for bit, from where a run of the same configuration stood.
    ///
    /// # Errors
    /// Networks or state cannot be read, are of another run, or the task cannot be put back into the
    /// middle of an episode. The trainer is then of no use.
    pub fn restore(&mut self, networks: &Path, state: &State) -> Result<(), TrainError> {
        let misfit =
            |name: &str| CheckpointError::Inconsistent(format!("state {name}: of another task"));
        self.agent.load(networks)?;
        self.agent.read_state(state)?;
        let counters: [Count; 3] = state.get(COUNTERS)?;
        [self.step, self.updates, self.episodes] = counters.map(|Count(count)| count);
        self.recent_returns = state.get(RETURNS)?;
        self.since_last_line = state.get(SINCE_LAST_LINE)?;
        self.evaluation_due = state.find(EVALUATION_DUE)?.unwrap_or(false);
        self.smoothing_stream = Stream::from_state(&state.get(SMOOTHING)?);
        let batch: Rollouts = state.get(BATCH)?;
        let task = RolloutsOf {
            trajectories: self.config.trajectories,
            actions: self.env.action_space(),
            default_policy: self.env.log_default_policy().map_or(0, <[f64]>::len),
            cells: self.env.tabular().map(|task| {
                let process = task.process();
                (process.horizon(), process.states())
            }),
        };
        if !batch.fits(&self.batch, &task) {
            return Err(misfit(BATCH).into());
        }
        self.batch = batch;
        let episode: Option<(f64, Count)> = state.get(EPISODE)?;
        self.episode = episode.map(|(total, Count(length))| (total, length));
        let observation: Vec<f64> = state.get(OBSERVATION)?;
        if observation.len() != self.observation.len() {
            return Err(misfit(OBSERVATION).into());
        }
        self.observation = observation;
        for (seen, &value) in self.seen.iter_mut().zip(&self.observation) {
            *seen = value as f32;
        }
        if self.episode.is_some() {
            let snapshot: Option<EpisodeState> = state.get(SNAPSHOT)?;
            let snapshot = snapshot.ok_or_else(|| misfit(SNAPSHOT))?;
            let mut room = vec![0.0; self.observation.len()];
            let resumed = snapshot.resume(self.env.as_mut(), &mut room);
            resumed.map_err(|source| TrainError::Step { step: self.step, source })?;
        }
        self.env_stream = Stream::from_state(&state.get(ENVIRONMENT)?);
        Ok(())
    }
}
