//! What each divergence finds on a bandit with two peaks: the exact minimisers, by quadrature, and where
//! the agent ends, which learns its critic and sees samples only.

#[path = "bimodal_bandit/exact.rs"]
mod exact;
#[path = "bimodal_bandit/trained.rs"]
mod trained;
