//! Distributions over actions: they draw particles, and turn a learning signal into the gradient of
//! their own parameters.

mod tanh_normal;

pub use tanh_normal::{Draws, TanhNormal};
