//! Reinforcement learning as inference: policies whose update is the gradient of a divergence between
//! the policy's trajectories and the optimal ones.

pub mod agent;
pub mod checkpoint;
pub mod critic;
pub mod distribution;
pub mod env;
pub mod estimator;
pub mod nn;
pub mod random;
pub mod replay;
pub mod train;
