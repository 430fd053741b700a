//! Distributions over actions: they draw particles, and turn a learning signal into the gradient of
//! their own parameters.

mod beta;
mod branches;
mod categorical;
mod draws;
mod factored;
mod head;
mod histogram;
mod hybrid;
mod incomplete_beta;
mod kind;
mod logits;
mod mixture;
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
pub use histogram::Histogram;
pub use hybrid::Hybrid;
pub use kind::{PolicyKind, PolicySettings};
pub use mixture::{BranchForm, Mixture};
pub use normal::Normal;
pub use num_dual::{Dual64, DualNum};
pub use scored::{Distribution, Number, Scored};
pub use tanh_normal::TanhNormal;
