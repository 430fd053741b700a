use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::checkpoints::StoredReplay;
use super::{Observer, StopReason, TrainError};
use crate::agent::Policy;
use crate::checkpoint::{CheckpointError, State};
use crate::replay::ReplayBuffer;

/// A run of any kind, as those see it who start it, listen to it and keep what it learned.
pub trait Learner {
    /// Trains until all steps are done or `stop` is set, also in the middle of an evaluation: that one is
    /// then due in the run's state, and is played again, the same to the last bit, when the run goes on.
    ///
    /// # Errors
    /// A simulator that fails, a number that is not finite, an observer that could not keep a line.
    /// After a number that is not finite the networks may have diverged: the last good state is what
    /// the observer was last given to keep.
    fn run(
        &mut self,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<StopReason, TrainError>;

    /// Saves networks and duals to `dir`, replacing what was saved there before.
    ///
    /// # Errors
    /// When they cannot be written.
    fn save(&self, dir: &Path) -> Result<(), CheckpointError>;

    /// Environment steps done.
    fn step(&self) -> u64;

    /// Hash of all parameters: equal runs have equal ones.
    fn parameters_blake3(&self) -> String;

    /// The policy as it stands, for its task.
    fn policy(&self) -> Policy;

    /// Writes everything that [`Learner::save`] does not keep, but replay.
    fn write_state(&self, state: &mut State);

    /// The replay that belongs to the state of the run; none if there is none, or it is a data set, which
    /// is read again.
    fn replay(&self) -> Option<&ReplayBuffer>;

    /// Goes on, bit for bit, from where a run of the same configuration stood: from what
    /// [`Learner::save`] kept in the folder `networks`, from its state and its replay.
    ///
    /// # Errors
    /// They cannot be read, or are of another run. The learner is then of no use.
    fn restore(
        &mut self,
        networks: &Path,
        state: &State,
        replay: Option<StoredReplay<'_>>,
    ) -> Result<(), TrainError>;
}

impl Learner for super::Trainer {
    fn run(
        &mut self,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<StopReason, TrainError> {
        Self::run(self, observer, stop)
    }

    fn save(&self, dir: &Path) -> Result<(), CheckpointError> {
        Self::save(self, dir)
    }

    fn step(&self) -> u64 {
        Self::step(self)
    }

    fn parameters_blake3(&self) -> String {
        Self::parameters_blake3(self)
    }

    fn policy(&self) -> Policy {
        Self::policy(self)
    }

    fn write_state(&self, state: &mut State) {
        Self::write_state(self, state);
    }

    fn replay(&self) -> Option<&ReplayBuffer> {
        Self::replay(self)
    }

    fn restore(
        &mut self,
        networks: &Path,
        state: &State,
        replay: Option<StoredReplay<'_>>,
    ) -> Result<(), TrainError> {
        Self::restore(self, networks, state, replay)
    }
}
