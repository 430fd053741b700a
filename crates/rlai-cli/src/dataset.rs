//! Data sets on disk: what others played, to learn from, and what a policy played, to keep.
//!
//! A data set is a NumPy archive with one row a step in the order of play: `observations` `[n, O]`,
//! `actions` `[n, A]` in the task's own units, `rewards` `[n]`, `terminated` and `truncated` `[n]` (bool),
//! and, if it is known, `next_observations` `[n, O]`.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use rlai::env::{Action, BoxSpace, Environment, Space, Step, StepError};
use rlai::random::Stream;
use rlai::replay::Dataset;
use tempfile::NamedTempFile;

use crate::npy::{Array, Npz, NpzWriter, Values};

const ARRAYS: &str = "observations, actions, rewards, terminated and truncated are needed";

/// Reads a data set; whether it fits a task is for the task to say.
///
/// # Errors
/// When the file cannot be read, or an array is missing or of another type.
pub fn read(path: &Path) -> Result<Dataset> {
    read_arrays(Npz::open(path)?)
}

/// Reads the data set in an archive.
///
/// # Errors
/// As [`read`].
pub fn read_arrays<R: io::Read + io::Seek>(mut npz: Npz<R>) -> Result<Dataset> {
    let knows_next = npz.contains("next_observations");
    let rows = find(&mut npz, "rewards")?.shape.first().copied().unwrap_or(0);
    let mut floats = |name: &str, axes: usize| -> Result<Vec<f32>> {
        let array = find(&mut npz, name)?;
        expect_axes(name, &array.shape, rows, axes)?;
        array.values.into_f32().with_context(|| format!("{name} holds truth values, not numbers"))
    };
    let observations = floats("observations", 2)?;
    let actions = floats("actions", 2)?;
    let rewards = floats("rewards", 1)?;
    let next_observations = if knows_next { Some(floats("next_observations", 2)?) } else { None };
    let mut flags = |name: &str| -> Result<Vec<bool>> {
        let array = find(&mut npz, name)?;
        expect_axes(name, &array.shape, rows, 1)?;
        match array.values {
            Values::Bool(flags) => Ok(flags),
            Values::F32(_) | Values::F64(_) => bail!("{name} holds numbers: bool expected"),
        }
    };
    let (terminated, truncated) = (flags("terminated")?, flags("truncated")?);
    Ok(Dataset { observations, actions, rewards, terminated, truncated, next_observations })
}

fn find<R: io::Read + io::Seek>(npz: &mut Npz<R>, name: &str) -> Result<Array> {
    ensure!(npz.contains(name), "no array {name:?}: {ARRAYS}");
    npz.array(name)
}

/// Refuses an array of another number of axes, or without the first one in common with the others:
/// a transposed array holds as many numbers as the right one.
fn expect_axes(name: &str, shape: &[u64], rows: u64, axes: usize) -> Result<()> {
    let expected = if axes == 1 { format!("[{rows}]") } else { format!("[{rows}, width]") };
    let fits = shape.len() == axes && shape.first() == Some(&rows);
    ensure!(fits, "{name} has the shape {shape:?}: {expected} expected, a row for each reward");
    Ok(())
}

/// Opens the file that a recording to `path` grows in: what cannot be written is known before anything
/// is played. It replaces nothing.
///
/// # Errors
/// A path at which no recording can be made.
pub fn start_recording(path: &Path) -> Result<NamedTempFile> {
    ensure!(path.extension().is_some_and(|end| end == "npz"), "a name that ends in .npz expected");
    ensure!(fs::symlink_metadata(path).is_err(), "there is something of this name already");
    let folder = folder_of(path);
    ensure!(folder.is_dir(), "its folder does not exist");
    Ok(tempfile::Builder::new().prefix(".dataset-").tempfile_in(folder)?)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A task that remembers every step that was played on it.
pub struct Recording {
    env: Box<dyn Environment>,
    observation: Vec<f64>,
    steps: Steps,
}

#[derive(Default)]
struct Steps {
    observations: Vec<f64>,
    actions: Vec<f64>,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    next_observations: Vec<f64>,
}

impl Recording {
    /// Starts to record.
    pub fn new(env: Box<dyn Environment>) -> Self {
        let observation = vec![0.0; env.observation_space().dimension()];
        Self { env, observation, steps: Steps::default() }
    }

    /// Steps recorded so far.
    pub fn steps(&self) -> usize {
        self.steps.rewards.len()
    }

    /// Writes all steps as a data set into `file`, which takes its name only when it is whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, file: NamedTempFile, path: &Path) -> io::Result<()> {
        let file = self.archive(file)?;
        file.as_file().sync_all()?;
        crate::npy::readable_by_all(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder_of(path))?.sync_all()
    }

    fn archive<W: io::Write + io::Seek>(&self, file: W) -> io::Result<W> {
        let steps = &self.steps;
        let n = steps.rewards.len();
        let observation = [n, self.observation.len()];
        let action = [n, steps.actions.len() / n.max(1)];
        let mut archive = NpzWriter::new(file);
        archive.add_f64("observations", &observation, &steps.observations)?;
        archive.add_f64("actions", &action, &steps.actions)?;
        archive.add_f64("rewards", &[n], &steps.rewards)?;
        archive.add_bool("terminated", &[n], &steps.terminated)?;
        archive.add_bool("truncated", &[n], &steps.truncated)?;
        archive.add_f64("next_observations", &observation, &steps.next_observations)?;
        archive.finish()
    }
}

impl Environment for Recording {
    fn id(&self) -> &str {
        self.env.id()
    }

    fn observation_space(&self) -> &BoxSpace {
        self.env.observation_space()
    }

    fn action_space(&self) -> &Space {
        self.env.action_space()
    }

    fn time_limit(&self) -> Option<usize> {
        self.env.time_limit()
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.env.reset(random, observation)?;
        self.observation.copy_from_slice(observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let step = self.env.step(action, observation)?;
        self.steps.observations.extend(&self.observation);
        self.steps.actions.extend((0..action.len()).map(|i| action.get(i)));
        self.steps.rewards.push(step.reward);
        self.steps.terminated.push(step.terminated);
        self.steps.truncated.push(step.truncated);
        self.steps.next_observations.extend(&*observation);
        self.observation.copy_from_slice(observation);
        Ok(step)
    }

    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        self.env.set_state(qpos, qvel, observation)?;
        self.observation.copy_from_slice(observation);
        Ok(())
    }
}
