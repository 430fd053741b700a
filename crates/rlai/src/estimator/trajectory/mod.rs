//! Estimators over whole trajectories: weights on each step's log pi from M trajectories of the current
//! policy, without a critic.
//!
//! With l = log pi - log pi_0, soft reward `r - alpha l`, and `w = softmax_i sum_t (r/alpha - l)` over
//! the M trajectories:
//!
//! | estimator | weight on log pi of step t of trajectory i |
//! |---|---|
//! | [`ReverseKlTrajectory`] | -(R_i - b_i)/M, R the sum of soft rewards |
//! | [`ReverseKlRewardToGo`] | -(G_t - b_t)/M, G the discounted sum from t on |
//! | [`ForwardKlTrajectory`] | -w_i |
//! | [`ForwardKlKnownEvidence`] | -exp(sum_t (r/alpha - l - log Z_0))/(M p(O)) |
//! | [`VMpo`] | -softmax(A/eta) over the better half of all steps, and a trust region |
//!
//! The marginalised forms `reverse-kl-marginal` and `forward-kl-marginal` are an
//! [`ActionEstimator`](super::ActionEstimator) whose states are weighted by [`StateWeights`], or by
//! [`smooth`], a particle smoother for simulators whose state can be copied.
//!
//! Reverse signals are gradients of alpha KL(q || p(. | O)), so of -J; forward ones of KL(p(. | O) || q).

mod baseline;
mod forward_kl;
mod known_evidence;
mod particle_smoothing;
#[cfg(test)]
mod properties;
mod reverse_kl;
mod reward_to_go;
mod signal;
mod state_weights;
mod trajectories;
mod v_mpo;

pub use baseline::Baseline;
pub use forward_kl::ForwardKlTrajectory;
pub use known_evidence::ForwardKlKnownEvidence;
pub use particle_smoothing::{Moved, Simulator, Smoothed, SmoothedStep, smooth, systematic};
pub use reverse_kl::ReverseKlTrajectory;
pub use reward_to_go::ReverseKlRewardToGo;
pub use signal::TrajectorySignal;
pub use state_weights::StateWeights;
pub use trajectories::Trajectories;
pub use v_mpo::VMpo;

use super::Duals;
use crate::nn::Scalar;

/// What a trajectory estimator must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrajectoryNeeds {
    /// Smallest M for which the estimator means anything.
    pub trajectories: usize,
    /// V(s_t) of every state.
    pub values: bool,
    /// The trajectories are drawn from the old policy, which the new one is held close to.
    pub old_policy: bool,
}

impl Default for TrajectoryNeeds {
    /// One trajectory and nothing else.
    fn default() -> Self {
        Self { trajectories: 1, values: false, old_policy: false }
    }
}

/// An estimator over M trajectories.
pub trait TrajectoryEstimator<T: Scalar>: Send + Sync {
    /// The name by which users choose it.
    fn name(&self) -> &'static str;

    /// What it must be given.
    fn needs(&self) -> TrajectoryNeeds;

    /// Writes the learning signal of `trajectories`, given the dual variables, and its diagnostics.
    fn signal(
        &self,
        trajectories: &Trajectories<'_, T>,
        duals: &Duals<T>,
        signal: &mut TrajectorySignal<T>,
    );
}
