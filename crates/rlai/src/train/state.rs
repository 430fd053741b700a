//! A run of actions as a checkpoint holds it, and back.

use std::path::Path;

use super::checkpoints::StoredReplay;
use super::episode::EpisodeState;
use super::{TrainError, Trainer};
use crate::checkpoint::{CheckpointError, Count, State};
use crate::env::Environment;
use crate::random::Stream;
use crate::replay::ReplayBuffer;

const COUNTERS: &str = "run.counters";
const ENVIRONMENT: &str = "run.environment";
const SNAPSHOT: &str = "run.environment_snapshot";
const EPISODE_STREAM: &str = "run.episode_stream";
const REPLAY: &str = "run.replay";
const EPISODE: &str = "run.episode";
const RETURNS: &str = "run.recent_returns";
const SINCE_LAST_LINE: &str = "run.since_last_line";

impl Trainer {
    /// Writes everything but networks and replay: counters, streams, moments, the episode in progress with
    /// the state of its environment, if that can be told.
    pub fn write_state(&self, state: &mut State) {
        self.agent.write_state(state);
        state.set(COUNTERS, (self.step, self.updates, self.episodes));
        state.set(ENVIRONMENT, self.env_stream.state());
        state.set(REPLAY, self.replay_stream.state());
        state.set(EPISODE, self.episode.state());
        state.set(RETURNS, &self.recent_returns);
        state.set(SINCE_LAST_LINE, &self.since_last_line);
        let playing = !self.offline && !self.episode.over;
        state.set(SNAPSHOT, playing.then(|| self.env.snapshot()).flatten());
        state.set(EPISODE_STREAM, self.env.episode_stream());
    }

    /// The replay, unless it is a data set.
    pub fn replay(&self) -> Option<&ReplayBuffer> {
        (!self.offline).then_some(&self.replay)
    }

    /// Goes on, bit for bit, from where a run of the same configuration stood. A task that cannot be put
    /// back into the middle of an episode begins a new one instead.
    ///
    /// # Errors
    /// Networks or state cannot be read, or are of another run. The trainer is then of no use.
    pub fn restore(
        &mut self,
        networks: &Path,
        state: &State,
        replay: Option<StoredReplay<'_>>,
    ) -> Result<(), TrainError> {
        self.agent.load(networks)?;
        self.agent.read_state(state)?;
        if let Some(replay) = replay {
            let StoredReplay { record, folder } = replay;
            // It was made for this run, and nothing was played yet.
            let nothing = ReplayBuffer::new(1, 1, 1, None)?;
            let empty = std::mem::replace(&mut self.replay, nothing);
            self.replay = empty.restore(record.segments.files(folder), &record.tail)?;
            self.replay.check_choices(&self.agent.action_shape().factors)?;
        }
        let counters: [Count; 3] = state.get(COUNTERS)?;
        [self.step, self.updates, self.episodes] = counters.map(|Count(count)| count);
        self.recent_returns = state.get(RETURNS)?;
        self.since_last_line = state.get(SINCE_LAST_LINE)?;
        self.replay_stream = Stream::from_state(&state.get(REPLAY)?);
        self.restore_episode(state)?;
        if !self.offline && !self.episode.over && !self.replay.is_open() {
            let reason = format!("state {EPISODE}: an episode that replay knows nothing of");
            return Err(CheckpointError::Inconsistent(reason).into());
        }
        self.env_stream = Stream::from_state(&state.get(ENVIRONMENT)?);
        Ok(())
    }

    fn restore_episode(&mut self, state: &State) -> Result<(), TrainError> {
        let stored: EpisodeState = state.get(EPISODE)?;
        self.episode.set_state(stored).ok_or_else(|| {
            let reason = format!("state {EPISODE}: of another task");
            CheckpointError::Inconsistent(reason)
        })?;
        let snapshot: Option<Vec<f64>> = state.get(SNAPSHOT)?;
        let Some(snapshot) = snapshot else {
            self.episode.over = true;
            return Ok(());
        };
        let mut observation = vec![0.0; self.episode.observation.len()];
        let mut random = self.key.stream("restored");
        let restored = self.env.restore(&snapshot, &mut random, &mut observation);
        restored.map_err(|source| TrainError::Step { step: self.step, source })?;
        if let Some(stream) = state.get::<Option<_>>(EPISODE_STREAM)? {
            self.env.set_episode_stream(&stream);
        }
        Ok(())
    }
}
