//! Replay: the transitions an agent has seen, and uniform batches of them.
//!
//! Every observation is stored once, in single precision: the next observation of a transition is the
//! row after it. A terminated transition keeps no next observation, since nothing is bootstrapped from
//! it; a truncated one does, in a row of its own.

mod batch;
mod dataset;
mod ring;

pub use batch::Batch;
pub use dataset::{Dataset, DatasetError};
pub use ring::{ReplayBuffer, ReplayError, Transition};

#[cfg(test)]
mod tests;
