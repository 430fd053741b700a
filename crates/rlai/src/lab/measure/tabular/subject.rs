use super::actions::MarginalSampler;
use super::states::States;
use super::trajectories::TrajectorySampler;
use super::{Critic, StateSource, Tabular, TabularSettings, TabularStateWeights, exact};
use crate::estimator::trajectory::{
    ForwardKlKnownEvidence, ForwardKlTrajectory, ReverseKlRewardToGo, ReverseKlTrajectory,
    StateWeights, TrajectoryEstimator,
};
use crate::lab::measure::refused::check_exact;
use crate::lab::measure::{Refused, Sampler, Subject};
use crate::lab::posterior::Posterior;
use crate::lab::{Exact, Process, Table, Values, state_marginals};

/// An estimator on a tabular process, with everything exact that it may be given.
pub struct TabularSubject {
    /// The process, Z0 made part of its rewards: then the soft return knows of it, also where
    /// trajectories end early.
    pub(super) process: Process,
    pub(super) settings: TabularSettings,
    pub(super) exact: Vec<f64>,
    pub(super) log_evidence: f64,
    /// The policy's soft values, reward units.
    pub(super) soft: Values,
    /// Values that forward forms are given, reward units `[H, S, A]`.
    pub(super) critic: Table,
    /// alpha Vhat_t(s), reward units `[H, S]`.
    pub(super) twist: Table,
    /// q(s_t) `[H, S]`.
    pub(super) marginals: Table,
    /// p(s_t|O) `[H, S]`.
    pub(super) posterior: Table,
}

impl TabularSubject {
    /// An estimator on a process.
    ///
    /// # Errors
    /// Settings with which the estimator means nothing; an exact gradient that is not finite.
    pub fn new(process: &Process, settings: &TabularSettings) -> Result<Self, Refused> {
        settings.check(process)?;
        let process = fold_normaliser(process);
        let optimal = Posterior::new(&process);
        let alpha = process.alpha();
        let scaled = |table: &Table| {
            let values = table.values().iter().map(|value| alpha * value).collect();
            Table::new(table.shape(), values)
        };
        let soft = Values::soft(&process);
        let critic = match settings.critic {
            Critic::QHat => scaled(&optimal.values.q),
            Critic::Soft => soft.q.clone(),
            Critic::Classic => Values::classic(&process).q,
        };
        let mut subject = Self {
            settings: *settings,
            exact: Vec::new(),
            log_evidence: optimal.log_evidence,
            soft,
            critic,
            twist: scaled(&optimal.values.v),
            marginals: state_marginals(&process),
            posterior: optimal.state_marginals(),
            process: process.clone(),
        };
        subject.exact = subject.exact_gradient();
        check_exact(settings.estimator.name(), &subject.exact)?;
        Ok(subject)
    }

    fn exact_gradient(&self) -> Vec<f64> {
        if let Some(divergences) = exact::divergences(&self.settings) {
            return exact::of_actions(self, &divergences);
        }
        let exact = Exact::new(&self.process);
        let forward = self.settings.estimator.is_forward();
        let gradient = if forward { exact.forward_gradient } else { exact.reverse_gradient };
        gradient.values().to_vec()
    }

    /// What turns a signal's gradient into that of a divergence in nats.
    pub(super) fn scale(&self) -> f64 {
        let estimator = self.settings.estimator;
        let nats = estimator.is_forward()
            || matches!(estimator, Tabular::JensenShannon | Tabular::AlphaDivergence);
        if nats { 1.0 } else { 1.0 / self.process.alpha() }
    }

    /// Where the states come from, and what they weigh.
    pub(super) fn states(&self) -> States {
        let settings = &self.settings;
        if settings.estimator == Tabular::ForwardKlExact {
            return States::Everywhere;
        }
        if settings.estimator.is_marginal_reverse() {
            return match settings.states {
                StateSource::Independent => States::Marginal,
                StateSource::Trajectories => States::Taken,
            };
        }
        match settings.state_weights {
            TabularStateWeights::Uniform => States::Weighted(StateWeights::Uniform),
            TabularStateWeights::FullTrajectory => States::Weighted(StateWeights::FullTrajectory),
            TabularStateWeights::Twisted => States::Weighted(StateWeights::Twisted),
            TabularStateWeights::ParticleSmoothing => States::Smoothed,
            TabularStateWeights::Posterior => States::Posterior,
        }
    }

    fn trajectory_estimator(&self) -> Option<Box<dyn TrajectoryEstimator<f64>>> {
        let baseline = self.settings.baseline;
        Some(match self.settings.estimator {
            Tabular::ReverseKlTrajectory => Box::new(ReverseKlTrajectory { baseline }),
            Tabular::ReverseKlRewardToGo => {
                Box::new(ReverseKlRewardToGo { baseline, ..ReverseKlRewardToGo::default() })
            }
            Tabular::ForwardKlTrajectory => Box::new(ForwardKlTrajectory),
            Tabular::ForwardKlKnownEvidence => {
                Box::new(ForwardKlKnownEvidence { log_evidence: self.log_evidence, log_z0: 0.0 })
            }
            _ => return None,
        })
    }
}

/// The same process with Z0 = 1: `exp(r/alpha)/Z0` is `exp((r - alpha log Z0)/alpha)`.
fn fold_normaliser(process: &Process) -> Process {
    let mut spec = process.spec().clone();
    let shift = spec.alpha * spec.z0.ln();
    spec.rewards.iter_mut().for_each(|reward| *reward -= shift);
    spec.z0 = 1.0;
    Process::new(spec).expect("rewards within bounds stay finite")
}

impl Subject for TabularSubject {
    fn shape(&self) -> [usize; 2] {
        [self.process.states(), self.process.actions()]
    }

    fn exact(&self) -> &[f64] {
        &self.exact
    }

    fn sampler(&self) -> Box<dyn Sampler + '_> {
        match self.trajectory_estimator() {
            Some(estimator) => Box::new(TrajectorySampler::new(self, estimator)),
            None => Box::new(MarginalSampler::new(self)),
        }
    }
}
