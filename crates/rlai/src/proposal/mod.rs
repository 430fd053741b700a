//! Where the N actions of a state come from: samples and the log of the weight with which each stands
//! for the policy. Nothing else of an estimator depends on it.
//!
//! The N particles of a state are laid out in segments: the action that was taken there (if wanted), a
//! segment for each Gaussian component, and a segment of uniform draws (if wanted). All but the first
//! are weighted against the mixture that they were drawn from, each component with the share of its
//! segment (the balance heuristic, Veach and Guibas 1995; a uniform share is the defensive mixture of
//! Owen and Zhou 2000): `log_base = log pi - log mu - log N`. The stored action is weighted against the
//! density of the policy that took it. Each part stands for its share of the policy, so their sum does.

mod mixture;
mod noise;
mod segments;

pub(crate) use mixture::before_tanh;
pub use mixture::{MixtureSampler, Replayed, shifted_means};
pub use noise::{MOST_LOW_DISCREPANCY_DIMENSIONS, Noise};
pub use segments::Segments;

use serde::{Deserialize, Serialize};

/// Which Gaussians the actions of a state are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The policy.
    #[default]
    Policy,
    /// Half from the policy, half from the policy with its mean shifted along the critic's gradient.
    Shifted,
    /// The target policy: the policy as it was some updates ago.
    TargetPolicy,
}

impl Source {
    /// Every source, in the order of the documentation.
    pub const ALL: [Source; 3] = [Self::Policy, Self::Shifted, Self::TargetPolicy];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Shifted => "shifted",
            Self::TargetPolicy => "target-policy",
        }
    }
}

/// How the N actions of a state are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Proposal {
    /// The Gaussians.
    pub source: Source,
    /// Share of the actions that are uniform on the box, 0 for none.
    pub uniform: f64,
    /// Whether the first action is the one that was taken in the state.
    pub replay: bool,
    /// The base noise.
    pub noise: Noise,
}

impl Proposal {
    /// Whether all actions are independent draws of the current policy.
    pub fn is_policy(&self) -> bool {
        *self == Self::default()
    }
}
