//! Distributions over actions: they draw particles, and turn a learning signal into the gradient of
//! their own parameters.

mod branches;
mod categorical;
mod draws;
mod factored;
mod head;
mod histogram;
mod hybrid;
mod kind;
mod logits;
mod mixture;
mod tanh_normal;
#[cfg(test)]
pub(crate) mod testing;

pub use categorical::Categorical;
pub use draws::Draws;
pub use factored::FactoredCategorical;
pub use head::{Abilities, Head, SharedHead};
pub use histogram::Histogram;
pub use hybrid::Hybrid;
pub use kind::{PolicyKind, PolicySettings};
pub use mixture::{BranchForm, Mixture};
pub use tanh_normal::TanhNormal;
