use rlai::Trainer;
use rlai::env::{ActionShape, Environment};
use rlai::nn::ProductShape;
use rlai::train::{ConfigError, TrainConfig, work};
use serde::Serialize;

use crate::error::Failure;
use crate::settings::Settings;
use crate::spec::{Method, RunSpec};
use crate::tasks;

/// One configuration to measure.
pub struct Case {
    pub env: String,
    pub config: TrainConfig,
}

/// A case as every report names it, but for its threads.
#[derive(Debug, Serialize)]
pub struct Sizes {
    env: String,
    objective: &'static str,
    samples: usize,
    batch: usize,
    hidden: Vec<usize>,
}

/// What an update of a case needs.
pub struct Work {
    /// Billions of floating-point operations.
    pub gflop: f64,
    /// Its larger products.
    pub shapes: Vec<ProductShape>,
}

impl Case {
    /// # Errors
    /// What `rlai train` refuses.
    pub fn check(settings: &Settings) -> Result<Self, ConfigError> {
        let spec = RunSpec::check(settings)?;
        let Method::Actions(config) = spec.method else {
            unreachable!("it is not on trajectories")
        };
        Ok(Self { env: spec.env, config })
    }

    /// A run that has not started.
    ///
    /// # Errors
    /// A task that cannot be had, or does not suit.
    pub fn trainer(&self) -> Result<Trainer, Failure> {
        let (env, evaluation_env) = (tasks::make_env(&self.env)?, tasks::make_env(&self.env)?);
        Trainer::new(self.config.clone(), env, evaluation_env).map_err(Failure::input)
    }

    /// The work of an update.
    ///
    /// # Errors
    /// A task that cannot be had, or a distribution that does not suit it.
    pub fn work(&self) -> Result<Work, Failure> {
        let env = tasks::make_env(&self.env)?;
        let observation = env.observation_space().dimension();
        let actions = ActionShape::from(env.action_space());
        let head = self.config.policy.head::<f32>(&actions).map_err(Failure::input)?;
        let outputs = head.parameters_per_state();
        Ok(Work {
            gflop: work::gflop_per_update(&self.config, observation, &actions, outputs),
            shapes: work::product_shapes(&self.config, observation, &actions),
        })
    }

    pub fn sizes(&self) -> Sizes {
        let TrainConfig { objective, samples, batch, ref hidden, .. } = self.config;
        let (objective, hidden) = (objective.name(), hidden.clone());
        Sizes { env: self.env.clone(), objective, samples, batch, hidden }
    }
}

/// In one line.
impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { env, objective, samples, batch, hidden } = self;
        let hidden = hidden.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
        write!(f, "{env} · {objective} · N = {samples} · batch {batch} · {hidden}")
    }
}
