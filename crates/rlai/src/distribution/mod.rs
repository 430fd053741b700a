//! Distributions over actions: they draw particles, and turn a learning signal into the gradient of
//! their own parameters.

mod categorical;
mod draws;
mod head;
mod tanh_normal;
#[cfg(test)]
pub(crate) mod testing;

pub use categorical::Categorical;
pub use draws::Draws;
pub use head::{Abilities, Head, SharedHead};
pub use tanh_normal::TanhNormal;
