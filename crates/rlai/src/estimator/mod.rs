//! The heart: estimators turn particles into a learning signal.
//!
//! An estimator knows nothing of networks, random numbers, files or optimisers. It is given
//! [`Particles`], N actions in each of B states with what is known about them, and writes a [`Signal`]:
//! a weight on each particle's log pi and, where it needs one, a gradient that flows through the
//! reparameterised action. A distribution turns the signal into the gradient of its parameters. The
//! particles themselves are constants in every score-weighted form.
//!
//! With l = log pi - log pi_0 and b = log_base, the log of the weight with which a particle stands for
//! the policy:
//!
//! | estimator | weight on log pi | gradient of the action |
//! |---|---|---|
//! | [`ReverseKlReparameterised`] | alpha/N | (alpha dl/du - dQ/du)/N |
//! | [`ReverseKlStl`], sticking the landing | 0 | (alpha dl/du - dQ/du)/N |
//! | [`ReverseKlChoiceAndPath`] | alpha/N, or 0 | (alpha dl/du - dQ/du)/N |
//! | [`ReverseKlBranches`], draws of every branch | 0 | exp(b) (alpha dl/du - dQ/du) |
//! | [`ReverseKlScore`] | exp(b) (alpha l - Q - mean over the others) | none |
//! | [`ReverseKlValueBaseline`] | exp(b) (alpha l - Q + V), V given | none |
//! | [`ReverseKlAllActions`] | exp(b) (alpha l - Q + V), V = sum exp(b) (Q - alpha l), b = log pi | none |
//! | [`ForwardKl`] | -w, or -(w - exp b); w = softmax(b + Q/alpha - l), tempered or truncated at will | none |
//! | [`ForwardKlAllActions`] | -w, b = log pi | none |
//! | [`ForwardKlDreg`], doubly reparameterised | 0 | -w (1 - w) (dQ/du/alpha - dl/du) |
//! | [`Mpo`] | -w; w = softmax(b + Q/eta) over draws of the old policy; and a trust region | none |
//! | [`Awac`] | replay action only: -exp((Q - V)/lambda), normalised or clipped | none |
//! | [`FDivergence`] | exp(b) f'(exp(b)/w) | none |
//! | [`MixedKl`] | share alpha (-w) + (1 - share) exp(b) (alpha l - Q - mean over the others) | none |
//!
//! The two for policies with branches (a mixture's components, a hybrid action's choices) also weigh the
//! log-probability of the branch alone: [`ReverseKlChoiceAndPath`] by (alpha l - Q - mean over the
//! others)/N, [`ReverseKlBranches`] by exp(b) (alpha l - Q - mean), the mean sum exp(b) (alpha l - Q). To
//! users the first is `reverse-kl`, or with weight 0 `reverse-kl-stl`, where there are branches.
//!
//! A [`Weighting`] tempers and truncates importance weights; a [`Dual`] steps a positive number, such
//! as a temperature, on the residual that a signal leaves. [`Diagnostics`] tell what the weights looked
//! like, [`KlValue`] how far two policies are apart, [`soft_optimal_values`] what the particles say of
//! the value.
//!
//! Losses are minimised. Reverse signals are gradients of alpha KL (soft actor-critic's loss), forward
//! ones of KL. Q is in reward units, alpha is explicit, weights are computed in log space.

mod diagnostics;
mod divergence;
mod dual;
mod duals;
mod f_divergence;
pub mod forward_kl;
mod kl_value;
mod mixed;
mod pareto;
mod particles;
#[cfg(test)]
mod properties;
pub mod reverse_kl;
mod signal;
mod soft_value;
#[cfg(test)]
mod testing;
pub mod trajectory;
mod weighting;
mod weights;

pub use diagnostics::Diagnostics;
pub use divergence::Divergence;
pub use dual::{
    Dual, DualState, DualStateError, TemperatureLoss, mpo_temperature_residual,
    temperature_residual, trust_region_residual,
};
pub use duals::Duals;
pub use f_divergence::FDivergence;
pub use forward_kl::{
    AdvantageWeighting, Awac, ForwardKl, ForwardKlAllActions, ForwardKlDreg, Mpo,
};
pub use kl_value::KlValue;
pub use mixed::MixedKl;
pub use pareto::ParetoK;
pub use particles::{Origin, Particles};
pub use reverse_kl::{
    ReverseKlAllActions, ReverseKlBranches, ReverseKlChoiceAndPath, ReverseKlReparameterised,
    ReverseKlScore, ReverseKlStl, ReverseKlValueBaseline,
};
pub use signal::{Signal, TrustRegion};
pub use soft_value::soft_optimal_values;
pub use weighting::{Tempering, Weighting};
pub use weights::{effective_sample_size, largest_weight, self_normalised_weights};

use crate::nn::Scalar;

/// What an estimator must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Derivatives of Q and of l = log pi - log pi_0 with respect to the pre-tanh action.
    pub action_gradients: bool,
    /// Every particle must be an independent draw from the current policy.
    pub own_samples: bool,
    /// The first particle of each state must be the action that was taken there.
    pub replay_action: bool,
    /// The particles are drawn from the old policy, which is also what the new one is held close to.
    pub old_policy: bool,
    /// The particles of a state must be all actions, each once.
    pub enumerated: bool,
    /// The particles of a state come from every branch, as many from each as planned.
    pub branches: bool,
    /// The value of each state, known apart from the particles.
    pub value: bool,
    /// Smallest N for which the estimator means anything, the replay action not counted.
    pub samples: usize,
}

impl Default for Needs {
    /// One particle of any origin, and nothing else.
    fn default() -> Self {
        Self {
            action_gradients: false,
            own_samples: false,
            replay_action: false,
            old_policy: false,
            enumerated: false,
            branches: false,
            value: false,
            samples: 1,
        }
    }
}

/// An estimator over B x N actions.
pub trait ActionEstimator<T: Scalar>: Send + Sync {
    /// The name by which users choose it.
    fn name(&self) -> &'static str;

    /// What it must be given.
    fn needs(&self) -> Needs;

    /// Writes the learning signal of `particles`, given the dual variables, and its diagnostics.
    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>);
}
