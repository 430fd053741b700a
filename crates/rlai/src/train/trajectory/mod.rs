//! Training on whole trajectories: no replay; M trajectories of the current policy, then an update.

mod config;
mod state;
mod trainer;

pub use config::{TrajectoryConfig, TrajectoryObjective, ValueSource};
pub use trainer::TrajectoryTrainer;
