//! Distributions over actions: they draw particles, and turn a learning signal into the gradient of
//! their own parameters.

mod branches;
mod beta;
mod categorical;
mod draws;
mod factored;
mod head;
mod kind;
mod histogram;
mod hybrid;
mod logits;
mod mixture;
mod incomplete_beta;
mod normal;
mod scored;
mod tanh_normal;
#[cfg(test)]
pub(crate) mod testing;

pub use beta::Beta;
pub use categorical::Categorical;
pub use draws::Draws;
pub use factored::FactoredCategorical;
pub use head::{Abilities, Head, SharedHead};
pub use kind::{PolicyKind, PolicySettings};
pub use histogram::Histogram;
pub use hybrid::Hybrid;
pub use mixture::{BranchForm, Mixture};
pub use normal::Normal;
pub use num_dual::{Dual64, DualNum};
pub use scored::{Distribution, Number, Scored};
pub use tanh_normal::TanhNormal;
