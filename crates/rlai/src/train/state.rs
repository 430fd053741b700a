//! A run of actions as a checkpoint holds it, and back.

use std::path::Path;

use super::checkpoints::StoredReplay;
use super::episode::Played;
use super::{TrainError, Trainer};
use crate::checkpoint::{CheckpointError, Count, State};
use crate::env::EpisodeState;
use crate::random::Stream;
use crate::replay::{ReplayBuffer, Tail};

const COUNTERS: &str = "run.counters";
const ENVIRONMENT: &str = "run.environment";
const SNAPSHOT: &str = "run.environment_snapshot";
const REPLAY: &str = "run.replay";
const EPISODE: &str = "run.episode";
const RETURNS: &str = "run.recent_returns";
const SINCE_LAST_LINE: &str = "run.since_last_line";
/// Only where one is.
const EVALUATION_DUE: &str = "run.evaluation_due";

/// What `tail` is in the ring of `empty`, if that one is larger and nothing was dropped from the smaller
/// one: then both would hold the same, and draw the same. So a run whose replay was as large as it was
/// planned to be long may go on further than planned.
fn in_larger_ring(tail: &Tail, empty: &ReplayBuffer) -> Tail {
    let as_value = |tail: &Tail| serde_json::to_value(tail).expect("plain values");
    let (mut value, larger) = (as_value(tail), as_value(&empty.tail()));
    let grows = value["capacity"].as_u64() < larger["capacity"].as_u64()
        && value["rows"].as_u64() < larger["rows"].as_u64();
    if !grows || value["held"] != value["appended"] {
        return tail.clone();
    }
    for size in ["capacity", "rows"] {
        value[size] = larger[size].clone();
    }
    serde_json::from_value(value).unwrap_or_else(|_| tail.clone())
}

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
        if self.evaluation_due {
            state.set(EVALUATION_DUE, true);
        }
        let playing = !self.offline && !self.episode.over;
        state.set(SNAPSHOT, playing.then(|| EpisodeState::of(&self.env)).flatten());
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
            let tail = in_larger_ring(&record.tail, &empty);
            self.replay = empty.restore(record.segments.files(folder), &tail)?;
            self.replay.check_choices(&self.agent.action_shape().factors)?;
        }
        let counters: [Count; 3] = state.get(COUNTERS)?;
        [self.step, self.updates, self.episodes] = counters.map(|Count(count)| count);
        self.recent_returns = state.get(RETURNS)?;
        self.since_last_line = state.get(SINCE_LAST_LINE)?;
        self.evaluation_due = state.find(EVALUATION_DUE)?.unwrap_or(false);
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
        let stored: Played = state.get(EPISODE)?;
        self.episode.set_state(stored).ok_or_else(|| {
            let reason = format!("state {EPISODE}: of another task");
            CheckpointError::Inconsistent(reason)
        })?;
        let snapshot: Option<EpisodeState> = state.get(SNAPSHOT)?;
        let Some(snapshot) = snapshot else {
            self.episode.over = true;
            return Ok(());
        };
        let mut observation = vec![0.0; self.episode.observation.len()];
        let resumed = snapshot.resume(&mut self.env, &mut observation);
        resumed.map_err(|source| TrainError::Step { step: self.step, source })
    }
}
