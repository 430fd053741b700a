//! From a checked configuration to something that can learn.

use std::path::Path;

use rlai::Trainer;
use rlai::checkpoint::CheckpointError;
use rlai::env::Environment;
use rlai::train::{Learner, TrainConfig, TrainError, TrajectoryTrainer};

use crate::error::Failure;
use crate::spec::{Method, RunSpec};
use crate::{dataset, tasks};

/// Everything that can be wrong about a run is found here, before its folder is created.
///
/// # Errors
/// Whatever the run lacks.
pub fn check_buildable(spec: &RunSpec) -> Result<(), Failure> {
    build_new(spec).map(drop)
}

/// A run that has not started, with the networks that it shall start from.
///
/// # Errors
/// Whatever the run lacks.
pub fn build_new(spec: &RunSpec) -> Result<Box<dyn Learner>, Failure> {
    build(spec, spec.init_from.as_deref())
}

/// A run whose networks come from its own checkpoint.
pub(super) fn build_to_restore(spec: &RunSpec) -> Result<Box<dyn Learner>, Failure> {
    build(spec, None)
}

fn build(spec: &RunSpec, init_from: Option<&Path>) -> Result<Box<dyn Learner>, Failure> {
    let env = tasks::make_env(&spec.env)?;
    let evaluation_env = tasks::make_env(&spec.env)?;
    match &spec.method {
        Method::Actions(config) => {
            let config = config.clone();
            let mut trainer = match &spec.dataset {
                None => Trainer::new(config, env, evaluation_env).map_err(refused)?,
                Some(path) => offline(path, config, env, evaluation_env)?,
            };
            initialise(init_from, |dir| trainer.initialise_from(dir))?;
            Ok(Box::new(trainer))
        }
        Method::Trajectories(config) => {
            let mut trainer =
                TrajectoryTrainer::new(config.clone(), env, evaluation_env).map_err(refused)?;
            initialise(init_from, |dir| trainer.initialise_from(dir))?;
            Ok(Box::new(trainer))
        }
    }
}

fn refused(error: TrainError) -> Failure {
    if error.is_input() { Failure::input(error) } else { Failure::running(error) }
}

/// A run that learns from the data set in a file.
fn offline(
    path: &Path,
    config: TrainConfig,
    env: Box<dyn Environment>,
    evaluation_env: Box<dyn Environment>,
) -> Result<Trainer, Failure> {
    let bad = |reason: String| Failure::input(format!("dataset = {path:?}: {reason}"));
    let dataset = dataset::read(path).map_err(|error| bad(format!("{error:#}")))?;
    match Trainer::from_dataset(config, &dataset, env, evaluation_env) {
        Err(TrainError::Dataset(error)) => Err(bad(error.to_string())),
        made => made.map_err(refused),
    }
}

fn initialise(
    dir: Option<&Path>,
    load: impl FnOnce(&Path) -> Result<(), CheckpointError>,
) -> Result<(), Failure> {
    let Some(dir) = dir else { return Ok(()) };
    load(dir).map_err(|error| Failure::input(format!("init_from = \"{}\": {error}", dir.display())))
}
