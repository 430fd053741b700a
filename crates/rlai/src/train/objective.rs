use serde::{Deserialize, Serialize};

use crate::distribution::PolicyKind;

/// Which gradient updates the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Reverse KL through reparameterised samples: soft actor-critic (R5).
    ReverseKl,
    /// The same without the score's own term: sticking the landing.
    ReverseKlStl,
    /// Reverse KL with every branch of a mixture, or every choice of a hybrid action, counted exactly, and
    /// pathwise gradients within.
    ReverseKlBranches,
    /// Exact reverse KL over all choices (R4): discrete soft actor-critic.
    ReverseKlAllActions,
    /// Reverse KL by the score function with a leave-one-out baseline (R3).
    ReverseKlScore,
    /// Forward KL by self-normalised importance weights (F3).
    ForwardKl,
    /// Exact forward KL over all choices (F5): cross-entropy to the target.
    ForwardKlAllActions,
    /// Forward KL, doubly reparameterised (F6).
    ForwardKlDreg,
    /// A share of forward and the rest of reverse KL, both by scores.
    MixedKl,
    /// Jensen-Shannon divergence by importance weights.
    JensenShannon,
    /// The alpha-divergence of a chosen order, between forward and reverse KL, by importance weights.
    AlphaDivergence,
    /// Maximum a posteriori policy optimisation.
    Mpo,
    /// Advantage-weighted actor-critic: the replay's own actions, weights normalised over the states of
    /// each half of a batch.
    Awac,
    /// Advantage-weighted regression: the replay's own actions, clipped exponential weights.
    Awr,
}

impl Objective {
    /// Every objective, in the order of the documentation.
    pub const ALL: [Objective; 14] = [
        Self::ReverseKl,
        Self::ReverseKlStl,
        Self::ReverseKlScore,
        Self::ReverseKlBranches,
        Self::ReverseKlAllActions,
        Self::ForwardKl,
        Self::ForwardKlAllActions,
        Self::ForwardKlDreg,
        Self::MixedKl,
        Self::JensenShannon,
        Self::AlphaDivergence,
        Self::Mpo,
        Self::Awac,
        Self::Awr,
    ];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReverseKl => "reverse-kl",
            Self::ReverseKlStl => "reverse-kl-stl",
            Self::ReverseKlScore => "reverse-kl-score",
            Self::ReverseKlBranches => "reverse-kl-branches",
            Self::ReverseKlAllActions => "reverse-kl-all-actions",
            Self::ForwardKl => "forward-kl",
            Self::ForwardKlAllActions => "forward-kl-all-actions",
            Self::ForwardKlDreg => "forward-kl-dreg",
            Self::MixedKl => "mixed-kl",
            Self::JensenShannon => "jensen-shannon",
            Self::AlphaDivergence => "alpha-divergence",
            Self::Mpo => "mpo",
            Self::Awac => "awac",
            Self::Awr => "awr",
        }
    }

    /// Whether it is the reverse KL, whatever the estimator.
    pub fn is_reverse(self) -> bool {
        matches!(
            self,
            Self::ReverseKl
                | Self::ReverseKlStl
                | Self::ReverseKlScore
                | Self::ReverseKlBranches
                | Self::ReverseKlAllActions
        )
    }

    /// Whether the particles of a state are all actions, each once.
    pub fn lists_actions(self) -> bool {
        matches!(self, Self::ReverseKlAllActions | Self::ForwardKlAllActions)
    }

    /// As [`Objective::default_samples`], for this kind of policy: one that has branches needs more than
    /// one sample for a pathwise gradient.
    pub fn default_samples_of(self, policy: PolicyKind) -> usize {
        let branches = matches!(policy, PolicyKind::Mixture | PolicyKind::Hybrid);
        match self {
            Self::ReverseKl | Self::ReverseKlStl if branches => 8,
            _ => self.default_samples(),
        }
    }

    /// Actions sampled per state unless the user says otherwise.
    pub fn default_samples(self) -> usize {
        match self {
            Self::ReverseKl | Self::ReverseKlStl => 1,
            Self::Awac | Self::Awr => 4,
            Self::ReverseKlBranches => 8,
            _ => 16,
        }
    }

    /// Whether the estimator itself uses the temperature alpha; otherwise only a soft target does.
    pub fn uses_temperature(self) -> bool {
        !matches!(self, Self::Mpo | Self::Awac | Self::Awr)
    }

    /// Whether the action that was taken is a particle besides the samples.
    pub fn adds_replay_action(self) -> bool {
        matches!(self, Self::Awac | Self::Awr)
    }

    /// What to say of too few samples.
    pub(super) fn too_few_samples(self) -> &'static str {
        match self {
            Self::ReverseKlScore | Self::MixedKl => {
                "at least 2 (the leave-one-out baseline needs another sample)"
            }
            Self::ReverseKlBranches => "at least 1 for every branch",
            Self::ForwardKl | Self::ForwardKlDreg => {
                "at least 2 for forward-kl (with 1 its expected gradient is zero)"
            }
            Self::JensenShannon | Self::AlphaDivergence | Self::Mpo => {
                "at least 2 (one weight is always one)"
            }
            _ => "at least 1",
        }
    }
}
