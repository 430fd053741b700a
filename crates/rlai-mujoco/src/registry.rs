//! The tasks by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rlai::env::{Environment, TaskInfo, TimeLimit};

use crate::assets::{self, AssetError};
use crate::environment::{MujocoTask, spaces};
use crate::ffi::{Library, Model};
use crate::tasks::{Ant, HalfCheetah, Hopper, Humanoid, Revision, Rules, Walker2d};

/// Steps after which an episode of any of these tasks is truncated.
pub const TIME_LIMIT: usize = 1000;

const TASKS: [(&str, &dyn Rules); 10] = [
    ("Hopper-v5", &Hopper(Revision::V5)),
    ("Walker2d-v5", &Walker2d(Revision::V5)),
    ("HalfCheetah-v5", &HalfCheetah),
    ("Ant-v5", &Ant(Revision::V5)),
    ("Humanoid-v5", &Humanoid(Revision::V5)),
    ("Hopper-v4", &Hopper(Revision::V4)),
    ("Walker2d-v4", &Walker2d(Revision::V4)),
    ("HalfCheetah-v4", &HalfCheetah),
    ("Ant-v4", &Ant(Revision::V4)),
    ("Humanoid-v4", &Humanoid(Revision::V4)),
];

/// Every task of this crate. Needs nothing installed.
pub fn tasks() -> Vec<TaskInfo> {
    let describe = |(id, rules): &(&str, &dyn Rules)| {
        let (observation, action) = spaces(&rules.shape());
        TaskInfo {
            id: (*id).to_owned(),
            observation,
            action: action.into(),
            time_limit: Some(TIME_LIMIT),
            temperature: None,
        }
    };
    TASKS.iter().map(describe).collect()
}

/// The task with this name and its time limit; none if there is no such task.
///
/// What is missing is fetched first, see [`setup`](crate::setup).
///
/// # Errors
/// When MuJoCo or the task's model cannot be had.
pub fn make(id: &str) -> Option<Result<Box<dyn Environment>, AssetError>> {
    let boxed = |task| -> Box<dyn Environment> { Box::new(TimeLimit::new(task, TIME_LIMIT)) };
    task(id).map(|task| task.map(boxed))
}

/// The task with this name, without its time limit; otherwise as [`make`].
///
/// # Errors
/// When MuJoCo or the task's model cannot be had.
pub fn make_unlimited(id: &str) -> Option<Result<Box<dyn Environment>, AssetError>> {
    let boxed = |task| -> Box<dyn Environment> { Box::new(task) };
    task(id).map(|task| task.map(boxed))
}

/// The model of the task with this name, and its simulation steps for each action.
pub(crate) fn model(id: &str) -> Option<Result<(Arc<Model>, usize), AssetError>> {
    let shape = TASKS.iter().find(|(name, _)| *name == id)?.1.shape();
    Some(shared_model(shape.model).map(|model| (model, shape.frame_skip)))
}

fn task(id: &str) -> Option<Result<MujocoTask, AssetError>> {
    let (id, rules) = *TASKS.iter().find(|(name, _)| *name == id)?;
    Some(shared_model(rules.shape().model).map(|model| MujocoTask::new(id, rules, model)))
}

/// What was opened once and serves every environment of the process.
#[derive(Default)]
struct Opened {
    library: Option<&'static Library>,
    models: BTreeMap<&'static str, Arc<Model>>,
}

static OPENED: Mutex<Opened> = Mutex::new(Opened { library: None, models: BTreeMap::new() });

/// The model of this name, compiled at the first call. MuJoCo's compiler runs under the lock.
fn shared_model(name: &'static str) -> Result<Arc<Model>, AssetError> {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(model) = opened.models.get(name) {
        return Ok(Arc::clone(model));
    }
    let files = assets::obtain(name, &mut |line| tracing::info!("{line}"))?;
    let library = match opened.library {
        Some(library) => library,
        // The library stays open as long as the program runs, so that models need no owner.
        None => Box::leak(Box::new(Library::open(&files.library)?)),
    };
    opened.library = Some(library);
    let model = Model::load(library, &files.model)?;
    opened.models.insert(name, Arc::clone(&model));
    Ok(model)
}
