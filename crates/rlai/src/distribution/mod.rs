//! Distributions over actions: they draw particles, and turn a learning signal into the gradient of
//! their own parameters.

mod categorical;
mod tanh_normal;

pub use categorical::Categorical;
pub use tanh_normal::{Draws, TanhNormal};
