use super::{Critic, StateSource, Tabular, TabularStateWeights};
use crate::estimator::Weighting;
use crate::estimator::trajectory::Baseline;
use crate::lab::Process;
use crate::lab::measure::Refused;
use crate::lab::measure::refused::check_room;

/// An estimator on a tabular process with everything that can be chosen about it. What an estimator has
/// no use for is ignored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TabularSettings {
    /// Which estimator.
    pub estimator: Tabular,
    /// N, actions a state, where they are drawn.
    pub samples: usize,
    /// M: trajectories, or states at each step where states are drawn apart from trajectories.
    pub count: usize,
    /// What reverse KL subtracts from its returns.
    pub baseline: Baseline,
    /// Where the states of marginalised reverse KL come from.
    pub states: StateSource,
    /// How much the states of marginalised forward KL and of other divergences count.
    pub state_weights: TabularStateWeights,
    /// The values that forward KL and other divergences are given.
    pub critic: Critic,
    /// Forward KL: how the weights of actions are tempered and truncated.
    pub weighting: Weighting,
    /// Forward KL, Jensen-Shannon and alpha-divergence: subtract each action's base weight.
    pub control_variate: bool,
    /// Order of the alpha-divergence, from 0 to 1.
    pub order: f64,
    /// Share of forward KL in the mixture, from 0 to 1.
    pub share: f64,
    /// Allow what says nothing, such as self-normalised weights of a single particle.
    pub allow_degenerate: bool,
}

impl TabularSettings {
    /// This estimator with 16 actions and 16 trajectories or states, and the rest by default.
    pub fn new(estimator: Tabular) -> Self {
        Self {
            estimator,
            samples: 16,
            count: 16,
            baseline: Baseline::default(),
            states: StateSource::default(),
            state_weights: TabularStateWeights::default(),
            critic: Critic::default(),
            weighting: Weighting::default(),
            control_variate: false,
            order: 0.5,
            share: 0.5,
            allow_degenerate: false,
        }
    }

    pub(super) fn check(&self, process: &Process) -> Result<(), Refused> {
        if self.estimator.draws_actions() {
            self.check_samples()?;
        }
        if self.estimator != Tabular::ForwardKlExact {
            self.check_count()?;
        }
        check_share("divergence-order", self.order)?;
        check_share("mixed-share", self.share)?;
        let samples = if self.estimator.draws_actions() { self.samples } else { process.actions() };
        let setting = if self.counts_trajectories() { "trajectories" } else { "state-samples" };
        check_room(&[(setting, self.count), ("horizon", process.horizon()), ("samples", samples)])
    }

    /// Whether they pass only because `allow_degenerate` lets them.
    pub fn is_degenerate(&self, process: &Process) -> bool {
        let strict = Self { allow_degenerate: false, ..*self };
        self.check(process).is_ok() && strict.check(process).is_err()
    }

    fn check_samples(&self) -> Result<(), Refused> {
        let name = self.estimator.name();
        let refused = |reason| Err(Refused::new("samples", self.samples, reason));
        let leaves_one_out = match self.estimator {
            Tabular::ReverseKlScore => self.baseline == Baseline::LeaveOneOut,
            estimator => estimator == Tabular::MixedKl,
        };
        if self.samples == 0 {
            return refused("at least 1".to_owned());
        }
        if self.samples == 1 && leaves_one_out {
            return refused(format!("{name} subtracts the mean of the other samples: at least 2"));
        }
        let normalised = !self.estimator.is_marginal_reverse();
        if self.samples == 1 && normalised && !self.allow_degenerate {
            return refused(one_particle(name, "sample"));
        }
        Ok(())
    }

    fn check_count(&self) -> Result<(), Refused> {
        let (setting, fewest, reason) = self.fewest();
        if self.count == 0 {
            return Err(Refused::new(setting, 0, "at least 1"));
        }
        if self.count < fewest {
            return Err(Refused::new(setting, self.count, reason));
        }
        Ok(())
    }

    /// Whether M counts trajectories; otherwise it counts states drawn at each step.
    pub fn counts_trajectories(&self) -> bool {
        if self.estimator.is_marginal_reverse() {
            return self.states == StateSource::Trajectories;
        }
        self.estimator.is_trajectory() || self.state_weights != TabularStateWeights::Posterior
    }

    /// The fewest trajectories or states, and why.
    fn fewest(&self) -> (&'static str, usize, String) {
        let name = self.estimator.name();
        let setting = if self.counts_trajectories() { "trajectories" } else { "state-samples" };
        let weighted = self.counts_trajectories()
            && self.estimator.has_state_weights()
            && self.state_weights != TabularStateWeights::Uniform;
        if self.estimator == Tabular::ForwardKlTrajectory && !self.allow_degenerate {
            (setting, 2, one_particle(name, "trajectory"))
        } else if weighted && !self.allow_degenerate {
            (setting, 2, one_particle(self.state_weights.name(), "trajectory"))
        } else if self.estimator.is_trajectory()
            && self.estimator.has_baseline()
            && self.baseline == Baseline::LeaveOneOut
        {
            let reason = format!(
                "{name} subtracts the mean of the other trajectories: at least 2, or another baseline"
            );
            (setting, 2, reason)
        } else {
            (setting, 1, String::new())
        }
    }
}

/// Why self-normalised weights of one particle are refused.
pub(in crate::lab::measure) fn one_particle(name: &str, particle: &str) -> String {
    format!(
        "{name} divides weights by their sum, so the weight of a single {particle} is always 1 and says \
         nothing of the target (forward KL's expected gradient is then 0): at least 2"
    )
}

pub(in crate::lab::measure) fn check_share(setting: &str, value: f64) -> Result<(), Refused> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Refused::new(setting, value, "from 0 to 1"))
}
