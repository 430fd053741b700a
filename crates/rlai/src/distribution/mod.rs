//! Distributions over actions: they draw particles, and turn a learning signal into the gradient of
//! their own parameters.

mod categorical;
mod draws;
mod head;
mod kind;
mod tanh_normal;

pub use categorical::Categorical;
pub use draws::Draws;
pub use head::{Abilities, Head, SharedHead};
pub use kind::{PolicyKind, PolicySettings};
pub use tanh_normal::TanhNormal;
