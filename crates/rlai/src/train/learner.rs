use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::{Observer, StopReason, TrainError};
use crate::checkpoint::CheckpointError;

/// A run of any kind, as those see it who start it, listen to it and keep what it learned.
pub trait Learner {
    /// Trains until all steps are done or `stop` is set.
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
}
