//! Every task by name, wherever it comes from.

use std::path::Path;

use rlai::env::{Environment, TaskInfo};
use rlai::train::ConfigError;
use rlai_mujoco::AssetError;

use crate::error::Failure;
use crate::text::did_you_mean;

/// Every task: the built-in ones, then MuJoCo's. Needs nothing installed.
pub fn all() -> Vec<TaskInfo> {
    let mut tasks = rlai::env::builtin_tasks();
    tasks.extend(rlai_mujoco::tasks());
    tasks
}

/// The task of this name with its time limit.
///
/// # Errors
/// Bad input when there is no such task, or when MuJoCo cannot be had.
pub fn make_env(id: &str) -> Result<Box<dyn Environment>, Failure> {
    make(id, rlai_mujoco::make)
}

/// The task of this name, never cut off by a time limit if it is one of MuJoCo's.
///
/// # Errors
/// As [`make_env`].
pub fn make_unlimited(id: &str) -> Result<Box<dyn Environment>, Failure> {
    make(id, rlai_mujoco::make_unlimited)
}

/// What is known of the task of this name.
///
/// # Errors
/// There is none; names the nearest.
pub fn find(id: &str) -> Result<TaskInfo, ConfigError> {
    if let Some(task) = rlai::env::make_named(id) {
        return task
            .map(|task| TaskInfo::of(task.as_ref()))
            .map_err(|error| ConfigError::new("env", format!("{id:?}"), error.to_string()));
    }
    let tasks = all();
    if let Some(task) = tasks.iter().find(|task| task.id == id) {
        return Ok(task.clone());
    }
    let names: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let hint = did_you_mean(id, &names);
    let allowed = format!("no such task{hint}; `rlai env list` names them all");
    Err(ConfigError::new("env", format!("{id:?}"), allowed))
}

/// A task's name for people: of a file below this folder the short path. A policy remembers the whole one.
pub fn shown(id: &str) -> String {
    let short = || {
        let (kind, file) = id.split_once(':')?;
        let here = std::env::current_dir().ok()?;
        let below = Path::new(file).strip_prefix(here).ok()?;
        Some(format!("{kind}:{}", below.display()))
    };
    short().unwrap_or_else(|| id.to_owned())
}

type Made = Option<Result<Box<dyn Environment>, AssetError>>;

fn make(id: &str, mujoco: fn(&str) -> Made) -> Result<Box<dyn Environment>, Failure> {
    if let Some(task) = rlai::env::make_named(id) {
        return task.map_err(Failure::input);
    }
    match mujoco(id) {
        Some(made) => made.map_err(Failure::input),
        None => Err(match find(id) {
            Err(unknown) => Failure::input(unknown),
            Ok(_) => Failure::input(format!("env = {id:?}")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_a_name_of_its_own() {
        let mut names: Vec<String> = all().into_iter().map(|task| task.id).collect();
        assert_eq!(names.len(), 18);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 18);
    }

    #[test]
    fn a_file_below_this_folder_is_shown_by_its_short_path() {
        let here = std::env::current_dir().unwrap();
        let whole = format!("grid:{}", here.join("a/b.txt").display());
        assert_eq!(shown(&whole), format!("grid:{}", Path::new("a").join("b.txt").display()));
        for same in ["Pendulum-v1", "probe:both:box", "tabular:/elsewhere/p.json"] {
            assert_eq!(shown(same), same);
        }
    }

    #[test]
    fn an_unknown_task_names_the_nearest() {
        let Err(failure) = make_env("HalfCheeta-v5") else { panic!("no such task") };
        assert!(failure.to_string().contains("did you mean HalfCheetah-v5?"), "{failure}");
        assert!(matches!(failure, Failure::Input(_)));
    }
}
