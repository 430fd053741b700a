//! Training: the loop of steps, updates, metrics and evaluations.

mod config;
mod metrics;
mod observer;
mod play;
mod trainer;
pub mod work;

pub use config::{
    ConfigError, CriticTarget, Objective, Schedule, Temperature, TrainConfig,
};
pub use metrics::UpdateMetrics;
pub use observer::{Evaluation, Observer, Progress, Silent, TrainingMetrics};
pub use play::play;
pub use trainer::{StopReason, TrainError, Trainer};

pub use crate::estimator::TemperatureLoss;
