//! Where the time of a training step goes.

use std::time::{Duration, Instant};

/// A part of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The task's own step, and its resets.
    Environment,
    /// The policy's action for exploration.
    Acting,
    /// What was seen, checked and put into replay.
    Replay,
    /// A batch drawn from replay and laid out for the networks.
    Batch,
    /// TD targets: actions at the next states and their values.
    Targets,
    /// The critics' update, their targets' Polyak step included.
    Critics,
    /// The policy's update.
    Policy,
    /// The temperature's update and those of other duals.
    Duals,
    /// Everything else.
    Other,
}

impl Phase {
    /// Every phase, in the order of a step.
    pub const ALL: [Self; 9] = [
        Self::Environment,
        Self::Acting,
        Self::Replay,
        Self::Batch,
        Self::Targets,
        Self::Critics,
        Self::Policy,
        Self::Duals,
        Self::Other,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Acting => "acting",
            Self::Replay => "replay",
            Self::Batch => "batch",
            Self::Targets => "targets",
            Self::Critics => "critics",
            Self::Policy => "policy",
            Self::Duals => "duals",
            Self::Other => "other",
        }
    }
}

/// The time spent in each [`Phase`] by the thread that runs the training loop.
///
/// It is off until [`start`](Self::start), and then costs a branch a phase. It reads the clock and
/// touches nothing that is computed, so it changes no bit of a run.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// When the phase in progress began.
    since: Option<Instant>,
    spent: [Duration; Phase::ALL.len()],
}

impl Profile {
    /// Forgets what was measured and begins to measure: time runs from here on.
    pub fn start(&mut self) {
        *self = Self { since: Some(Instant::now()), spent: Default::default() };
    }

    /// Measures no longer; what was measured stays.
    pub fn stop(&mut self) {
        self.since = None;
    }

    /// Time spent in a phase since [`start`](Self::start).
    pub fn spent(&self, phase: Phase) -> Duration {
        self.spent[phase as usize]
    }

    /// Time spent in all phases.
    pub fn total(&self) -> Duration {
        self.spent.iter().sum()
    }

    /// A phase ends here, and the next begins.
    #[inline]
    pub(crate) fn end(&mut self, phase: Phase) {
        if let Some(since) = &mut self.since {
            let now = Instant::now();
            self.spent[phase as usize] += now - *since;
            *since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::make_builtin;
    use crate::train::{Objective, TrainConfig, Trainer};

    #[test]
    fn measuring_changes_no_bit_and_leaves_no_phase_out() {
        let trained = |measured: bool| {
            let mut config = TrainConfig::defaults(Objective::ForwardKl, 1);
            (config.hidden, config.batch, config.learning_starts) = (vec![8], 8, 10);
            let task = || make_builtin("Pendulum-v1").unwrap();
            let mut trainer = Trainer::new(config, task(), task()).unwrap();
            if measured {
                trainer.profile().start();
            }
            for _ in 0..40 {
                trainer.advance().unwrap();
            }
            for phase in Phase::ALL {
                assert_eq!(trainer.profile().spent(phase) > Duration::ZERO, measured);
            }
            trainer.parameters_blake3()
        };
        assert_eq!(trained(true), trained(false));
    }

    #[test]
    fn phases_share_out_the_whole_time() {
        let mut profile = Profile::default();
        profile.end(Phase::Policy);
        assert_eq!(profile.total(), Duration::ZERO, "off until it is started");
        profile.start();
        let start = profile.since.unwrap();
        for phase in Phase::ALL {
            profile.end(phase);
        }
        profile.end(Phase::Critics);
        assert_eq!(profile.total(), profile.since.unwrap() - start);
        profile.stop();
        let total = profile.total();
        profile.end(Phase::Critics);
        assert_eq!(profile.total(), total);
        profile.start();
        assert_eq!(profile.total(), Duration::ZERO);
    }

    #[test]
    fn every_phase_has_a_place_of_its_own() {
        for (i, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, i, "{}", phase.name());
        }
    }
}
