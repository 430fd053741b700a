//! A trained policy with the task that it plays.

use std::path::Path;

use rlai::Policy;
use rlai::env::Environment;

use crate::error::Failure;
use crate::run_folder::RUN;
use crate::source::Source;
use crate::tasks;

/// A policy and its task's name.
pub struct Trained {
    /// The policy.
    pub policy: Policy,
    /// The task: the one that was asked for, else what the run's `run.toml` says, else the policy's own
    /// memory of it. A policy is never written again, a `run.toml` follows a file that is moved.
    pub task: String,
}

impl Trained {
    /// The policy in the folder of a run, or of its checkpoint, on the task `asked` for.
    ///
    /// # Errors
    /// No policy, or a `run.toml` that cannot be read.
    pub fn load(dir: &Path, asked: Option<&str>) -> Result<Self, Failure> {
        let policy = Policy::load(dir).map_err(Failure::input)?;
        let task = match asked {
            Some(task) => task.to_owned(),
            None => recorded_task(dir)?.unwrap_or_else(|| policy.env().to_owned()),
        };
        Ok(Self { policy, task })
    }

    /// Its task, which must have the spaces that the policy was trained with.
    ///
    /// # Errors
    /// No such task, or other spaces.
    pub fn make_env(&self) -> Result<Box<dyn Environment>, Failure> {
        let env = tasks::make_env(&self.task).map_err(|error| self.tell_of_moves(error))?;
        self.check_fit(env.as_ref())?;
        Ok(env)
    }

    /// # Errors
    /// The policy reads other observations than the task gives, or takes other actions.
    pub fn check_fit(&self, env: &dyn Environment) -> Result<(), Failure> {
        let (policy, id) = (&self.policy, &self.task);
        let (given, needed) = (env.observation_space().dimension(), policy.observation_dimension());
        if given != needed {
            return Err(Failure::input(format!(
                "env = {id:?}: the policy reads observations of {needed} numbers, the task gives {given}"
            )));
        }
        let space = env.action_space();
        let bounds = policy.action_box();
        let same = space.factors() == policy.action_shape().factors
            && space.coordinates().map_or(bounds.dimension() == 0, |own| *own == bounds);
        if same {
            return Ok(());
        }
        Err(Failure::input(format!(
            "env = {id:?}: its actions are not those of {}, on which the policy was trained",
            policy.env()
        )))
    }

    /// A file that is gone has often only moved.
    fn tell_of_moves(&self, error: Failure) -> Failure {
        match tasks::file_of(&self.task) {
            Some((kind, file)) if !file.exists() => Failure::input(format!(
                "{error}\nif it has moved, say where it is: --env {kind}:FILE, or env in the run's {RUN}"
            )),
            _ => error,
        }
    }
}

/// The task of the run in the folder; none where it is no run's.
fn recorded_task(dir: &Path) -> Result<Option<String>, Failure> {
    let path = dir.join(RUN);
    if !path.is_file() {
        return Ok(None);
    }
    let table = Source::read(&path)?.table;
    Ok(table.get("env").and_then(toml::Value::as_str).map(str::to_owned))
}
