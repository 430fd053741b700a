//! Training: the loop of steps, updates, metrics and evaluations.

pub mod checkpoints;
mod compatibility;
mod config;
mod default_policy;
mod episode;
mod estimation;
mod exploration;
mod learner;
mod metrics;
mod objective;
mod observer;
mod play;
mod profile;
mod state;
mod trainer;
mod trajectory;
pub mod work;

pub use compatibility::reason_against;
pub use config::{ConfigError, Schedule, Temperature, TemperatureTarget, TrainConfig};
pub use default_policy::DefaultPolicy;
pub use estimation::{Estimation, MpoBounds};
pub use exploration::ExplorationNoise;
pub use learner::Learner;
pub use objective::Objective;
pub use observer::{Evaluation, Observer, Progress, Silent, TrainingMetrics};
pub use play::{play, play_with};
pub use profile::{Phase, Profile};

use observer::RecentReturns;
use play::evaluate;
pub use trainer::{StopReason, TrainError, Trainer};
pub use trajectory::{TrajectoryConfig, TrajectoryObjective, TrajectoryTrainer, ValueSource};

pub use crate::critic::CriticTarget;
pub use crate::estimator::TemperatureLoss;
